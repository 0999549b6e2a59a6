"""A photograph is told from an X-ray by its colours, an X-ray with a coloured note from none."""

import io

import film_samples as samples
import numpy as np
import pytest
from PIL import Image

from ceph_pipeline.images.colour import is_colourful

SKIN = (200, 150, 120)
"""80 levels between its channels."""


def film(share: float, colour: tuple[int, int, int]) -> np.ndarray:
    """An X-ray stored in colours, whose upper part is painted over."""
    grey = samples.wedge()
    rgb = np.dstack([grey, grey, grey])
    rgb[: round(share * len(grey))] = colour
    return rgb


def written(tmp_path, rgb, kind):
    content = io.BytesIO()
    Image.fromarray(rgb).save(content, kind)
    path = tmp_path / "film.png"  # the first bytes count, not the name
    path.write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP"])
@pytest.mark.parametrize(
    ("share", "colour", "expected"),
    [
        (0, SKIN, False),
        (0.12, (255, 0, 0), False),  # a stamp
        (0.28, SKIN, True),
        (1, SKIN, True),
        (1, (150, 140, 120), False),  # yellowed: 30 levels
    ],
)
def test_more_than_a_fifth_of_strong_colours_is_a_photograph(tmp_path, kind, share, colour, expected):
    assert is_colourful(written(tmp_path, film(share, colour), kind)) is expected


def test_a_palette_has_colours(tmp_path):
    content = io.BytesIO()
    Image.fromarray(film(1, SKIN)).convert("P").save(content, "PNG")
    path = tmp_path / "film.png"
    path.write_bytes(content.getvalue())
    assert is_colourful(path)


@pytest.mark.parametrize("kind", sorted(samples.SOUND))
def test_no_kind_of_grey_film_is_colourful(tmp_path, kind):
    path = samples.write(tmp_path / f"a.{kind.partition('-')[0]}", samples.SOUND[kind](samples.wedge()))
    assert not is_colourful(path)

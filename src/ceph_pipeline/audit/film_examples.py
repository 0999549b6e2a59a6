"""A few films with their named points, on which a wrong origin, scale or axis of the coordinates is visible at once."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.images.overlay_style import OUTLINE, SYMBOL_COLOUR, TRUTH_COLOUR, show_pixels
from ceph_pipeline.landmarks import Affine, known_or_own
from ceph_pipeline.landmarks.geometry import Size
from ceph_pipeline.landmarks.tables import CONSENSUS

WIDTH_INCHES = 5.2


def example_ids(images: pd.DataFrame, n: int) -> list[str]:
    """The `n` films to show: the first film of each split and of each device, then the next films of the table.

    Args:
        images: Rows of `ImageTable`.
        n: Number of films; the table may have fewer.
    """
    first = [images.drop_duplicates(column)["image_id"] for column in ("split", "machine")]
    return list(dict.fromkeys(pd.concat([*first, images["image_id"]])))[:n]


def example_points(landmarks: pd.DataFrame, image_id: str) -> pd.DataFrame:
    """The consensus of a film, or the readers' mean if there is none: `x`, `y` by landmark, without missing points."""
    rows = landmarks[landmarks["image_id"] == image_id].dropna(subset=["x", "y"])
    consensus = rows[rows["reader"] == CONSENSUS]
    return (rows if consensus.empty else consensus).groupby("landmark")[["x", "y"]].mean()


def draw_example(film: GreyImage, original: Size, points: pd.DataFrame) -> Figure:
    """A film with the symbols of its points.

    Args:
        film: Pixels `(h, w)` of any size.
        original: Width and height of the image in whose pixels the points are.
        points: `x`, `y` by landmark.
    """
    height, width = film.shape
    figure = Figure(figsize=(WIDTH_INCHES, WIDTH_INCHES * height / width))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    show_pixels(axes, film, np.zeros(2), np.array([width, height], np.float64))
    places = Affine.resize(original, (width, height))(points[["x", "y"]].to_numpy(np.float64))
    axes.plot(*places.T, ".", color=TRUTH_COLOUR, markersize=7, path_effects=OUTLINE)
    for name, place in zip(points.index, places.tolist(), strict=True):
        axes.annotate(
            plain_label(known_or_own(str(name)).symbol),
            place,
            (4, 3),
            textcoords="offset points",
            color=SYMBOL_COLOUR,
            fontsize=9,
            path_effects=OUTLINE,
        )
    return figure

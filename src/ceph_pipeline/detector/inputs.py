"""What a detector is given: files or arrays, each under the identifier of its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ceph_pipeline.images import read_image
from ceph_pipeline.landmarks.tables import IDENTIFIER

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage

    Images = Sequence[str | Path | GreyImage] | Mapping[str, str | Path | GreyImage]


class DetectorError(ValueError):
    """A detector cannot be loaded, or cannot work on what it was given."""


def pixels_of(source: Path | GreyImage) -> GreyImage:
    """The pixels of a file or an array.

    Raises:
        ImageReadError: the file is missing or damaged.
    """
    return read_image(source) if isinstance(source, Path) else source


def by_identifier(images: Images) -> dict[str, Path | GreyImage]:
    """Images under the identifiers of their rows; see `LandmarkDetector.predict`.

    Raises:
        DetectorError: two have one identifier, a name cannot be one, or an array is not grey.
    """
    named = list(images.items()) if isinstance(images, Mapping) else [_named(*entry) for entry in enumerate(images)]
    sources: dict[str, Path | GreyImage] = {}
    for name, image in named:
        source = Path(image) if isinstance(image, str | Path) else image
        what = str(source) if isinstance(source, Path) else f"image {name!r}"
        if not re.fullmatch(IDENTIFIER, name):
            raise DetectorError(f"{what}: the name {name!r} cannot be an identifier, expected {IDENTIFIER}. Rename it.")
        if name in sources:
            raise DetectorError(f"{what}: {sources[name]} has the same name {name!r}. Rename one of the two.")
        if not isinstance(source, Path) and source.ndim != 2:
            raise DetectorError(f"{what} has shape {source.shape}, expected (height, width), grey.")
        sources[name] = source
    return sources


def _named(number: int, image: str | Path | GreyImage) -> tuple[str, str | Path | GreyImage]:
    return (Path(image).stem if isinstance(image, str | Path) else f"image_{number}"), image

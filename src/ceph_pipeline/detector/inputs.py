"""What a detector is given: files or arrays, each under the identifier of its rows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ceph_pipeline.errors import CephError
from ceph_pipeline.images import read_image
from ceph_pipeline.images.header import require_film_shape
from ceph_pipeline.images.identifiers import identifiers_of, safe_identifier

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage

    Image = str | Path | GreyImage
    Images = Sequence[Image] | Mapping[str, Image]


class DetectorError(CephError, ValueError):
    """A detector cannot be loaded, or cannot work on what it was given."""


def pixels_of(source: Path | GreyImage, name: str) -> GreyImage:
    """The pixels of a file or of an array, which a message calls `name`.

    Raises:
        ImageReadError: the file is missing or damaged, or the pixels have not the shape of a film.
    """
    if isinstance(source, Path):
        return read_image(source)
    require_film_shape(source.shape[1], source.shape[0], f"image {name!r}")
    return source


def by_identifier(images: Images) -> dict[str, Path | GreyImage]:
    """Images under the identifiers of their rows; see `LandmarkDetector.predict`.

    Names of a mapping are made safe where they cannot be file names. Files of a sequence go by their names without suffix,
    those of equal names by their folders too; arrays are `image_0`, `image_1`, ….

    Raises:
        DetectorError: one file is given twice, or an array is not grey.
    """
    if isinstance(images, Mapping):
        named = [(safe_identifier(name), image) for name, image in images.items()]
    else:
        named = list(zip(_names(images), images, strict=True))
    sources: dict[str, Path | GreyImage] = {}
    for name, image in named:
        source = Path(image) if isinstance(image, str | Path) else image
        what = str(source) if isinstance(source, Path) else f"image {name!r}"
        if name in sources:
            raise DetectorError(f"{what}: {name!r} is given twice. Name each image once.")
        if not isinstance(source, Path) and source.ndim != 2:
            raise DetectorError(f"{what} has shape {source.shape}, expected (height, width), grey.")
        sources[name] = source
    return sources


def _names(images: Sequence[Image]) -> list[str]:
    """An identifier for each image of a sequence; one for both, where a file is there twice."""
    paths = [os.path.abspath(image) if isinstance(image, str | Path) else None for image in images]  # noqa: PTH100 links stay
    stems = [safe_identifier(Path(path).stem) if path else f"image_{number}" for number, path in enumerate(paths)]
    repeated = {name for name, count in Counter(stem.casefold() for stem in stems).items() if count > 1}
    clashing = {path for path, stem in zip(paths, stems, strict=True) if path and stem.casefold() in repeated}
    root = os.path.commonpath([os.path.dirname(path) for path in clashing]) if clashing else ""  # noqa: PTH120
    below = {Path(path).relative_to(root).as_posix(): path for path in clashing}
    names = {below[path]: name for name, path in identifiers_of(sorted(below)).items()}
    return [names.get(path, stem) if path else stem for path, stem in zip(paths, stems, strict=True)]

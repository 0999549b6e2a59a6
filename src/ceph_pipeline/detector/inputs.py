"""The inputs of a detector: files or arrays by identifier."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ceph_pipeline.errors import CephError
from ceph_pipeline.formats.entries import PIXEL_SIZE, is_pixel_size
from ceph_pipeline.images import ImageReadError, read_image
from ceph_pipeline.images.header import require_film_shape
from ceph_pipeline.images.identifiers import identifiers_of, safe_identifier, with_digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.images.codec import GreyImage

    Image = str | Path | GreyImage
    Images = Sequence[Image] | Mapping[str, Image]


class DetectorError(CephError, ValueError):
    """A detector cannot be loaded, or its input is invalid."""


def pixels_of(source: Path | GreyImage, name: str) -> GreyImage:
    """The pixels of a file or of an array; `name` identifies the image in messages.

    Raises:
        ImageReadError: the file is missing or damaged, the pixels do not have the shape of a film, or all pixels are equal.
    """
    what = str(source) if isinstance(source, Path) else f"image {name!r}"
    if isinstance(source, Path):
        film = read_image(source)
    else:
        require_film_shape(source.shape[1], source.shape[0], what)
        film = source
    if film.min() == film.max():
        raise ImageReadError(f"{what}: empty image: every pixel has the grey level {film.max()}. Export the film again.")
    return film


def by_identifier(images: Images) -> dict[str, Path | GreyImage]:
    """Images by the identifiers of their rows; see `LandmarkDetector.predict`.

    Names of a mapping are changed if they cannot be file names. The identifier of a file in a sequence is its name without
    suffix; files of equal names also get the names of their folders. Arrays are named `image_0`, `image_1`, ….

    Raises:
        DetectorError: a file is given twice, an image is neither a file nor a grey array of 8 or 16 bits, or a single image
            is not in a list.
    """
    if isinstance(images, str | Path):
        raise DetectorError(f"{images}: a single image, expected a list, `predict([path])`, or a mapping.")
    if isinstance(images, Mapping):
        for name in images:
            if not isinstance(name, str):
                raise DetectorError(f"{name!r}: the name of an image is of type {type(name).__name__}, expected text.")
        named = [(safe_identifier(name), image) for name, image in images.items()]
    else:
        listed = list(images)
        named = list(zip(_names(listed), listed, strict=True))
    sources: dict[str, Path | GreyImage] = {}
    for name, image in named:
        source = Path(image) if isinstance(image, str | Path) else image
        what = str(source) if isinstance(source, Path) else f"image {name!r}"
        if name in sources:
            raise DetectorError(f"{what}: {name!r} is given twice. Name each image once.")
        if not isinstance(source, Path):
            _require_grey(source, what)
        sources[name] = source
    return sources


def pixel_sizes_of(pixel_size_mm: float | Sequence[float] | None, image_ids: Sequence[str]) -> NDArray[np.float64]:
    """Millimetres per pixel of N images, `(N,)`, NaN where unknown; see `LandmarkDetector.predict`.

    Raises:
        DetectorError: the sizes are neither one number nor one number per image, or a size is impossible for an X-ray.
    """
    try:
        given = np.asarray(np.nan if pixel_size_mm is None else pixel_size_mm, dtype=np.float64)
    except (TypeError, ValueError):
        raise DetectorError(
            f"pixel_size_mm is of type {type(pixel_size_mm).__name__}: give one number, or one number per image in their order."
        ) from None
    if given.shape not in {(), (len(image_ids),)}:
        raise DetectorError(
            f"pixel_size_mm has shape {given.shape} for {len(image_ids)} images: give one number, or one number per image."
        )
    sizes = np.broadcast_to(np.where(given == 0, np.nan, given), len(image_ids))
    for image_id, size in zip(image_ids, sizes.tolist(), strict=True):
        if not (np.isnan(size) or is_pixel_size(size)):
            raise DetectorError(f"image {image_id!r}: pixel_size_mm is {size:g}, expected {PIXEL_SIZE}.")
    return sizes


def _require_grey(source: Any, what: str) -> None:
    if not isinstance(source, np.ndarray):
        raise DetectorError(
            f"{what} is of type {type(source).__name__}, expected a file or a NumPy array: give its pixels as "
            "`(height, width)` of uint8 or uint16."
        )
    if source.ndim != 2:
        raise DetectorError(f"{what} has shape {source.shape}, expected (height, width), grey.")
    if source.dtype not in (np.uint8, np.uint16):
        raise DetectorError(
            f"{what} is of {source.dtype}, expected uint8 or uint16: give the film's original grey levels, neither scaled to "
            "0–1 nor normalised, and convert them with `astype`."
        )


def _names(images: Sequence[Image]) -> list[str]:
    """An identifier for each image of a sequence; equal identifiers for repeated files."""
    paths = [os.path.abspath(image) if isinstance(image, str | Path) else None for image in images]  # noqa: PTH100 links stay
    stems = [safe_identifier(Path(path).stem) if path else f"image_{number}" for number, path in enumerate(paths)]
    names, renamed = stems, set[str]()
    while (clashing := _clashing(names, paths)) - renamed:  # a longer name may be another file's
        renamed |= clashing
        longer = _below_their_root(renamed)
        names = [longer.get(path, stem) if path else stem for path, stem in zip(paths, stems, strict=True)]
    return [with_digest(name, name) if path in clashing else name for path, name in zip(paths, names, strict=True)]


def _clashing(names: Sequence[str], paths: Sequence[str | None]) -> set[str]:
    """The files whose name equals that of another file or array, ignoring case."""
    owners = Counter(name for name, _ in {(name.casefold(), path) for name, path in zip(names, paths, strict=True)})
    return {path for name, path in zip(names, paths, strict=True) if path and owners[name.casefold()] > 1}


def _below_their_root(paths: set[str]) -> dict[str, str]:
    """Identifiers by path, built from each file's path below the files' common folder."""
    root = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    below = {Path(path).relative_to(root).as_posix(): path for path in paths}
    return {below[path]: name for name, path in identifiers_of(sorted(below)).items()}

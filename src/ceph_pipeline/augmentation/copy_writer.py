"""A worker's processing of one source: decode it, make all missing copies, and write each copy and its training copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ceph_pipeline.augmentation.kinds import Kind, Source, random_generator
from ceph_pipeline.augmentation.plan import Copy
from ceph_pipeline.augmentation.transforms import Pixels
from ceph_pipeline.errors import CephError
from ceph_pipeline.images import ImageReadError, ImageStore, RawFolder, read_header
from ceph_pipeline.images.shrink import shrink_to

BYTES_PER_PIXEL = {"png": 0.6, "jpg": 0.35, "bmp": 1.0, "npy": 1.0}
"""Upper estimate for 8 bits; measured on ISBI 2015: 0.38 as png, 0.15 as jpg of quality 95."""


class AugmentationError(CephError, RuntimeError):
    """A copy cannot be computed or written."""


@dataclass(frozen=True)
class Made:
    """A worker's result for one source."""

    source_id: str
    images: int
    size_bytes: int


@dataclass(frozen=True)
class CopyWriter:
    """Makes the copies of a source, in a worker.

    Attributes:
        raw: Raw data set with the sources.
        source_cache: Pre-resized pixels of the sources, written by ingestion.
        store: Store of the full-size copies.
        cache: Store of the pre-resized training copies.
        recipe: Kinds by name.
        seed: Seed of all random numbers.
        cache_long_side: Long side of the training copies, in pixels.
    """

    raw: RawFolder
    source_cache: ImageStore
    store: ImageStore
    cache: ImageStore
    recipe: Mapping[str, Kind]
    seed: int
    cache_long_side: int

    def space_needed(self, source: Source) -> float:
        """Upper estimate of the bytes of one copy of a source and its training copy; 16 bits take twice as much as 8."""
        width, height = source.size
        pixels = BYTES_PER_PIXEL[self.store.format] * width * height + self.cache_long_side**2
        return _bytes_per_sample(self.raw.films / source.path) * pixels

    def write_copies(self, source: Source, copies: list[Copy]) -> Made:
        """Make copies of a source; only the source and one copy are held in memory.

        Raises:
            ImageReadError: the source is missing or damaged.
            AugmentationError: the source's size differs from the images table, or a copy cannot be written.
        """
        image = self.raw.read(source.path)
        height, width = image.shape
        if (width, height) != source.size:
            raise AugmentationError(
                f"{self.raw.films / source.path}: {width} × {height} pixels, but the images table contains "
                f"{source.size[0]} × {source.size[1]}. Run ingestion again."
            )
        return Made(source.image_id, len(copies), sum(self._make(image, source, copy) for copy in copies))

    def _make(self, image: Pixels, source: Source, copy: Copy) -> int:
        rng = random_generator(self.seed, copy.source_id, copy.kind, copy.copy)
        pixels = self.recipe[copy.kind].change(source, copy.copy, rng).pixels(image)
        small = shrink_to(pixels, self.cache_long_side)
        try:
            written = self.store.write(copy.image_id, pixels)
            if pixels is image and self._share_cached(source, copy, small):
                return written
            return written + self.cache.write(copy.image_id, small)
        except (OSError, ValueError) as error:
            raise AugmentationError(
                f"{copy.image_id} of {source.path} cannot be written to {self.store.path}: {error}. Remove the cause and start "
                "again; images that are already written are kept."
            ) from error

    def _share_cached(self, source: Source, copy: Copy, small: Pixels) -> bool:
        """Link ingestion's file as the training copy of an original if it contains the same pixels; its size may differ."""
        try:
            cached = self.source_cache.read(source.image_id)
        except ImageReadError:
            return False
        same = cached.dtype == small.dtype and np.array_equal(cached, small)
        return same and self.cache.link(copy.image_id, self.source_cache, source.image_id)


def _bytes_per_sample(file: Path) -> int:
    """1 or 2, by the header; an unreadable file raises an error later, when its pixels are read."""
    try:
        return 2 if read_header(file).bits > 8 else 1
    except ImageReadError:
        return 1

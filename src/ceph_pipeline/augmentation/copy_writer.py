"""What one worker does with one source: decode once, make every copy that is missing, write each with its training copy."""

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
"""Upper estimate for 8 bits: ISBI 2015 takes 0.38 as png and 0.15 as jpg of quality 95 (measured)."""


class AugmentationError(CephError, RuntimeError):
    """A copy cannot be made or written."""


@dataclass(frozen=True)
class Made:
    """What a worker reports of one source."""

    source_id: str
    images: int
    size_bytes: int


@dataclass(frozen=True)
class CopyWriter:
    """Everything a worker needs to turn a source into its copies.

    Attributes:
        raw: Where sources are read.
        source_cache: Where ingestion has put the sources' pre-resized pixels.
        store: Where full-size copies go.
        cache: Where pre-resized training copies go.
        recipe: Kinds by name.
        seed: Of everything random.
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
        """Bytes that one copy of a source and its training copy take at most; 16 bits take twice as much as 8."""
        width, height = source.size
        pixels = BYTES_PER_PIXEL[self.store.format] * width * height + self.cache_long_side**2
        return _bytes_per_sample(self.raw.films / source.path) * pixels

    def write_copies(self, source: Source, copies: list[Copy]) -> Made:
        """Make copies of a source; memory holds the source and one copy.

        Raises:
            ImageReadError: the source is missing or damaged.
            AugmentationError: its size is not the table's, or a copy cannot be written.
        """
        image = self.raw.read(source.path)
        height, width = image.shape
        if (width, height) != source.size:
            raise AugmentationError(
                f"{self.raw.films / source.path}: {width} × {height} pixels, but the images table says "
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
                f"{copy.image_id} of {source.path} cannot be written to {self.store.path}: {error}. What is written is kept: "
                "remove the cause and start again."
            ) from error

    def _share_cached(self, source: Source, copy: Copy, small: Pixels) -> bool:
        """Make ingestion's file an original's training copy too, where it holds these pixels: it may have another size."""
        try:
            cached = self.source_cache.read(source.image_id)
        except ImageReadError:
            return False
        same = cached.dtype == small.dtype and np.array_equal(cached, small)
        return same and self.cache.link(copy.image_id, self.source_cache, source.image_id)


def _bytes_per_sample(file: Path) -> int:
    """1 or 2, by the header; a file that cannot be read is named when its pixels are."""
    try:
        return 2 if read_header(file).bits > 8 else 1
    except ImageReadError:
        return 1

"""What one worker does with one source: decode once, make every copy that is missing, write each with its training copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2

from ceph_pipeline.augmentation.changes import Pixels
from ceph_pipeline.augmentation.kinds import Kind, Source, random_generator
from ceph_pipeline.augmentation.plan import Copy
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.geometry import fitted_size


class AugmentationError(RuntimeError):
    """A copy cannot be made or written."""


@dataclass(frozen=True)
class Made:
    """What a worker reports of one source."""

    source_id: str
    images: int
    size_bytes: int


@dataclass(frozen=True)
class Darkroom:
    """Everything a worker needs to turn a source into its copies.

    Attributes:
        raw: Where sources are read.
        store: Where full-size copies go.
        cache: Where pre-resized training copies go.
        recipe: Kinds by name.
        seed: Of everything random.
        cache_long_side: Long side of the training copies, in pixels.
    """

    raw: RawFolder
    store: ImageStore
    cache: ImageStore
    recipe: Mapping[str, Kind]
    seed: int
    cache_long_side: int

    def develop(self, source: Source, copies: list[Copy]) -> Made:
        """Make copies of a source; memory holds the source and one copy.

        Raises:
            ImageReadError: the source is missing or damaged.
            AugmentationError: its size is not the table's, or a copy cannot be written.
        """
        image = self.raw.read(source.path)
        height, width = image.shape
        if (width, height) != source.size:
            raise AugmentationError(
                f"{self.raw.root / source.path}: {width} × {height} pixels, but the images table says "
                f"{source.size[0]} × {source.size[1]}. Run ingestion again."
            )
        return Made(source.image_id, len(copies), sum(self._make(image, source, copy) for copy in copies))

    def _make(self, image: Pixels, source: Source, copy: Copy) -> int:
        rng = random_generator(self.seed, copy.source_id, copy.kind, copy.copy)
        pixels = self.recipe[copy.kind].change(source, copy.copy, rng).pixels(image)
        small: Pixels = cv2.resize(pixels, fitted_size(source.size, self.cache_long_side), interpolation=cv2.INTER_AREA)
        try:
            return self.store.write(copy.image_id, pixels) + self.cache.write(copy.image_id, small)
        except (OSError, ValueError) as error:
            raise AugmentationError(
                f"{copy.image_id} of {source.path} cannot be written to {self.store.path}: {error}. What is written is kept: "
                "remove the cause and start again."
            ) from error

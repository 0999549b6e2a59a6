"""What the audit keeps of each image's pixels: a hash, a thumbnail, and its grey levels. Every image is read once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from ceph_pipeline.audit.films import FilmTone, film_tone
from ceph_pipeline.audit.perceptual_hash import WORDS, Hashes, perceptual_hash
from ceph_pipeline.audit.registration import Thumbnail, thumbnail
from ceph_pipeline.images import ImageStore
from ceph_pipeline.images.codec import GreyImage

PADDING_LEVELS = 3
"""Of 255, the image's own range; what a film shows in a line differs by more."""

LEAST_PX = 32
"""An image whose other lines are fewer is taken as it is."""


@dataclass(frozen=True)
class Signatures:
    """Of N images; 10,000 take some 300 MB.

    Attributes:
        images: Their rows of `ImageTable`.
        hashes: `(N, 4)`.
        thumbnails: N.
        tones: N.
    """

    images: pd.DataFrame
    hashes: Hashes
    thumbnails: Sequence[Thumbnail]
    tones: Sequence[FilmTone]


def sign_images(images: pd.DataFrame, store: ImageStore, n_jobs: int = 1) -> Signatures:
    """Look at every image once.

    Args:
        images: Rows of `ImageTable`; every image is in the store.
        store: Pixels of any size; a long side of some 500 is plenty.
        n_jobs: Threads; OpenCV works outside Python's lock.

    Raises:
        ImageReadError: an image is not in the store, or damaged.
    """
    found = in_threads(
        [delayed(_signature)(store, image_id) for image_id in images["image_id"].tolist()], n_jobs, "looking at films", "images"
    )
    hashes = np.array([hash_ for hash_, _, _ in found], np.uint64).reshape(len(found), WORDS)
    return Signatures(images, hashes, [small for _, small, _ in found], [tone for _, _, tone in found])


def in_threads(work: Sequence[Any], n_jobs: int, what: str, unit: str) -> list[Any]:
    """Results of joblib's delayed calls, in order, with a bar that says how far they are."""
    results: Iterable[Any] = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(work)
    return list(tqdm(results, total=len(work), desc=what, unit=f" {unit}", leave=False))


def _signature(store: ImageStore, image_id: str) -> tuple[Hashes, Thumbnail, FilmTone]:
    image = store.read(image_id)
    shown = without_padding(image)
    return perceptual_hash(shown), thumbnail(shown), film_tone(image)


def without_padding(image: GreyImage) -> GreyImage:
    """The image without rows and columns at its edges that hold one grey level, which a data set may have padded it with.

    Padding would change a hash and what two thumbnails have in common. JPEG leaves it within `PADDING_LEVELS`, except where it
    meets the film.

    Args:
        image: `(height, width)`, 8 or 16 bits.

    Returns:
        A view of it; the image itself where nothing else would be left.
    """
    tolerated = PADDING_LEVELS / 255 * float(np.ptp(image))  # of the range used: 12 bits stored in 16 are no dark image
    rows, columns = (_film_extent(lines, tolerated) for lines in (image, image.T))
    shown = image[rows, columns]
    return shown if min(shown.shape) >= LEAST_PX else image


def _film_extent(lines: GreyImage, tolerated: float) -> slice:
    """From the first to the last of some lines whose grey levels differ by more than is tolerated."""
    varied = np.flatnonzero(np.ptp(lines, axis=1) > tolerated)
    return slice(varied[0], varied[-1] + 1) if len(varied) else slice(0)

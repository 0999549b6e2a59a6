"""Signatures of images: hash, thumbnail and grey levels. Every image is read only once."""

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
"""Largest variation within a line of padding, in 255ths of the image's range; lines of a film vary more."""

LEAST_PX = 32
"""Least number of remaining lines; if fewer would remain, the image is used unchanged."""


@dataclass(frozen=True)
class Signatures:
    """Signatures of N images; 10,000 images take about 300 MB.

    Attributes:
        images: Rows of `ImageTable`.
        hashes: Perceptual hashes `(N, 4)`.
        thumbnails: N thumbnails.
        tones: N summaries of grey levels.
    """

    images: pd.DataFrame
    hashes: Hashes
    thumbnails: Sequence[Thumbnail]
    tones: Sequence[FilmTone]


def sign_images(images: pd.DataFrame, store: ImageStore, n_jobs: int = 1) -> Signatures:
    """Compute the signature of every image.

    Args:
        images: Rows of `ImageTable`; every image is in the store.
        store: Pixels of any size; a long side of about 500 is sufficient.
        n_jobs: Number of threads; OpenCV releases Python's global lock.

    Raises:
        ImageReadError: an image is missing from the store, or damaged.
    """
    found = in_threads(
        [delayed(_signature)(store, image_id) for image_id in images["image_id"].tolist()], n_jobs, "reading films", "images"
    )
    hashes = np.array([hash_ for hash_, _, _ in found], np.uint64).reshape(len(found), WORDS)
    return Signatures(images, hashes, [small for _, small, _ in found], [tone for _, _, tone in found])


def in_threads(work: Sequence[Any], n_jobs: int, what: str, unit: str) -> list[Any]:
    """Results of joblib's delayed calls, in order, with a progress bar."""
    results: Iterable[Any] = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(work)
    return list(tqdm(results, total=len(work), desc=what, unit=f" {unit}", leave=False))


def _signature(store: ImageStore, image_id: str) -> tuple[Hashes, Thumbnail, FilmTone]:
    image = store.read(image_id)
    shown = without_padding(image)
    return perceptual_hash(shown), thumbnail(shown), film_tone(image)


def without_padding(image: GreyImage) -> GreyImage:
    """The image without padding, that is without rows and columns of one grey level at its edges.

    Padding would change hashes and the overlap of thumbnails. JPEG changes the levels of padding by at most `PADDING_LEVELS`,
    except next to the film.

    Args:
        image: `(height, width)`, 8 or 16 bits.

    Returns:
        A view of the image; the image itself if nothing would remain.
    """
    tolerated = PADDING_LEVELS / 255 * float(np.ptp(image))  # relative to the used range, since 16-bit files may contain 12 bits
    rows, columns = (_film_extent(lines, tolerated) for lines in (image, image.T))
    shown = image[rows, columns]
    return shown if min(shown.shape) >= LEAST_PX else image


def _film_extent(lines: GreyImage, tolerated: float) -> slice:
    """The range from the first to the last line whose grey levels vary by more than `tolerated`."""
    varied = np.flatnonzero(np.ptp(lines, axis=1) > tolerated)
    return slice(varied[0], varied[-1] + 1) if len(varied) else slice(0)

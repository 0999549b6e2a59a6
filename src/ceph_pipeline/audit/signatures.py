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
    return perceptual_hash(image), thumbnail(image), film_tone(image)

"""Near-duplicates: pairs of images that show the same radiograph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from ceph_pipeline.audit.params import DuplicateParams
from ceph_pipeline.audit.perceptual_hash import Hashes, near_pairs, perceptual_hash
from ceph_pipeline.audit.registration import Thumbnail, likeness, thumbnail
from ceph_pipeline.images import ImageStore


def find_duplicates(images: pd.DataFrame, store: ImageStore, params: DuplicateParams, n_jobs: int = 1) -> pd.DataFrame:
    """Compare all images with each other, by hash and, where that is near, by pixels.

    Args:
        images: Rows of `ImageTable`; every image is in the store.
        store: Pixels of any size; a long side of some 500 is plenty.
        params: Limits.
        n_jobs: Threads; OpenCV works outside Python's lock.

    Returns:
        Rows of `DuplicateTable`, the same for any number of threads.

    Raises:
        ImageReadError: an image is not in the store, or damaged.
    """
    image_ids, splits = images["image_id"].to_numpy(str), images["split"].to_numpy(str)
    hashes, thumbnails = _signatures(image_ids.tolist(), store, n_jobs)
    near = near_pairs(hashes, params.max_hash_distance)
    work = [
        delayed(likeness)(thumbnails[first], np.fliplr(thumbnails[second]) if mirrored else thumbnails[second])
        for first, second, mirrored in zip(near.first, near.second, near.mirrored, strict=True)
    ]
    agreements = _in_threads(work, n_jobs, "comparing pixels", "pairs")
    table = pd.DataFrame(
        {
            "image_a": image_ids[near.first],
            "image_b": image_ids[near.second],
            "split_a": splits[near.first],
            "split_b": splits[near.second],
            "hash_distance": near.distance,
            "mirrored": near.mirrored,
            "correlation": np.round([pair.correlation for pair in agreements], 4),
            "grey_difference": np.round([pair.grey_difference for pair in agreements], 2),
        }
    )
    return table[table["correlation"] >= params.min_correlation].reset_index(drop=True)


def _signatures(image_ids: Sequence[str], store: ImageStore, n_jobs: int) -> tuple[Hashes, list[Thumbnail]]:
    """Hash and thumbnail of each image; 10,000 take some 200 MB."""
    found = _in_threads([delayed(_signature)(store, image_id) for image_id in image_ids], n_jobs, "hashing", "images")
    hashes = np.array([hash_ for hash_, _ in found], np.uint64).reshape(len(found), -1)
    return hashes, [small for _, small in found]


def _signature(store: ImageStore, image_id: str) -> tuple[Hashes, Thumbnail]:
    image = store.read(image_id)
    return perceptual_hash(image), thumbnail(image)


def _in_threads(work: Sequence[Any], n_jobs: int, what: str, unit: str) -> list[Any]:
    """Results of joblib's delayed calls, in order."""
    results = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(work)
    return list(tqdm(results, total=len(work), desc=what, unit=f" {unit}", leave=False))

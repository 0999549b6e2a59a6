"""Near-duplicates: pairs of images that show the same radiograph."""

from pathlib import Path

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray

from ceph_pipeline.artifacts.user_path import user_path
from ceph_pipeline.audit.hash_search import Candidates, near_pairs
from ceph_pipeline.audit.params import DuplicateParams
from ceph_pipeline.audit.registration import likeness
from ceph_pipeline.audit.signatures import Signatures, in_threads, sign_images
from ceph_pipeline.errors import CephError
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks.tables import read_table

IMAGES_FILE = "03_primary/images.parquet"
CACHE_FOLDER = "02_intermediate/cache"


class OtherSetError(CephError, ValueError):
    """A data set for comparison does not exist."""


def find_duplicates(signatures: Signatures, params: DuplicateParams, n_jobs: int = 1) -> pd.DataFrame:
    """Compare all images with each other, by hash and, for similar hashes, by pixels.

    Returns:
        Rows of `DuplicateTable`, the same for any number of threads.
    """
    image_ids, splits = (signatures.images[name].to_numpy(str) for name in ("image_id", "split"))
    near = _same_radiograph(signatures, near_pairs(signatures.hashes, params.max_hash_distance), params, n_jobs)
    first, second = near.pop("first"), near.pop("second")
    return pd.DataFrame(
        {
            "image_a": image_ids[first],
            "image_b": image_ids[second],
            "split_a": splits[first],
            "split_b": splits[second],
            **near,
        }
    ).reset_index(drop=True)


def find_foreign_duplicates(signatures: Signatures, params: DuplicateParams, n_jobs: int = 1) -> pd.DataFrame:
    """Compare the images with the images of other ingested data sets.

    Args:
        signatures: Signatures of this data set's images.
        params: Limits, and the data roots of the other data sets.
        n_jobs: Number of threads.

    Returns:
        Rows of `ForeignDuplicateTable`.

    Raises:
        OtherSetError: a data root has no ingested images.
        TableError: the images table of a data root is damaged.
        ImageReadError: an image is missing from the cache, or damaged.
    """
    parts = [_against(signatures, user_path(root), params, n_jobs) for root in params.other_data_roots]
    columns = ["image_id", "other_dataset", "other_image", "hash_distance", "mirrored", "correlation", "grey_difference"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _against(signatures: Signatures, root: Path, params: DuplicateParams, n_jobs: int) -> pd.DataFrame:
    if not (root / IMAGES_FILE).is_file():
        raise OtherSetError(
            f"audit.duplicates.other_data_roots: {root} has no {IMAGES_FILE}. Run ingestion there first, or remove the root."
        )
    images = read_table(root / IMAGES_FILE, ["image_id", "split", "dataset"])
    others = sign_images(images, ImageStore(str(root / CACHE_FOLDER), format="npy"), n_jobs)
    n = len(signatures.images)
    both = Signatures(
        pd.concat([signatures.images, images], ignore_index=True),
        np.concatenate([signatures.hashes, others.hashes]),
        [*signatures.thumbnails, *others.thumbnails],
        [*signatures.tones, *others.tones],
    )
    pairs = near_pairs(both.hashes, params.max_hash_distance)
    crossing = (pairs.first < n) & (pairs.second >= n)
    near = _same_radiograph(both, pairs.only(crossing), params, n_jobs)
    image_ids, datasets = (both.images[name].to_numpy(str) for name in ("image_id", "dataset"))
    first, second = near.pop("first"), near.pop("second")
    return pd.DataFrame(
        {"image_id": image_ids[first], "other_dataset": datasets[second], "other_image": image_ids[second], **near}
    )


def _same_radiograph(
    signatures: Signatures, near: Candidates, params: DuplicateParams, n_jobs: int
) -> dict[str, NDArray[np.generic]]:
    """The candidates with similar pixels after registration, as columns."""
    small = signatures.thumbnails
    work = [
        delayed(likeness)(small[first], np.fliplr(small[second]) if mirrored else small[second])
        for first, second, mirrored in zip(near.first, near.second, near.mirrored, strict=True)
    ]
    agreements = in_threads(work, n_jobs, "comparing pixels", "pairs")
    correlation = np.round(np.array([pair.correlation for pair in agreements], np.float64), 4)
    same = correlation >= params.min_correlation
    return {
        "first": near.first[same],
        "second": near.second[same],
        "hash_distance": near.distance[same],
        "mirrored": near.mirrored[same],
        "correlation": correlation[same],
        "grey_difference": np.round(np.array([pair.grey_difference for pair in agreements], np.float64), 2)[same],
    }

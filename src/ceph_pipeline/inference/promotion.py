"""Compare the registered candidate with the champion on the test images; the one with the smaller error becomes the champion."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.detector import LandmarkDetector
from ceph_pipeline.errors import CephError
from ceph_pipeline.evaluation.display import UNSURE, number
from ceph_pipeline.evaluation.errors import error_matrix, error_rows
from ceph_pipeline.evaluation.metrics import compare_tables, unit_of_all
from ceph_pipeline.inference.registry import CANDIDATE, CHAMPION, make_champion, uri_of, version_with
from ceph_pipeline.landmarks.tables import patients_of

if TYPE_CHECKING:
    from ceph_pipeline.detector import DetectorParams
    from ceph_pipeline.detector.image_set import ImageSet
    from ceph_pipeline.evaluation.params import StatisticsParams

logger = logging.getLogger(__name__)


class PromotionError(CephError, RuntimeError):
    """The candidate is not promoted to champion."""


def promote_candidate(
    name: str, images: ImageSet, truth: pd.DataFrame, detector: DetectorParams, statistics: StatisticsParams
) -> dict[str, Any]:
    """Make the candidate the champion, unless its error is larger or it lacks landmarks that the champion locates.

    If there is no champion, the candidate becomes the first one without a comparison.

    Args:
        name: The registered model.
        images: Annotated originals that neither detector was trained on: the test split.
        truth: `image_id, landmark, x, y`.
        detector: Parameters of both detectors.
        statistics: Resamples of the paired interval.

    Returns:
        The versions `candidate` and `champion` (None if there was no champion), and `promoted`. With two detectors also
        `candidate_mre` and `champion_mre` on the points that both find, and the fields of `compare_tables`.

    Raises:
        PromotionError: there is no candidate, its error is larger than the champion's, or it lacks landmarks that the champion
            locates.
    """
    candidate, champion = version_with(name, CANDIDATE), version_with(name, CHAMPION)
    if candidate is None:
        raise PromotionError(
            f"no detector is registered as candidate of {name}. `kedro run` registers the detector that it trains."
        )
    versions = {"candidate": int(candidate.version), "champion": int(champion.version) if champion else None}
    if champion is None:
        make_champion(candidate)
        logger.info("version %s becomes the first champion; there was no champion to compare it with", candidate.version)
        return {**versions, "promoted": True}
    if versions["candidate"] == versions["champion"]:
        logger.info("version %s is already the champion", champion.version)
        return {**versions, "promoted": False}
    errors = {
        alias: error_rows(_located(uri_of(version), alias, images, detector, truth), truth, images.rows, alias)
        for alias, version in ((CANDIDATE, candidate), (CHAMPION, champion))
    }
    result = {**versions, **compare_errors(errors[CANDIDATE], errors[CHAMPION], statistics)}
    if result["difference"] > 0:
        raise PromotionError(f"{sentence(result)} The champion is kept.")
    make_champion(candidate)
    logger.info("%s Version %s becomes the champion", sentence(result), candidate.version)
    return {**result, "promoted": True}


def compare_errors(candidate: pd.DataFrame, champion: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """The paired comparison on the landmarks that the champion finds.

    Args:
        candidate: Rows of `ErrorTable`, of stage `candidate`.
        champion: The same images, of stage `champion`.
        statistics: Resamples.

    Raises:
        PromotionError: the candidate lacks some of these landmarks, or the champion finds none.
    """
    unit = unit_of_all(candidate)
    new, old = error_matrix(candidate, CANDIDATE, unit), error_matrix(champion, CHAMPION, unit)
    landmarks = _located_landmarks(old)
    if not landmarks:
        raise PromotionError("the champion finds none of the annotated landmarks, so nothing can be compared.")
    if lacking := sorted(set(landmarks) - set(_located_landmarks(new))):
        raise PromotionError(
            f"the candidate does not locate {', '.join(lacking)}, but the champion does. The champion is kept. Register "
            "detectors of other landmarks under another model name: --params evaluation.registered_model=NAME."
        )
    new, old = new[landmarks], old.reindex(index=new.index, columns=landmarks)
    both = new.notna() & old.notna()
    return {
        "candidate_mre": float(np.nanmean(new.where(both))),
        "champion_mre": float(np.nanmean(old.where(both))),
        "n_landmarks": len(landmarks),
        **compare_tables(new, old, unit, patients_of(candidate, new.index), statistics),
    }


def _located_landmarks(errors: pd.DataFrame) -> list[str]:
    """Columns of an error matrix that contain at least one value."""
    return [name for name in errors.columns if errors[name].notna().any()]


def sentence(result: dict[str, Any]) -> str:
    """The comparison in words."""
    bounds = result["difference_ci95"]
    interval = f"95 % interval {bounds[0]:+.3f} to {bounds[1]:+.3f}" if bounds else UNSURE
    return (
        f"On {result['n_images']} images and {result['n_landmarks']} landmarks, candidate (version {result['candidate']}) "
        f"{number(result['candidate_mre'])}, champion (version {result['champion']}) {number(result['champion_mre'])} "
        f"{result['unit']}: difference {result['difference']:+.3f}, {interval}."
    )


def _located(uri: str, name: str, images: ImageSet, params: DetectorParams, truth: pd.DataFrame) -> pd.DataFrame:
    """A detector's points of annotated landmarks; memory holds one batch of images at a time."""
    if not images.image_ids:
        raise PromotionError("the test split has no images to compare candidate and champion on.")
    detector = LandmarkDetector.load(uri, params)
    sizes = images.rows.set_index("image_id")["pixel_size_mm"]
    parts = []
    with tqdm(total=len(images.image_ids), desc=name, unit="image") as bar:
        for start in range(0, len(images.image_ids), params.batch_size):
            chunk = images.image_ids[start : start + params.batch_size]
            pixels = {image_id: images.read(image_id) for image_id in chunk}
            parts.append(detector.predict(pixels, pixel_size_mm=sizes[chunk].tolist()))
            bar.update(len(chunk))
    points = pd.concat(parts, ignore_index=True)
    return points[points["landmark"].isin(set(truth["landmark"]))]

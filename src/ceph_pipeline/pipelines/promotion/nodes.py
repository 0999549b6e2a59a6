"""Node of the promotion pipeline."""

from typing import Any

import pandas as pd

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.images import RawFolder
from ceph_pipeline.landmarks.tables import reader_points


def promote(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    raw: RawFolder,
    cache_index: pd.DataFrame,
    params: EvaluationParams,
    detector: DetectorParams,
) -> dict[str, Any]:
    """Compare candidate and champion on the test split; the candidate becomes the champion unless its error is larger."""
    from ceph_pipeline.inference.promotion import promote_candidate

    test = images[images["split"] == "test"]
    truth = reader_points(landmarks, params.reader)
    return promote_candidate(
        params.registered_model, ImageSet.of_originals(test, raw, cache_index), truth, detector, params.statistics
    )

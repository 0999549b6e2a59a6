"""Predictions of a detector's stages for the images of a table, as rows of a `PredictionTable`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.cephalometry import as_measurement
from ceph_pipeline.cephalometry.learned import CVM_PROBABILITY, CVM_STAGE
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.detector.learned_views import learned_views, stage1_views
from ceph_pipeline.detector.located import located_in, no_predictions, prediction_rows
from ceph_pipeline.detector.refinement import predict_refined
from ceph_pipeline.detector.whole_image import predict_whole_images
from ceph_pipeline.errors import counted
from ceph_pipeline.landmarks.tables import empty_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.detector.image_set import ImageSet
    from ceph_pipeline.detector.params import DetectorParams
    from ceph_pipeline.views import Views

logger = logging.getLogger(__name__)


class WholeImageTables(NamedTuple):
    """Predictions of stage 1.

    Attributes:
        stage1: Points from the untransformed view.
        stage1_tta: Points fused from all views.
        head_outputs: Rows `image_id, output, value`: `cvm_stage` (1–6), `cvm_probability`, and measurements by key, in their own
            units. Networks without these heads add no rows, nor do lengths of images with unknown pixel size.
    """

    stage1: pd.DataFrame
    stage1_tta: pd.DataFrame
    head_outputs: pd.DataFrame


def whole_image_tables(networks: Sequence[TrainedNet], images: ImageSet, params: DetectorParams) -> WholeImageTables:
    """Points and further outputs of stage 1; each view of an image is predicted once.

    Args:
        networks: Networks of stage 1.
        images: Originals or resized images.
        params: The views and their fusion.
    """
    stage1 = stage1_views(params.views_stage1, networks)
    found = predict_whole_images(
        networks, images.read, images.image_ids, images.sizes, stage1.views, batch_size=params.batch_size
    )
    names = list(networks[0].landmarks)
    logger.info("stage 1 located %s in each of %s", counted(len(names), "landmark"), counted(len(images.image_ids), "image"))
    plain, fused = found.fused(passes=slice(1)), found.fused(params.fusion, stage1.requested)
    pixel_sizes = images.rows["pixel_size_mm"].to_numpy(np.float64)
    measurements = [as_measurement(output, values, pixel_sizes) for output, values in found.outputs.items()]
    outputs = [
        pd.DataFrame({"image_id": images.image_ids, "output": key, "value": values}).dropna() for key, values in measurements
    ]
    return WholeImageTables(
        prediction_rows(plain, images.image_ids, names, "stage1"),
        prediction_rows(fused, images.image_ids, names, "stage1_tta"),
        pd.concat([no_outputs(), *outputs], ignore_index=True),
    )


def no_outputs() -> pd.DataFrame:
    """The table of head outputs of a network that predicts landmarks only."""
    return empty_table({"image_id": str, "output": str, "value": float})


_CVM_COLUMNS = {"image_id": str, "cvm_stage": int, "probability": float}


def cvm_rows(image_ids: Sequence[str], outputs: Mapping[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Rows `image_id, cvm_stage (1–6), probability (0–1, of that stage)`; no rows without a CVM head.

    Args:
        image_ids: N images.
        outputs: `(N,)` by name, as in `WholeImagePredictions`.
    """
    if CVM_STAGE not in outputs:
        return empty_table(_CVM_COLUMNS)
    rows = {"image_id": list(image_ids), "cvm_stage": outputs[CVM_STAGE], "probability": outputs[CVM_PROBABILITY]}
    return pd.DataFrame(rows).astype(_CVM_COLUMNS)


class Start(NamedTuple):
    """The points that a refinement starts from.

    Attributes:
        points: Rows of a `PredictionTable`, of one stage.
        views: The views of the crops.
    """

    points: pd.DataFrame
    views: Views


def starts_from(stage1: pd.DataFrame, stage1_tta: pd.DataFrame, params: DetectorParams) -> dict[str, Start]:
    """The starting points of `stage2` and `stage2_tta`.

    `stage2` refines the points of the untransformed view in that view; `stage2_tta` refines the fused points in all views.
    """
    return {"stage2": Start(stage1, "single"), "stage2_tta": Start(stage1_tta, params.views_stage2)}


def refined_tables(
    networks: Sequence[TrainedNet], images: ImageSet, starts: Mapping[str, Start], params: DetectorParams
) -> dict[str, pd.DataFrame]:
    """Refined points of each stage in `starts`; each image is read once for all stages.

    Args:
        networks: Networks of stage 2.
        images: Originals.
        starts: Stage to the points that it starts from, and the views of its crops.
        params: The combination of the predictions in crops.

    Raises:
        DetectorError: the images table lacks an image of the starting points.
    """
    names = list(networks[0].landmarks)
    located = {str(name) for start in starts.values() for name in start.points["image_id"]}
    _require_known(located, set(images.image_ids))
    wanted = images.only(located)
    rows_of = {stage: dict(tuple(start.points.groupby("image_id", sort=False))) for stage, start in starts.items()}
    parts: dict[str, list[pd.DataFrame]] = {stage: [] for stage in starts}
    with tqdm(total=len(wanted.rows), desc=" and ".join(starts), unit="image") as bar:
        for image_id, pixel_size in zip(wanted.image_ids, wanted.rows["pixel_size_mm"].to_numpy(np.float64), strict=True):
            pixels = images.read(image_id)
            for stage, start in starts.items():
                if (rows := rows_of[stage].get(image_id)) is None:
                    continue
                refined = predict_refined(
                    networks,
                    [pixels],
                    located_in(rows, [image_id], names),
                    pixel_size_mm=np.array([pixel_size]),
                    params=params.refinement,
                    views=learned_views(start.views, networks),
                    batch_size=params.crop_batch_size,
                )
                parts[stage].append(prediction_rows(refined, [image_id], names, stage))
            bar.update()
    return {stage: pd.concat(tables, ignore_index=True) if tables else no_predictions() for stage, tables in parts.items()}


def _require_known(located: set[str], known: set[str]) -> None:
    if unknown := sorted(located - known):
        raise DetectorError(
            f"stage 1 predicted {unknown[0]!r}{f' and {len(unknown) - 1} more' * (len(unknown) > 1)}, missing from the images "
            "table. Run the stage1 pipeline again to predict the present data set."
        )

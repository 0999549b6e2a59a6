"""What a detector's stages find in images of a table, as rows of a `PredictionTable`."""

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
from ceph_pipeline.detector.learned_views import learned_views, looks_of
from ceph_pipeline.detector.located import located_in, no_predictions, prediction_rows
from ceph_pipeline.detector.refinement import predict_refined
from ceph_pipeline.detector.whole_image import look_at_whole
from ceph_pipeline.landmarks.tables import empty_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.detector.image_set import ImageSet
    from ceph_pipeline.detector.params import DetectorParams
    from ceph_pipeline.views import Views

logger = logging.getLogger(__name__)


class WholeImageTables(NamedTuple):
    """Stage 1's answers.

    Attributes:
        stage1: Points of a single view.
        stage1_tta: Points of all views.
        head_outputs: Rows `image_id, output, value`: `cvm_stage` (1–6), `cvm_probability`, and measurements by key, in their own
            units; no rows of a network without such heads, nor of lengths where the pixel size is unknown.
    """

    stage1: pd.DataFrame
    stage1_tta: pd.DataFrame
    head_outputs: pd.DataFrame


def whole_image_tables(networks: Sequence[TrainedNet], images: ImageSet, params: DetectorParams) -> WholeImageTables:
    """Stage 1's points and further outputs; each view of an image is looked at once.

    Args:
        networks: Of stage 1.
        images: Originals, or pre-resized copies of them.
        params: Which views, and how they are fused.
    """
    looks = looks_of(params.views_stage1, networks)
    found = look_at_whole(networks, images.read, images.image_ids, images.sizes, looks.views, batch_size=params.batch_size)
    names = list(networks[0].landmarks)
    logger.info("stage 1 located %d landmarks in each of %d images", len(names), len(images.image_ids))
    plain, fused = found.fused(looks=slice(1)), found.fused(params.fusion, looks.asked)
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
    """The table of a network that has landmarks only."""
    return empty_table({"image_id": str, "output": str, "value": float})


_CVM_COLUMNS = {"image_id": str, "cvm_stage": int, "probability": float}


def cvm_rows(image_ids: Sequence[str], outputs: Mapping[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Rows `image_id, cvm_stage (1–6), probability (0–1, of that stage)`; none of a network without such a head.

    Args:
        image_ids: N images.
        outputs: `(N,)` by name, as in `WholeImageAnswers`.
    """
    if CVM_STAGE not in outputs:
        return empty_table(_CVM_COLUMNS)
    rows = {"image_id": list(image_ids), "cvm_stage": outputs[CVM_STAGE], "probability": outputs[CVM_PROBABILITY]}
    return pd.DataFrame(rows).astype(_CVM_COLUMNS)


class Start(NamedTuple):
    """Where a refinement starts.

    Attributes:
        points: Rows of a `PredictionTable`, of one stage.
        views: Of the crops.
    """

    points: pd.DataFrame
    views: Views


def starts_from(stage1: pd.DataFrame, stage1_tta: pd.DataFrame, params: DetectorParams) -> dict[str, Start]:
    """What both stages of crops start from: the points of one view in one view, those of all views in all."""
    return {"stage2": Start(stage1, "single"), "stage2_tta": Start(stage1_tta, params.views_stage2)}


def refined_tables(
    networks: Sequence[TrainedNet], images: ImageSet, starts: Mapping[str, Start], params: DetectorParams
) -> dict[str, pd.DataFrame]:
    """Points of each stage named in `starts`, refined; an image is read once for all of them.

    Args:
        networks: Of stage 2.
        images: Originals.
        starts: Stage to the points of the stage before, and the views of their crops.
        params: What is made of the crops' answers.

    Raises:
        DetectorError: points to start from are of images that the images table does not have.
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
            f"stage 1 located {unknown[0]!r}{f' and {len(unknown) - 1} more' * (len(unknown) > 1)}, which the images table does "
            "not have. Run the stage1 pipeline again, which locates the present data set."
        )

"""Networks applied to some images, as tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.evaluation import EvaluationError, EvaluationParams, views_of
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks.tables import points_array
from ceph_pipeline.uncertainty.anatomy import sigma_array
from ceph_pipeline.views import Views

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage

    ReadImage = Callable[[str], GreyImage]


@dataclass(frozen=True)
class Subjects:
    """Images that both stages look at.

    Attributes:
        rows: `image_id, width, height, pixel_size_mm`.
        small: Pre-resized pixels, for stage 1.
        read_full: Identifier to the original pixels, for stage 2.
    """

    rows: pd.DataFrame
    small: ImageStore
    read_full: "ReadImage"


def predict_single_view(subjects: Subjects, stage1: Path, stage2: Path | None, params: EvaluationParams) -> pd.DataFrame:
    """The points of stage 1 and, where its checkpoint is given, of stage 2 from there; a `PredictionTable`."""
    whole = whole_image_points("stage1", [stage1], subjects.rows, subjects.small, "single", params)
    if stage2 is None:
        return whole
    refined = refined_points("stage2", [stage2], whole, subjects.rows, subjects.read_full, "single", params)
    return pd.concat([whole, refined], ignore_index=True)


def film_reader(raw: RawFolder, images: pd.DataFrame) -> "ReadImage":
    """Identifier to a film's pixels."""
    paths = images.set_index("image_id")["path"]
    return lambda image_id: raw.read(str(paths[image_id]))


def whole_image_points(
    stage: str, checkpoints: Sequence[Path], rows: pd.DataFrame, cache: ImageStore, views: Views, params: EvaluationParams
) -> pd.DataFrame:
    """The points of one network of stage 1 or of several together on some images, as rows of a `PredictionTable`."""
    from ceph_pipeline.detector import predict_whole
    from ceph_pipeline.detector.checkpoint import load_networks
    from ceph_pipeline.detector.forward import resolve_device
    from ceph_pipeline.detector.located import prediction_rows

    networks, image_ids = load_networks(checkpoints, "stage1", resolve_device(params.device)), rows["image_id"].tolist()
    located = predict_whole(
        networks,
        cache.read,
        image_ids,
        rows[["width", "height"]].to_numpy(),
        views_of(views),
        batch_size=params.batch_size,
        fusion=params.tta.fusion,
    )
    return prediction_rows(located, image_ids, list(networks[0].landmarks), stage)


def refined_points(
    stage: str,
    checkpoints: Sequence[Path],
    start: pd.DataFrame,
    images: pd.DataFrame,
    read_full: "ReadImage",
    views: Views,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Points refined by one network of stage 2 or by several together, as rows of a `PredictionTable`."""
    from ceph_pipeline.detector import predict_refined
    from ceph_pipeline.detector.checkpoint import load_networks
    from ceph_pipeline.detector.forward import resolve_device
    from ceph_pipeline.detector.located import prediction_rows

    networks = load_networks(checkpoints, "stage2", resolve_device(params.device))
    image_ids = [str(name) for name in start["image_id"].unique()]
    if unknown := sorted(set(image_ids) - set(images["image_id"])):
        raise EvaluationError(
            f"stage 1 located {unknown[0]!r}{f' and {len(unknown) - 1} more' * (len(unknown) > 1)}, which the images table does "
            "not have. Run the stage1 pipeline again, which locates the present data set."
        )
    landmarks, rows = list(networks[0].landmarks), images.set_index("image_id").loc[image_ids]
    located = predict_refined(
        networks,
        read_full,
        image_ids,
        points_array(start, image_ids, landmarks),
        pixel_size_mm=rows["pixel_size_mm"].to_numpy(),
        sigma_px=sigma_array(start, image_ids, landmarks),
        params=params.refinement,
        views=views_of(views),
        batch_size=params.crop_batch_size,
    )
    return prediction_rows(located, image_ids, landmarks, stage)

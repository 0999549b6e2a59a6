"""The trained detector, which predicts landmarks in X-rays."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ceph_pipeline.detector.checkpoint import TrainedNet, load_networks
from ceph_pipeline.detector.files import DetectorFiles, files_in, joined, models_folder_of
from ceph_pipeline.detector.inputs import DetectorError, by_identifier, pixel_sizes_of, pixels_of
from ceph_pipeline.detector.learned_views import learned_views, stage1_views
from ceph_pipeline.detector.located import Located, lies_outside, prediction_rows
from ceph_pipeline.detector.params import DetectorParams
from ceph_pipeline.detector.refinement import predict_refined, shared_crops
from ceph_pipeline.detector.tables import cvm_rows
from ceph_pipeline.detector.uncertainty import DetectorUncertainty, load_uncertainty
from ceph_pipeline.detector.whole_image import predict_whole_batch
from ceph_pipeline.landmarks.tables import ENSEMBLE
from ceph_pipeline.views import views_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.detector.inputs import Images
    from ceph_pipeline.images.codec import GreyImage

CHECKPOINTS = "checkpoints"
"""Name of the folder of checkpoints inside a logged model."""
_URI = re.compile(r"^(runs|models):/")
_OF_A_MODEL = re.compile(r"^(models:/[^/]+|runs:/[^/]+/[^/]+)")
_NOT_IN_STORE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's codes of an unknown model or run, and of an unknown alias."""


class Predictions(NamedTuple):
    """Predictions of a detector.

    Attributes:
        points: The table that `LandmarkDetector.predict` returns.
        cvm: `image_id, cvm_stage, probability`, from the first network of stage 1 in the untransformed view; no rows without a
            CVM head.
    """

    points: pd.DataFrame
    cvm: pd.DataFrame


class _Found(NamedTuple):
    """Results for N images: points, image sizes `(N, 2)` in px, and outputs of the other heads, `(N,)` by name."""

    located: Located
    sizes: NDArray[np.int64]
    outputs: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class LandmarkDetector:
    """Stage 1 and, if present, stage 2; several networks per stage form an ensemble, whose predictions are fused.

        detector = LandmarkDetector.load("data/06_models")
        landmarks = detector.predict(["xray_1.png", "xray_2.jpg"], pixel_size_mm=0.1)

    Attributes:
        stage1: The networks for whole images, at least one.
        stage2: The networks for crops, or none.
        params: The views and the fusion of predictions.
        uncertainty: The networks' calibrated uncertainty; without it, the points lack the columns of `judge_points`.
    """

    stage1: Sequence[TrainedNet]
    stage2: Sequence[TrainedNet] = ()
    params: DetectorParams = field(default_factory=DetectorParams)
    uncertainty: DetectorUncertainty = field(default_factory=DetectorUncertainty)

    def __post_init__(self) -> None:
        if not self.stage1:
            raise DetectorError("no network of stage 1 is given: give at least one checkpoint.")
        for name, networks in (("stage 1", self.stage1), ("stage 2", self.stage2)):
            for trained in networks:
                if trained.landmarks != self.landmarks:
                    raise DetectorError(
                        f"{name} has a network of {len(trained.landmarks)} landmarks that differ from the {len(self.landmarks)} "
                        "of the first network of stage 1, or are in another order: give checkpoints of one training."
                    )
        if self.stage2:
            try:
                shared_crops(self.stage2)
            except ValueError as error:
                raise DetectorError(str(error)) from None

    @classmethod
    def load(
        cls,
        path_or_uri: str | Path | Sequence[str | Path],
        params: DetectorParams | None = None,
    ) -> LandmarkDetector:
        """Load from a folder or from MLflow.

        A folder contains `stage1/best.ckpt` and optionally `stage2/best.ckpt` and `uncertainty.json`.

        Args:
            path_or_uri: The folder, or the URI of a logged model (`models:/…`, `runs:/…/detector`). A folder with detectors
                named by numbers, as written by the pipelines `ensemble` and `folds`, is loaded as an ensemble, and so are
                several folders. The uncertainty is read from the first folder.
            params: The views and the fusion; the untransformed view by default.

        Raises:
            DetectorError: there is no checkpoint of stage 1, or only some of several folders have a checkpoint of stage 2.
            CheckpointError: a checkpoint is damaged or contains code.
            UncertaintyError: `uncertainty.json` is damaged.
        """
        named = [path_or_uri] if isinstance(path_or_uri, str | Path) else list(path_or_uri)
        if not named:
            raise DetectorError("no folder of checkpoints is given: give at least one.")
        with tempfile.TemporaryDirectory() as scratch:
            folders = [_checkpoint_folder(name, Path(scratch) / str(number)) for number, name in enumerate(named)]
            files = joined([files_in(folder, str(name)) for name, folder in zip(named, folders, strict=True)])
            return cls.from_checkpoints(files.stage1, files.stage2, models_folder_of(folders[0]), params)

    @classmethod
    def from_checkpoints(
        cls,
        stage1: Sequence[Path],
        stage2: Sequence[Path] = (),
        uncertainty: Path | None = None,
        params: DetectorParams | None = None,
    ) -> LandmarkDetector:
        """Load from paths of checkpoints and, if given, the folder of `uncertainty.json`.

        Raises:
            DetectorError: the networks have different landmarks or crop parameters.
            CheckpointError: a checkpoint is missing, damaged, of the other stage, or contains code.
            UncertaintyError: `uncertainty.json` is damaged.
        """
        params = params or DetectorParams()
        whole, refiners = load_networks(stage1, "stage1", params), load_networks(stage2, "stage2", params)
        known = DetectorUncertainty()
        if uncertainty is not None:
            known = load_uncertainty(uncertainty, DetectorFiles(tuple(stage1), tuple(stage2)))
        return cls(whole, refiners, params, known)

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Full names of the landmarks, in order."""
        return self.stage1[0].landmarks

    @property
    def stage(self) -> str:
        """The stage of this detector's predictions in the predictions table."""
        if len(self.stage1) > 1 or len(self.stage2) > 1:
            return ENSEMBLE
        first, second = self.params.views_stage1, self.params.views_stage2
        name, views = ("stage2", second) if self.stage2 else ("stage1", first)
        plain = views_of(views) == views_of(first) == views_of("single")
        return name if plain else f"{name}_tta"

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters that the points depend on, as JSON values by dotted name."""
        return self.params.point_settings(refined=bool(self.stage2))

    def without_refinement(self) -> LandmarkDetector:
        """The same detector without stage 2."""
        return replace(self, stage2=(), uncertainty=DetectorUncertainty() if self.stage == ENSEMBLE else self.uncertainty)

    def predict(self, images: Images, *, pixel_size_mm: float | Sequence[float] | None = None) -> pd.DataFrame:
        """Predict every landmark.

        Args:
            images: Files, or arrays `(height, width)` of 8 or 16 bits, in a mapping by identifier or in a list. In a list, the
                identifier of a file is its name without suffix, and arrays are named `image_0`, `image_1`, ….
            pixel_size_mm: One size for all images, or one per image; NaN and 0 mean unknown. Radii in mm require it, and so do
                networks whose crops are given in mm.

        Returns:
            A `PredictionTable` with points in pixels of the given images and the column `flagged`. A flagged point should be
            checked by a person: it was not found, lies outside its image, or has a high calibrated uncertainty. If the
            networks have calibrated uncertainty, the table also has the other columns of `judge_points`.

        Raises:
            DetectorError: two images have the same identifier, an array has another type or shape, or a pixel size is
                impossible for an X-ray.
            ImageReadError: a file is missing or damaged, or an image does not have the shape of a film.
        """
        return self.predict_with_cvm(images, pixel_size_mm=pixel_size_mm).points

    def predict_with_cvm(self, images: Images, *, pixel_size_mm: float | Sequence[float] | None = None) -> Predictions:
        """Predict every landmark as `predict` does, and the CVM stage from the same forward pass on the whole image."""
        sources = by_identifier(images)
        pixel_sizes = pixel_sizes_of(pixel_size_mm, list(sources))
        located, sizes, outputs = self._locate(sources, pixel_sizes)
        points = prediction_rows(located, list(sources), list(self.landmarks), self.stage)
        judged = self.uncertainty.judge(points, dict(zip(sources, pixel_sizes.tolist(), strict=True)))
        to_check = (lies_outside(located.xy, sizes) | np.isnan(located.xy).any(axis=-1)).ravel()
        flagged = judged.assign(flagged=to_check | judged["flagged"] if "flagged" in judged else to_check)
        return Predictions(flagged, cvm_rows(list(sources), outputs))

    def _locate(self, sources: dict[str, Path | GreyImage], pixel_size_mm: np.ndarray) -> _Found:
        """Run both stages batch by batch: each image is decoded once, and only one batch is in memory."""
        image_ids, params = list(sources), self.params
        stage1 = stage1_views(params.views_stage1, self.stage1)
        parts, sizes, outputs = [], [], []
        for start in range(0, len(image_ids), params.batch_size):
            chunk = image_ids[start : start + params.batch_size]
            pixels = [pixels_of(sources[image_id], image_id) for image_id in chunk]
            sizes += [(image.shape[1], image.shape[0]) for image in pixels]
            whole = predict_whole_batch(self.stage1, pixels, sizes[start:], stage1.views)
            outputs.append(whole.outputs)
            located = whole.fused(params.fusion, stage1.requested)
            if self.stage2:
                located = predict_refined(
                    self.stage2,
                    pixels,
                    located,
                    pixel_size_mm=pixel_size_mm[start : start + params.batch_size],
                    params=params.refinement,
                    views=learned_views(params.views_stage2, self.stage2),
                    batch_size=params.crop_batch_size,
                )
            parts.append(located)
        if not parts:
            nothing = np.empty((0, len(self.landmarks)))
            return _Found(Located(np.empty((0, len(self.landmarks), 2)), nothing, nothing), np.empty((0, 2), np.int64), {})
        located = Located(*(np.concatenate(field) for field in zip(*parts, strict=True)))
        return _Found(located, np.array(sizes), {name: np.concatenate([part[name] for part in outputs]) for name in outputs[0]})


def _checkpoint_folder(path_or_uri: str | Path, scratch: Path) -> Path:
    """The local folder of checkpoints; the URI of a logged model is downloaded from MLflow to `scratch`."""
    if not is_uri(path_or_uri):
        return Path(path_or_uri)
    if not _OF_A_MODEL.match(str(path_or_uri)):
        raise DetectorError(
            f"{path_or_uri}: not a logged model. Expected models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN/detector, or a "
            "folder of checkpoints."
        )
    import mlflow  # slow to import, and required for URIs only

    scratch.mkdir()
    try:
        model = mlflow.artifacts.download_artifacts(str(path_or_uri), dst_path=str(scratch))
    except mlflow.MlflowException as error:
        if error.error_code not in _NOT_IN_STORE:
            raise
        raise DetectorError(
            f"{path_or_uri}: not in MLflow's store ({error.message}). Give a registered model or a folder; mlflow.yml of the "
            "configuration sets the store of Kedro's commands."
        ) from error
    return Path(model) / "artifacts" / CHECKPOINTS


def is_uri(path_or_uri: str | Path) -> bool:
    """Whether it is the URI of a logged model, not a folder."""
    return _URI.match(str(path_or_uri)) is not None

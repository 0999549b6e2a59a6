"""The trained detector as one object: give it X-rays, get landmarks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np
import pandas as pd

from ceph_pipeline.crops import RefinementParams
from ceph_pipeline.detector.checkpoint import TrainedNet, load_networks
from ceph_pipeline.detector.description import views_in_words
from ceph_pipeline.detector.forward import resolve_device
from ceph_pipeline.detector.inputs import DetectorError, by_identifier, pixels_of
from ceph_pipeline.detector.located import Located, prediction_rows
from ceph_pipeline.detector.refinement import predict_refined, shared_crops
from ceph_pipeline.detector.uncertainty import Trust, load_trust
from ceph_pipeline.detector.whole_image import predict_whole
from ceph_pipeline.views import Fusion, Views, views_of

if TYPE_CHECKING:
    from ceph_pipeline.detector.inputs import Images
    from ceph_pipeline.images.codec import GreyImage

STAGE1_FILE, STAGE2_FILE = "stage1/best.ckpt", "stage2/best.ckpt"
CHECKPOINTS = "checkpoints"
"""The folder of both inside a logged model."""
_URI = re.compile(r"^(runs|models|mlflow-artifacts):/")


class _Settings(TypedDict, total=False):
    """The attributes of a detector that are not networks."""

    views_stage1: Views
    views_stage2: Views
    fusion: Fusion
    refinement: RefinementParams
    batch_size: int
    crop_batch_size: int


class DetectorSettings(_Settings, total=False):
    """Those, and where to compute."""

    device: str


@dataclass(frozen=True)
class LandmarkDetector:
    """Stage 1 and, where there is one, stage 2; with several networks a stage an ensemble, whose answers are fused.

        detector = LandmarkDetector.load("data/06_models")
        landmarks = detector.predict(["xray_1.png", "xray_2.jpg"], pixel_size_mm=0.1)

    Attributes:
        stage1: The networks on whole images, at least one.
        stage2: The networks on crops, or none.
        views_stage1: Views of the whole image.
        views_stage2: Views of the crops.
        fusion: How the whole image's views become one point.
        refinement: What is made of the crops' answers.
        batch_size: Whole images a forward pass.
        crop_batch_size: Crops a forward pass.
        trust: What the evaluation says about these networks' uncertainty; without it points have none of its columns.
    """

    stage1: Sequence[TrainedNet]
    stage2: Sequence[TrainedNet] = ()
    views_stage1: Views = "single"
    views_stage2: Views = "single"
    fusion: Fusion = "mean"
    refinement: RefinementParams = field(default_factory=RefinementParams)
    batch_size: int = 8
    crop_batch_size: int = 128
    trust: Trust = field(default_factory=Trust)

    def __post_init__(self) -> None:
        if not self.stage1:
            raise DetectorError("no network of stage 1 is given: name at least one checkpoint.")
        for name, networks in (("stage 1", self.stage1), ("stage 2", self.stage2)):
            for trained in networks:
                if trained.landmarks != self.landmarks:
                    raise DetectorError(
                        f"{name} has a network of {len(trained.landmarks)} landmarks where the first of stage 1 finds "
                        f"{len(self.landmarks)}, not the same ones in the same order: give checkpoints of one training."
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
        **settings: Unpack[DetectorSettings],
    ) -> LandmarkDetector:
        """Load from a folder that holds `stage1/best.ckpt` and maybe `stage2/best.ckpt` and `uncertainty.json`, or from MLflow.

        Args:
            path_or_uri: The folder, or the URI of a logged model (`models:/…`, `runs:/…/detector`). Several make an ensemble;
                uncertainty is looked for in the first.
            settings: `device` (`auto`, `cpu`, `cuda`, `mps`) and the attributes that are not networks.

        Raises:
            DetectorError: there is no checkpoint of stage 1, or only some of several folders have one of stage 2.
            CheckpointError: a checkpoint is damaged or holds code.
            UncertaintyError: `uncertainty.json` is damaged.
        """
        named = [path_or_uri] if isinstance(path_or_uri, str | Path) else list(path_or_uri)
        if not named:
            raise DetectorError("no folder of checkpoints is given: name at least one.")
        folders = [_checkpoint_folder(name) for name in named]
        for name, folder in zip(named, folders, strict=True):
            if not (folder / STAGE1_FILE).is_file():
                raise DetectorError(f"{name}: no {STAGE1_FILE} in there. Run the stage1 pipeline, or name the models' folder.")
        stage2 = [folder / STAGE2_FILE for folder in folders if (folder / STAGE2_FILE).is_file()]
        if len(stage2) not in (0, len(folders)):
            raise DetectorError(f"{len(stage2)} of {len(folders)} folders hold {STAGE2_FILE}: give folders of whole detectors.")
        return cls.from_checkpoints([folder / STAGE1_FILE for folder in folders], stage2, folders[0], **settings)

    @classmethod
    def from_checkpoints(
        cls,
        stage1: Sequence[Path],
        stage2: Sequence[Path] = (),
        uncertainty: Path | None = None,
        *,
        device: str = "auto",
        **settings: Unpack[_Settings],
    ) -> LandmarkDetector:
        """Load from the checkpoints' own paths, and from the folder in which the evaluation left `uncertainty.json`, if it did.

        Raises:
            DetectorError: the networks know different landmarks, or look at different crops.
            CheckpointError: a checkpoint is missing, damaged, of the other stage, or holds code.
            UncertaintyError: `uncertainty.json` is damaged.
        """
        target = resolve_device(device)
        whole, refiners = load_networks(stage1, "stage1", target), load_networks(stage2, "stage2", target)
        trust = Trust() if uncertainty is None else load_trust(uncertainty, stage1, stage2)
        return cls(whole, refiners, trust=trust, **settings)

    @property
    def landmarks(self) -> tuple[str, ...]:
        """Full names, in order."""
        return self.stage1[0].landmarks

    @property
    def stage(self) -> str:
        """What the predictions table calls this detector's answers."""
        if len(self.stage1) > 1 or len(self.stage2) > 1:
            return "ensemble"
        name, views = ("stage2", self.views_stage2) if self.stage2 else ("stage1", self.views_stage1)
        plain = views_of(views) == views_of(self.views_stage1) == views_of("single")
        return name if plain else f"{name}_tta"

    @property
    def views(self) -> str:
        """What the points are made from, in words."""
        return views_in_words(self.views_stage1, self.fusion, self.views_stage2 if self.stage2 else None, self.refinement)

    def without_refinement(self) -> LandmarkDetector:
        """The same detector without stage 2."""
        return replace(self, stage2=(), trust=Trust() if self.stage == "ensemble" else self.trust)

    def predict(
        self,
        images: Images,
        *,
        pixel_size_mm: float | Sequence[float] | None = None,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Locate every landmark.

        Args:
            images: Files, or arrays `(height, width)` of 8 or 16 bits, under identifiers or in a list. In a list, a
                file's name without its suffix is its identifier, and arrays are `image_0`, `image_1`, ….
            pixel_size_mm: Of all or of each. Radii in mm need it, and so do networks whose crops are given in mm.
            progress: Show bars.

        Returns:
            A `PredictionTable`, points in pixels of the images given; with the columns of `judge_points` where the evaluation
            has left its uncertainty beside the networks.

        Raises:
            DetectorError: two images have one identifier, or a file's name cannot be one.
            ImageReadError: a file is missing or damaged.
        """
        sources = by_identifier(images)
        sizes = np.broadcast_to(_pixel_sizes(pixel_size_mm), len(sources))
        located = self._locate(sources, sizes, progress)
        points = prediction_rows(located, list(sources), list(self.landmarks), self.stage)
        return self.trust.judge(points, dict(zip(sources, sizes.tolist(), strict=True)))

    def _locate(self, sources: dict[str, Path | GreyImage], pixel_size_mm: np.ndarray, progress: bool) -> Located:
        """Both stages, a batch of images at a time, so that each is decoded once and few are held."""
        image_ids = list(sources)
        parts = []
        for start in range(0, len(image_ids), self.batch_size):
            chunk = image_ids[start : start + self.batch_size]
            pixels = {image_id: pixels_of(sources[image_id]) for image_id in chunk}
            sizes = [(image.shape[1], image.shape[0]) for image in pixels.values()]
            views = views_of(self.views_stage1)
            located = predict_whole(
                self.stage1,
                pixels.__getitem__,
                chunk,
                sizes,
                views,
                batch_size=self.batch_size,
                fusion=self.fusion,
                progress=progress,
            )
            if self.stage2:
                located = predict_refined(
                    self.stage2,
                    pixels.__getitem__,
                    chunk,
                    located.xy,
                    pixel_size_mm=pixel_size_mm[start : start + self.batch_size],
                    sigma_px=located.sigma_px,
                    params=self.refinement,
                    views=views_of(self.views_stage2),
                    batch_size=self.crop_batch_size,
                    progress=progress,
                )
            parts.append(located)
        if not parts:
            return Located(np.empty((0, len(self.landmarks), 2)), np.empty((0, len(self.landmarks))))
        return Located(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def _pixel_sizes(pixel_size_mm: float | Sequence[float] | None) -> np.ndarray:
    return np.asarray(np.nan if pixel_size_mm is None else pixel_size_mm, dtype=np.float64)


def _checkpoint_folder(path_or_uri: str | Path) -> Path:
    """The local folder of checkpoints, fetched from MLflow where a URI names a logged model."""
    if not _URI.match(str(path_or_uri)):
        return Path(path_or_uri)
    import mlflow  # slow to import, and needed for URIs alone

    return Path(mlflow.artifacts.download_artifacts(str(path_or_uri))) / "artifacts" / CHECKPOINTS

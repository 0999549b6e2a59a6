"""What the page works with: the detector, and the parameters that inference has too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ceph_pipeline import __version__
from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.files import STAGE1_FILE, files_in, is_detector, models_folder_of
from ceph_pipeline.errors import CephError
from ceph_pipeline.inference import InferenceParams
from ceph_pipeline.inference.report import ReportOrigin
from ceph_pipeline.inference.ruler_models import RulerSizing
from ceph_pipeline.landmarks.tables import read_table
from ceph_pipeline.phantom.specimen import PREFIX
from ceph_pipeline.plausibility import PRIOR_FILE, PlausibilityParams, ShapePrior, read_prior

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OF_PHANTOMS = (
    "This detector has learned from drawn phantoms, not from X-rays: it shows how the page works, and its points on a real film "
    "mean nothing."
)
OF_UNKNOWN = "What this detector has learned from is not known: no images table lies beside its models."


class PageError(CephError, ValueError):
    """The page cannot be started."""


@dataclass(frozen=True)
class PageSettings:
    """What every film on the page is treated with.

    Attributes:
        detector: What locates the landmarks.
        learned_from: A sentence on the detector's training images.
        is_of_phantoms: Whether they were drawn.
        origin: What reports name as their origin.
        prior: Shapes of the training landmarks; None: plausibility is not judged.
        sizing: Decides the pixel size of a film.
        pixel_size_mm: Of all films, whatever their files say; None: what each file says.
        pixel_size_order: Which files' word counts: `dicom`, and `file` for all others.
        cephalometry: Norm sets and rules.
        plausibility: From when on a configuration is implausible.
    """

    detector: LandmarkDetector
    learned_from: str
    is_of_phantoms: bool
    origin: ReportOrigin
    prior: ShapePrior | None
    sizing: RulerSizing
    pixel_size_mm: float | None
    pixel_size_order: tuple[str, ...]
    cephalometry: CephalometryParams
    plausibility: PlausibilityParams


def models_folder(folders: Sequence[Path]) -> Path:
    """The first of several folders that holds a trained detector.

    Raises:
        PageError: none does.
    """
    for folder in folders:
        if is_detector(folder):
            return folder
    raise PageError(
        f"no trained detector: there is no {STAGE1_FILE} in {' or '.join(map(str, folders))}. "
        "`kedro run --env demo --pipelines demo` makes one of phantoms in minutes; `--model` names another folder, or a model in "
        "MLflow."
    )


def load_settings(model: str | Path, parameters: Mapping[str, Any]) -> PageSettings:
    """Load the detector and check the parameters.

    Args:
        model: Folder of the models, or a logged model's URI.
        parameters: The project's, of which `detector`, `inference`, `calibration`, `cephalometry` and `plausibility` count.

    Raises:
        DetectorError, CheckpointError, PlausibilityError: as `LandmarkDetector.load` and `read_prior`.
        pydantic.ValidationError: a parameter has a value that cannot be used.
    """
    folder = Path(model)
    models = models_folder_of(folder)
    calibration = CalibrationParams.model_validate(parameters["calibration"])
    inference = InferenceParams.model_validate(parameters["inference"])
    looks = DetectorParams.model_validate(parameters["detector"])
    detector = LandmarkDetector.load(model, looks)
    sentence, is_of_phantoms = learned_from(models)
    return PageSettings(
        detector=detector,
        learned_from=sentence,
        is_of_phantoms=is_of_phantoms,
        origin=ReportOrigin(
            networks=files_in(folder).digests() if folder.is_dir() else {"model": str(model)},
            run_id=None,
            version=__version__,
        ),
        prior=read_prior(models / PRIOR_FILE),
        sizing=RulerSizing.load(detector.landmarks, models, inference, calibration, looks),
        pixel_size_mm=inference.pixel_size_mm,
        pixel_size_order=inference.pixel_size_order,
        cephalometry=CephalometryParams.model_validate(parameters["cephalometry"]),
        plausibility=PlausibilityParams.model_validate(parameters["plausibility"]),
    )


def learned_from(models: Path) -> tuple[str, bool]:
    """What a detector has learned from, in words, and whether any of it are phantoms.

    Args:
        models: Folder `06_models` of a data root, whose images table says it.
    """
    table = models.parent / "03_primary" / "images.parquet"
    if not table.is_file():
        return OF_UNKNOWN, False
    images = read_table(table, ["image_id", "split", "dataset"])
    learned = images[images["split"] == "train"]
    if learned["image_id"].str.startswith(PREFIX).any():
        return OF_PHANTOMS, True
    return f"This detector has learned from {len(learned)} films ({', '.join(sorted(set(learned['dataset'])))}).", False

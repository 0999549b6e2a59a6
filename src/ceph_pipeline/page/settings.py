"""Settings of the page: the detector, and the parameters that it shares with `inference`."""

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
    "This detector was trained on phantoms (synthetic cephalograms), not on X-rays. It demonstrates the page; its points on a "
    "real film are meaningless."
)
OF_UNKNOWN = "The training data of this detector are unknown: there is no images table next to its models."


class PageError(CephError, ValueError):
    """The page cannot be started."""


@dataclass(frozen=True)
class PageSettings:
    """The detector and the parameters for all films on the page.

    Attributes:
        detector: Locates the landmarks.
        learned_from: A sentence about the detector's training images.
        is_of_phantoms: Whether the training images include phantoms.
        origin: Origin of the reports: software and networks.
        prior: Shapes of the training landmarks; None: plausibility is not judged.
        sizing: Decides the pixel size of a film.
        pixel_size_mm: Pixel size of all films, which takes precedence over the files; None: the size in each file.
        pixel_size_order: Files whose pixel size is used: `dicom`, and `file` for all other formats.
        cephalometry: Norm sets and rules.
        plausibility: Thresholds of plausibility.
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
    """The first of several folders that contains a trained detector.

    Raises:
        PageError: no folder contains a detector.
    """
    for folder in folders:
        if is_detector(folder):
            return folder
    raise PageError(
        f"no trained detector: there is no {STAGE1_FILE} in {' or '.join(map(str, folders))}. Name another folder or a model in "
        "MLflow with `--model`. `kedro run --env demo --pipelines demo` trains a detector on phantoms (synthetic cephalograms) "
        "in minutes."
    )


def load_settings(model: str | Path, parameters: Mapping[str, Any]) -> PageSettings:
    """Load the detector and check the parameters.

    Args:
        model: Folder of the models, or the URI of a logged model.
        parameters: The project's parameters; `detector`, `inference`, `calibration`, `cephalometry` and `plausibility` are used.

    Raises:
        DetectorError, CheckpointError, PlausibilityError: as `LandmarkDetector.load` and `read_prior`.
        pydantic.ValidationError: a parameter has a value that cannot be used.
    """
    folder = Path(model)
    models = models_folder_of(folder)
    calibration = CalibrationParams.model_validate(parameters["calibration"])
    inference = InferenceParams.model_validate(parameters["inference"])
    detector_params = DetectorParams.model_validate(parameters["detector"])
    detector = LandmarkDetector.load(model, detector_params)
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
        sizing=RulerSizing.load(detector.landmarks, models, inference, calibration, detector_params),
        pixel_size_mm=inference.pixel_size_mm,
        pixel_size_order=inference.pixel_size_order,
        cephalometry=CephalometryParams.model_validate(parameters["cephalometry"]),
        plausibility=PlausibilityParams.model_validate(parameters["plausibility"]),
    )


def learned_from(models: Path) -> tuple[str, bool]:
    """A sentence about the training data of a detector, and whether they include phantoms.

    Args:
        models: Folder `06_models` of a data root, which contains the images table.
    """
    table = models.parent / "03_primary" / "images.parquet"
    if not table.is_file():
        return OF_UNKNOWN, False
    images = read_table(table, ["image_id", "split", "dataset"])
    learned = images[images["split"] == "train"]
    if learned["image_id"].str.startswith(PREFIX).any():
        return OF_PHANTOMS, True
    return f"This detector was trained on {len(learned)} films ({', '.join(sorted(set(learned['dataset'])))}).", False

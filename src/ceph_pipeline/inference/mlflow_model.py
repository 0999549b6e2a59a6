"""The detector as an MLflow model, for `mlflow.pyfunc.load_model` and `mlflow models serve`.

The model is logged from code (`served_model.py`) and is not pickled. Its input is the content of image files, not their paths,
so that a server never opens a file that a request names.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.logged_model import LoggedModel
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from ceph_pipeline.detector.files import STAGE1_FILE, STAGE2_FILE, DetectorFiles
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.detector.landmark_detector import CHECKPOINTS, LandmarkDetector
from ceph_pipeline.errors import CephError
from ceph_pipeline.images import decode_image, encode_image
from ceph_pipeline.images.identifiers import safe_identifier

SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec(DataType.binary, "image"),
            ColSpec(DataType.string, "image_id", required=False),
            ColSpec(DataType.double, "pixel_size_mm", required=False),
        ]
    ),
    outputs=Schema(
        [
            ColSpec(DataType.string, "image_id"),
            ColSpec(DataType.string, "stage"),
            ColSpec(DataType.string, "landmark"),
            ColSpec(DataType.double, "x"),
            ColSpec(DataType.double, "y"),
            ColSpec(DataType.double, "sigma_px"),
            ColSpec(DataType.double, "peak"),
            ColSpec(DataType.double, "calibrated_sigma_px", required=False),
            ColSpec(DataType.double, "radius_px", required=False),
            ColSpec(DataType.double, "radius_mm", required=False),
            ColSpec(DataType.boolean, "flagged", required=False),
        ]
    ),
    params=ParamSchema([ParamSpec("refine", DataType.boolean, default=True)]),
)


class DetectorModel(PythonModel):
    """Receives X-rays and returns a predictions table."""

    detector: LandmarkDetector

    def load_context(self, context: PythonModelContext) -> None:
        """Load both stages from the model's artefacts; no code in the artefacts is executed."""
        self.detector = LandmarkDetector.load(context.artifacts[CHECKPOINTS])

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Locate the landmarks.

        Args:
            context: Unused; `load_context` has read it.
            model_input: The column `image` contains the content of an image file in any supported format. The columns `image_id`
                and `pixel_size_mm` are optional.
            params: `refine`: whether stage 2 follows stage 1, true by default.

        Returns:
            Rows of a `PredictionTable` with the given identifiers, unchanged. Images without an identifier are called `image_0`,
            `image_1`, … by their position in the input.

        Raises:
            MlflowException: two images have the same identifier, the content is not an image or has more than 100 megapixels, or
                a pixel size is invalid. For any other type of exception, a server would return the traceback, which contains
                paths, instead of the message.
        """
        del context
        try:
            return self._predict(model_input, params or {})
        except CephError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    def _predict(self, model_input: pd.DataFrame, params: dict[str, Any]) -> pd.DataFrame:
        given = model_input["image_id"] if "image_id" in model_input else [None] * len(model_input)
        names = [f"image_{place}" if pd.isna(name) else str(name) for place, name in enumerate(given)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise DetectorError(f"image_id {', '.join(repeated)}: given more than once; each image needs a unique identifier.")
        images = {name: decode_image(content, name) for name, content in zip(names, model_input["image"], strict=True)}
        sizes = model_input["pixel_size_mm"].tolist() if "pixel_size_mm" in model_input else None
        detector = self.detector if params.get("refine", True) else self.detector.without_refinement()
        found = detector.predict(images, pixel_size_mm=sizes)
        return found.assign(image_id=found["image_id"].map({safe_identifier(name): name for name in names}))


def log_detector(files: DetectorFiles, *, beside: Mapping[str, str] | None = None) -> LoggedModel:
    """Log a detector or an ensemble to the active MLflow run, with its signature and an input example.

    Args:
        files: Its checkpoints.
        beside: Further text files, by name, such as the calibrated uncertainty of these networks and the model card.

    Returns:
        The logged model; `LandmarkDetector.load` and `mlflow.pyfunc.load_model` accept its `model_uri`.
    """
    os.environ.setdefault("MLFLOW_LOG_UV_FILES", "false")  # a uv.lock names the hosts that packages came from
    with tempfile.TemporaryDirectory() as folder:
        for checkpoints, place in ((files.stage1, STAGE1_FILE), (files.stage2, STAGE2_FILE)):
            for number, checkpoint in enumerate(checkpoints):
                target = Path(folder) / CHECKPOINTS / (str(number) if len(checkpoints) > 1 else "") / place
                target.parent.mkdir(parents=True)
                shutil.copyfile(checkpoint, target)
        for file, content in (beside or {}).items():
            (Path(folder) / CHECKPOINTS / file).write_text(content, encoding="utf-8")
        info = mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(Path(__file__).with_name("served_model.py")),
            artifacts={CHECKPOINTS: str(Path(folder) / CHECKPOINTS)},
            signature=SIGNATURE,
            input_example=(_example(), {"refine": False}),
            pip_requirements=[f"ceph-pipeline=={version('ceph-pipeline')}"],
        )
    return mlflow.get_logged_model(info.model_id)


def _example() -> pd.DataFrame:
    """A small image without patient data that the model accepts."""
    ramp = np.add.outer(np.arange(48), np.arange(40)).astype(np.uint8)
    return pd.DataFrame({"image": [encode_image(ramp, ".png")], "image_id": ["example"], "pixel_size_mm": [0.1]})

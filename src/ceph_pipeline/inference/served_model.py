"""The code that MLflow stores with a logged detector and runs to load it; see `mlflow_model`."""

import mlflow

from ceph_pipeline.inference.mlflow_model import DetectorModel

mlflow.models.set_model(DetectorModel())

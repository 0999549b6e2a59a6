"""A name planted wherever a name can stand is found nowhere outside the data root."""

import logging
import sqlite3
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog

from ceph_pipeline.artifacts import pseudonym, pseudonymised
from ceph_pipeline.configuration import ConfigLoader
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.formats import AnnotationError
from ceph_pipeline.pipelines.evaluation.measurement_nodes import compare_runs

from .conftest import SOURCE, Project

NAME = "Cooper_Jane"
LANDMARKS = ("Sella", "Nasion", "A-point", "B-point")


@pytest.fixture
def project(tmp_path):
    yield Project(tmp_path / "project")
    mlflow.set_tracking_uri(None)


@pytest.fixture
def films(tmp_path) -> Path:
    """A table data set, its folder and films named after a patient; one film is damaged and one excluded."""
    folder = tmp_path / NAME
    folder.mkdir()
    rows = []
    for number in range(6):
        film = f"{NAME}_{number}.png"
        cv2.imwrite(str(folder / film), np.random.default_rng(number).integers(0, 255, (120, 100), np.uint8))
        points = {f"{name}_{axis}": 10.0 * place + number for place, name in enumerate(LANDMARKS) for axis in "xy"}
        rows.append({"image": film} | points)
    (folder / f"{NAME}_1.png").write_bytes((folder / f"{NAME}_1.png").read_bytes()[:3000])
    pd.DataFrame(rows).to_csv(folder / "points.csv", index=False)
    return folder


def recorded(root: Path) -> bytes:
    """Everything that MLflow has of a project's runs."""
    with sqlite3.connect(root / "mlflow.db") as database:
        rows = "\n".join(database.iterdump())
    return rows.encode() + b"".join(path.read_bytes() for path in root.glob("mlartifacts/**/*") if path.is_file())


def test_a_run_on_a_patient_s_folder_names_nobody(project, films, caplog):
    caplog.set_level(logging.INFO)
    ingestion = {"on_bad_item": "quarantine", "exclude": [f"{NAME}_2"], "valid_fraction": 0.3}
    project.run("ingestion", raw_folder=str(films), raw_format="table", ingestion=ingestion)

    known = pd.read_parquet(project.data / "03_primary" / "pseudonyms.parquet").set_index("name")["pseudonym"]
    assert known[f"{NAME}_1"] == pseudonym(f"{NAME}_1")
    assert f"{known[f'{NAME}_1']}: image set aside" in caplog.text
    assert pseudonym(f"{NAME}_2").encode() in recorded(project.root)
    assert NAME not in caplog.text
    assert NAME.encode() not in recorded(project.root)


def test_the_message_of_a_failed_node_is_shown_and_not_logged(project, films, caplog):
    with pytest.raises(AnnotationError, match=NAME):
        project.run("ingestion", raw_folder=str(films), raw_format="table")

    assert "Node read_cephalograms failed" in caplog.text or "Node build_cache failed" in caplog.text
    assert NAME not in caplog.text


def test_every_table_of_the_catalog_that_mlflow_gets_is_pseudonymous():
    loader = ConfigLoader(conf_source=str(SOURCE / "conf"), base_env="base", default_run_env="demo")
    logged = {name: entry["dataset"]["type"] for name, entry in loader["catalog"].items() if "MlflowArtifact" in entry["type"]}

    assert logged["errors"] == logged["plausibility"] == "ceph_pipeline.stores.PseudonymousTableDataset"
    assert "ceph_pipeline.stores.TableDataset" not in logged.values()


def test_a_logged_table_has_pseudonyms_and_the_next_run_is_compared_by_them(tmp_path):
    ids = [f"{NAME}_{number}" for number in range(12)]
    errors = pd.DataFrame(
        {"image_id": ids, "stage": "stage1", "landmark": "Sella", "has_truth": True, "error_px": 1.0, "error_mm": 1.0}
    )
    errors["error_mm"] += np.arange(12) / 12
    images = pd.DataFrame({"image_id": ids, "split": "test"})
    file = tmp_path / "errors.parquet"
    entry = {
        "type": "kedro_mlflow.io.artifacts.MlflowArtifactDataset",
        "dataset": {"type": "ceph_pipeline.stores.PseudonymousTableDataset", "filepath": str(file)},
        "artifact_path": "evaluation",
    }
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    try:
        mlflow.create_experiment("privacy", artifact_location=str(tmp_path / "mlartifacts"))
        mlflow.set_experiment("privacy")
        with mlflow.start_run() as run:
            DataCatalog.from_config({"errors": entry}).save("errors", errors)
        params = EvaluationParams(compare_with=run.info.run_id)
        result = compare_runs(errors.assign(error_mm=errors["error_mm"] / 2), images, params)
    finally:
        mlflow.set_tracking_uri(None)

    assert pd.read_parquet(file)["image_id"].tolist() == ids
    [sent] = (tmp_path / "mlartifacts").rglob("errors.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(sent), pseudonymised(errors))
    assert NAME.encode() not in recorded(tmp_path)
    assert (result["n_images"], result["n_images_only_now"]) == (12, 0)

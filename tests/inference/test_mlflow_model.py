"""The detector as a logged, registered and served MLflow model."""

import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
from mlflow.entities.logged_model import LoggedModel
from mlflow.exceptions import MlflowException

from ceph_pipeline.detector.files import files_in
from ceph_pipeline.images import encode_image
from ceph_pipeline.inference import LandmarkDetector
from ceph_pipeline.inference.mlflow_model import log_detector
from ceph_pipeline.inference.registry import CANDIDATE, register_candidate, version_with

Xrays = Callable[[Path, int], list[Path]]


@pytest.fixture(scope="module")
def logged(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory, new_runs: Callable[[Path], str]) -> Iterator[LoggedModel]:
    """A detector in an MLflow of its own."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(new_runs(folder))
    experiment = mlflow.create_experiment("detector", artifact_location=str(folder / "artifacts"))
    with mlflow.start_run(experiment_id=experiment):
        model = log_detector(files_in(checkpoints))
    yield model
    mlflow.set_tracking_uri(before)


def test_a_logged_detector_comes_back_and_says_the_same(
    logged: LoggedModel, checkpoints: Path, tmp_path: Path, xrays: Xrays
) -> None:
    files = xrays(tmp_path, 2)
    expected = LandmarkDetector.load(checkpoints).predict(files)
    for uri in (logged.model_uri, f"runs:/{logged.source_run_id}/detector"):
        pd.testing.assert_frame_equal(LandmarkDetector.load(uri).predict(files), expected)
    table = pd.DataFrame({"image": [file.read_bytes() for file in files], "image_id": [file.stem for file in files]})
    pd.testing.assert_frame_equal(mlflow.pyfunc.load_model(logged.model_uri).predict(table), expected)


def test_loading_a_logged_detector_leaves_no_copy_behind(
    logged: LoggedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for uri in (logged.model_uri, f"runs:/{logged.source_run_id}/detector"):
        LandmarkDetector.load(uri)
    assert not list(tmp_path.iterdir())


def test_a_logged_detector_answers_its_own_example(logged: LoggedModel) -> None:
    model = mlflow.pyfunc.load_model(logged.model_uri)
    assert model.metadata.signature.inputs.input_names() == ["image", "image_id", "pixel_size_mm"]
    answer = model.predict(model.input_example, params={"refine": False})
    assert answer["image_id"].unique() == ["example"]
    assert answer["stage"].unique() == ["stage1"]
    assert set(answer) <= set(model.metadata.signature.outputs.input_names())


def test_a_logged_detector_keeps_no_pickle_and_no_lock_file(logged: LoggedModel) -> None:
    files = {file.name for file in Path(mlflow.artifacts.download_artifacts(logged.model_uri)).rglob("*") if file.is_file()}
    assert "served_model.py" in files
    assert not {name for name in files if name.endswith((".pkl", ".lock"))}


def test_an_ensemble_is_one_model(logged: LoggedModel, checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
    for number in "01":
        shutil.copytree(checkpoints, tmp_path / "ensemble" / number)
    with mlflow.start_run(experiment_id=logged.experiment_id):
        model = log_detector(files_in(tmp_path / "ensemble"))
    films = xrays(tmp_path / "films", 1)
    table = LandmarkDetector.load(model.model_uri).predict(films)
    pd.testing.assert_frame_equal(table, LandmarkDetector.load(tmp_path / "ensemble").predict(films))
    assert table["stage"].unique() == ["ensemble"]


def test_the_model_refuses_bytes_that_are_no_image(logged: LoggedModel) -> None:
    with pytest.raises(MlflowException, match="image_0: damaged or not an image"):
        mlflow.pyfunc.load_model(logged.model_uri).predict(pd.DataFrame({"image": [b"no image"]}))


def test_a_served_model_refuses_one_name_for_two_images(logged: LoggedModel) -> None:
    image = encode_image(np.zeros((32, 32), np.uint8), ".png")
    table = pd.DataFrame({"image": [image, image], "image_id": ["a", "a"]})
    with pytest.raises(MlflowException, match="image_id a: given more than once"):
        mlflow.pyfunc.load_model(logged.model_uri).predict(table)


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        (["Anna Müller", None], ["Anna Müller", "image_1"]),
        ([None, "x", np.nan], ["image_0", "x", "image_2"]),
        ([" a b", "a b"], None),
    ],
    ids=["odd letters", "two unnamed", "told apart by a space"],
)
def test_a_served_model_answers_with_the_names_given(
    logged: LoggedModel, given: list[str | float | None], answered: list[str] | None
) -> None:
    ramp = np.add.outer(np.arange(48), np.arange(40)).astype(np.uint8)
    table = pd.DataFrame({"image": [encode_image(ramp, ".png")] * len(given), "image_id": given})
    model = mlflow.pyfunc.load_model(logged.model_uri)
    if answered is None:
        with pytest.raises(MlflowException, match="is given twice"):
            model.predict(table)
    else:
        assert model.predict(table)["image_id"].unique().tolist() == answered


def test_a_served_model_refuses_a_pixel_size_that_no_film_has(logged: LoggedModel) -> None:
    image = encode_image(np.zeros((32, 32), np.uint8), ".png")
    with pytest.raises(MlflowException, match=r"image 'a': pixel_size_mm is -0\.1, expected millimetres per pixel"):
        mlflow.pyfunc.load_model(logged.model_uri).predict(
            pd.DataFrame({"image": [image], "image_id": ["a"], "pixel_size_mm": [-0.1]})
        )


def test_a_registered_detector_loads_by_its_alias_and_equal_networks_are_registered_once(
    logged: LoggedModel, tmp_path: Path, xrays: Xrays
) -> None:
    files = xrays(tmp_path, 1)
    assert version_with("films", CANDIDATE) is None
    first = register_candidate("films", logged, "digest of its networks")
    again = register_candidate("films", logged, "digest of its networks")
    assert first.version == again.version
    pd.testing.assert_frame_equal(
        LandmarkDetector.load(f"models:/films@{CANDIDATE}").predict(files),
        LandmarkDetector.load(logged.model_uri).predict(files),
    )
    other = register_candidate("films", logged, "other networks")
    assert int(other.version) == int(first.version) + 1
    assert version_with("films", CANDIDATE).version == other.version
    register_candidate("phantoms", logged, "networks of phantoms")
    assert version_with("films", CANDIDATE).version == other.version, "another model has candidates of its own"


@pytest.fixture
def server(logged: LoggedModel, tmp_path: Path) -> Iterator[str]:
    """The address of `mlflow models serve` with the detector."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", mlflow.artifacts.download_artifacts(logged.model_uri)]
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}  # as in `uv run`
    with (
        (tmp_path / "server.log").open("w") as log,
        subprocess.Popen([*command, *options], stdout=log, stderr=log, start_new_session=True, env=environment) as process,
    ):
        address = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            try:
                requests.get(f"{address}/ping", timeout=10)
                break
            except requests.ConnectionError:
                time.sleep(0.5)
        assert process.poll() is None, (tmp_path / "server.log").read_text()
        yield address
        process.terminate()


def answer(address: str, request: dict[str, object]) -> tuple[int, dict[str, object]]:
    """Status and body of the server's answer."""
    response = requests.post(f"{address}/invocations", json=request, timeout=300)
    return response.status_code, response.json()


@pytest.mark.slow
def test_a_server_locates_landmarks_and_refuses_what_is_no_image(server: str, xrays: Xrays, tmp_path: Path) -> None:
    (file,) = xrays(tmp_path, 1)
    record = {"image": base64.b64encode(file.read_bytes()).decode(), "image_id": file.stem, "pixel_size_mm": 0.1}
    status, found = answer(server, {"dataframe_records": [record]})
    assert status == 200
    assert {row["image_id"] for row in found["predictions"]} == {file.stem}
    assert len(found["predictions"]) == 19
    status, refused = answer(server, {"dataframe_records": [record | {"image": base64.b64encode(b"no image").decode()}]})
    assert status == 400
    assert f"Error: {file.stem}: damaged or not an image" in refused["message"]
    assert "stack_trace" not in refused
    status, refused = answer(server, {"dataframe_records": [{"picture": 5}]})
    assert status == 400
    assert "image" in str(refused)
    large = encode_image(np.zeros((5000, 5000), np.uint8), ".png")[:60] + bytes(30_000_000)
    status, refused = answer(server, {"dataframe_records": [record | {"image": base64.b64encode(large).decode()}]})
    assert status == 400
    assert "damaged or truncated (30000060 bytes)" in refused["message"]
    assert answer(server, {"dataframe_records": [record]}) == (200, found), "as before"

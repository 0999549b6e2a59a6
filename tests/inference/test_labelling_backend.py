"""Label Studio's protocol, spoken to the running backend."""

import json
import shutil
import socket
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pytest
from click.testing import CliRunner
from kedro.framework.startup import ProjectMetadata, bootstrap_project
from starlette.testclient import TestClient

import ceph_pipeline
from ceph_pipeline.cli import cli
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.formats import read
from ceph_pipeline.formats.film_names import ImageFolder
from ceph_pipeline.formats.writers.labelling_interface import interface_of
from ceph_pipeline.inference import LandmarkDetector
from ceph_pipeline.inference.labelling_backend import LabellingBackend, application, version_of

from ..detector.conftest import POINTS

PROJECT = Path(ceph_pipeline.__file__).parents[2]
INTERFACE = interface_of(["p1", "p2"])


@pytest.fixture
def folder(tmp_path: Path, dotted: np.ndarray) -> Path:
    """Films of two patients, of which one cannot be read."""
    for name in ("anna/film1.png", "bert/film2.png"):
        (tmp_path / "films" / name).parent.mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "films" / name), dotted)
    (tmp_path / "films" / "damaged.png").write_bytes(b"no image")
    cv2.imwrite(str(tmp_path / "secret.png"), dotted)
    return tmp_path / "films"


@pytest.fixture
def client(folder: Path, dot_finder: TrainedNet, tmp_path: Path) -> TestClient:
    backend = LabellingBackend(LandmarkDetector([dot_finder]), ImageFolder(folder), "ceph_1", tmp_path / "corrected.json")
    return TestClient(application(backend))


def predicted(client: TestClient, *images: str, interface: str = INTERFACE) -> list[dict]:
    tasks = [{"id": number, "data": {"image": image}} for number, image in enumerate(images)]
    response = client.post("/predict", json={"tasks": tasks, "label_config": interface})
    assert response.status_code == 200
    return response.json()["results"]


def test_it_is_healthy_and_says_its_version(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "UP", "model_class": "LandmarkDetector", "model_version": "ceph_1"}
    assert client.post("/setup", json={"schema": INTERFACE}).json() == {"model_version": "ceph_1"}


def test_labels_and_landmarks_without_a_counterpart_are_named(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    client.post("/setup", json={"schema": INTERFACE.replace("</KeyPointLabels>", '<Label value="Spa 2"/></KeyPointLabels>')})
    assert "these labels of the interface are no landmarks of the detector: Spa 2" in caplog.text


@pytest.mark.parametrize(
    "address",
    ["/data/upload/1/1a2b3c4d-film1.png", "/data/local-files/?d=anna/film1.png", "https://host/films/film1.png?X-Amz-Date=1"],
)
def test_a_task_gets_points_in_percent_with_score_and_version(client: TestClient, address: str) -> None:
    (found,) = predicted(client, address)
    assert found["model_version"] == "ceph_1"
    assert 0 <= found["score"] <= 1
    for result, (x, y) in zip(found["result"], POINTS, strict=True):
        assert result["value"]["x"] == pytest.approx(100 * (x + 0.5) / 1000, abs=0.02)
        assert result["value"]["y"] == pytest.approx(100 * (y + 0.5) / 1200, abs=0.02)
        assert (result["original_width"], result["original_height"]) == (1000, 1200)
        assert (result["from_name"], result["to_name"], result["type"]) == ("landmarks", "image", "keypointlabels")
    assert [result["value"]["keypointlabels"] for result in found["result"]] == [["p1"], ["p2"]]


def test_the_project_s_own_names_are_used(client: TestClient) -> None:
    interface = """<View><Image name="xray" value="$film"/>
        <KeyPointLabels name="kp" toName="xray"><Label value="p2"/><Label value="something else"/></KeyPointLabels></View>"""
    tasks = [{"id": 1, "data": {"film": "film1.png"}}]
    (found,) = client.post("/predict", json={"tasks": tasks, "label_config": interface}).json()["results"]
    (result,) = found["result"]
    assert (result["from_name"], result["to_name"], result["value"]["keypointlabels"]) == ("kp", "xray", ["p2"])


def test_a_task_that_cannot_be_answered_costs_the_others_nothing(client: TestClient) -> None:
    absent, damaged, outside, sound = predicted(client, "absent.png", "damaged.png", "../secret.png", "film2.png")
    assert [found["result"] for found in (absent, damaged, outside)] == [[], [], []]
    assert "no image of its name" in absent["error"]
    assert "damaged or not an image" in damaged["error"]
    assert "no image of its name" in outside["error"], "no file outside the folder is opened"
    assert len(sound["result"]) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"tasks": 5}, "expected a list of objects under 'tasks'"),
        ({"tasks": [5]}, "expected a list of objects under 'tasks'"),
        ({"tasks": [], "label_config": "<View>"}, "invalid XML"),
        ({"tasks": [], "label_config": "<View><Choices/></View>"}, "no <KeyPointLabels>"),
        ({"tasks": [], "label_config": '<View><KeyPointLabels toName="x"/></View>'}, "no <Image> of that name"),
        ({"tasks": [], "label_config": '<!DOCTYPE a [<!ENTITY b "c">]><View/>'}, "document type or entities"),
    ],
)
def test_a_request_of_another_shape_is_refused_with_the_reason(client: TestClient, body: dict, reason: str) -> None:
    response = client.post("/predict", json=body)
    assert response.status_code == 400
    assert reason in response.json()["error"]


def test_a_huge_request_is_refused(client: TestClient) -> None:
    response = client.post("/predict", content=b"[" * 10_000_001)
    assert response.status_code == 413
    assert "the limit is 10,000,000" in response.json()["error"]


def test_a_request_without_a_length_or_a_shape_is_refused_without_being_repeated(client: TestClient) -> None:
    assert client.post("/predict", content=iter([b"[" * 1_000_000])).status_code == 411
    response = client.post("/predict", content=b"[1, 2]", headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()) == (400, {"error": "expected a JSON object."})


def annotation(number: int, x: float) -> dict:
    value = {"x": x, "y": 50.0, "width": 0.3, "keypointlabels": ["p1"]}
    result = {"type": "keypointlabels", "value": value, "original_width": 1000, "original_height": 1200}
    other = result | {"value": value | {"x": 60.0, "keypointlabels": ["p2"]}}
    return {"id": number, "completed_by": 1, "result": [result, other], "updated_at": f"2026-01-0{number}T00:00:00Z"}


def sent(client: TestClient, action: str, **content: object) -> int:
    return client.post("/webhook", json={"action": action, **content}).status_code


def test_corrected_tasks_come_back_as_training_data(client: TestClient, folder: Path, tmp_path: Path) -> None:
    film1, film2 = ({"id": number, "data": {"image": f"/data/upload/1/1a2b3c4d-film{number}.png"}} for number in (1, 2))
    assert sent(client, "ANNOTATION_CREATED", task=film1, annotation=annotation(1, 10.0)) == 201
    assert sent(client, "ANNOTATION_CREATED", task=film2, annotation=annotation(2, 20.0)) == 201
    assert sent(client, "ANNOTATION_UPDATED", task=film1, annotation=annotation(1, 30.0)) == 201
    found = read(tmp_path / "corrected.json", "label_studio", images=folder).landmarks
    p1 = found[found["landmark"] == "p1"].set_index("image_id")["x"]
    assert p1.to_dict() == pytest.approx({"film1": 299.5, "film2": 199.5})
    assert sent(client, "ANNOTATIONS_DELETED", annotations=[{"id": 2}]) == 201
    assert [task["id"] for task in json.loads((tmp_path / "corrected.json").read_text())] == [1]
    assert sent(client, "TASKS_CREATED") == 201, "other actions are no news"
    assert sent(client, "ANNOTATION_CREATED", task=film1) == 400
    assert sent(client, "ANNOTATIONS_DELETED") == 400
    assert sent(client, "ANNOTATION_CREATED", task={"id": {"a": 1}}, annotation=annotation(3, 1.0)) == 400
    assert sent(client, "ANNOTATION_CREATED", task=film1, annotation={"id": [1]}) == 400
    assert sent(client, "ANNOTATIONS_DELETED", annotations=[{"id": "1"}]) == 400


def test_a_task_number_of_another_database_does_not_take_over_a_film(client: TestClient, tmp_path: Path) -> None:
    """A new database of Label Studio numbers its tasks from 1 again."""
    one = {"id": 1, "data": {"image": "/data/upload/1/1a2b3c4d-film1.png", "split": "train", "note": ""}}
    assert sent(client, "ANNOTATION_CREATED", task=one, annotation=annotation(1, 10.0)) == 201
    kept = (tmp_path / "corrected.json").read_text()
    other = {
        "action": "ANNOTATION_CREATED",
        "task": {"id": 1, "data": {"image": "/data/upload/1/1a2b3c4e-film2.png", "split": "train", "note": ""}},
    }
    response = client.post("/webhook", json=other | {"annotation": annotation(1, 70.0)})
    assert response.status_code == 400
    assert "corrected.json contains a different film under task 1, so it belongs to another" in response.json()["error"]
    assert (tmp_path / "corrected.json").read_text() == kept
    moved = {"id": 1, "data": {"image": "http://server/media/film1.png?token=abc"}}
    assert sent(client, "ANNOTATION_UPDATED", task=moved, annotation=annotation(1, 30.0)) == 201


def test_annotations_made_of_predictions_all_at_once_are_kept(client: TestClient, tmp_path: Path) -> None:
    tasks = [{"id": number, "data": {"image": f"film{number}.png"}} for number in (1, 2)]
    made = [annotation(number, 10.0 * number) for number in (1, 2)]
    assert sent(client, "ANNOTATIONS_CREATED", task=tasks, annotation=made) == 201
    kept = json.loads((tmp_path / "corrected.json").read_text())
    assert [(task["id"], task["annotations"]) for task in kept] == [(1, made[:1]), (2, made[1:])]
    assert sent(client, "ANNOTATIONS_CREATED", task=tasks[:1], annotation=made) == 400
    assert sent(client, "ANNOTATIONS_CREATED", task=tasks, annotation=[annotation(3, 30.0), {}]) == 400
    assert json.loads((tmp_path / "corrected.json").read_text()) == kept, "of a request that is refused nothing is kept"


def test_a_film_that_is_added_or_moved_later_is_found(client: TestClient, folder: Path) -> None:
    (absent,) = predicted(client, "film3.png")
    assert "no image of its name" in absent["error"]
    (folder / "anna" / "film1.png").rename(folder / "film1.png")
    (folder / "bert" / "film3.png").write_bytes((folder / "bert" / "film2.png").read_bytes())
    assert [len(found["result"]) for found in predicted(client, "film1.png", "film3.png")] == [2, 2]


@pytest.mark.parametrize("content", ["[1]", '[{"id": 1}]', '[{"id": 1, "annotations": [2]}]', "null", "{}"])
def test_a_file_of_another_shape_is_refused_and_stays(client: TestClient, tmp_path: Path, content: str) -> None:
    (tmp_path / "corrected.json").write_text(content)
    task = {"id": 1, "data": {"image": "film1.png"}}
    response = client.post("/webhook", json={"action": "ANNOTATION_CREATED", "task": task, "annotation": annotation(1, 1.0)})
    assert response.status_code == 400
    assert "corrected.json: expected a list of tasks with `id` and `annotations`" in response.json()["error"]
    assert sent(client, "ANNOTATIONS_DELETED", annotations=[{"id": 2}]) == 400
    assert (tmp_path / "corrected.json").read_text() == content


def test_damaged_corrections_are_named_and_kept(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "corrected.json").write_text("[{")
    task = {"id": 1, "data": {"image": "film1.png"}}
    response = client.post("/webhook", json={"action": "ANNOTATION_CREATED", "task": task, "annotation": annotation(1, 1.0)})
    assert response.status_code == 400
    assert "corrected.json: damaged" in response.json()["error"]
    assert (tmp_path / "corrected.json").read_text() == "[{"


def test_the_version_follows_the_networks(checkpoints: Path, tmp_path: Path) -> None:
    assert version_of(str(checkpoints)).startswith("ceph_")
    assert version_of(str(checkpoints)).isidentifier()
    assert version_of("models:/ceph-detector@champion") == "models:/ceph-detector@champion"


def test_a_taken_port_is_said_before_an_address_is(checkpoints: Path, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        asked = ["label-studio", "--images", str(folder), "--model", str(checkpoints), "--port", port]
        result = CliRunner().invoke(cli, asked, obj=bootstrap_project(PROJECT))
    assert result.exit_code == 1
    assert f"Error: port {port} cannot be used (Address already in use): choose another with --port.\n" in result.output
    assert "http://" not in result.output


@pytest.fixture
def project(tmp_path: Path) -> ProjectMetadata:
    """The project with a configuration of its own."""
    known = bootstrap_project(PROJECT)
    shutil.copytree(PROJECT / "conf", tmp_path / "project" / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "project" / "conf" / "local").mkdir()
    return known._replace(project_path=tmp_path / "project")


def failed(project: ProjectMetadata, folder: Path, *options: str) -> str:
    """What the command says before it ends."""
    result = CliRunner().invoke(cli, ["label-studio", "--images", str(folder), *options], obj=project)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), "no traceback"
    return result.output


class TestConfiguration:
    def test_an_unknown_environment_is_named(self, project: ProjectMetadata, folder: Path) -> None:
        assert "--env isbi2051: there is no folder" in failed(project, folder, "--env", "isbi2051")

    def test_a_wrong_parameter_is_named(self, project: ProjectMetadata, folder: Path) -> None:
        local = project.project_path / "conf" / "local" / "parameters_detector.yml"
        local.write_text("detector: {views_stage1: tenn}\n")
        assert "detector.views_stage1" in failed(project, folder)

    def test_corrections_that_cannot_be_added_to_are_said_at_the_start(
        self, project: ProjectMetadata, folder: Path, checkpoints: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "mine.json").write_text("{}")
        said = failed(project, folder, "--model", str(checkpoints), "--corrected", str(tmp_path / "mine.json"))
        assert "mine.json: expected a list of tasks" in said

    def test_a_model_is_looked_for_in_the_store_of_the_project(
        self, project: ProjectMetadata, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mlflow.MlflowClient(f"sqlite:///{tmp_path}/store.db").create_registered_model("ceph-detector")
        local = project.project_path / "conf" / "local" / "mlflow.yml"
        local.write_text("server: {mlflow_tracking_uri: sqlite:///../store.db}\n")
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        try:
            said = failed(project, folder, "--model", "models:/ceph-detector@champion")
        finally:
            mlflow.set_tracking_uri(None)
        assert "models:/ceph-detector@champion: not in MLflow's store (Registered model alias champion not found.)" in said
        assert list((tmp_path / "elsewhere").iterdir()) == []

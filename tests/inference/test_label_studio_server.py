"""The backend beside a real Label Studio: `CEPH_LABEL_STUDIO_SERVER` names the executable, of an environment of its own."""

import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests
import uvicorn

from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.formats import read
from ceph_pipeline.formats.film_names import ImageFolder
from ceph_pipeline.formats.writers.labelling_interface import interface_of
from ceph_pipeline.inference import LandmarkDetector
from ceph_pipeline.inference.labelling_backend import LabellingBackend, application

from ..detector.conftest import POINTS

SERVER = os.environ.get("CEPH_LABEL_STUDIO_SERVER")
TOKEN = secrets.token_hex(20)
ANSWER_S = 600
"""Of one request, far beyond what any takes."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(SERVER is None, reason="CEPH_LABEL_STUDIO_SERVER names no Label Studio")]


def test_a_task_is_pre_annotated_corrected_and_read_back(
    label_studio: "LabelStudio", dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "films").mkdir()
    film, corrected = tmp_path / "films" / "film 1.png", tmp_path / "corrected.json"
    cv2.imwrite(str(film), dotted)
    backend = LabellingBackend(LandmarkDetector([dot_finder]), ImageFolder(film.parent), "ceph_1", corrected)
    with served(backend) as address:
        project = label_studio.post("projects", json={"title": "films", "label_config": interface_of(["p1", "p2"])})["id"]
        with film.open("rb") as file:
            label_studio.post(f"projects/{project}/import", files={"file": (film.name, file, "image/png")})
        label_studio.post("ml", json={"project": project, "url": address, "title": "ceph-pipeline"})
        label_studio.post("webhooks", json={"project": project, "url": f"{address}/webhook", "send_for_all_actions": True})

        everything = {"selectedItems": {"all": True, "excluded": []}}
        label_studio.post(f"dm/actions?id=retrieve_tasks_predictions&project={project}", json=everything)
        (task,) = label_studio.get(f"projects/{project}/tasks")
        (prediction,) = label_studio.get(f"tasks/{task['id']}")["predictions"]
        assert prediction["model_version"] == "ceph_1"
        assert 0 <= prediction["score"] <= 1
        shown = [(result["value"]["x"] * 10 - 0.5, result["value"]["y"] * 12 - 0.5) for result in prediction["result"]]
        np.testing.assert_allclose(shown, POINTS, atol=0.2)

        moved = prediction["result"]
        moved[0]["value"]["x"] = 30.0
        label_studio.post(f"tasks/{task['id']}/annotations", json={"result": moved, "parent_prediction": prediction["id"]})

    found = read(corrected, "label_studio", images=film.parent).landmarks.set_index("landmark")
    assert found.loc["p1", "x"] == pytest.approx(299.5)
    assert found.loc["p2", "x"] == pytest.approx(POINTS[1, 0], abs=0.2)


class LabelStudio:
    """A running server's REST API."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Token {TOKEN}"

    def get(self, path: str) -> Any:
        return self._content(self.session.get(f"{self.address}/api/{path}", timeout=ANSWER_S))

    def post(self, path: str, **content: Any) -> Any:
        return self._content(self.session.post(f"{self.address}/api/{path}", timeout=ANSWER_S, **content))

    @staticmethod
    def _content(response: requests.Response) -> Any:
        assert response.ok, f"{response.request.method} {response.url}: {response.status_code} {response.text[:500]}"
        return response.json()


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    """A fresh server with one user, without a browser."""
    folder, port = tmp_path_factory.mktemp("label_studio"), free_port()
    address = f"http://127.0.0.1:{port}"
    user = ["--username", "person@example.org", "--password", secrets.token_urlsafe(), "--user-token", TOKEN]
    environment = os.environ | {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "COLLECT_ANALYTICS": "false",
        "ML_BLOCK_LOCAL_IP": "false",  # the backend answers on this machine alone
        "SSRF_PROTECTION_ENABLED": "false",
    }
    environment.pop("PYTHONPATH", None)
    command = [str(SERVER), "start", "--no-browser", "--host", address, "--port", str(port), *user]
    with (folder / "log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            while not answers(f"{address}/health", process):
                time.sleep(0.2)
            yield LabelStudio(address)
        finally:
            process.terminate()


@contextmanager
def served(backend: LabellingBackend) -> Iterator[str]:
    """The backend on a port of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application(backend), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the backend has stopped"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "Label Studio has stopped"
    try:
        return requests.get(address, timeout=ANSWER_S).ok
    except requests.ConnectionError:
        return False

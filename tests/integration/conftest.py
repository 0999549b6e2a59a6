import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from functools import partial
from pathlib import Path

import mlflow
import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogProtocol

SOURCE = Path(__file__).parents[2]

TINY = {
    "phantom": {"n_images": 10, "long_side_px": 300},
    "stage1": {
        "net": {"backbone": "mobilenetv3_small_050", "input_width_px": 64, "input_height_px": 96, "pretrained": False},
        "optim": {"epochs": 3},
        "loop": {"workers": 0},
    },
    "crops": {"crop_px": 64},
    "stage2": {
        "net": {"backbone": "mobilenetv3_small_050", "pretrained": False},
        "optim": {"epochs": 3},
        "loop": {"workers": 0},
        "crops_per_epoch": 128,
        "valid_crops": 64,
    },
    "folds": {"count": 2},
    "detector": {"views_stage1": "five", "views_stage2": "single"},
    "evaluation": {"statistics": {"n_resamples": 200}},
}
"""Parameters under which the whole chain takes half a minute; nothing is learned."""


class Project:
    """The project with a copy of its configuration, whose data, models and runs of one environment go into an empty folder."""

    def __init__(self, root: Path, new_runs: Callable[[Path], str], env: str = "demo") -> None:
        self.root = root
        self.env = env
        self.data = root / "data" / env
        root.mkdir(exist_ok=True)
        shutil.copy(SOURCE / ".telemetry", root / ".telemetry")
        shutil.copytree(SOURCE / "conf", root / "conf", ignore=shutil.ignore_patterns("local"))
        (root / "conf" / "local").mkdir()
        # MLflow keeps one connection for each URI in a process, so that projects in one process need URIs of their own.
        tracking = f"server: {{mlflow_tracking_uri: '{new_runs(root)}'}}\n"
        (root / "conf" / env / "mlflow.yml").write_text(tracking, encoding="utf-8")

    def run(
        self,
        *pipelines: str,
        from_nodes: tuple[str, ...] = (),
        to_outputs: tuple[str, ...] = (),
        **params: object,
    ) -> None:
        """`kedro run` in this process."""
        with chdir(self.root):
            bootstrap_project(SOURCE)
            with KedroSession.create(self.root, env=self.env, runtime_params=TINY | params) as session, self._log_kept():
                session.run(pipeline_names=list(pipelines), from_nodes=from_nodes, to_outputs=to_outputs)

    @property
    def log(self) -> Path:
        """Everything that its runs have logged."""
        return self.root / "log.txt"

    @contextmanager
    def _log_kept(self) -> Iterator[None]:
        handler = logging.FileHandler(self.log)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()

    @contextmanager
    def catalog(self) -> Iterator[CatalogProtocol]:
        """The environment's catalog."""
        with chdir(self.root):
            bootstrap_project(SOURCE)
            with KedroSession.create(self.root, env=self.env, runtime_params=TINY) as session:
                yield session.load_context().catalog

    def set_globals(self, **values: object) -> None:
        """Override `globals.yml` of the environment."""
        path = self.root / "conf" / self.env / "globals.yml"
        path.write_text(path.read_text() + "".join(f"\n{key}: {value}" for key, value in values.items()))


@pytest.fixture(scope="session")
def new_project(new_runs):
    """Makes a project that nothing has run in."""
    return partial(Project, new_runs=new_runs)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, new_project):
    """A finished tiny demo run, and a cross-validation after it."""
    project = new_project(tmp_path_factory.mktemp("demo"))
    project.set_globals(n_jobs=1)
    project.run("demo")
    project.run("folds")
    yield project
    mlflow.set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def together(finished, tmp_path_factory, new_project):
    """The finished demo and a second detector with own validation images: both evaluated together, and applied to a new film."""
    project = new_project(tmp_path_factory.mktemp("ensemble"))
    project.set_globals(n_jobs=1)
    shutil.copytree(finished.data, project.data)
    films = project.root / "films"
    films.mkdir()
    drawn = next((finished.data / "01_raw" / "aariz" / "test" / "Cephalograms").iterdir())
    shutil.copy(drawn, films / f"new{drawn.suffix}")
    project.run("ensemble", "evaluation_of_ensemble", ensemble={"count": 2, "validation": "own"})
    project.run("inference_with_ensemble", inference_folder=str(films))
    return project


@pytest.fixture
def empty(tmp_path, new_project):
    """A project nothing has run in."""
    return new_project(tmp_path)

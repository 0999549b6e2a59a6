from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.framework.startup import bootstrap_project

from ceph_pipeline import settings

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def project():
    """The project, known to Kedro."""
    bootstrap_project(PROJECT)
    return PROJECT


@pytest.fixture
def context(project):
    """Makes what hooks see of a run: the environment and its configuration, `--params` included."""

    def make(env=None, conf=project / "conf", **params):
        loader = settings.CONFIG_LOADER_CLASS(
            conf_source=str(conf), env=env, runtime_params=params, **settings.CONFIG_LOADER_ARGS
        )
        return SimpleNamespace(config_loader=loader, env=env)

    return make

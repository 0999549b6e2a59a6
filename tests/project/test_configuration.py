"""Globals follow the environment and the command line, and so does everything that is named after them."""

import shutil
from pathlib import Path

import pytest

from ceph_pipeline import settings
from ceph_pipeline.configuration import ConfigLoader


@pytest.fixture
def load(project):
    def loader(env=None, conf=project / "conf", **params):
        return ConfigLoader(str(conf), env=env, runtime_params=params, **settings.CONFIG_LOADER_ARGS)

    return loader


def seeds(parameters):
    return [
        parameters["ingestion"]["seed"],
        parameters["augmentation"]["seed"],
        parameters["stage1"]["loop"]["seed"],
        parameters["crops"]["seed"],
        parameters["stage2"]["loop"]["seed"],
        parameters["folds"]["seed"],
        parameters["evaluation"]["statistics"]["seed"],
    ]


def test_one_seed_on_the_command_line_is_every_step_s(load):
    assert set(seeds(load("demo", seed=7)["parameters"])) == {7}
    assert set(seeds(load("demo")["parameters"])) == {42}


def test_a_data_root_moves_every_folder_that_is_named_below_it(load):
    catalog = load("demo", data_root="/elsewhere")["catalog"]
    places = [
        entry.get("filepath") or entry.get("path") or entry["dataset"]["filepath"]
        for entry in catalog.values()
        if "Metrics" not in entry["type"]
    ]
    assert len(places) > 50
    assert [place for place in places if not place.startswith("/elsewhere/")] == []


def test_a_folder_of_its_own_stays_where_it_is(load):
    catalog = load("demo", data_root="/elsewhere", raw_folder="/films")["catalog"]
    assert catalog["raw_cephalograms"]["filepath"] == catalog["phantom_folder"]["filepath"] == "/films"
    assert catalog["inference_folder"]["filepath"] == "/elsewhere/01_raw/aariz/test/Cephalograms"


def test_an_environment_that_sets_the_data_root_alone_has_its_folders_there(load, project, tmp_path):
    shutil.copytree(project / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    (tmp_path / "conf" / "local" / "globals.yml").write_text("data_root: /mine\n")
    found = load(conf=tmp_path / "conf")["globals"]
    assert (found["raw_folder"], found["ruler_export"]) == ("/mine/01_raw/aariz", "/mine/01_raw/ruler/label_studio.json")


def test_the_user_s_folder_is_written_out(load):
    assert load(data_root="~/ceph")["globals"]["raw_folder"] == f"{Path.home()}/ceph/01_raw/aariz"


def test_what_is_no_global_does_not_become_one(load):
    assert "stage1" not in load(stage1={"loop": {"seed": 1}})["globals"]


def test_what_the_command_line_may_set_has_one_place(project):
    """`globals.yml`: a name that a catalog took from the command line alone would be refused as unknown."""
    files = [file for file in (project / "conf").rglob("*.yml") if "runtime_params:" in file.read_text(encoding="utf-8")]
    assert files == []

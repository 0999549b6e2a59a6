"""Globals follow the environment and the command line, and so does everything that is named after them."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.framework.context.context import _convert_paths_to_absolute_posix
from kedro.framework.project import pipelines

from ceph_pipeline import settings
from ceph_pipeline.configuration import ConfigLoader, ConfigurationError
from ceph_pipeline.hooks.checked_context import checked_context
from ceph_pipeline.stores import RawFolderDataset


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


def test_another_name_of_inference_keeps_the_results_of_an_earlier_run(load):
    def results(**params):
        catalog = load("demo", **params)["catalog"]
        written = [pipelines["inference"].all_outputs(), pipelines["inference"].inputs() & {"inference_annotation_folder"}]
        return {catalog[name]["filepath"] for name in set().union(*written) if name in catalog}

    first, second = results(), results(inference_name="inference_2026-01-31")
    assert len(first) == len(second) > 10
    assert not first & second
    assert first == {place.replace("inference_2026-01-31", "inference") for place in second}


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
    assert load(data_root="~")["globals"]["data_root"] == str(Path.home())


def test_the_user_s_folder_is_written_out_in_the_catalog_too(load, tmp_path):
    for env in ("base", "local"):
        (tmp_path / env).mkdir()
    (tmp_path / "local" / "catalog.yml").write_text("films: {filepath: ~/films, copy: {path: ~/copy}, load_args: {sep: '~'}}\n")
    (tmp_path / "base" / "globals.yml").write_text("data_root: data\n")
    entry = {"filepath": f"{Path.home()}/films", "copy": {"path": f"{Path.home()}/copy"}, "load_args": {"sep": "~"}}
    assert load(conf=tmp_path)["catalog"] == {"films": entry}


@pytest.mark.parametrize(("value", "expected"), [("films", "/project/films"), ("/films", "/films"), (None, None)])
def test_a_folder_of_images_is_counted_from_the_project_as_the_raw_folder_is(load, value, expected):
    entry = load(raw_images=value)["catalog"]["raw_cephalograms"]
    config = {name: setting for name, setting in entry.items() if name not in {"type", "metadata"}}
    raw = RawFolderDataset(**_convert_paths_to_absolute_posix(Path("/project"), config)).load()
    assert raw.root == Path("/project/data/01_raw/aariz")
    assert raw.images == (expected and Path(expected))


@pytest.mark.parametrize(("text", "line"), [("data_root: [a\n", 2), ("- a\n", 1), ("seed: 1\nseed: 2\n", 2)])
def test_globals_that_cannot_be_read_are_named_with_file_and_line(load, tmp_path, text, line):
    for env in ("base", "local"):
        (tmp_path / env).mkdir()
    (tmp_path / "base" / "globals.yml").write_text("data_root: data\n")
    (tmp_path / "local" / "globals.yml").write_text(text)
    with pytest.raises(ConfigurationError, match=rf"local/globals\.yml, line {line}: "):
        load(conf=tmp_path)


@pytest.mark.parametrize(("option", "variable", "env"), [(None, "demo", "demo"), ("ruler", "demo", "ruler"), (None, "", None)])
def test_commands_without_a_pipeline_take_the_environment_that_a_run_takes(project, monkeypatch, option, variable, env):
    monkeypatch.setenv("KEDRO_ENV", variable)
    context = checked_context(SimpleNamespace(project_path=project, package_name="ceph_pipeline"), option)
    assert context.env == env
    assert context.config_loader["globals"]["data_root"] == (f"data/{env}" if env else "data")


def test_what_is_no_global_does_not_become_one(load):
    assert "stage1" not in load(stage1={"loop": {"seed": 1}})["globals"]


def test_what_the_command_line_may_set_has_one_place(project):
    """`globals.yml`: a name that a catalog took from the command line alone would be refused as unknown."""
    files = [file for file in (project / "conf").rglob("*.yml") if "runtime_params:" in file.read_text(encoding="utf-8")]
    assert files == []

"""The documentation: its pictures and tables are of today's code, its links lead somewhere, its examples run."""

import doctest
import importlib
import importlib.util
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from kedro.framework.project import pipelines
from pydantic import TypeAdapter

import ceph_pipeline
from ceph_pipeline.phantom.aariz_layout import image_file, split_of
from ceph_pipeline.phantom.params import PhantomParams
from ceph_pipeline.phantom.specimen import sample_specimen

PROJECT = Path(__file__).parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
NEEDS_DATA = "data/demo"
"""Blocks that read the demo's files run in tests/integration, on a finished demo."""


def script(name):
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, PROJECT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python_blocks():
    for page in PAGES:
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), flags=re.M | re.S)):
            if NEEDS_DATA not in block:
                yield pytest.param(block, id=f"{page.relative_to(PROJECT)}-{number}")


def documented_modules():
    """Modules whose docstrings have examples."""
    for module in pkgutil.walk_packages(ceph_pipeline.__path__, "ceph_pipeline."):
        path = Path(importlib.util.find_spec(module.name).origin)
        if ">>> " in path.read_text("utf-8"):
            yield module.name


def test_the_picture_of_the_pipelines_is_of_todays(project):
    drawing = script("draw_dag")
    assert drawing.drawn_digest() == drawing.pipelines_digest(), "a pipeline has changed: run python docs/draw_dag.py"


def test_the_page_of_parameters_is_up_to_date(project):
    writing = script("write_parameters")
    assert writing.PAGE.read_text("utf-8") == writing.page(), "a model or conf/base has changed: run docs/write_parameters.py"


def printed_values(writing, params):
    """Fields of a model and of nested models, with their values and the text that the page prints."""
    for name, field in type(params).model_fields.items():
        value = getattr(params, name)
        inner = writing.nested_params(field.annotation, value)
        if inner is not None:
            yield from printed_values(writing, inner)
        written = writing.in_yaml(value)
        if written.startswith("`"):
            yield field, value, written.strip("`")


def test_the_pages_defaults_read_as_yaml_are_the_values_of_the_base(project):
    writing = script("write_parameters")
    found = [row for params in writing.base_params().values() for row in printed_values(writing, params)]
    assert {"[error]", "[]", "[[0.0, 0.0], [50.0, 50.0]]", "{}", "null", "'{landmark}_x'"} <= {row[-1] for row in found}
    for field, value, written in found:
        assert TypeAdapter(field.annotation).validate_python(yaml.safe_load(written)) == value, written


def test_the_page_prints_a_value_of_the_base_where_it_differs_from_the_models_default():
    page = (PROJECT / "docs/parameters.md").read_text("utf-8")
    assert re.search(r"^\| `views_stage1` \| [^|]+ \| `ten` \|", page, flags=re.M), "the model's default is single"


def test_the_table_of_layers_is_the_contracts():
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(contract for contract in linter["contracts"] if contract["type"] == "layers")
    section = (PROJECT / "docs/architecture.md").read_text("utf-8").split("## Layers")[1].split("\n## ")[0]
    table = [set(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| (`[^|]+) \|", section, flags=re.M)]
    assert table == [set(layer.split(" | ")) for layer in reversed(contract["layers"])]


def test_the_page_of_cephalometry_is_of_todays_table():
    writing = script("write_measurements")
    assert writing.PAGE.read_text("utf-8") == writing.page(), "a table has changed: run python docs/write_measurements.py"


def test_films_that_pages_name_are_those_that_the_demo_draws(context):
    params = PhantomParams.model_validate(context("demo").config_loader["parameters"]["phantom"])
    drawn = {
        image_file(
            Path("data/demo/01_raw/aariz"),
            split_of(index, params.n_images),
            sample_specimen(index, params.seed, params.long_side_px, params.variation),
        ).as_posix()
        for index in range(params.n_images)
    }
    named = {
        name for page in PAGES for name in re.findall(r"data/demo/01_raw/[\w./]+/Cephalograms/[\w.]+", page.read_text("utf-8"))
    }
    assert named
    assert named <= drawn


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")) + re.findall(r'src="([^"]+)"', page.read_text("utf-8"))
    local = [link for link in links if not re.match(r"\w+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


def known_parameters():
    """Dotted names of the page that is written from the models, and the values of globals.yml."""
    found = set(re.findall(r"^(\w+):", (PROJECT / "conf/base/globals.yml").read_text("utf-8"), flags=re.M))
    for section in (PROJECT / "docs/parameters.md").read_text("utf-8").split("\n## `")[1:]:
        top = section.partition("`")[0]
        found |= {f"{top}.{name}" for name in re.findall(r"^\| `([^`]+)`", section, flags=re.M)}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_commands_name_what_there_is(page, project):
    """Words in capitals stand for the reader's own."""
    there = {
        r'--params "?([^\s`"]+)': known_parameters(),
        r"--pipelines[ =]([\w,]+)": set(pipelines),
        r"--(?:from-|to-)?nodes[ =]([a-zA-Z][\w.,]*)": {node.name for job in pipelines.values() for node in job.nodes},
        r"--env[ =](\w+)": {folder.name for folder in (PROJECT / "conf").iterdir()},
    }
    for option, known in there.items():
        named = {word.partition("=")[0] for words in re.findall(option, page.read_text("utf-8")) for word in words.split(",")}
        assert {name for name in named if not name.isupper()} <= known


@pytest.mark.parametrize("block", python_blocks())
def test_the_pages_examples_run(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "example", "exec"), {})


@pytest.mark.parametrize("name", documented_modules())
def test_the_docstrings_examples_say_what_comes_out(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0

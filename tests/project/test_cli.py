import errno
import importlib
import pkgutil
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, DatasetError
from kedro.pipeline.pipeline import OutputNotUniqueError
from kedro.validation import DataValidationError
from mlflow.exceptions import MlflowException
from omegaconf.errors import InterpolationKeyError

import ceph_pipeline
from ceph_pipeline import cli, formats
from ceph_pipeline.errors import CephError
from ceph_pipeline.hooks.stopping import StoppingHook, stop_on_signals
from ceph_pipeline.images import ImageReadError
from ceph_pipeline.landmarks.geometry import Affine
from ceph_pipeline.landmarks.tables import points_table


@pytest.fixture(autouse=True)
def handlers():
    """The run command handles signals; the tests' own process goes on as before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def command(error=None):
    """The run command with a callback that records its parameters, or fails."""
    seen = {}

    def callback(**options):
        seen.update(options)
        if error is not None:
            raise error

    run = cli.cli.commands["run"]
    return cli.RunCommand(name="run", params=run.params, callback=callback), seen


def test_run_takes_every_option_of_kedro_s_own():
    assert {option.name for option in cli.cli.commands["run"].params} >= {option.name for option in kedro_run.params}


def test_an_error_of_ours_ends_in_its_message_alone():
    run, _ = command(ImageReadError("films/12.png: the file is cut off. Copy it again."))
    result = CliRunner().invoke(run, [])

    assert result.exit_code == 1
    assert result.output.startswith("Error: films/12.png: the file is cut off. Copy it again.\n")
    assert "Traceback" not in result.output


def test_a_name_in_a_message_can_neither_forge_a_line_nor_move_the_cursor():
    run, _ = command(ImageReadError("a\x1b[2J\u202e\x07.png: cut off.\nsecond line of ours, Müller"))
    output = CliRunner().invoke(run, []).output

    assert output.startswith("Error: a\\x1b[2J\\u202e\\x07.png: cut off.\nsecond line of ours, Müller\n")


def test_the_traceback_can_be_asked_for():
    run, _ = command(ImageReadError("films/12.png: the file is cut off."))
    with pytest.raises(ImageReadError):
        CliRunner().invoke(run, ["--traceback"], catch_exceptions=False)


@pytest.mark.parametrize("value", ["a=[1", "a=@x", "a=${", "a=*x", "a=\x00", "a=[1,2]", "a=?", "x"])
def test_parameters_that_cannot_be_read_say_what_is_expected(value):
    run, seen = command()
    result = CliRunner().invoke(run, ["--params", value])
    assert result.exit_code == 2
    assert "expected name=value,name=value" in " ".join(result.output.split())
    assert isinstance(result.exception, SystemExit)
    assert not seen


@pytest.mark.parametrize(
    ("value", "read"),
    [
        *[("010", "010"), ("007", "007"), ("-010", "-010"), ("'010'", "010")],
        *[("8", 8), ("0", 0), ("0.10", 0.1), ("1e-3", 0.001), ("1_000", 1000), ("true", True), ("null", None), ("[1]", [1])],
    ],
)
def test_digits_with_a_leading_zero_are_text_and_other_values_are_yaml_s(value, read):
    run, seen = command()
    CliRunner().invoke(run, ["--params", f"a.b={value}, c=1"], catch_exceptions=False)
    assert seen["params"] == {"a": {"b": read}, "c": 1}


@pytest.mark.parametrize("name", ["8", "010", "12e3", "2024_05", "null", "0x10", "'12e3'"])
def test_the_names_of_films_are_text(name):
    run, seen = command()
    CliRunner().invoke(run, ["--params", f"superimposition.first={name},superimposition.second = {name}"], catch_exceptions=False)
    assert seen["params"] == {"superimposition": {"first": name.strip("'"), "second": name.strip("'")}}


@pytest.mark.parametrize("name", ["data_root", "raw_folder", "inference_folder", "pseudonym_key"])
@pytest.mark.parametrize("value", ["/x/Mueller #1", "0x10", "1_000", "2024", "010", "1e3", "true", "~", "a: b", "it's", ""])
def test_paths_are_text(name, value):
    run, seen = command()
    CliRunner().invoke(run, ["--params", f"{name}={value},seed=1"], catch_exceptions=False)
    assert seen["params"] == {name: value, "seed": 1}


def test_no_folder_of_images_is_null_and_a_sharp_begins_no_comment():
    run, seen = command()
    CliRunner().invoke(run, ["--params", "raw_images=null,inference.ruler_models=/x/ruler #2"], catch_exceptions=False)
    assert seen["params"] == {"raw_images": None, "inference": {"ruler_models": "/x/ruler #2"}}


def test_a_preset_whose_parameters_are_all_commented_out_has_none(tmp_path):
    preset = tmp_path / "preset.yml"
    preset.write_text("run:\n  env: demo\n  pipelines:\n  params:\n#    seed: 1\n")
    run, seen = command()
    CliRunner().invoke(run, ["--config", str(preset), "--params", "seed=3"], catch_exceptions=False)
    assert (seen["env"], seen["params"]) == ("demo", {"seed": 3})
    CliRunner().invoke(run, ["--config", str(preset)], catch_exceptions=False)
    assert seen["params"] == {}


@pytest.mark.parametrize("runner", ["ParallelRunner", "kedro.runner.ParallelRunner"])
def test_a_runner_that_cannot_run_the_pipelines_is_refused(runner):
    run, seen = command()
    result = CliRunner().invoke(run, ["--runner", runner])
    assert result.exit_code == 1
    assert result.output.startswith("Error: --runner ParallelRunner: nodes exchange objects that processes cannot share")
    assert not seen
    CliRunner().invoke(run, ["--runner", "ThreadRunner"], catch_exceptions=False)
    assert seen["runner"] == "ThreadRunner"


def test_a_name_in_a_value_that_is_none_is_said_without_a_traceback():
    run, _ = command(InterpolationKeyError("Interpolation key 'nope' not found\n    full_key: data_root"))
    result = CliRunner().invoke(run, ["--params", "data_root=${nope}"])
    assert result.exit_code == 1
    assert "Error: Interpolation key 'nope' not found\n    full_key: data_root" in result.output


def test_a_table_of_another_version_is_to_be_made_again():
    run, _ = command(DataValidationError("1 check failed", dataset_name="landmarks", mode="load"))
    output = CliRunner().invoke(run, []).output
    assert "'landmarks' on load" in output
    assert "by another version. Run the pipeline that writes landmarks again." in output


def test_a_bug_keeps_its_traceback():
    run, _ = command(KeyError("x"))
    with pytest.raises(KeyError):
        CliRunner().invoke(run, [], catch_exceptions=False)


def test_params_add_to_those_of_a_preset(tmp_path):
    preset = tmp_path / "preset.yml"
    preset.write_text("run: {env: demo, params: {stage1: {optim: {epochs: 250, batch_size: 6}}}}")
    run, seen = command()
    CliRunner().invoke(run, ["--config", str(preset), "--params", "stage1.optim.epochs=3"], catch_exceptions=False)

    assert seen["params"] == {"stage1": {"optim": {"epochs": 3, "batch_size": 6}}}
    assert seen["env"] == "demo"


class TestExplainsItself:
    @staticmethod
    def caught(function, kind=ValueError):
        with pytest.raises(kind) as caught:
            function()
        return caught.value

    def test_an_error_class_of_ours_does(self):
        assert cli.explains_itself(ImageReadError("films/12.png: the file is cut off."))

    def test_a_value_that_we_refuse_does(self):
        assert cli.explains_itself(self.caught(lambda: Affine([[1]])))

    def test_an_error_that_happens_in_our_code_does_not(self):
        assert not cli.explains_itself(self.caught(lambda: Affine("a matrix")))
        assert not cli.explains_itself(self.caught(lambda: points_table(None, [], []), AttributeError))

    def test_every_error_class_of_ours_has_the_same_base(self):
        modules = [
            importlib.import_module(found.name) for found in pkgutil.walk_packages(ceph_pipeline.__path__, "ceph_pipeline.")
        ]
        kinds = {
            kind
            for module in modules
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__.startswith("ceph_pipeline")
        }
        assert len(kinds) > 30
        assert [kind for kind in kinds if not issubclass(kind, CephError)] == []

    def test_an_error_of_somebody_else_does_not(self):
        assert not cli.explains_itself(self.caught(lambda: int("x")))


class TestExplanation:
    def test_a_full_disk_says_so_whoever_met_it(self):
        met = OSError(errno.ENOSPC, "No space left on device", "copy/errors.parquet", None, "/runs/errors.parquet")
        assert cli.explanation(met).startswith("/runs/errors.parquet cannot be written: No space left on device, ")

    def test_a_file_where_a_folder_is_needed_is_named_whoever_met_it(self, tmp_path):
        (tmp_path / "file").write_text("")
        points = pd.DataFrame({"image_id": ["a"], "reader": "r", "landmark": "Sella", "x": [1.0], "y": [2.0]})
        images = pd.DataFrame({"image_id": ["a"], "path": "a.png", "split": "test", "width": 9, "height": 9})
        with pytest.raises(FileExistsError) as caught:
            formats.write(tmp_path / "file/coco", "coco", images.assign(pixel_size_mm=0.1, machine="m"), points)
        assert "file cannot be written: File exists. Move the existing file or folder away" in cli.explanation(caught.value)
        with pytest.raises(NotADirectoryError) as caught:
            (tmp_path / "file/coco").mkdir()
        assert f"{tmp_path}/file/coco cannot be written: Not a directory." in cli.explanation(caught.value)

    def test_kedro_s_printout_of_a_data_set_is_left_out(self, tmp_path):
        class Full(AbstractDataset):
            def load(self):
                raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / "a"))

            def save(self, data):
                """Nothing."""

            def _describe(self):
                return {}

        with pytest.raises(DatasetError, match=r"Failed while loading data from dataset .*Full") as caught:
            Full().load()
        assert cli.explanation(caught.value).startswith(f"{tmp_path}/a cannot be written: Read-only file system. Set data_root")

    def test_pipelines_that_write_the_same_are_said_in_place_of_their_outputs(self):
        with pytest.raises(OutputNotUniqueError) as caught:
            pipelines["evaluation"] + pipelines["evaluation_with_folds"]
        assert "variants evaluation_of_stage1, evaluation_with_folds and evaluation_of_ensemble" in cli.explanation(caught.value)

    def test_a_bug_has_none(self):
        assert cli.explanation(KeyError("x")) is None

    def test_a_store_that_mlflow_cannot_use_is_named(self):
        error = MlflowException("(sqlite3.OperationalError) attempt to write a readonly database")
        error.__cause__ = sqlite3.OperationalError("attempt to write a readonly database")
        assert "the database of runs cannot be written (attempt to write a readonly database)" in cli.explanation(error)


def test_programs_that_plugins_start_by_name_are_those_of_this_environment():
    assert Path(shutil.which("mlflow")).parent == Path(sys.executable).parent


class KilledInTheDestructor:
    """Python drops what is raised in `__del__`."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        signal.raise_signal(self.number)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("number", "end"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
@pytest.mark.parametrize("go_on", [StoppingHook().before_node_run, StoppingHook().after_pipeline_run])
def test_a_signal_that_python_has_dropped_ends_the_run_before_its_next_node_or_its_end(number, end, go_on):
    stop_on_signals()
    go_on()
    KilledInTheDestructor(number)
    with pytest.raises(end):
        go_on()
    stop_on_signals()
    go_on()

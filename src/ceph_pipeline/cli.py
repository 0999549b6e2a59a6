"""The project's commands `kedro run`, `kedro label-studio` and `kedro page`.

Kedro finds this module by its name; its commands take precedence over Kedro's. Their errors are shown as one message.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.startup import ProjectMetadata
from kedro.io import DatasetError
from kedro.pipeline.pipeline import OutputNotUniqueError
from kedro.validation import DataValidationError
from omegaconf.errors import OmegaConfBaseException

from ceph_pipeline.artifacts import obstruction, refusal
from ceph_pipeline.errors import CephError, install_hint, printable
from ceph_pipeline.hooks.checked_context import checked_context, open_store_of, trained_in
from ceph_pipeline.hooks.stopping import stop_on_signals
from ceph_pipeline.run_options import checked, merge, with_parameters

# `kedro mlflow ui` starts `mlflow` by its name: use the one of this environment, even where the environment is not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

_SAME_RESULTS = (
    "Two of the named pipelines write the same results. Examples: `evaluation`, which is part of `demo` and `__default__`, and "
    "its variants evaluation_of_stage1, evaluation_with_folds and evaluation_of_ensemble; `ruler` and ruler_with_folds. "
    "Run one after the other."
)
_ANOTHER_TABLE = "The table is damaged or was written by another version. Run the pipeline that writes {} again."


class ExplainingCommand(click.Command):
    """A command that shows the message of an expected error without a traceback."""

    hint = ""

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke the command, and convert expected errors into `click.ClickException`."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (message := explanation(error)) is None:
                raise
            raise click.ClickException(printable(message, keep="\n") + self.hint) from error


class RunCommand(ExplainingCommand):
    """Kedro's run command, with two differences.

    An expected error is shown without a traceback, unless `--traceback` is given. `--params` extends the parameters of a
    `--config` file; Kedro's command would drop the parameters of the file.
    """

    hint = "\n(kedro run --traceback shows where it was raised)"

    def invoke(self, ctx: click.Context) -> Any:
        """Run the pipelines; a run that is stopped by a signal is recorded as killed."""
        show_traceback = ctx.params.pop("traceback")
        preset = (ctx.default_map or {}).get("params", {})
        ctx.params["params"] = merge(preset, ctx.params["params"])
        _check_runner(ctx.params["runner"])
        stop_on_signals()
        try:
            return click.Command.invoke(self, ctx) if show_traceback else super().invoke(ctx)
        except (KeyboardInterrupt, SystemExit):
            _record_as_killed()
            raise


def _check_runner(name: str | None) -> None:
    """Reject ParallelRunner: models, handles and folders are passed between nodes in memory, which processes do not share."""
    if name and name.rpartition(".")[2] == "ParallelRunner":
        raise click.ClickException(
            "--runner ParallelRunner: nodes exchange objects that processes cannot share. The nodes use all cores without it. "
            "Leave --runner out, or use ThreadRunner."
        )


def _record_as_killed() -> None:
    """Record the active MLflow run as killed, so that a stopped run is not recorded as finished."""
    if "mlflow" in sys.modules:
        from ceph_pipeline.training.run_states import end_as_killed

        end_as_killed()


def explanation(error: Exception) -> str | None:
    """The message of an expected error, of a disk error or of an error of MLflow's store; None for any other error."""
    inner = _unwrapped(error)
    if isinstance(inner, OutputNotUniqueError):
        return _SAME_RESULTS
    if explains_itself(inner):
        return _with_way_out(inner)
    if isinstance(inner, OSError):
        place = Path(inner.filename2 or inner.filename or "a file")
        if message := refusal(inner, place) or obstruction(inner, place):
            return message
    if explains_itself(error):
        return str(error)
    if "mlflow" in sys.modules:
        from ceph_pipeline.training import tracking_store

        return tracking_store.explanation(error, tracking_store.current_uri())
    return None


def _with_way_out(error: Exception) -> str:
    """The message of an error; for a stored table that fails validation, with the way to fix it."""
    if isinstance(error, DataValidationError) and error.mode == "load":
        return f"{error}\n{_ANOTHER_TABLE.format(error.dataset_name)}"
    return str(error)


def _unwrapped(error: Exception) -> Exception:
    """The error that a data set raised; Kedro wraps the error in a printout of the data set's configuration."""
    wrapped = isinstance(error, DatasetError) and str(error).startswith("Failed while")
    return error.__cause__ if wrapped and isinstance(error.__cause__, Exception) else error


def explains_itself(error: Exception) -> bool:
    """Whether an error is expected, with a message for the user: an error of this project, of Kedro or of OmegaConf."""
    if isinstance(error, CephError | OmegaConfBaseException) or _is_kedros(type(error).__module__):
        return True
    frames = list(traceback_frames(error))
    return isinstance(error, ValueError) and bool(frames) and _is_kedros(frames[-1].tb_frame.f_globals["__name__"])


def traceback_frames(error: Exception) -> Iterator[TracebackType]:
    """The traceback from where the error was caught to where it was raised."""
    step = error.__traceback__
    while step is not None:
        yield step
        step = step.tb_next


def _is_kedros(module: str) -> bool:
    return module.partition(".")[0] == "kedro"


@click.group(name="ceph-pipeline")
def cli() -> None:
    """Commands of this project."""


cli.add_command(
    RunCommand(
        name="run",
        help=kedro_run.help,
        callback=kedro_run.callback,
        params=[
            *map(checked, kedro_run.params),
            click.Option(["--traceback"], is_flag=True, help="Show the traceback of every error."),
        ],
    )
)


@cli.command("label-studio", cls=ExplainingCommand)
@click.option(
    "--images", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True, help="Folder of the tasks' images."
)
@click.option("--env", "-e", help="Configuration environment that supplies the detector and its parameters.")
@click.option(
    "--model",
    help="Models' folder, or a model's URI in MLflow, in the detector's place; the environment's parameters still apply.",
)
@click.option(
    "--corrected",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("data/01_raw/label_studio/corrected.json"),
    show_default=True,
    help="Export file in which corrected tasks are kept.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=9090, show_default=True)
@with_parameters
@click.pass_obj
def label_studio(
    project: ProjectMetadata,
    images: Path,
    env: str | None,
    model: str | None,
    corrected: Path,
    port: int,
    params: dict[str, Any],
) -> None:
    """Pre-annotate the tasks of a Label Studio project.

    Enter http://localhost:PORT in the project's settings under Model. A webhook to http://localhost:PORT/webhook
        (Settings, Webhooks) saves corrected tasks to a file that `raw_format=label_studio` reads. Label Studio accepts
        a backend on its own machine only if it was started with ML_BLOCK_LOCAL_IP=false and SSRF_PROTECTION_ENABLED=false.
    """
    import uvicorn

    from ceph_pipeline.detector import DetectorParams, LandmarkDetector
    from ceph_pipeline.formats.film_names import ImageFolder
    from ceph_pipeline.inference.labelling_backend import LabellingBackend, application, version_of

    context = checked_context(project, env, params)
    found = model or str(trained_in(context))
    open_store_of(context, found)
    detector_params = DetectorParams.model_validate(context.config_loader["parameters"]["detector"])
    detector = LandmarkDetector.load(found, detector_params.in_one_view())  # for speed: Label Studio waits for each task
    backend = LabellingBackend(detector, ImageFolder(images), version_of(found), corrected)
    backend.check_corrected()
    try:
        listening = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.ClickException(f"port {port} cannot be used ({reason}): choose another with --port.") from error
    with listening:
        click.echo(f"http://localhost:{port} pre-annotates with the detector of {found}; press Ctrl-C to stop.")
        uvicorn.Server(uvicorn.Config(application(backend), log_level="warning")).run(sockets=[listening])


@cli.command(cls=ExplainingCommand)
@click.option("--env", "-e", help="Configuration environment of the detector; if none is trained there, `demo`.")
@click.option(
    "--model",
    help="Models' folder, or a model's URI in MLflow, in the detector's place; the environment's parameters still apply.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=5006, show_default=True)
@with_parameters
@click.pass_obj
def page(project: ProjectMetadata, env: str | None, model: str | None, port: int, params: dict[str, Any]) -> None:
    """Open a local web page to try the detector. Points can be corrected; the measurements are updated.

    No data leaves this machine, and only the files that you download are kept.
    """
    try:
        from ceph_pipeline.page.server import page_server
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{error.name} is not installed: {install_hint('page')}.") from None
    from ceph_pipeline.detector.files import is_detector
    from ceph_pipeline.page.settings import load_settings, models_folder

    demo_models = trained_in(checked_context(project, "demo"))
    context = checked_context(project, env, params)
    parameters = context.config_loader["parameters"]
    folders = [*dict.fromkeys((trained_in(context), demo_models))]
    if model is None and not any(map(is_detector, folders)) and _wants_phantoms():
        train_on_phantoms(project.project_path)
    found = model or models_folder(folders)
    open_store_of(context, found, parameters["inference"]["ruler_models"])
    server = page_server(load_settings(found, parameters), port)
    click.echo(f"http://127.0.0.1:{port} uses the detector of {found}; press Ctrl-C to stop.")
    server.run_until_shutdown()


def _wants_phantoms() -> bool:
    """Ask the user, in an interactive terminal, whether to train a detector on phantoms (synthetic cephalograms)."""
    question = "No detector is trained here yet. Train one on phantoms (synthetic cephalograms) now? Training takes some minutes"
    return sys.stdin.isatty() and click.confirm(question, default=True)


def train_on_phantoms(project: Path) -> None:
    """Run the demo in a separate process.

    Raises:
        click.ClickException: the demo failed.
    """
    command = [sys.executable, "-m", "kedro", "run", "--env", "demo", "--pipelines", "demo"]
    if subprocess.run(command, cwd=project, check=False).returncode:  # noqa: S603 the project's own command
        raise click.ClickException("the demo has failed; there is no detector to use.")

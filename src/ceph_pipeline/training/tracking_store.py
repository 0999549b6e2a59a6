"""Where runs are recorded: opened by one process at a time, and named in one message where it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import mlflow
from filelock import FileLock, Timeout
from mlflow.exceptions import MlflowException
from requests import RequestException

from ceph_pipeline.artifacts.user_path import user_path
from ceph_pipeline.errors import CephError

if TYPE_CHECKING:
    from collections.abc import Iterator

SQLITE = "sqlite:///"
"""What the URI of a database in a file begins with; a fourth slash makes the path absolute."""

BUSY_S = 20.0
"""How long another program may hold the database's lock, which MLflow waits for as long."""

CREATION_S = 120.0
"""How long another run may take to create the database."""

_SERVER_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""One attempt of ten seconds, where MLflow's own patience is seven of them and 258 s in all."""

_ELSEWHERE = "set server.mlflow_tracking_uri in conf/local/mlflow.yml"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


class TrackingError(CephError, RuntimeError):
    """Runs cannot be recorded: the server does not answer, or the database cannot be used."""


def uri_from_root(uri: str, root: Path) -> str:
    """A tracking URI with a database's path counted from the project's root, wherever the command was started.

    `~` is the user's folder.

    Example:
        >>> uri_from_root("sqlite:///mlflow.db", Path("/home/ann/ceph"))
        'sqlite:////home/ann/ceph/mlflow.db'
    """
    file = database_file(uri)
    if file is None:
        return uri
    _, mark, query = uri.partition("?")
    return f"{SQLITE}{(root.absolute() / user_path(file)).as_posix()}{mark}{query}"


def database_file(uri: str) -> Path | None:
    """The file of a local database; None of servers, other databases and one in memory."""
    path = uri.removeprefix(SQLITE).partition("?")[0]
    return Path(path) if uri.startswith(SQLITE) and path not in {"", ":memory:"} else None


def is_recording() -> bool:
    """Whether a run is open already, whose store then counts."""
    return mlflow.active_run() is not None


def current_uri() -> str:
    """Of the store that runs of this process are recorded in."""
    return mlflow.get_tracking_uri()


@contextmanager
def opened(uri: str) -> Iterator[None]:
    """Set up a tracking store while no other process of this machine does, since MLflow's set-up is not made for two.

    A server has ten seconds to answer; what goes on in a run has MLflow's own patience, so that a server may be restarted
    under a training.

    Raises:
        TrackingError: the store cannot be used; what to do about it.
    """
    file = database_file(uri)
    with _explained(uri):
        if file is None:
            with impatient():
                yield
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=CREATION_S):
            _check_database(file)
            yield


@contextmanager
def impatient() -> Iterator[None]:
    """Wait for a server ten seconds at most; what the user has set in MLflow's own variables stays."""
    ours = {name: value for name, value in _SERVER_PATIENCE.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def ending() -> Iterator[None]:
    """Record how a run ends where that can be done soon; what ended it is not hidden by a store that cannot be told."""
    with suppress(MlflowException), impatient():
        yield


def explanation(error: BaseException, uri: str) -> str | None:
    """One message for an error behind which a tracking store is; None where it is something else.

    Args:
        error: Of MLflow, usually with the error of its database or client behind it.
        uri: Of the store.
    """
    for link in _chain(error):
        origin = getattr(link, "orig", link)  # of SQLAlchemy's errors
        if isinstance(origin, sqlite3.Error):
            return _of_database(database_file(uri) or Path(uri), origin)
        if isinstance(link, RequestException):
            return _of_server(uri, link)
    return None


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise TrackingError(
            f"{database_file(uri)}: another run has been creating it for {CREATION_S:.0f} s. Wait for that run, or stop it."
        ) from error
    except (OSError, MlflowException, sqlite3.Error) as error:
        message = explanation(error, uri)
        reason = str(error).splitlines()[0]
        raise TrackingError(
            message or f"{_shown(uri)}: runs cannot be recorded there ({reason}). Mend that, or {_ELSEWHERE} to another place."
        ) from error


def _check_database(file: Path) -> None:
    """Ask a database for the right to write, which MLflow itself would ask for ten times, a minute and a half long."""
    with closing(sqlite3.connect(file, timeout=BUSY_S)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.rollback()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_database(file: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _BUSY:
        return (
            f"{file}: locked by another program for {BUSY_S:.0f} s ({error}). Close what writes to it, a database browser or a "
            "run that hangs, and run again."
        )
    if code in _DAMAGED:
        return (
            f"{file}: damaged, or no database ({error}). Put a copy back, or move the file away: the next run starts a new one. "
            "Only records of earlier runs are in it; tables, networks and reports are not."
        )
    return (
        f"{file}: the database of runs cannot be written ({error}). Make room or change its permissions, or {_ELSEWHERE} to a "
        f"place where you may write, e.g. {SQLITE}/home/you/mlflow.db."
    )


def _of_server(uri: str, error: RequestException) -> str:
    reason = type(error).__name__ if error.response is None else f"HTTP {error.response.status_code}"
    return (
        f"{_shown(uri)}: MLflow's server does not answer ({reason}). Start it, correct server.mlflow_tracking_uri in "
        f"conf/local/mlflow.yml, or {_ELSEWHERE} to {SQLITE}mlflow.db, which records runs on this machine."
    )


def _shown(uri: str) -> str:
    """A URI without a password in it."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.username else uri

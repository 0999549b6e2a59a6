"""The MLflow tracking store: opened by one process at a time, with an explanation of errors."""

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
"""Prefix of the URI of a database file; a fourth slash makes the path absolute."""

BUSY_S = 20.0
"""Maximum time to wait for another program's lock of the database; MLflow has the same timeout."""

CREATION_S = 120.0
"""Maximum time to wait for another run that creates the database."""

_SERVER_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""One attempt of ten seconds; MLflow's default is seven attempts, which take 258 s."""

_ELSEWHERE = "set server.mlflow_tracking_uri in conf/local/mlflow.yml"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}


class TrackingError(CephError, RuntimeError):
    """Runs cannot be recorded: the server is not reachable, or the database cannot be used."""


def uri_from_root(uri: str, root: Path) -> str:
    """A tracking URI whose database path is relative to the project's root, for any working directory.

    `~` is the user's home folder.

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
    """The file of a local database; None for servers, other databases and databases in memory."""
    path = uri.removeprefix(SQLITE).partition("?")[0]
    return Path(path) if uri.startswith(SQLITE) and path not in {"", ":memory:"} else None


def is_recording() -> bool:
    """Whether a run is already open, whose store is then used."""
    return mlflow.active_run() is not None


def current_uri() -> str:
    """The URI of the store in which this process records runs."""
    return mlflow.get_tracking_uri()


@contextmanager
def opened(uri: str) -> Iterator[None]:
    """Set up a tracking store under a lock, because MLflow's set-up does not support concurrent processes.

    The timeout of a server is ten seconds during the set-up. Inside a run, MLflow's own timeouts apply, so that a server can be
    restarted during a training.

    Raises:
        TrackingError: the store cannot be used.
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
    """Wait at most ten seconds for a server; MLflow's environment variables set by the user take precedence."""
    ours = {name: value for name, value in _SERVER_PATIENCE.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def ending() -> Iterator[None]:
    """Record the end of a run with a short timeout; errors of the store are ignored, so that they do not hide the cause."""
    with suppress(MlflowException), impatient():
        yield


def explanation(error: BaseException, uri: str) -> str | None:
    """A message for an error that a tracking store caused; None for other errors.

    Args:
        error: MLflow's error, usually chained to the error of its database or client.
        uri: The URI of the store.
    """
    for link in _chain(error):
        origin = getattr(link, "orig", link)  # SQLAlchemy's errors contain the original error
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
            f"{database_file(uri)}: locked for {CREATION_S:.0f} s by another run that creates it. Wait for that run, or stop it."
        ) from error
    except (OSError, MlflowException, sqlite3.Error) as error:
        message = explanation(error, uri)
        reason = str(error).splitlines()[0]
        raise TrackingError(
            message or f"{_shown(uri)}: runs cannot be recorded there ({reason}). Fix that, or {_ELSEWHERE} to another store."
        ) from error


def _check_database(file: Path) -> None:
    """Check that a database is writable; MLflow itself would retry ten times, for a minute and a half."""
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
            f"{file}: locked by another program for {BUSY_S:.0f} s ({error}). Close the program that writes to it, such as a "
            "database browser or a hanging run, and run again."
        )
    if code in _DAMAGED:
        return (
            f"{file}: damaged, or not a database ({error}). Restore a backup, or move the file away: the next run creates a new "
            "one. The file contains records of earlier runs only, but no tables, networks or reports."
        )
    return (
        f"{file}: the database of runs cannot be written ({error}). Free disk space, change its permissions, or {_ELSEWHERE} to "
        f"a writable path, e.g. {SQLITE}/home/you/mlflow.db."
    )


def _of_server(uri: str, error: RequestException) -> str:
    reason = type(error).__name__ if error.response is None else f"HTTP {error.response.status_code}"
    return (
        f"{_shown(uri)}: MLflow's server is not reachable ({reason}). Start it, correct server.mlflow_tracking_uri in "
        f"conf/local/mlflow.yml, or {_ELSEWHERE} to {SQLITE}mlflow.db, which records runs on this machine."
    )


def _shown(uri: str) -> str:
    """A URI without user name and password."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.username else uri

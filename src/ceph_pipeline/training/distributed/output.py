"""Redirects each rank's output to a log file, and relays rank 0's log records as JSON to the launching process."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, TextIO

from ceph_pipeline.artifacts import write_atomically
from ceph_pipeline.training.distributed.failure import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

logger = logging.getLogger(__name__)

LAST_LINES = 6
"""Number of a traceback's last lines in an error message."""

_RECORD = {"level", "logger", "message"}
"""Keys of a relayed log record."""


class JsonLines(logging.Handler):
    """Writes this project's log records, and warnings of other packages, as one line of JSON each."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if record.levelno < logging.WARNING and not record.name.startswith("ceph_pipeline"):
            return
        message = {"level": record.levelno, "logger": record.name, "message": record.getMessage()}
        print(json.dumps(message), file=self.stream, flush=True)


def redirect(log: Path, *, relays: bool) -> None:
    """Redirect this process's output to a file; for rank 0, also relay log records and show the progress bar.

    Args:
        log: The file.
        relays: Whether this is rank 0: log records go to the original standard output, the progress bar to the original
            standard error.
    """
    lines, console = (os.fdopen(os.dup(number), "w", encoding="utf-8") for number in (1, 2))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if relays:
        sys.stdout = console
        handlers.append(JsonLines(lines))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", handlers=handlers)
    logging.getLogger("ceph_pipeline").setLevel(logging.INFO)


def relay(lines: Iterable[str]) -> dict[int, Exit]:
    """Log the relayed records of ranks and agent, under their original logger names.

    Returns:
        The exits of failed ranks, as reported by the agent.
    """
    exits: dict[int, Exit] = {}
    for line in lines:
        message = _message(line)
        if message is None:  # output that a library writes directly to the descriptor
            logger.info(line.rstrip())
        elif "exits" in message:
            exits = {int(rank): Exit(*seen) for rank, seen in message["exits"].items()}
        else:
            logging.getLogger(message["logger"]).log(message["level"], "%s", message["message"])
    return exits


def _message(line: str) -> dict[str, Any] | None:
    """The content of a relayed line; None for other output."""
    try:
        message = json.loads(line)
    except json.JSONDecodeError:
        return None
    return message if isinstance(message, dict) and ("exits" in message or message.keys() >= _RECORD) else None


def record_error(path: Path, error: BaseException, *, out_of_memory: bool) -> None:
    """Write an error to a file for the launching process; the whole traceback is written to the rank's log."""
    traceback.print_exception(error)
    ours = type(error).__module__.partition(".")[0] == "ceph_pipeline"
    lines = [str(error)] if ours else "".join(traceback.format_exception(error)).strip().splitlines()[-LAST_LINES:]
    write_atomically(path, json.dumps({"time": time.time(), "message": "\n".join(lines), "out_of_memory": out_of_memory}))

"""Restrict the log to lines of this project and Kedro's progress, without file names and control characters."""

import logging

from kedro.framework.hooks import hook_impl

from ceph_pipeline.errors import printable

TALKATIVE = (
    "alembic",
    "kedro_mlflow",
    "kedro_telemetry",
    "lightning.fabric.utilities.rank_zero",
    "lightning.fabric.utilities.seed",
    "lightning.pytorch.utilities.rank_zero",
    "mlflow",
    "pytorch_lightning.utilities.rank_zero",  # Lightning's other package, where a dependency imports it
)

LOGS_AND_RAISES = ("mlflow.store.db.utils",)
"""Libraries that log a traceback of the errors that they raise."""


class QuietHook:
    """Silences libraries that set their own logging level when they are imported, after `conf/logging.yml` has been read."""

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Log only errors of these libraries, only the first part of a node's error, and only printable characters."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        for name in LOGS_AND_RAISES:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger("kedro.pipeline.node").addFilter(_without_message)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_printable)


def _without_message(record: logging.LogRecord) -> bool:
    """Remove the error message, which contains file names, from Kedro's log record of a failed node."""
    if record.levelno >= logging.ERROR:
        message = record.getMessage().partition(":")[0]
        record.msg, record.args = f"{message} failed", None
    return True


def _printable(record: logging.LogRecord) -> bool:
    """Escape control characters, so that text from a file cannot change the terminal; line feeds and tabs of tables are kept."""
    record.msg, record.args = printable(record.getMessage(), keep="\n\t"), None
    return True

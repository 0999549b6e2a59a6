"""Our lines and Kedro's progress are what a run shows; no names of files, and nothing that moves a terminal's cursor."""

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
    "pytorch_lightning.utilities.rank_zero",  # the other package of Lightning, once anything has imported it
)

LOGS_AND_RAISES = ("mlflow.store.db.utils",)
"""Write a traceback of what they raise besides."""


class QuietHook:
    """Silences libraries that set their own logging level when they are imported, after `conf/logging.yml` has been read."""

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Let only errors of these libraries through, of a node's error what has failed, and nothing that is not printable."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        for name in LOGS_AND_RAISES:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger("kedro.pipeline.node").addFilter(_without_message)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_printable)


def _without_message(record: logging.LogRecord) -> bool:
    """Kedro logs a node's error with its message, in which files are named."""
    if record.levelno >= logging.ERROR:
        message = record.getMessage().partition(":")[0]
        record.msg, record.args = f"{message} failed", None
    return True


def _printable(record: logging.LogRecord) -> bool:
    """No text from a file forges what a terminal shows; tables have lines of their own."""
    record.msg, record.args = printable(record.getMessage(), keep="\n\t"), None
    return True

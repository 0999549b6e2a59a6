"""Restrict the log to lines of this project and Kedro's progress, without file names and control characters."""

import logging

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node

from ceph_pipeline.errors import printable

logger = logging.getLogger(__name__)

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

UNHELPFUL = ("Using synchronous mode for loading", "No nodes ran. Repeat the previous command", "Completed node: ")
"""Starts of Kedro's messages that are not logged: a finished node is counted by the next message ("Completed 1 out of 38 tasks"),
and the error that stops a run before its first node says what to do."""


class QuietHook:
    """Silences libraries that set their own logging level when they are imported, after `conf/logging.yml` has been read."""

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Log only errors of these libraries, Kedro's messages without node signatures, and only printable characters."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)
        for name in LOGS_AND_RAISES:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger("kedro.pipeline.node").addFilter(_without_details)
        for handler in logging.getLogger().handlers:
            handler.addFilter(_is_helpful)
            handler.addFilter(_printable)

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Log the name of the node; Kedro's own message lists all its data sets as well."""
        logger.info("Running node: %s", node.name)


def _without_details(record: logging.LogRecord) -> bool:
    """Drop Kedro's record of a node's start, and remove the error message, which contains file names, from that of a failure."""
    if record.levelno < logging.ERROR:
        return False
    record.msg, record.args = f"{record.getMessage().partition(':')[0]} failed", None
    return True


def _is_helpful(record: logging.LogRecord) -> bool:
    """Whether a record is not one of Kedro's `UNHELPFUL` messages."""
    return not (record.name.startswith("kedro.runner") and record.getMessage().startswith(UNHELPFUL))


def _printable(record: logging.LogRecord) -> bool:
    """Escape control characters, so that text from a file cannot change the terminal; line feeds and tabs of tables are kept."""
    record.msg, record.args = printable(record.getMessage(), keep="\n\t"), None
    return True

"""Our lines and Kedro's progress are what a run shows."""

import logging

from kedro.framework.hooks import hook_impl

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


class QuietHook:
    """Silences libraries that set their own logging level when they are imported, after `conf/logging.yml` has been read."""

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Let only errors of these libraries through."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.ERROR)

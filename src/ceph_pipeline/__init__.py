"""Automatic landmark detection on lateral cephalograms, as a Kedro project."""

import os

__version__ = "0.1.0"

# Before any dependency is imported: nothing of a user's work is reported to anyone, and no start waits for a version check.
for _switch in (
    "DO_NOT_TRACK",
    "HF_HUB_DISABLE_TELEMETRY",
    "KEDRO_DISABLE_TELEMETRY",
    "MLFLOW_DISABLE_TELEMETRY",
    "NO_ALBUMENTATIONS_UPDATE",
):
    os.environ.setdefault(_switch, "1")

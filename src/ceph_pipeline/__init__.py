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

# A thread that waits for its fellow sleeps instead of spinning. On cores shared with other work (loader processes, a second run)
# spinning threads starve what they wait for: of two trainings on two cores each took 1.8 s a step, and more than 5 s spinning.
# Alone, a step takes up to a fifth longer.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

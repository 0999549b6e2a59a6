"""Automatic landmark detection on lateral cephalograms, as a Kedro project."""

import os

__version__ = "0.1.0"

# Set before any dependency is imported: no usage data is sent, and no start waits for a version check.
for _switch in (
    "DO_NOT_TRACK",
    "HF_HUB_DISABLE_TELEMETRY",
    "KEDRO_DISABLE_TELEMETRY",
    "MLFLOW_DISABLE_TELEMETRY",
    "NO_ALBUMENTATIONS_UPDATE",
):
    os.environ.setdefault(_switch, "1")

# Idle OpenMP threads sleep instead of spinning. On cores shared with other processes (data loaders, a second run), spinning
# threads slow down the threads that they wait for: with two trainings on two cores, a step took 1.8 s with sleeping threads and
# more than 5 s with spinning threads. A training that has the cores to itself takes up to a fifth longer per step.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

"""Ranks and their agent end with the process that started them, however that ends."""

from __future__ import annotations

import os

from ceph_pipeline.artifacts import workers

OWNER = "CEPH_PIPELINE_OWNER"
"""Environment variable that names the process to end with."""


def end_with_owner() -> None:
    """Watch the process that started this one; ranks sit in sessions of their own and would outlive it."""
    workers.end_with_owner(int(os.environ[OWNER]))

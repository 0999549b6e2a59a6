"""Kedro hooks of the project."""

from ceph_pipeline.hooks.parameter_names import ParameterError, ParameterNamesHook, UnknownEnvironmentError
from ceph_pipeline.hooks.quiet import QuietHook
from ceph_pipeline.hooks.summary import SummaryHook
from ceph_pipeline.hooks.tracking import RunStateHook, TrackingHook

__all__ = [
    "ParameterError",
    "ParameterNamesHook",
    "QuietHook",
    "RunStateHook",
    "SummaryHook",
    "TrackingHook",
    "UnknownEnvironmentError",
]

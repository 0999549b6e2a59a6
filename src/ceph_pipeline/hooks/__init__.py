"""Kedro hooks of the project."""

from ceph_pipeline.configuration import ConfigurationError
from ceph_pipeline.hooks.configuration_files import ConfigurationHook, UnknownEnvironmentError
from ceph_pipeline.hooks.leftovers import LeftoversHook
from ceph_pipeline.hooks.missing_inputs import MissingInputError, MissingInputsHook
from ceph_pipeline.hooks.parameter_names import ParameterError, ParameterNamesHook
from ceph_pipeline.hooks.quiet import QuietHook
from ceph_pipeline.hooks.stopping import StoppingHook
from ceph_pipeline.hooks.summary import SummaryHook
from ceph_pipeline.hooks.tracking import PseudonymHook, RunStateHook, TrackingHook, TrackingStoreHook
from ceph_pipeline.hooks.workflow_record import WorkflowRecordHook

__all__ = [
    "ConfigurationError",
    "ConfigurationHook",
    "LeftoversHook",
    "MissingInputError",
    "MissingInputsHook",
    "ParameterError",
    "ParameterNamesHook",
    "PseudonymHook",
    "QuietHook",
    "RunStateHook",
    "StoppingHook",
    "SummaryHook",
    "TrackingHook",
    "TrackingStoreHook",
    "UnknownEnvironmentError",
    "WorkflowRecordHook",
]

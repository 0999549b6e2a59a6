"""Kedro's project settings."""

from ceph_pipeline.configuration import ConfigLoader
from ceph_pipeline.hooks import (
    ConfigurationHook,
    LeftoversHook,
    MissingInputsHook,
    ParameterNamesHook,
    PseudonymHook,
    QuietHook,
    RunStateHook,
    StoppingHook,
    SummaryHook,
    TrackingHook,
    TrackingStoreHook,
    WorkflowRecordHook,
)

# Hooks with `tryfirst` are called in reverse order: files, parameters, log levels, and then the tracking store.
HOOKS = (
    TrackingStoreHook(),
    QuietHook(),
    ParameterNamesHook(),
    ConfigurationHook(),
    PseudonymHook(),
    TrackingHook(),
    RunStateHook(),
    StoppingHook(),
    LeftoversHook(),
    SummaryHook(),
    WorkflowRecordHook(),
    MissingInputsHook(),
)

CONFIG_LOADER_CLASS = ConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "globals": "soft", "mlflow": "soft"},
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**", "**/mlflow*"]},
}

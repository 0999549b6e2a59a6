"""Kedro's project settings."""

from ceph_pipeline.configuration import ConfigLoader
from ceph_pipeline.hooks import ParameterNamesHook, QuietHook, RunStateHook, SummaryHook, TrackingHook

HOOKS = (QuietHook(), ParameterNamesHook(), TrackingHook(), RunStateHook(), SummaryHook())

CONFIG_LOADER_CLASS = ConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "globals": "soft", "mlflow": "soft"},
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**", "**/mlflow*"]},
}

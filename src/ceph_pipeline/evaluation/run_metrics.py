"""Metrics for comparing runs, in the format of the tracking server."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.headline import flat_metrics
from ceph_pipeline.evaluation.plausibility import plausibility_metrics
from ceph_pipeline.evaluation.uncertainty_tables import scalar_metrics

CVM_FIGURES = ("accuracy", "within_one", "majority_baseline", "macro_f1", "quadratic_kappa")


def run_metrics(
    metrics: dict[str, Any],
    robustness: pd.DataFrame,
    training_gap: pd.DataFrame,
    agreement: dict[str, Any],
    uncertainty: dict[str, Any],
    plausibility_summary: dict[str, Any],
    run_comparison: dict[str, Any],
) -> dict[str, float]:
    """All metrics of an evaluation by dotted names, such as `stage2.mre_mm`; NaN where unknown."""
    return {
        **flat_metrics(metrics),
        **{f"robustness.{row['split']}.{row['stage']}.{row['kind']}.mre_px": row["mre_px"] for _, row in robustness.iterrows()},
        **{f"{row['split']}.{row['stage']}.mre_px": row["mre_px"] for _, row in training_gap.iterrows()},
        **_agreement_metrics(agreement),
        **scalar_metrics(uncertainty),
        **plausibility_metrics(plausibility_summary),
        **{
            f"earlier_run.{stage}.difference_{fields['unit']}": fields["difference"]
            for stage, fields in run_comparison.get("stages", {}).items()
        },
    }


def as_logged(metrics: Mapping[str, float | None]) -> dict[str, dict[str, float]]:
    """Metrics in the format of kedro-mlflow's dataset, without unknown values.

    >>> as_logged({"stage 1.mre_mm": 1.5, "stage2.mre_mm": None})
    {'stage_1.mre_mm': {'value': 1.5, 'step': 0}}
    """
    known = {name: float(value) for name, value in metrics.items() if value is not None and math.isfinite(value)}
    return {name.replace(" ", "_"): {"value": value, "step": 0} for name, value in known.items()}


def _agreement_metrics(agreement: dict[str, Any]) -> dict[str, float]:
    found = {
        f"{stage}.{key}.{name}": fields[name]
        for key, rule in agreement["classes"].items()
        for stage, fields in rule["stages"].items()
        for name in ("accuracy", "quadratic_kappa")
    }
    return found | {f"cvm.{name}": agreement["cvm"][name] for name in CVM_FIGURES if agreement["cvm"]}

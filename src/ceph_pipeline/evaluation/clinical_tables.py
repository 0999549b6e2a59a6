"""Tables of measurements, classes and CVM stages as text, for reports."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.stages import INTER_READER, LABELS
from ceph_pipeline.evaluation.summary import number, with_interval

MEASUREMENT_NOTE = (
    "Absolute errors of what is computed from the landmarks, with 95 % intervals over images; bias and SD of predicted minus "
    "true. The readers' column is their difference from each other."
)
CVM_NAMES = [f"CS{stage}" for stage in range(1, 7)]


def measurement_rows(table: pd.DataFrame, stage: str) -> list[list[str]]:
    """One stage's measurements."""
    readers = table[table["stage"] == INTER_READER].set_index("measurement")["mae"]
    body = [
        [
            row["measurement"],
            row["unit"],
            str(row["n"]),
            with_interval(row["mae"], [row["mae_low"], row["mae_high"]]),
            f"{row['bias']:+.2f}",
            number(row["std"]),
            f"{number(row['true_mean'], 1)} ± {number(row['true_std'], 1)}",
            number(readers.get(row["measurement"])),
        ]
        for row in table[table["stage"] == stage].to_dict(orient="records")
    ]
    return [["measurement", "unit", "images", "error", "bias", "SD", "true values", "readers"], *body]


def class_lines(key: str, rule: dict[str, Any], stage: str) -> list[str]:
    """A stage's agreement and the readers', in sentences."""
    if stage not in rule["stages"]:
        return [f"{key} cannot be computed from these landmarks."]
    bounds = ", ".join(f"{bound:g}" for bound in rule["bounds"])
    lines = [f"Classes {' | '.join(rule['names'])}, bounds {bounds} {rule['unit']}."]
    return [
        *lines,
        *(agreement_line(LABELS[name], rule["stages"][name]) for name in (stage, INTER_READER) if name in rule["stages"]),
    ]


def agreement_line(who: str, fields: dict[str, Any]) -> str:
    """Accuracy and κ with their intervals."""
    accuracy = with_interval(fields["accuracy"], fields["accuracy_ci95"], 1)
    kappa, quadratic = (with_interval(fields[name], fields[f"{name}_ci95"]) for name in ("kappa", "quadratic_kappa"))
    return (
        f"{who}: {accuracy} % of {fields['n']} images in the right class (always the commonest: "
        f"{number(fields['majority_baseline'], 1)} %), κ {kappa}, quadratic κ {quadratic}"
    )


def class_tables(rule: dict[str, Any], stage: str) -> list[list[list[str]]]:
    """The stage's confusion matrix, if there is one."""
    return [confusion_rows(rule["stages"][stage]["confusion"], rule["names"])] if stage in rule["stages"] else []


def confusion_rows(confusion: list[list[int]], names: list[str]) -> list[list[str]]:
    """A row a true class, a column a predicted one."""
    body = [[name, *map(str, counts)] for name, counts in zip(names, confusion, strict=True)]
    return [["true \\ predicted", *names], *body]


def cvm_lines(cvm: dict[str, Any] | None) -> list[str]:
    """The CVM head's agreement in sentences."""
    if cvm is None:
        return ["No CVM stages: the network has no such head, or the test images have no stage."]
    near, f1 = number(cvm["within_one"], 1), number(cvm["macro_f1"])
    return [
        agreement_line("CVM head", cvm),
        f"within one stage {near} %, macro-F1 {f1}; experts agree with each other with a weighted κ of 0.66 to 0.82",
    ]


def head_rows(table: pd.DataFrame) -> list[list[str]]:
    """Measurements read off by their head against those of the predicted points."""
    body = [
        [
            row["measurement"],
            str(row["n"]),
            number(row["mae_head"]),
            number(row["mae_landmarks"]),
            with_interval(row["difference"], [row["low"], row["high"]], signed=True),
        ]
        for row in table.to_dict(orient="records")
    ]
    return [["measurement", "images", "error of its head", "from the landmarks", "head − landmarks"], *body]

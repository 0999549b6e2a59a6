"""Tables of measurements, classes and CVM stages for display, and their summary in sentences."""

from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.display import UNKNOWN, bounded, number, numbers, with_interval
from ceph_pipeline.evaluation.stages import INTER_READER, LABELS

MEASUREMENT_NOTE = (
    "Absolute errors of measurements from the landmarks, with 95 % intervals over images; bias and SD of predicted minus "
    "true. The last column is the difference between two readers, not between a reader and the truth."
)
CVM_NAMES = [f"CS{stage}" for stage in range(1, 7)]


def measurement_frame(table: pd.DataFrame, stage: str) -> pd.DataFrame:
    """Errors of one stage's measurements."""
    rows = table[table["stage"] == stage].set_index("measurement")
    readers = table[table["stage"] == INTER_READER].set_index("measurement")["mae"].reindex(rows.index)
    means, spreads = numbers(rows["true_mean"], 1), numbers(rows["true_std"], 1)
    return pd.DataFrame(
        {
            "measurement": rows.index,
            "unit": rows["unit"].tolist(),
            "images": rows["n"].astype(str).tolist(),
            "error": bounded(rows, "mae"),
            "bias": numbers(rows["bias"], signed=True),
            "SD": numbers(rows["std"]),
            "true values": [f"{mean} ± {spread}" for mean, spread in zip(means, spreads, strict=True)],
            LABELS[INTER_READER]: numbers(readers),
        }
    )


def class_lines(key: str, rule: dict[str, Any], stage: str) -> list[str]:
    """Agreement of a stage and of the readers, in sentences."""
    if stage not in rule["stages"]:
        return [f"{key} cannot be computed from these landmarks."]
    bounds = ", ".join(f"{bound:g}" for bound in rule["bounds"])
    return [
        f"Classes {' | '.join(rule['names'])}, bounds {bounds} {rule['unit']}.",
        *(agreement_line(LABELS[name], rule["stages"][name]) for name in (stage, INTER_READER) if name in rule["stages"]),
    ]


def agreement_line(who: str, fields: dict[str, Any]) -> str:
    """Accuracy and κ with their intervals."""
    accuracy = with_interval(fields["accuracy"], fields["accuracy_ci95"], 1)
    kappa, quadratic = (with_interval(fields[name], fields[f"{name}_ci95"]) for name in ("kappa", "quadratic_kappa"))
    undefined = number(fields.get("undefined_percent"), 0)
    why = f" (κ is undefined in {undefined} % of the resamples)" if undefined not in (UNKNOWN, "0") else ""
    return (
        f"{who}: {accuracy} % of {fields['n']} images in the right class (most common class: "
        f"{number(fields['majority_baseline'], 1)} %), κ {kappa}, quadratic κ {quadratic}{why}"
    )


def class_tables(rule: dict[str, Any], stage: str) -> list[pd.DataFrame]:
    """The confusion matrix of a stage, if there is one."""
    return [confusion_frame(rule["stages"][stage]["confusion"], rule["names"])] if stage in rule["stages"] else []


def confusion_frame(confusion: list[list[int]], names: list[str]) -> pd.DataFrame:
    """A confusion matrix with true classes as rows and predicted classes as columns."""
    rows = [[name, *map(str, counts)] for name, counts in zip(names, confusion, strict=True)]
    return pd.DataFrame(rows, columns=["true \\ predicted", *names])


def cvm_lines(cvm: dict[str, Any] | None) -> list[str]:
    """The CVM head's agreement in sentences."""
    if cvm is None:
        return ["No CVM stages: the network has no CVM head, or the test images have no CVM stage."]
    near, f1 = number(cvm["within_one"], 1), number(cvm["macro_f1"])
    return [
        agreement_line("CVM head", cvm),
        f"within one stage {near} %, macro-F1 {f1}; experts agree with each other with a weighted κ of 0.66 to 0.82",
    ]


def head_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Errors of measurements from the measurement head, compared with measurements from the predicted points."""
    return pd.DataFrame(
        {
            "measurement": table["measurement"],
            "images": table["n"].astype(str),
            "error of the head": numbers(table["mae_head"]),
            "from the landmarks": numbers(table["mae_landmarks"]),
            "training mean": numbers(table["mae_guess"]),
            "head − landmarks": bounded(table, "difference", signed=True),
        }
    )


def head_lines(table: pd.DataFrame) -> list[str]:
    """Comparison of the measurement head with the landmarks and the training mean, in sentences; none without the head."""
    if table.empty:
        return []
    wins, guessed = table["mae_head"] < table["mae_landmarks"], table["mae_head"] >= table["mae_guess"]
    shown = _named(table, wins & (table["difference_high"] < 0))
    return [
        f"the measurement head is better than the landmarks for {_named(table, wins)}, significantly for {shown}",
        f"the landmarks are at least as good for {_named(table, ~wins)}",
        f"the head is not better than the mean of the training images for {_named(table, guessed)}",
    ]


def _named(table: pd.DataFrame, chosen: pd.Series) -> str:
    return f"{int(chosen.sum())} of {len(table)}" + (f" ({', '.join(table.loc[chosen, 'measurement'])})" if chosen.any() else "")

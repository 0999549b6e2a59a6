"""What the report says about the heads' anatomy."""

from typing import Any

from ceph_pipeline.evaluation.display import number
from ceph_pipeline.evaluation.stages import LABELS

Rows = list[list[str]]

NO_PRIOR = "No anatomical prior was learned: too few training heads have all their landmarks."
SYNTHETIC_NOTE = (
    "Errors put into the validation heads of the last stage. Moved landmarks are placed anew where the network is torn between "
    "both places; the mean distance to the truth is of those."
)


def anatomy_lines(found: dict[str, Any]) -> list[str]:
    """How heads were judged, and whether placing outliers anew helps on validation."""
    if not found:
        return [NO_PRIOR]
    judged = (
        f"A head is implausible where it, or its least likely landmark given the others, is beyond the {found['percentile']:g}th "
        f"percentile of real heads: learned from {found['n_heads']} training heads, each judged by the others."
    )
    lines = [judged]
    moved = {stage: fields for stage, fields in found["effect"].items() if fields["n_replaced"]}
    if not found["effect"]:
        lines.append("There are no validation heads to see on whether placing outliers anew helps.")
    elif not moved:
        lines.append("Placing outliers anew would move no point of the validation heads.")
    for stage, fields in moved.items():
        unit = fields["unit"]
        lines.append(
            f"{LABELS[stage]}: placing {fields['n_replaced']} outliers anew takes the mean radial error on validation from "
            f"{number(fields['mre_before'], 3)} to {number(fields['mre_after'], 3)} {unit}"
        )
    state = "on: outliers are placed anew in all figures" if found["replaced"] else "off: no point was moved"
    return [*lines, f"evaluation.anatomy.replace is {state}."]


def count_rows(found: dict[str, Any]) -> Rows:
    """Implausible heads and landmarks, by split and stage."""
    header = ["split", "stage", "heads", "implausible", "implausible landmarks", "placed anew"]
    names = ("n_heads", "n_implausible", "n_implausible_landmarks", "n_replaced_landmarks")
    return [
        header,
        *(
            [split, LABELS[stage], *(str(fields[name]) for name in names)]
            for split, stages in found.get("counts", {}).items()
            for stage, fields in stages.items()
        ),
    ]


def gross_error_rows(found: dict[str, Any]) -> Rows:
    """What the prior sees of errors that were put in."""
    header = ["error", "recognised %", "landmark named %", "placed anew %", "mm before", "after"]
    columns = {"recognised_percent": 0, "named_percent": 0, "replaced_percent": 0, "error_before_mm": 1, "error_after_mm": 1}
    return [
        header,
        *(
            [str(row["error"]), *(number(row[name], digits) for name, digits in columns.items())]
            for row in found.get("gross_errors", [])
        ),
    ]


def scalar_metrics(found: dict[str, Any]) -> dict[str, float]:
    """The figures worth comparing between runs, by dotted names such as `test.stage2.anatomy.implausible_percent`."""
    return {
        f"{split}.{stage}.anatomy.implausible_percent": 100 * fields["n_implausible"] / fields["n_heads"]
        for split, stages in found.get("counts", {}).items()
        for stage, fields in stages.items()
    }

"""The headline as a table to paste into a paper."""

from typing import Any

from ceph_pipeline.evaluation.stages import INTER_READER, LABELS, MEAN_SHAPE, STAGES
from ceph_pipeline.evaluation.summary import number, rate_keys

_ESCAPES = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "≤": r"$\leq$", "±": r"$\pm$", "–": "--"}


def paper_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Header and a row a stage, the mean shape and the readers: MRE ± SD, its 95 % interval, the median and the SDRs."""
    shown = {name: metrics[name] for name in (*STAGES, MEAN_SHAPE) if name in metrics}
    if readers := metrics["details"]["inter_reader"]:
        shown[INTER_READER] = readers
    first = next(iter(shown.values()))
    unit = "mm" if first["n_images_mm"] else "px"
    rates = rate_keys(first)
    titles = [f"SDR ≤ {float(rate.removeprefix('sdr_')):g} mm (%)" for rate in rates]
    header = ["Method", f"MRE ± SD ({unit})", "95 % CI", "Median", *titles]
    return [header, *(_row(LABELS[name], fields, unit, rates) for name, fields in shown.items())]


def latex(rows: list[list[str]], caption: str) -> str:
    """A `tabular` of booktabs' rules in a `table`."""
    header, *body = [[_escaped(cell) for cell in row] for row in rows]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escaped(caption)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"\toprule",
        " & ".join(header) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def caption(metrics: dict[str, Any]) -> str:
    """What the table shows."""
    first = next(metrics[name] for name in STAGES if name in metrics)
    return (
        f"Test split, {first['n_images']} images, {first['n_landmarks']} landmarks. MRE: mean radial error; SDR: successful "
        "detection rate; intervals by bootstrap over images."
    )


def _row(name: str, fields: dict[str, Any], unit: str, rates: list[str]) -> list[str]:
    bounds = fields[f"mre_{unit}_ci95"]
    return [
        name,
        f"{number(fields[f'mre_{unit}'])} ± {number(fields[f'std_{unit}'])}",
        f"{number(bounds[0])}–{number(bounds[1])}" if bounds else "–",
        number(fields[f"median_{unit}"]),
        *(number(fields[rate]) for rate in rates),
    ]


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)

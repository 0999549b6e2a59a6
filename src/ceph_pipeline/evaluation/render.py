"""The report as a self-contained HTML file, and the headline table in LaTeX."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts.html import render
from ceph_pipeline.evaluation.display import UNKNOWN, interval, number, numbers, rate_keys, rate_title
from ceph_pipeline.evaluation.error_tables import compared
from ceph_pipeline.evaluation.sections import Section
from ceph_pipeline.evaluation.stages import LABELS
from ceph_pipeline.landmarks.tables import STAGES

WITHHELD = "This figure shows patients and is only included in the local report of the machine that ran the evaluation."
_BEYOND_ASCII = {"≤": r"$\leq$", "±": r"$\pm$", "–": "--", "×": r"$\times$"}


def html_page(sections: Iterable[Section], figures: Mapping[str, str], *, latex: str = "", title: str = "Evaluation") -> str:
    """Render the page with embedded styles and figures, without scripts and external links; text of data sets is escaped.

    Args:
        sections: Sections of the report.
        figures: Data URIs by file name; a note replaces a figure that is missing here.
        latex: The LaTeX table, which is shown as text; optional.
        title: Title of the page.
    """
    content = {"sections": list(sections), "figures": figures, "latex": latex, "title": title, "withheld": WITHHELD}
    return render("ceph_pipeline.evaluation", "report.html.j2", **content)


def paper_table(metrics: dict[str, Any]) -> str:
    """The headline table in LaTeX with `booktabs`: MRE ± SD, the 95 % interval, the median and the SDRs of every row."""
    first = next(metrics[name] for name in STAGES if name in metrics)
    unit = "mm" if first["n_images_mm"] else "px"
    shown = {name: row for name, row in compared(metrics).items() if number(row[f"mre_{unit}"]) != UNKNOWN}
    frame = pd.DataFrame(
        {
            "Method": [LABELS[name] for name in shown],
            f"MRE ± SD ({unit})": [f"{number(row[f'mre_{unit}'])} ± {number(row[f'std_{unit}'])}" for row in shown.values()],
            "95 % CI": [interval(row[f"mre_{unit}_ci95"]) for row in shown.values()],
            "Median": numbers(row[f"median_{unit}"] for row in shown.values()),
            **{f"SDR {rate_title(key)} (%)": numbers(row[key] for row in shown.values()) for key in rate_keys(first)},
        }
    )
    n_images, with_size = first["n_images"], first["n_images_mm"]
    images = f"{with_size} of {n_images} images (those with a pixel size)" if 0 < with_size < n_images else f"{n_images} images"
    caption = (
        f"Test split, {images}, {first['n_landmarks']} landmarks. MRE: mean radial error; SDR: successful "
        "detection rate; intervals over images."
    )
    latex = (
        frame.map(_escaped)
        .rename(columns=_escaped)
        .to_latex(index=False, column_format="l" + "r" * (len(frame.columns) - 1), caption=caption)
    )
    return str(latex)


def _escaped(text: str) -> str:
    escapes = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    escapes |= {"\\": r"\textbackslash{}"} | _BEYOND_ASCII
    return "".join(escapes.get(letter, letter) for letter in text)

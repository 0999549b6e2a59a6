"""Writes the tables of docs/cephalometry.md from the measurements, analyses and norm sets.

Run it in the project's environment, after one of them has changed:

    .venv/bin/python docs/write_measurements.py
"""

import re
import sys
from pathlib import Path

import yaml

from ceph_pipeline.cephalometry import ANALYSES, CephalometryParams
from ceph_pipeline.cephalometry.measurement import Measurement
from ceph_pipeline.cephalometry.measurements import DENTAL, PARTS, SKELETAL, SOFT_TISSUE, VERTICAL

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "cephalometry.md"
NORMS = PROJECT / "conf" / "base" / "parameters_cephalometry.yml"
GROUPS = {"Skeletal": SKELETAL, "Vertical": VERTICAL, "Dental": DENTAL, "Soft tissue": SOFT_TISSUE, "Parts of sums": PARTS}
START, END = "<!-- written by docs/write_measurements.py: {} -->", "<!-- end -->"


def page() -> str:
    """The page with its tables as of today."""
    text = PAGE.read_text("utf-8")
    for name, table in {"measurements": measurements(), "analyses": analyses(), "norms": norms(), "rules": rules()}.items():
        start = START.format(name)
        text = re.sub(f"{re.escape(start)}.*?{END}", lambda _, s=start, t=table: f"{s}\n{t}\n{END}", text, flags=re.S)
    return text


def measurements() -> str:
    """A table a group."""
    head = "| key | name | definition | unit | sign | convention |\n|---|---|---|---|---|---|"
    return "\n\n".join("\n".join([f"**{title}**", "", head, *map(_row, group)]) for title, group in GROUPS.items())


def analyses() -> str:
    """Which measurements each analysis takes, and what it lacks."""
    rows = [
        f"| {each.title} (`{each.key}`) | {', '.join(each.measurements)} | {'; '.join(each.missing)} | {each.source} |"
        for each in ANALYSES.values()
    ]
    return "\n".join(["| analysis | measurements | not computable | source |", "|---|---|---|---|", *rows])


def norms() -> str:
    """The norm sets; a textbook value carries a t, one whose mean was looked up an m."""
    marks = {"no": " ᵗ", "mean": " ᵐ", "yes": ""}
    rows = []
    for name, each in _params().norm_sets.items():
        values = "; ".join(f"{key} {norm}{marks[norm.checked]}" for key, norm in each.norms.items())
        read = " ".join(f"[{number}]({link})" for number, link in enumerate(each.checked_in, 1))
        rows.append(f"| `{name}` | {each.population}; {each.sex}; {each.age} | {values} | {each.source} | {read} |")
    return "\n".join(["| set | population | norms | source | read in |", "|---|---|---|---|---|", *rows])


def rules() -> str:
    """The rules in words."""
    return "\n".join(f"- `{name}`: {rule}." for name, rule in _params().rules.items())


def _params() -> CephalometryParams:
    return CephalometryParams.model_validate(yaml.safe_load(NORMS.read_text("utf-8"))["cephalometry"])


def _row(each: Measurement) -> str:
    return f"| {each.key} | {each.name} | {each.definition} | {each.unit} | {each.sign} | {each.convention} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE}\n")

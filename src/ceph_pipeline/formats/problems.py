"""What was wrong in a data set: collected, reported in one error, or kept in the quarantine table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ceph_pipeline.errors import CephError, first_of, printable

OnBadItem = Literal["error", "quarantine"]
"""What becomes of bad items: one error that lists them, or rows of the quarantine table."""

PASSED_OVER = "passed over"
"""Outcome of a file that is no film: worth a line, never an error."""

LISTED = 10
"""Problems that an error spells out; the rest is counted."""


class AnnotationError(CephError, ValueError):
    """A data set, or an item in it, is not what its format promises."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one file.

    Attributes:
        item: Whom it concerns and what `ingestion.exclude` would leave out: an image's identifier, `image/symbol` for one
            point, or the file's name where no image is concerned.
        file: Path inside the data set.
        field: The place in the file.
        found: The value there.
        expected: What should be there.
        outcome: What becomes of it where reading goes on: `image set aside`, `file set aside`, `point set aside`,
            `passed over` (a file that is no film) or `kept`.
    """

    item: str
    file: str
    field: str
    found: str
    expected: str
    outcome: str = "image set aside"

    def __post_init__(self) -> None:
        """Escape what may not reach a log, a terminal or a table raw: control characters and bytes that are no UTF-8."""
        for name in ("item", "file", "field", "found", "expected"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: found {self.found}, expected {self.expected}."

    @property
    def is_remark(self) -> bool:
        """Nothing is lost by going on: worth a line in the quarantine table, never an error."""
        return self.outcome in ("kept", PASSED_OVER)

    def concerns(self, items: Collection[str]) -> bool:
        """Whether the item, or the image it belongs to, is among `items`."""
        return self.item in items or self.item.partition("/")[0] in items


def refuse(problems: Sequence[Problem], place: str) -> None:
    """Raise one error for all problems that are more than remarks.

    Args:
        problems: Any number, remarks among them.
        place: The data set's folder, for the message.

    Raises:
        AnnotationError: there is at least one; the first ten are spelled out, with the ways out.
    """
    serious = [problem for problem in problems if not problem.is_remark]
    if not serious:
        return
    lines = [f"  {problem}" for problem in serious[:LISTED]]
    if len(serious) > LISTED:
        lines.append(f"  … and {len(serious) - LISTED} more.")
    items = first_of(sorted({problem.item for problem in serious}), 3)
    raise AnnotationError(
        f"{len(serious)} bad {'item' if len(serious) == 1 else 'items'} in {place}:\n"
        + "\n".join(lines)
        + f"\nFix the files, leave the items out with `ingestion.exclude: [{items}]`, or have the run set them aside with "
        "`ingestion.on_bad_item: quarantine`."
    )


def quarantine_table(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as rows `item, reason, file, outcome`, in their order."""
    return pd.DataFrame(
        [(problem.item, str(problem), problem.file, problem.outcome) for problem in problems],
        columns=["item", "reason", "file", "outcome"],
        dtype="str",
    )

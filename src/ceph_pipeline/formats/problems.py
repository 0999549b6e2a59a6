"""Problems of a data set: collected, and reported in one error or in the quarantine table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ceph_pipeline.errors import CephError, counted, first_of, printable

OnBadItem = Literal["error", "quarantine"]
"""Treatment of bad items: one error that lists them, or rows of the quarantine table."""

IGNORED = "ignored"
"""Outcome of a file that is not a film: a row of the quarantine table, never an error."""

LISTED = 10
"""Number of problems that an error lists; the others are only counted."""


class AnnotationError(CephError, ValueError):
    """A data set, or an item in it, does not conform to its format."""


@dataclass(frozen=True)
class Problem:
    """One problem in one file.

    Attributes:
        item: The affected item, as in `ingestion.exclude`: an image's identifier, `image/symbol` for a point, or the file's
            name if no image is affected.
        file: Path inside the data set.
        field: Position in the file.
        found: Value at this position.
        expected: Expected value.
        outcome: Treatment of the item if reading continues: `image quarantined`, `file quarantined`, `point quarantined`,
            `ignored` (a file that is not a film) or `kept`.
    """

    item: str
    file: str
    field: str
    found: str
    expected: str
    outcome: str = "image quarantined"

    def __post_init__(self) -> None:
        """Escape control characters and invalid UTF-8, which are unsafe in logs, terminals and tables."""
        for name in ("item", "file", "field", "found", "expected"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: found {self.found}, expected {self.expected}."

    @property
    def is_note(self) -> bool:
        """Whether the problem is only a note: a row of the quarantine table, never an error."""
        return self.outcome in ("kept", IGNORED)

    def concerns(self, items: Collection[str]) -> bool:
        """Whether the item, or the image it belongs to, is among `items`."""
        return self.item in items or self.item.partition("/")[0] in items


def refuse(problems: Sequence[Problem], place: str) -> None:
    """Raise one error for all problems other than notes.

    Args:
        problems: Any number of problems and notes.
        place: The data set's folder, for the message.

    Raises:
        AnnotationError: there is at least one problem. The message lists the first ten and the ways to continue.
    """
    serious = [problem for problem in problems if not problem.is_note]
    if not serious:
        return
    lines = [f"  {problem}" for problem in serious[:LISTED]]
    if len(serious) > LISTED:
        lines.append(f"  … and {len(serious) - LISTED} more.")
    items = first_of(sorted({problem.item for problem in serious}), 3)
    raise AnnotationError(
        f"{counted(len(serious), 'bad item')} in {place}:\n"
        + "\n".join(lines)
        + f"\nFix the files, leave the items out with `ingestion.exclude: [{items}]`, or quarantine them with "
        "`ingestion.on_bad_item: quarantine`."
    )


def quarantine_table(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as rows `item, reason, file, outcome`, in their order."""
    return pd.DataFrame(
        [(problem.item, str(problem), problem.file, problem.outcome) for problem in problems],
        columns=["item", "reason", "file", "outcome"],
        dtype="str",
    )

"""The overview page of a batch: every film with what to check, and the quarantined files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from ceph_pipeline.inference.report.page import render

if TYPE_CHECKING:
    from ceph_pipeline.inference.report.film import FilmReport


@dataclass(frozen=True)
class Entry:
    """A film in the list: a summary of its report, a small picture, and the path of its page."""

    file: str
    page: str
    thumbnail: str
    look_at: tuple[str, ...]
    calibration: str
    classes: tuple[str, ...]

    @classmethod
    def of(cls, report: FilmReport, thumbnail: str, folder: str) -> Entry:
        """The entry of a report whose page is in `folder`, next to the overview page."""
        classes = tuple(
            f"{name.replace('_', ' ')}: {verdict.name}{', uncertain' if verdict.uncertain else ''}"
            for name, verdict in report.classes.items()
        )
        if report.cvm:
            classes += (f"CVM: CS{report.cvm.stage} ({report.cvm.probability:.2f})",)
        page = f"{folder}/{quote(report.image_id)}.html"
        return cls(report.file, page, thumbnail, report.look_at, str(report.calibration), classes)


def batch_page(entries: Sequence[Entry], quarantined: Iterable[tuple[str, str]]) -> str:
    """The overview page.

    Args:
        entries: One entry per film.
        quarantined: Quarantined files, each with the reason.
    """
    ordered = sorted(entries, key=lambda entry: not entry.look_at)
    return render("batch.html.j2", entries=ordered, quarantined=list(quarantined))

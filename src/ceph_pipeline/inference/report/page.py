"""Render pages in HTML that load no other files and escape all text from data sets."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ceph_pipeline.artifacts import html
from ceph_pipeline.inference.report.wiggle import ROW_PX, WIDTH_PX, Wiggle

if TYPE_CHECKING:
    from ceph_pipeline.inference.report.film import FilmReport
    from ceph_pipeline.inference.report.picture import Picture

NOTICE = (
    "Research software, not a medical device: not for diagnosis or treatment. Points and values were computed automatically and "
    "must be checked by a qualified person."
)
_PACKAGE = "ceph_pipeline.inference.report"


def film_page(report: FilmReport, picture: Picture) -> str:
    """A film's page. The content security policy allows only the script that zooms the picture, by its digest."""
    script = files(_PACKAGE).joinpath("zoom.js").read_text(encoding="utf-8")
    return render("film.html.j2", report=report, picture=picture, script=script, script_digest=_digest(script))


def values_fragment(report: FilmReport) -> str:
    """The parts of a film's page that depend on its points, as an HTML fragment: what to check, classes, analyses and norms."""
    return render("look.html.j2", report=report) + render("values.html.j2", report=report)


def render(template: str, **content: Any) -> str:
    """Fill one of the package's templates."""
    shared = {"notice": NOTICE, "row_px": ROW_PX, "chart_px": WIDTH_PX, "x_of": Wiggle.x_of}
    return html.render(_PACKAGE, template, **shared, **content)


def _digest(script: str) -> str:
    """The digest of an inline script in the syntax of a content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"

"""Reports on paper: the browser prints them on A4, whole and without what only a screen can use."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaml

from ceph_pipeline.cephalometry import ANALYSES, CephalometryParams
from ceph_pipeline.inference.report import NOTICE, Calibration, ReportOrigin, write_reports
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.phantom.specimen import sample_specimen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LONG_NAME = f"{'0123456789_' * 9}.png"
NORM_SETS = ("steiner", "downs", "tweed", "jarabak", "mcnamara_women", "wits", "ricketts", "kim", "soft_tissue", "textbook")
CONFIGURATION = yaml.safe_load((Path(__file__).parents[2] / "conf/base/parameters_cephalometry.yml").read_text("utf-8"))
PARAMS = CephalometryParams.model_validate(CONFIGURATION["cephalometry"])
CONTENT_PX = 718
"""Width of A4 less the margins of 10 mm, in px of CSS."""
TOO_WIDE = """(limit) => Array.from(document.querySelectorAll("body *"))
    .filter((element) => element.getBoundingClientRect().right > limit + 0.5 || element.getBoundingClientRect().left < -0.5)
    .map((element) => element.outerHTML.slice(0, 80))"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes reports of a phantom's true points, every one of which is uncertain, beside a file that is no film."""
    return partial(_write, tmp_path)


def _write(folder: Path, *norm_sets: str) -> Path:
    specimen = sample_specimen(0, 0, 900)
    places = specimen.landmarks_px()
    rows = [
        ("a", "stage2", landmark.name, *map(float, places[landmark.symbol]), 9.0, True) for landmark in SCHEMAS["aariz"].landmarks
    ]
    width, height = specimen.size
    write_reports(
        pd.DataFrame(rows, columns=["image_id", "stage", "landmark", "x", "y", "sigma_px", "flagged"]),
        lambda _: np.zeros((height, width), np.uint16),
        folder,
        files={"a": LONG_NAME},
        calibration={"a": Calibration(specimen.pixel_size_mm, "a test")},
        quarantined=[(LONG_NAME, "damaged or not an image")],
        cephalometry=PARAMS.model_copy(update={"compare_with": norm_sets}),
        origin=ReportOrigin({"stage1": "abc", "stage2": "def"}, "run-7", "1.2.3"),
        implausible=["a"],
    )
    return folder


def printed(page: "Page") -> tuple[int, dict[str, int]]:
    """How many pages of A4 a document takes, and the page of each heading, from 0."""
    pdf = page.pdf(format="A4", outline=True, tagged=True)
    assert set(re.findall(rb"/MediaBox \[0 0 (\d+)\.?\d* (\d+)", pdf)) == {(b"595", b"842")}
    numbers = [int(number) for number in re.findall(rb"(\d+) 0 obj\n<</Type /Page\b", pdf)]
    headings = re.findall(rb"/Title \(([^\n]*)\)\n/Dest \[(\d+) 0 R", pdf)
    return len(numbers), {title.decode("latin-1"): numbers.index(int(number)) for title, number in headings}


def on_paper(chromium: "Browser", file: Path) -> "Page":
    """A document as the printer gets it."""
    page = chromium.new_page(viewport={"width": CONTENT_PX, "height": 1000})
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    return page


def test_a_films_report_fits_on_a4(chromium: "Browser", write: Callable[..., Path]) -> None:
    page = on_paper(chromium, write(*NORM_SETS) / "films" / "a.html")
    assert page.locator("td.chart svg").count() == len(ANALYSES)
    assert page.evaluate(TOO_WIDE, CONTENT_PX) == []
    assert page.get_by_text(NOTICE).is_visible()
    assert not page.locator(".controls").is_visible()

    n_pages, pages = printed(page)
    assert n_pages <= 8
    assert set(pages.values()) == set(range(n_pages)), "a page without a heading would be all but empty"
    assert pages.keys() >= {"Check", "Classes", "Measurements", "Norm sets", "Software"}
    assert pages.keys() >= {analysis.title for analysis in ANALYSES.values() if analysis.title.isascii()}
    assert pages["Software"] == n_pages - 1


def test_what_a_report_was_made_by_is_not_alone_on_the_last_page(chromium: "Browser", write: Callable[..., Path]) -> None:
    page = on_paper(chromium, write() / "films" / "a.html")
    for lower_mm in range(0, 130, 10):  # wherever the last analysis ends on its page
        page.locator("section.analysis").nth(-2).evaluate("(before, mm) => { before.style.paddingTop = `${mm}mm`; }", lower_mm)
        n_pages, pages = printed(page)
        assert pages["Software"] == pages["Vertical"] == n_pages - 1, lower_mm


def test_the_page_of_a_batch_fits_on_a4(chromium: "Browser", write: Callable[..., Path]) -> None:
    page = on_paper(chromium, write() / "index.html")
    assert page.evaluate(TOO_WIDE, CONTENT_PX) == []
    assert page.get_by_text(NOTICE).is_visible()
    assert printed(page) == (1, {"1 cephalograms": 0, "Quarantined files": 0})


def test_every_page_of_paper_says_what_it_is_for(write: Callable[..., Path]) -> None:
    (said,) = re.findall(r'@bottom-left \{ content: "([^"]*)";', (write() / "films" / "a.html").read_text())
    assert NOTICE.startswith(said)

"""The ruler's report on errors that were made by hand."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.calibration.pixel_size import pixel_sizes
from ceph_pipeline.calibration.ruler_errors import (
    compare_with_truth,
    device_errors,
    error_statistics,
    headline_films,
    presence_statistics,
    ruler_metrics,
    split_metrics,
)
from ceph_pipeline.calibration.ruler_figures import ruler_galleries
from ceph_pipeline.calibration.ruler_report import ruler_sections

IMAGES = pd.DataFrame({"image_id": list("abcd"), "machine": ["one", "one", "two", "two"], "split": "test"})


def rows(**marks: tuple[float, float, float, float] | None) -> pd.DataFrame:
    """p1 and p2 of images; None: missing."""
    return pd.DataFrame(
        [
            (image, name, *((np.nan, np.nan) if at is None else at[2 * k : 2 * k + 2]))
            for image, at in marks.items()
            for k, name in enumerate(("p1", "p2"))
        ],
        columns=["image_id", "landmark", "x", "y"],
    )


@pytest.fixture
def compared() -> pd.DataFrame:
    """a: p1 3 px beside its place; b: exact; c: without a ruler, recognised; d: without one, invented."""
    truth = rows(a=(100, 0, 0, 0), b=(0, 80, 0, 0), c=None, d=None)
    found = rows(a=(103, 0, 0, 0), b=(0, 80, 0, 0), c=(5, 5, 9, 9), d=(70, 70, 10, 10))
    peaks = found["image_id"].map({"a": 0.9, "b": 0.8, "c": 0.05, "d": 0.7})
    sizes = pixel_sizes(found.assign(sigma_px=0.5, peak=peaks), list("abcd"), np.full(4, 0.1), 0.3, CalibrationParams())
    return compare_with_truth(sizes, truth, IMAGES, 10.0)


def test_a_film_with_one_annotated_mark_is_not_judged() -> None:
    found = rows(a=(103, 0, 0, 0)).assign(sigma_px=0.5, peak=0.9)
    sizes = pixel_sizes(found, ["a"], np.full(1, 0.1), 0.3, CalibrationParams())
    judged = ruler_metrics(compare_with_truth(sizes, rows(a=(100, 0, np.nan, np.nan)), IMAGES, 10.0))
    assert [judged["marks"][name]["n"] for name in ("p1", "p2", "both")] == [0, 0, 0]


def test_errors_of_marks_and_sizes(compared: pd.DataFrame) -> None:
    metrics = ruler_metrics(compared)
    assert metrics["marks"]["p1"]["mean"] == pytest.approx(1.5)
    assert metrics["marks"]["p2"]["max"] == 0
    assert metrics["marks"]["both"]["n"] == 4
    assert metrics["pixel_size_pct"]["bias"] == pytest.approx(50 * (100 / 103 - 1))
    assert metrics["pixel_size_pct"]["within_1_pct"] == 50
    assert metrics["sources"] == {"ruler": 3, "file": 1}


def test_an_absent_ruler_is_right_where_it_is_said_and_wrong_where_one_is_invented(compared: pd.DataFrame) -> None:
    found = presence_statistics(compared)
    assert found["absent_precision"] == 1
    assert found["absent_recall"] == 0.5
    assert (found["n_shown"], found["n_absent"], found["n_invented"], found["n_missed"]) == (2, 2, 1, 0)


def test_a_ruler_that_is_seen_and_refused_is_not_absent() -> None:
    """Of three films with a ruler one is used, one refused for its standard error, and one is not seen; d has none."""
    truth = rows(a=(100, 0, 0, 0), b=(100, 0, 0, 0), c=(100, 0, 0, 0), d=None)
    found = rows(a=(100, 0, 0, 0), b=(100, 0, 0, 0), c=(100, 0, 0, 0), d=(100, 0, 0, 0))
    peaks = found["image_id"].map({"a": 0.9, "b": 0.6, "c": 0.1, "d": 0.1})
    sigma = np.where(found["image_id"] == "a", 0.5, 9.0)
    sizes = pixel_sizes(found.assign(sigma_px=sigma, peak=peaks), list("abcd"), np.full(4, np.nan), 0.3, CalibrationParams())
    metrics = ruler_metrics(compare_with_truth(sizes, truth, IMAGES, 10.0))
    assert metrics["refused"] == {"uncertain": 1, "implausible": 0}
    assert (metrics["presence"]["n_missed"], metrics["presence"]["absent_precision"]) == (1, 0.5)
    assert metrics["marks"]["both"]["n"] == 2


def test_bands_and_thresholds_are_those_of_the_guide() -> None:
    found = error_statistics([0.5, 1.5, 9.9, 10.0, 25.0, 31.0, np.nan])
    assert [found[name] for name in ("excellent", "10–20 px", "20–30 px", "over 30 px")] == [3, 1, 1, 1]
    assert found["within_1_px"] == pytest.approx(100 / 6)
    assert found["within_10_px"] == pytest.approx(400 / 6)
    assert error_statistics([np.nan]) == {"n": 0}


def test_devices_have_rows_of_their_own(compared: pd.DataFrame) -> None:
    table = device_errors(compared).set_index("machine")
    assert table.loc["one", "max_px"] == 3
    assert table.loc["two", ["n_rulers", "n_invented"]].tolist() == [0, 1]
    assert np.isnan(table.loc["two", "mean_px"])


def test_the_report_says_what_was_found(compared: pd.DataFrame) -> None:
    rule = {"min_peak": 0.3, "n_shown": 4, "n_absent": 0}
    metrics = ruler_metrics(compared) | {"stage": "stage2", "presence_rule": rule, "configured_min_peak": None}
    first, *_, last = ruler_sections(metrics, device_errors(compared), ["gallery/page_001.png"])
    assert "mean error of marks 0.75 px" in first.title
    assert "the default: the validation split has only films with" in first.lines[0]
    configured = ruler_sections(metrics | {"configured_min_peak": 0.95}, device_errors(compared), [])[0]
    assert configured.lines[0] == "Threshold on the peak for a ruler: 0.950, set by calibration.min_peak."
    assert "precision 1.000, recall 0.500" in first.lines[1]
    assert first.lines[2].startswith("Detected, but not usable: 0 rulers with a too uncertain pixel size")
    assert first.tables[0]["mean px"].tolist() == ["1.50", "0.00", "0.75"]
    assert last.figure == "gallery/page_001.png"


def test_films_located_out_of_fold_are_the_headline_and_the_test_films_come_after_them(compared: pd.DataFrame) -> None:
    """a, with 1.5 px on average, and d are training films; b, exact, and c are for testing."""
    judged = compared.assign(split=["train", "test", "test", "train"])
    metrics = split_metrics(judged) | {
        "stage": "stage2",
        "presence_rule": {"min_peak": 0.3, "n_shown": 4, "n_absent": 0},
        "configured_min_peak": None,
    }
    assert headline_films(judged)["image_id"].tolist() == ["a", "d"]
    assert (metrics["marks"]["both"]["mean"], metrics["out_of_fold"]["marks"]["both"]["mean"]) == (0, 1.5)
    titles = [section.title for section in ruler_sections(metrics, device_errors(headline_films(judged)), [])]
    assert titles[0].startswith("Cross-validation: stage 2: mean error of marks 1.50 px")
    assert titles[4].startswith("Test split: stage 2: mean error of marks 0.00 px")


def test_the_gallery_shows_every_image_the_worst_first(compared: pd.DataFrame) -> None:
    truth = rows(a=(100, 0, 0, 0), b=(0, 80, 0, 0))
    pages = ruler_galleries(compared, truth, lambda _: np.zeros((120, 120), np.uint8), panels=3)
    assert [page.get_suptitle().partition(":")[0] for page in pages] == ["Rulers of images 1–3 of 4", "Rulers of images 4–4 of 4"]
    titles = [axes.get_title() for page in pages for axes in page.axes if axes.get_title()]
    assert len(titles) == 4
    assert titles[0].startswith("a\np1 3.00, p2 0.00 px")
    assert titles[1].startswith("b\n")
    assert {title.partition("\n")[2] for title in titles[2:]} == {"no ruler, correctly recognised", "false detection of a ruler"}


def test_the_gallery_says_why_a_ruler_is_refused(compared: pd.DataFrame) -> None:
    refused = compared.assign(is_usable=False, refusal="uncertain", error_p1_px=np.nan, error_p2_px=np.nan)
    [page] = ruler_galleries(refused, rows(a=(100, 0, 0, 0), b=(0, 80, 0, 0)), lambda _: np.zeros((120, 120), np.uint8))
    said = dict(axes.get_title().split("\n") for axes in page.axes if axes.get_title())
    seen, invented = "ruler detected, not usable: uncertain", "false detection of a ruler, not usable: uncertain"
    assert said == {"a": seen, "b": seen, "c": "no ruler, correctly recognised", "d": invented}


def test_the_gallery_judges_no_film_with_one_mark(compared: pd.DataFrame) -> None:
    half = compared[compared["image_id"] == "b"].assign(shows_ruler=pd.array([pd.NA], dtype="boolean"), error_p2_px=np.nan)
    [page] = ruler_galleries(half, rows(b=(0, 80, 0, 0)), lambda _: np.zeros((120, 120), np.uint8))
    assert page.axes[0].get_title() == "b\nonly one mark annotated: not evaluated"

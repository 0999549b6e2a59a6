"""Printable reports: what they say, that they load nothing, and that nothing from outside runs in them."""

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from norm_samples import MADE_UP

from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.inference import InferenceParams
from ceph_pipeline.inference.overlay import write_overlay
from ceph_pipeline.inference.report import Calibration, ReportOrigin, calibrations, film_page, film_report, picture, write_reports
from ceph_pipeline.inference.report.wiggle import MARGIN_PX, ROW_PX, WIDTH_PX, wiggle
from ceph_pipeline.pipelines.inference.nodes import write_reports as write_reports_node

FACE = {"Sella": (100, 100), "Nasion": (800, 100), "A-point": (780, 600), "B-point": (740, 900)}
FILM = np.arange(1000 * 900, dtype=np.uint16).reshape(1000, 900)
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(2)>.png'
ORIGIN = ReportOrigin({"stage1": "abc"}, "run-7", "1.2.3")
MM = Calibration(0.1, "a test")


def points_of(face: dict[str, tuple[float, float]], image_id: str = "a", **columns: object) -> pd.DataFrame:
    rows = [(image_id, "stage2", name, float(x), float(y), 3.0) for name, (x, y) in face.items()]
    return pd.DataFrame(rows, columns=["image_id", "stage", "landmark", "x", "y", "sigma_px"]).assign(**columns)


def sizes_of(**changed: object) -> pd.DataFrame:
    known = {
        "image_id": "a",
        "mm_per_pixel": 0.1,
        "mm_per_pixel_se": np.nan,
        "source": "file",
        "is_suspect": False,
        "refusal": "",
    }
    return pd.DataFrame([known | changed])


def chosen(*names: str) -> CephalometryParams:
    return CephalometryParams.model_validate({"norm_sets": MADE_UP, "compare_with": names})


def page_of(points: pd.DataFrame, file: str = "a.png", params: CephalometryParams | None = None, **options: bool) -> str:
    report = film_report(points, (900, 1000), file, MM, params or CephalometryParams(), ORIGIN, **options)
    return film_page(report, picture(FILM, points))


def test_a_page_loads_nothing() -> None:
    page = page_of(points_of(FACE), params=chosen("made_up"))
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_a_landmark_of_the_users_own_is_a_dot_like_the_others(tmp_path: Path) -> None:
    points = points_of({**FACE, "Glabella": (820, 60)})
    report = film_report(points, (900, 1000), "a.png", MM, CephalometryParams(), ORIGIN)
    assert report.analyses == film_report(points_of(FACE), (900, 1000), "a.png", MM, CephalometryParams(), ORIGIN).analyses
    assert [dot.symbol for dot in picture(FILM, points).dots] == ["S", "N", "A", "B", "Glabella"]
    write_overlay(FILM, points, tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").stat().st_size > 0


def test_only_the_pages_own_script_may_run() -> None:
    page = page_of(points_of(FACE))
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in page or f"script-src 'sha256-{digest}'" in page


def test_a_script_in_a_files_name_is_text(tmp_path: Path) -> None:
    points = points_of(FACE)
    write_reports(
        points,
        lambda _: FILM,
        tmp_path,
        files={"a": EVIL},
        calibration={"a": MM},
        quarantined=[(EVIL, EVIL)],
        cephalometry=CephalometryParams(),
        origin=ORIGIN,
    )
    for page in (tmp_path / "films" / "a.html", tmp_path / "index.html"):
        text = page.read_text()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_without_a_head_for_it_no_cvm_stage_is_said() -> None:
    assert "CVM" not in page_of(points_of(FACE))


def test_it_is_said_that_this_is_no_medical_device() -> None:
    assert "Research software, not a medical device" in page_of(points_of(FACE))


def test_without_a_chosen_norm_set_there_are_values_only() -> None:
    page = page_of(points_of(FACE))
    assert "No norm set was chosen" in page
    assert " sd</td>" not in page
    assert "Deviations from the norms" not in page


def test_a_chosen_norm_stands_beside_its_value() -> None:
    report = film_report(points_of(FACE), (900, 1000), "a.png", MM, chosen("made_up"), ORIGIN)
    steiner = report.analyses[0]
    rows = {row.key: row for row in steiner.rows}
    # ∠S-N-A = 90° − atan(20 / 500) = 87.71°, that is 3.85 sd above 80 ± 2.
    assert rows["SNA"].value.startswith("87.7 ± ")
    assert rows["SNA"].norm == "80 ± 2"
    assert rows["SNA"].deviation == "+3.9 sd"
    assert rows["SNB"].deviation == ""  # no sd was published
    assert rows["ANB"].norm == ""
    assert steiner.notes[rows["SNA"].notes[0] - 1] == "norm from textbooks, not compared with the sources of its norm set"
    assert len(steiner.chart.marks) == 1
    page = page_of(points_of(FACE), params=chosen("made_up"))
    assert "phantoms; sex: both; age: none. made up." in page
    assert "Deviations from the norms" in page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "0.1 mm per pixel, from the film's file, a sheet, or inference.pixel_size_mm."),
        ({"source": "ruler", "mm_per_pixel_se": 0.0012}, "0.1 ± 0.0012 mm per pixel, from the ruler in the film."),
        ({"source": "unknown", "mm_per_pixel": np.nan}, "values in millimetres are omitted."),
        (
            {"source": "unknown", "mm_per_pixel": np.nan, "refusal": "uncertain"},
            "No pixel size (the ruler in the film was rejected as uncertain, and the file contains none",
        ),
        ({"source": "anatomical"}, "No pixel size (only an estimate from S–N, 0.1 mm per pixel)"),
        (
            {"source": "unknown", "mm_per_pixel": np.nan, "file_mm_per_pixel": 0.1},
            "No pixel size (calibration.sources excludes the film's file, a sheet, or inference.pixel_size_mm): values",
        ),
        (
            {"source": "unknown", "mm_per_pixel": np.nan, "ruler_mm_per_pixel": 0.1, "file_mm_per_pixel": np.nan},
            "No pixel size (calibration.sources excludes the ruler in the film)",
        ),
    ],
)
def test_the_calibration_and_its_source_are_said(changed: dict[str, object], said: str) -> None:
    assert said in str(calibrations(sizes_of(**changed))["a"])


def test_sources_of_the_pixel_size_that_disagree_ask_for_a_look() -> None:
    suspect = calibrations(sizes_of(is_suspect=True))["a"]
    points = points_of(FACE, calibrated_sigma_px=3.0)
    report = film_report(points, (900, 1000), "a.png", suspect, CephalometryParams(), ORIGIN)
    assert "pixel size disagree" in report.look_at[0]


def test_what_is_absent_is_named_with_its_reason() -> None:
    unknown = Calibration(None, "inference.pixel_size_mm is not set")
    report = film_report(points_of(FACE), (900, 1000), "a.png", unknown, CephalometryParams(), ORIGIN)
    steiner = report.analyses[0]
    assert [row.key for row in steiner.rows] == ["SNA", "SNB", "ANB"]
    assert "Upper incisor to N–A (U1_NA_mm): without Upper Incisor Tip, the pixel size" in steiner.absent
    assert "values in millimetres are omitted" in str(report.calibration)


def test_signs_and_conventions_are_notes_of_their_measurements() -> None:
    steiner = film_report(points_of(FACE), (900, 1000), "a.png", MM, CephalometryParams(), ORIGIN).analyses[0]
    anb = next(row for row in steiner.rows if row.key == "ANB")
    assert [steiner.notes[number - 1] for number in anb.notes] == [
        "positive: A in front of B",
        "SNA − SNB; some programs give ∠A-N-B without a sign",
    ]


def test_every_reason_to_look_is_said_once() -> None:
    face = FACE | {"Menton": (500, 1200), "Gonion": (300, 800), "Orbitale": (np.nan, np.nan)}
    points = points_of(face, calibrated_sigma_px=3.0)
    points["flagged"] = points["landmark"].isin(["Menton", "Gonion", "Sella", "Orbitale"])
    points["implausible"] = points["landmark"] == "Gonion"
    report = film_report(points, (900, 1000), "a.png", MM, CephalometryParams(), ORIGIN, implausible=True)
    assert report.look_at[:4] == (
        "Outside the image: Menton.",
        "Implausible compared with the other points: Gonion.",
        "Uncertain: Sella.",
        "Not found: Orbitale.",
    )
    assert "an upright lateral cephalogram" in report.look_at[4]


def test_a_detector_of_unknown_uncertainty_asks_for_a_look_at_all() -> None:
    report = film_report(points_of(FACE), (900, 1000), "a.png", MM, CephalometryParams(), ORIGIN)
    assert "Check all points" in report.look_at[0]


def test_the_models_version_and_the_run_are_named() -> None:
    page = page_of(points_of(FACE))
    assert "ceph-pipeline 1.2.3; stage1: abc;\nMLflow run run-7; image a." in page


def test_the_picture_has_every_point_in_the_films_pixels() -> None:
    page = page_of(points_of(FACE))
    assert 'viewBox="-0.5 -0.5 900 1000"' in page
    assert 'cx="780.0" cy="600.0" r="6.0"' in page  # a ring of two standard deviations of 3 px
    shown = picture(FILM, points_of(FACE))
    assert {line.name for line in shown.lines} == {"cranial base", "S–N", "N–A", "N–B"}


def test_a_wiggle_joins_neighbours_and_points_at_what_is_beyond() -> None:
    chart = wiggle([0.0, 4.0, None, -9.0])
    assert chart.height == 4 * ROW_PX
    assert [(mark.x, mark.y, mark.beyond) for mark in chart.marks] == [
        (WIDTH_PX / 2, 0.5 * ROW_PX, 0),
        (WIDTH_PX - MARGIN_PX, 1.5 * ROW_PX, 0),
        (MARGIN_PX, 3.5 * ROW_PX, -1),
    ]
    assert chart.runs == (chart.marks[:2],)


def test_the_batch_begins_with_what_needs_a_look_and_keeps_no_earlier_page(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "of_another_patient.html").touch()
    sure = points_of(FACE, "sure", calibrated_sigma_px=3.0, flagged=False)
    unsure = points_of(FACE, "unsure", calibrated_sigma_px=90.0, flagged=True)
    decides = {"measurement": "ANB", "bounds": [0, 4], "names": ["III", "I", "II"]}
    pages = write_reports(
        pd.concat([sure, unsure], ignore_index=True),
        lambda _: FILM,
        tmp_path,
        files={"sure": "b/sure.png", "unsure": "a/unsure.png"},
        calibration={"sure": MM, "unsure": MM},
        quarantined=[("c.png", "cut off")],
        cephalometry=CephalometryParams.model_validate({"rules": {"skeletal_class": {"decides": decides}}}),
        origin=ORIGIN,
    )
    assert pages["n_look_at"].tolist() == [0, 1]
    assert {file.name for file in (tmp_path / "films").iterdir()} == {"sure.html", "unsure.html"}
    index = (tmp_path / "index.html").read_text()
    links = re.findall(r'href="([^"]+)"', index)
    assert links == ["films/unsure.html", "films/sure.html"]
    assert all((tmp_path / link).is_file() for link in links)
    assert "<b>c.png</b>: cut off" in index
    assert re.findall(r"skeletal class: (.*?)<br>", index) == ["I, uncertain", "I"]


@pytest.mark.parametrize("wanted", [True, False])
def test_the_node_writes_reports_where_they_are_wanted(wanted: bool, tmp_path: Path) -> None:
    import cv2

    (tmp_path / "new" / "anna").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "new" / "anna" / "ceph.png"), FILM)
    (tmp_path / "net.ckpt").write_bytes(b"weights")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "index.html").write_text("of an earlier run")
    pages = write_reports_node(
        tmp_path / "new",
        points_of(FACE, "anna_ceph"),
        pd.DataFrame({"image_id": ["anna_ceph"], "implausible_as_a_whole": [False]}),
        pd.DataFrame({"item": [], "reason": []}),
        sizes_of(image_id="anna_ceph"),
        pd.DataFrame({"image_id": ["anna_ceph"], "cvm_stage": [3], "probability": [0.712]}),
        tmp_path / "reports",
        InferenceParams(reports=wanted),
        CephalometryParams(),
        tmp_path / "net.ckpt",
    )
    assert pages["page"].tolist() == (["films/anna_ceph.html"] if wanted else [])
    if wanted:
        page = (tmp_path / "reports" / "films" / "anna_ceph.html").read_text()
        assert "<h1>Cephalogram anna/ceph.png</h1>" in page
        assert "0.1 mm per pixel, from the film&#39;s file" in page
        assert "CVM stage CS3 (probability 0.71), predicted by the network." in page
        assert "CVM: CS3 (0.71)" in (tmp_path / "reports" / "index.html").read_text()
    assert (tmp_path / "reports" / "index.html").exists() == wanted

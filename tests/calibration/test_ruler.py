"""Millimetres per pixel from the ruler, in numbers on paper."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.calibration import CalibrationError, CalibrationParams, calibrate, mm_per_pixel, summarise_by_machine
from ceph_pipeline.formats import AnnotationError, read
from ceph_pipeline.landmarks.tables import QuarantineTable
from ceph_pipeline.pipelines.calibration.nodes import calibrate_images, draw_deviation

SIZE = (2000, 2400)


def task(name: str, marks: dict[str, tuple[float, float]], *, by: int = 1, size: tuple[int, int] = SIZE) -> dict:
    """One task of an export, one annotator."""
    results = [
        {
            "type": "keypointlabels",
            "original_width": size[0],
            "original_height": size[1],
            "value": {"x": 100 * (x + 0.5) / size[0], "y": 100 * (y + 0.5) / size[1], "keypointlabels": [label]},
        }
        for label, (x, y) in marks.items()
    ]
    annotation = {"completed_by": by, "was_cancelled": False, "result": results}
    return {"data": {"image": f"/data/upload/1/0a1b2c3d-{name}.png"}, "annotations": [annotation]}


def written(folder: Path, *tasks: dict) -> Path:
    file = folder / "label_studio.json"
    file.write_text(json.dumps(list(tasks)))
    return file


@pytest.fixture
def images() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_id": ["a", "b", "c", "d"],
            "width": 2000,
            "height": 2400,
            "pixel_size_mm": [0.1, 0.1, 0.125, np.nan],
            "machine": ["ART Plus", "ART Plus", "Veraview", "Veraview"],
        }
    )


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """a: 110 px; b: 100 px; c: 80 px along a diagonal; d: 50 px."""
    return written(
        tmp_path,
        task("a", {"p1": (1500, 100), "p2": (1500, 210)}),
        task("b", {"p1": (1500, 100), "p2": (1600, 100)}),
        task("c", {"p1": (100, 100), "p2": (148, 164)}),
        task("d", {"p1": (100, 100), "p2": (130, 140)}),
    )


def test_ten_millimetres_over_a_hundred_pixels_are_a_tenth() -> None:
    assert mm_per_pixel((0, 0), (60, 80)) == pytest.approx(0.1)
    assert mm_per_pixel((0, 0), (60, 80), ruler_mm=20) == pytest.approx(0.2)


@pytest.mark.parametrize("p2", [(5, 5), (np.nan, np.nan)])
def test_without_two_marks_there_is_no_pixel_size(p2: tuple[float, float]) -> None:
    assert np.isnan(mm_per_pixel((5, 5), p2))


def test_the_rulers_pixel_size_is_compared_with_the_tables(export: Path, images: pd.DataFrame) -> None:
    table = calibrate(read(export, "label_studio"), images, 10.0, 3.0).set_index("image_id")
    assert table["mm_per_pixel"].tolist() == pytest.approx([10 / 110, 0.1, 0.125, 0.2])
    assert table["ruler_px"].tolist() == pytest.approx([110, 100, 80, 50])
    assert table["deviation_pct"].tolist()[:3] == pytest.approx([100 * (100 / 110 - 1), 0, 0], abs=1e-9)
    assert np.isnan(table.loc["d", "deviation_pct"])
    assert table["is_suspect"].tolist() == [True, False, False, False]


def test_an_image_annotated_at_half_its_size_is_scaled(tmp_path: Path, images: pd.DataFrame) -> None:
    export = written(tmp_path, task("b", {"p1": (700, 50), "p2": (750, 50)}, size=(1000, 1200)))
    table = calibrate(read(export, "label_studio"), images, 10.0, 3.0)
    assert table["mm_per_pixel"].tolist() == pytest.approx([0.1])
    assert table["ruler_px"].tolist() == pytest.approx([100])


def test_several_annotators_count_by_their_median(tmp_path: Path, images: pd.DataFrame) -> None:
    three = task("b", {"p1": (0, 0), "p2": (100, 0)}, by=1)
    for number, length in ((2, 104), (3, 150)):
        three["annotations"] += task("b", {"p1": (0, 0), "p2": (length, 0)}, by=number)["annotations"]
    row = calibrate(read(written(tmp_path, three), "label_studio"), images, 10.0, 3.0).iloc[0]
    assert row["n_readers"] == 3
    assert row["ruler_px"] == pytest.approx(104)


def test_an_image_that_the_data_set_does_not_have_is_kept_without_comparison(tmp_path: Path, images: pd.DataFrame) -> None:
    table = calibrate(read(written(tmp_path, task("z", {"p1": (0, 0), "p2": (80, 0)})), "label_studio"), images, 10.0, 3.0)
    assert table["machine"].tolist() == ["unknown"]
    assert table["mm_per_pixel"].tolist() == pytest.approx([0.125])
    assert table["table_mm_per_pixel"].isna().all()


def test_an_image_with_one_mark_is_left_out(tmp_path: Path, images: pd.DataFrame) -> None:
    export = written(tmp_path, task("a", {"p1": (0, 0)}), task("b", {"p1": (0, 0), "p2": (100, 0)}))
    assert calibrate(read(export, "label_studio"), images, 10.0, 3.0)["image_id"].tolist() == ["b"]


def test_an_export_without_the_marks_is_one_clear_error(tmp_path: Path, images: pd.DataFrame) -> None:
    export = written(tmp_path, task("a", {"Sella": (10, 10)}))
    with pytest.raises(CalibrationError, match="both p1 and p2: label the ruler"):
        calibrate(read(export, "label_studio"), images, 10.0, 3.0)


def test_devices_are_summarised_by_their_median(export: Path, images: pd.DataFrame) -> None:
    table = summarise_by_machine(calibrate(read(export, "label_studio"), images, 10.0, 3.0)).set_index("machine")
    assert table.loc["ART Plus", "n_images"] == 2
    assert table.loc["ART Plus", "deviation_pct"] == pytest.approx(50 * (100 / 110 - 1))
    assert table["n_suspect"].tolist() == [1, 0]


def test_the_nodes_lead_from_an_export_to_a_figure(export: Path, images: pd.DataFrame) -> None:
    params = CalibrationParams()
    table, quarantine = calibrate_images(export, images, params)
    assert QuarantineTable.validate(quarantine).empty
    assert summarise_by_machine(table)["n_images"].tolist() == [2, 2]
    axes = draw_deviation(table, params).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ART Plus\nn = 2", "Veraview\nn = 1"]


def test_images_of_the_export_that_the_data_set_does_not_have_are_counted(
    tmp_path: Path, images: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    marks = {"p1": (0, 0), "p2": (80, 0)}
    calibrate_images(written(tmp_path, task("a", marks), task("z", marks)), images, CalibrationParams())
    assert "1 of 2 images of the export are not in the data set" in caplog.text


def test_without_pixel_sizes_in_the_data_set_it_is_said_that_nothing_is_compared(
    export: Path, images: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    calibrate_images(export, images.assign(pixel_size_mm=np.nan), CalibrationParams())
    assert "there is nothing to compare" in caplog.text
    assert "nan" not in caplog.text


def test_an_export_may_call_its_marks_otherwise(tmp_path: Path, images: pd.DataFrame) -> None:
    marks = written(tmp_path, task("a", {"top": (0, 0), "bottom": (80, 0)}))
    labels = {"top": "p1", "bottom": "p2"}
    table, _ = calibrate_images(marks, images, CalibrationParams(labels=labels))
    assert table["mm_per_pixel"].tolist() == pytest.approx([0.125])
    with pytest.raises(AnnotationError, match=r"`calibration\.labels`"):
        calibrate_images(marks, images, CalibrationParams(on_bad_item="error"))


def test_a_missing_export_is_named(tmp_path: Path, images: pd.DataFrame) -> None:
    with pytest.raises(AnnotationError, match=r"nowhere\.json: no such file"):
        calibrate_images(tmp_path / "nowhere.json", images, CalibrationParams())


def test_marks_a_pixel_apart_are_flagged_even_where_no_table_has_a_size(tmp_path: Path, images: pd.DataFrame) -> None:
    marks = read(written(tmp_path, task("d", {"p1": (100, 100), "p2": (101, 100)})), "label_studio")
    [row] = calibrate(marks, images, 10.0, 3.0).to_dict("records")
    assert row["mm_per_pixel"] == pytest.approx(10.0)
    assert row["is_suspect"]

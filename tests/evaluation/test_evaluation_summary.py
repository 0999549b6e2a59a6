import io
import json
import re
from copy import deepcopy

import pandas as pd
import pytest
from rich.console import Console

from ceph_pipeline.evaluation import evaluate
from ceph_pipeline.evaluation.error_tables import compared, stage_frame
from ceph_pipeline.evaluation.summary import TOO_FEW, comparison_line, comparison_lines, notes, render


def result(percent, ci95):
    return {"improvement_percent": percent, "ci95": ci95, "n_images": 9, "unit": "mm"}


class TestRows:
    def test_header_and_a_row_a_stage(self, report):
        frame = stage_frame(compared(report))
        assert list(frame.columns) == ["stage", "MRE mm", "MRE px", "≤2 mm", "≤2.5 mm", "≤3 mm", "≤4 mm"]
        assert frame.iloc[0].tolist() == ["stage 1", "2.50", "25.0", "50.0", "50.0", "75.0", "100.0"]
        assert list(frame["stage"])[-2:] == ["mean shape", "reader to truth"]
        assert list(frame["MRE mm"])[-2:] == ["12.00", "0.50"]

    def test_mean_and_rates_carry_their_intervals(self, many_report):
        stage1 = stage_frame(compared(many_report)).iloc[0]
        assert re.fullmatch(r"2\.50 \[1\.\d\d, 3\.\d\d\]", stage1["MRE mm"])
        assert re.fullmatch(r"50\.0 \[\d\d\.\d, \d\d\.\d\]", stage1["≤2.5 mm"])
        assert stage_frame(compared(many_report), rate_intervals=False)["≤2.5 mm"].iloc[0] == "50.0"

    def test_what_is_unknown_is_a_dash_also_after_json(self, errors, images, no_duplicates, statistics):
        nameless = evaluate(errors.assign(error_mm=float("nan")), images, no_duplicates, statistics)
        frame = stage_frame(compared(nameless))
        assert frame.iloc[0].tolist() == ["stage 1", "–", "25.0", "–", "–", "–", "–"]
        null = json.loads(json.dumps(nameless).replace("NaN", "null"))
        pd.testing.assert_frame_equal(stage_frame(compared(null)), frame)


class TestLines:
    @pytest.mark.parametrize(
        ("percent", "ci95", "line"),
        [
            (23.2, [15.1, 31.4], "stage 2 beats stage 1: error smaller by 23 % [15, 31]"),
            (4.0, [-1.0, 9.0], "stage 2 does not clearly beat stage 1: error smaller by 4 % [-1, 9]"),
            (-6.0, [-9.0, -3.0], "stage 2 does not beat stage 1: error larger by 6 % [3, 9]"),
            (50.0, None, "stage 2 against stage 1: error smaller by 50 %; no interval, too few images or patients"),
        ],
    )
    def test_beats_is_said_only_where_chance_is_ruled_out(self, percent, ci95, line):
        assert comparison_line("stage2", "stage1", result(percent, ci95)) == line

    def test_mean_shape_is_one_line(self, report):
        lines = comparison_lines(report)
        assert len(lines) == 6
        assert lines[-1] == "every stage has a smaller error than the mean shape, which ignores the image"

    def test_beats_is_said_of_the_mean_shape_where_there_are_intervals(self, many_report):
        assert comparison_lines(many_report)[-1] == "every stage beats the mean shape, which ignores the image"

    def test_losers_against_the_mean_shape_are_named(self, report):
        lost = deepcopy(report)
        lost["details"]["beats_mean_shape"]["stage2_tta"] = False
        assert comparison_lines(lost)[-1] == (
            "stage 2 + TTA: not clearly better than the mean shape, which ignores the image: do not use this detector"
        )


class TestNotes:
    def test_one_reader_is_half_as_far_from_the_truth_as_from_the_other(self, many_report):
        (line,) = notes(many_report)
        assert line.startswith(
            "one reader is 0.50 mm, 5.00 px from the truth, which includes the reader's points if the truth is"
        )
        assert line.endswith("two readers are 1.00 mm, 10.00 px apart")

    def test_without_pixel_sizes_readers_are_apart_in_px_alone(self, many_errors, many_images, no_duplicates, statistics):
        report = evaluate(many_errors.assign(error_mm=float("nan")), many_images, no_duplicates, statistics)
        report["details"]["offset_removed"] = report["details"]["readers_floor"] = report["details"]["inter_reader"]
        said = " ".join(notes(report))
        assert "one reader is 5.00 px from the truth" in said
        assert "two readers are 10.00 px apart" in said
        assert "for diagnosis only): 10.00 px; the random half of the readers' difference: 10.00 px" in said

    def test_few_images_have_no_intervals_and_that_is_said(self, report):
        assert TOO_FEW in notes(report)
        assert report["stage1"]["mre_mm_ci95"] is report["stage1"]["sdr_2.0_ci95"] is None

    def test_near_duplicates(self, errors, images, statistics):
        twins = pd.DataFrame({"image_a": ["train_a"], "image_b": ["test_a"]})
        line = notes(evaluate(errors, images, twins, statistics))[0]
        assert line == (
            "without the 1 test image that has a near-duplicate in training or validation: stage 2 + TTA 1.20 mm, 12.00 px"
        )

    def test_images_without_pixel_size(self, errors, images, no_duplicates, statistics):
        gap = errors.assign(error_mm=errors["error_mm"].mask(errors["image_id"] == "test_a"))
        assert "1 of 4 images have no pixel size and are included in px only" in notes(
            evaluate(gap, images, no_duplicates, statistics)
        )

    def test_images_without_truth(self, errors, images, no_duplicates, statistics):
        blank = errors["image_id"] == "test_d"
        unread = errors.assign(
            has_truth=errors["has_truth"] & ~blank,
            error_mm=errors["error_mm"].mask(blank),
            error_px=errors["error_px"].mask(blank),
        )
        report = evaluate(unread, images, no_duplicates, statistics)
        assert "1 predicted test images have no annotated point and are ignored" in notes(report)
        assert (report["stage1"]["n_images"], report["stage1"]["n_missing"]) == (3, 0)

    def test_missing_predictions(self, report):
        gap = deepcopy(report)
        gap["stage1"]["n_missing"] = 2
        assert notes(gap)[-1] == "stage 1: 2 annotated points were not predicted and are ignored above"


def test_terminal_summary_fits_80_columns_whole(report):
    console = Console(width=80, file=io.StringIO())
    console.print(render(report))
    text = console.file.getvalue()
    assert "…" not in text
    assert "stage 2 + TTA" in text
    assert "every stage has a smaller error than the mean shape, which ignores the image" in text

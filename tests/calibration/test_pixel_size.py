"""Which source says how long a pixel is, and how sure that is, in numbers on paper."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.calibration.pixel_size import by_length, pixel_sizes, say_sources
from ceph_pipeline.calibration.presence import UNLEARNED_MIN_PEAK, learn_presence, read_presence, rulers_shown, weaker_peaks
from ceph_pipeline.calibration.ruler import CalibrationError

PARAMS = CalibrationParams()


def points(image_id: str, peak: float = 0.9, **places: tuple[float, float]) -> pd.DataFrame:
    names = {"S": "Sella", "N": "Nasion"}
    rows = [(image_id, names.get(name, name), x, y, 0.5, peak) for name, (x, y) in places.items()]
    return pd.DataFrame(rows, columns=["image_id", "landmark", "x", "y", "sigma_px", "peak"])


RULER = {"p1": (100.0, 200.0), "p2": (100.0, 100.0)}
SKULL = {"S": (0.0, 0.0), "N": (355.0, 0.0)}


def decided(predictions: pd.DataFrame, file_mm: float = np.nan, params: CalibrationParams = PARAMS) -> pd.Series:
    return pixel_sizes(predictions, ["a"], np.array([file_mm]), 0.3, params).iloc[0]


def test_the_marks_errors_propagate_into_the_pixel_size() -> None:
    """100 px for 10 mm; each end 0.3 and 0.4 px: the length 0.5 px, 0.5 %, and the size 0.5 % of 0.1 mm."""
    size = by_length(np.array([[[0.0, 0.0], [0.0, 100.0]]]), np.array([[0.3, 0.4]]), 10.0)
    assert size.mm[0] == pytest.approx(0.1)
    assert size.se[0] == pytest.approx(0.0005)


def test_the_propagated_error_is_what_many_noisy_rulers_show() -> None:
    rng = np.random.default_rng(0)
    ends = np.array([[30.0, 40.0], [90.0, 120.0]]) + rng.normal(0, 0.7, (100_000, 2, 2))
    size = by_length(ends, np.full((100_000, 2), 0.7), 10.0)
    assert size.se.mean() == pytest.approx(size.mm.std(), rel=0.02)


def test_the_ruler_comes_first() -> None:
    row = decided(points("a", **RULER, S=(0.0, 0.0), N=(710.0, 0.0)), file_mm=0.102)
    assert row["source"] == "ruler"
    assert row["mm_per_pixel"] == pytest.approx(0.1)
    assert row["mm_per_pixel_se"] == pytest.approx(0.1 * np.sqrt(0.5) / 100)
    assert row["confidence"] == 0.9
    assert not row["is_suspect"]


def test_calibrated_standard_deviations_count_where_they_are() -> None:
    calibrated = points("a", **RULER).assign(calibrated_sigma_px=[1.5, np.nan])
    assert decided(calibrated)["mm_per_pixel_se"] == pytest.approx(0.1 * np.hypot(1.5, 0.5) / 100)


def test_a_file_that_disagrees_is_reported_and_not_averaged() -> None:
    row = decided(points("a", **RULER), file_mm=0.125)
    assert row["deviation_pct"] == pytest.approx(-20)
    assert row["is_suspect"]
    assert row["mm_per_pixel"] == pytest.approx(0.1)
    assert row["file_mm_per_pixel"] == 0.125


@pytest.mark.parametrize(
    ("file_mm", "length_mm", "is_suspect"),
    [(0.2, 71.0, False), (0.15, 53.25, False), (0.26, 92.3, True), (0.1, 35.5, True), (1.0, 355.0, True), (0.02, 7.1, True)],
)
def test_a_pixel_size_that_makes_no_head_is_reported(
    file_mm: float, length_mm: float, is_suspect: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """S–N of 355 px: a DICOM file whose spacing is a screen's, or 1, would give the head its size."""
    row = decided(points("a", **SKULL), file_mm)
    assert (row["source"], row["mm_per_pixel"]) == ("file", file_mm)
    assert row["sella_nasion_mm"] == pytest.approx(length_mm)
    assert bool(row["is_suspect"]) == is_suspect
    say_sources(pd.DataFrame([row]))
    assert (f"S–N is {length_mm:.0f} mm with the pixel size {file_mm:g} mm, outside" in caplog.text) == is_suspect


def test_films_without_a_pixel_size_are_counted_with_the_setting_to_change(caplog: pytest.LogCaptureFixture) -> None:
    estimated, sized = decided(points("a", **SKULL)), decided(points("a", **SKULL), 0.2)
    say_sources(pd.DataFrame([sized]))
    assert "inference.pixel_size_mm" not in caplog.text
    say_sources(pd.DataFrame([estimated, sized]))
    assert "without measurements in mm: 1 of 2; set inference.pixel_size_mm" in caplog.text


def test_a_ruler_by_which_no_head_is_seen_is_reported() -> None:
    marks = {"p1": (100.0, 200.0), "p2": (100.0, 190.0)}
    row = decided(points("a", **marks, **SKULL), params=CalibrationParams(max_se_pct=100))
    assert (row["source"], row["is_suspect"]) == ("ruler", True)
    assert row["sella_nasion_mm"] == pytest.approx(355)


def test_without_a_ruler_the_file_counts_and_no_mark_is_invented() -> None:
    row = decided(points("a", peak=0.1, **RULER), file_mm=0.125)
    assert (row["source"], row["mm_per_pixel"], row["has_ruler"], row["refusal"]) == ("file", 0.125, False, "")
    assert row[["p1_x", "p1_y", "p2_x", "p2_y", "ruler_mm_per_pixel", "mm_per_pixel_se"]].isna().all()


def test_without_both_the_face_gives_an_estimate_that_says_how_rough_it_is() -> None:
    """S–N of 355 px for 71 ± 3 mm: 0.2 mm a pixel, 4.2 % uncertain."""
    row = decided(points("a", peak=0.1, **RULER, **SKULL))
    assert row["source"] == "anatomical"
    assert row["mm_per_pixel"] == pytest.approx(0.2)
    assert row["mm_per_pixel_se"] == pytest.approx(0.2 * np.hypot(3 / 71, np.sqrt(0.5) / 355))


def test_a_face_by_which_no_x_ray_s_pixel_is_that_long_gives_no_estimate() -> None:
    row = decided(points("a", Sella=(100.0, 100.0), Nasion=(105.0, 100.0)))
    assert row["source"] == "unknown"
    assert row[["anatomical_mm_per_pixel", "anatomical_se", "mm_per_pixel"]].isna().all()


def test_where_nothing_says_a_size_it_is_unknown() -> None:
    row = decided(points("a", peak=0.1, **RULER))
    assert row["source"] == "unknown"
    assert np.isnan(row["mm_per_pixel"])


def test_the_policy_orders_the_sources_and_leaves_out_what_it_does_not_name() -> None:
    both = points("a", **RULER, **SKULL)
    assert decided(both, 0.125, CalibrationParams(sources=("file", "ruler")))["source"] == "file"
    assert decided(both, np.nan, CalibrationParams(sources=("file",)))["source"] == "unknown"


@pytest.mark.parametrize(("apart_px", "is_usable"), [(1.0, False), (4.9, False), (5.0, True), (500.0, True), (501.0, False)])
def test_a_ruler_by_which_no_x_ray_s_pixel_is_that_long_is_seen_and_refused(apart_px: float, is_usable: bool) -> None:
    row = decided(points("a", p1=(5.0, 5.0), p2=(5.0 + apart_px, 5.0)), 0.125, CalibrationParams(max_se_pct=100))
    assert row["has_ruler"]
    assert (row["source"] == "ruler", bool(row["is_usable"])) == (is_usable, is_usable)
    assert row["refusal"] == ("" if is_usable else "implausible")


def test_marks_on_one_spot_say_no_size() -> None:
    row = decided(points("a", p1=(5.0, 5.0), p2=(5.0, 5.0)))
    assert (row["source"], bool(row["is_usable"]), row["refusal"]) == ("unknown", False, "implausible")


@pytest.mark.parametrize(("sigma_px", "source"), [(3.5, "ruler"), (3.6, "file")])
def test_a_ruler_whose_size_is_too_uncertain_is_seen_and_refused(sigma_px: float, source: str) -> None:
    """100 px between ends of σ 3.5 px: 4.95 % of the size; of 3.6 px: 5.09 %."""
    row = decided(points("a", **RULER).assign(sigma_px=sigma_px), file_mm=0.125)
    assert row["source"] == source
    assert row["has_ruler"]
    assert row["is_usable"] == (source == "ruler")
    assert row["refusal"] == ("" if source == "ruler" else "uncertain")
    assert np.isfinite(row["p1_x"]) == (source == "ruler")


def test_points_of_a_face_alone_have_no_ruler() -> None:
    assert decided(points("a", **SKULL), 0.1)["source"] == "file"


def test_presence_is_cut_where_fewest_films_are_wrong_in_the_middle_of_the_widest_gap() -> None:
    peaks = pd.Series({"a": 0.15, "b": 0.3, "c": 0.2, "d": 0.6, "e": 0.9})
    shown = pd.Series({"a": False, "b": False, "c": True, "d": True, "e": True})
    rule = learn_presence(peaks, shown)
    assert rule.min_peak == pytest.approx(0.445, abs=1e-3)  # one of five is wrong here, and no cut does better
    assert (rule.n_shown, rule.n_absent, rule.is_learned) == (3, 2, True)


def test_the_middle_is_that_of_log_odds() -> None:
    """Between odds of 1 : 99 and 3 : 1 lie those of √(3 / 99) : 1, a peak of 0.148."""
    rule = learn_presence(pd.Series({"a": 0.01, "b": 0.75}), pd.Series({"a": False, "b": True}))
    assert rule.min_peak == pytest.approx(0.1483, abs=1e-4)


def test_peaks_that_do_not_differ_teach_nothing() -> None:
    rule = learn_presence(pd.Series({"a": 0.9995, "b": 0.9999}), pd.Series({"a": False, "b": True}))
    assert (rule.min_peak, rule.is_learned) == (UNLEARNED_MIN_PEAK, False)


@pytest.mark.parametrize("content", ['{"min_peak": null, "n_shown": 1, "n_absent": 1}', "[" * 100_000])
def test_a_damaged_rule_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "ruler.json").write_text(content)
    with pytest.raises(CalibrationError, match=r"ruler\.json: damaged"):
        read_presence(tmp_path)


def test_from_films_of_one_kind_nothing_is_learned() -> None:
    rule = learn_presence(pd.Series({"a": 0.9, "b": 0.8}), pd.Series({"a": True, "b": True}))
    assert (rule.min_peak, rule.is_learned) == (UNLEARNED_MIN_PEAK, False)


def test_the_weaker_mark_decides_and_half_a_ruler_teaches_nothing() -> None:
    table = points("a", p1=(0, 0), p2=(9, 9))
    table.loc[1, "peak"] = 0.2
    assert weaker_peaks(table).to_dict() == {"a": 0.2}
    truth = pd.concat([points("a", **RULER), points("b", p1=(0, 0), p2=(np.nan, np.nan)), points("c", p1=(np.nan, np.nan))])
    assert rulers_shown(truth, ["a", "b", "c"]).to_dict() == {"a": True, "c": False}


def test_where_no_threshold_between_the_peaks_is_better_than_none_the_default_is_used() -> None:
    """One film submitted without its marks, whose ruler has the highest peak, must not cost the other rulers."""
    peaks = pd.Series([0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.97], list("abcdefgh"))
    rule = learn_presence(peaks, pd.Series([True] * 7 + [False], list("abcdefgh")))
    assert (rule.min_peak, rule.is_learned) == (UNLEARNED_MIN_PEAK, False)

"""Radii and flags of new X-rays: where the evaluation has learned them, for the networks it learned them for."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.files import DetectorFiles
from ceph_pipeline.detector.uncertainty import DetectorUncertainty, load_uncertainty
from ceph_pipeline.inference import InferenceParams, LandmarkDetector
from ceph_pipeline.inference.measurements import measurement_rows, summary_rows
from ceph_pipeline.inference.overlay import FLAG, RING, draw_overlay
from ceph_pipeline.inference.uncertainty import judge_by_size
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import PredictionTable, Unit
from ceph_pipeline.pipelines.inference.nodes import locate_landmarks
from ceph_pipeline.uncertainty import SigmaCalibration, StageUncertainty, UncertaintyError, UncertaintyModel
from ceph_pipeline.uncertainty.points import sigma_px

Xrays = Callable[[Path, int], list[Path]]
NAMES = SCHEMAS["isbi2015"].names
CPU = DetectorParams(device="cpu")


def model(unit: Unit, factor: float = 2.0, landmarks: tuple[str, ...] = NAMES) -> UncertaintyModel:
    """Three times what the networks say, flagged above 1.5 mm or 15 px."""
    calibration = SigmaCalibration(0.0, 3.0, np.ones(len(landmarks)))
    return UncertaintyModel(unit, landmarks, calibration, factor, 0.9, 1.5 if unit == "mm" else 15.0, 50, 100)


def points(sigma: list[float], stage: str = "stage1") -> pd.DataFrame:
    names = list(NAMES[: len(sigma)])
    return pd.DataFrame({"image_id": "a", "stage": stage, "landmark": names, "x": 50.0, "y": 60.0, "sigma_px": sigma})


def uncertainty(**models: UncertaintyModel) -> DetectorUncertainty:
    return DetectorUncertainty({"stage1": StageUncertainty({"stage1": "abc"}, {"views_stage1": "single"}, models)})


@pytest.fixture
def learned(checkpoints: Path, tmp_path: Path) -> Path:
    """A models' folder after the evaluation."""
    for stage in ("stage1", "stage2"):
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / stage).symlink_to(checkpoints / stage)
    networks = {stage: fingerprint(checkpoints / stage / "best.ckpt") for stage in ("stage1", "stage2")}
    stages = {
        "stage1": StageUncertainty({"stage1": networks["stage1"]}, CPU.point_settings(refined=False), {"px": model("px")}),
        "stage2": StageUncertainty(networks, CPU.point_settings(refined=True), {"mm": model("mm"), "px": model("px")}),
    }
    report = {name: stage.to_report() for name, stage in stages.items()}
    (tmp_path / "models" / "uncertainty.json").write_text(json.dumps(report), "utf-8")
    return tmp_path / "models"


class TestJudged:
    def test_with_a_pixel_size_in_millimetres(self) -> None:
        judged = uncertainty(mm=model("mm"), px=model("px")).judge(points([4.0, 6.0]), {"a": 0.1})
        assert judged["calibrated_sigma_px"].tolist() == pytest.approx([12, 18])
        assert judged["radius_px"].tolist() == pytest.approx([24, 36])
        assert judged["radius_mm"].tolist() == pytest.approx([2.4, 3.6])
        assert judged["flagged"].tolist() == [False, True], "1.2 and 1.8 mm against 1.5"
        assert judged["sigma_px"].tolist() == [4.0, 6.0], "what the network says stays"

    def test_without_one_in_pixels(self) -> None:
        judged = uncertainty(mm=model("mm"), px=model("px")).judge(points([4.0, 6.0]), {"a": np.nan})
        assert judged["radius_px"].tolist() == pytest.approx([24, 36])
        assert judged["radius_mm"].isna().all()
        assert judged["flagged"].tolist() == [False, True], "12 and 18 px against 15"

    def test_without_a_model_in_millimetres_pixels_serve_all(self) -> None:
        judged = uncertainty(px=model("px")).judge(points([4.0]), {"a": 0.1})
        assert (judged["radius_px"].item(), judged["radius_mm"].item()) == pytest.approx((24, 2.4))

    def test_a_radius_that_is_not_promised_is_missing(self) -> None:
        judged = uncertainty(px=model("px", factor=np.inf)).judge(points([4.0, 6.0]), {"a": np.nan})
        assert judged["radius_px"].isna().all()
        assert judged["flagged"].tolist() == [False, True]

    def test_a_point_that_was_not_located_is_flagged(self) -> None:
        judged = uncertainty(px=model("px")).judge(points([4.0, np.nan]), {"a": np.nan})
        assert judged["flagged"].tolist() == [False, True]

    @pytest.mark.parametrize("size", [0.1, np.nan])
    def test_of_a_landmark_that_was_not_evaluated_nothing_is_promised(
        self, size: float, caplog: pytest.LogCaptureFixture
    ) -> None:
        some = uncertainty(mm=model("mm", landmarks=("Nasion",)), px=model("px", landmarks=("Nasion",)))
        judged = some.judge(points([6.0, 4.0]), {"a": size})
        assert judged["landmark"].tolist() == ["Sella", "Nasion"]
        np.testing.assert_allclose(judged["calibrated_sigma_px"], [np.nan, 12])
        np.testing.assert_allclose(judged["radius_px"], [np.nan, 24])
        assert judged["flagged"].tolist() == [True, False]
        assert sigma_px(judged).tolist() == pytest.approx([6, 12]), "as the network says"
        assert [record.getMessage().split(":")[0] for record in caplog.records] == ["no calibrated uncertainty for Sella"]

    def test_once_the_pixel_size_is_known_in_millimetres(self) -> None:
        known = uncertainty(mm=model("mm"), px=model("px"))
        located = known.judge(points([4.0, 6.0, 1.0]), {})
        located.loc[2, "x"] = 400.0
        sizes = pd.DataFrame({"image_id": ["a"], "source": "file", "mm_per_pixel": 0.2, "is_suspect": False})
        judged = judge_by_size(located, known, sizes, {"a": (100, 90)})
        assert judged["radius_mm"].tolist() == pytest.approx([4.8, 7.2, 1.2])
        assert judged["flagged"].tolist() == [True, True, True], "2.4 and 3.6 mm against 1.5, and a point outside the image"
        for other in (sizes.assign(is_suspect=True), sizes.assign(source="anatomical")):
            in_px = judge_by_size(located, known, other, {"a": (100, 90)})
            assert in_px["radius_mm"].isna().all()
            assert in_px["flagged"].tolist() == [False, True, True]
        plain = points([4.0])
        assert judge_by_size(plain, DetectorUncertainty(), sizes, {"a": (100, 90)}) is plain

    def test_another_stage_stays_as_it_is(self) -> None:
        table = points([4.0], stage="stage2")
        pd.testing.assert_frame_equal(uncertainty(px=model("px")).judge(table, {"a": 0.1}), table)


class TestDetector:
    def test_points_carry_radii_and_flags(self, learned: Path, tmp_path: Path, xrays: Xrays) -> None:
        detector = LandmarkDetector.load(learned, CPU)
        table = PredictionTable.validate(detector.predict(xrays(tmp_path / "new", 2), pixel_size_mm=[0.1, float("nan")]))
        first, second = (rows for _, rows in table.groupby("image_id"))
        np.testing.assert_allclose(first["radius_mm"], 0.1 * 2 * 3 * first["sigma_px"])
        assert second["radius_mm"].isna().all()
        np.testing.assert_allclose(second["radius_px"], 2 * 3 * second["sigma_px"])

    def test_an_evaluation_of_some_landmarks_leaves_the_others_to_the_networks(
        self, learned: Path, tmp_path: Path, xrays: Xrays
    ) -> None:
        report = json.loads((learned / "uncertainty.json").read_text())
        del report["stage2"]["px"]["factors"]["Sella"]
        (learned / "uncertainty.json").write_text(json.dumps(report), "utf-8")
        table = PredictionTable.validate(LandmarkDetector.load(learned, CPU).predict(xrays(tmp_path / "new", 1)))
        assert table.loc[table["radius_px"].isna(), "landmark"].tolist() == ["Sella"]
        assert table.set_index("landmark").loc["Sella", "flagged"]

    def test_without_refinement_stage_1s_own_uncertainty_counts(self, learned: Path, tmp_path: Path, xrays: Xrays) -> None:
        detector = LandmarkDetector.load(learned, CPU).without_refinement()
        assert "flagged" in detector.predict(xrays(tmp_path / "new", 1))

    def test_a_folder_without_the_file_gives_points_without_radii(self, checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
        table = LandmarkDetector.load(checkpoints, CPU).predict(xrays(tmp_path, 1))
        assert list(table.columns) == ["image_id", "stage", "landmark", "x", "y", "sigma_px", "peak", "flagged"]

    def test_other_networks_than_those_it_was_learned_for(self, learned: Path, caplog: pytest.LogCaptureFixture) -> None:
        stage1 = learned / "stage1" / "best.ckpt"
        with caplog.at_level(logging.WARNING):
            assert set(load_uncertainty(learned, DetectorFiles((stage1,))).stages) == {"stage1"}
        assert not caplog.text, "stage 2 was not asked for"
        with caplog.at_level(logging.WARNING):
            assert set(load_uncertainty(learned, DetectorFiles((stage1,), (stage1,))).stages) == {"stage1"}
        assert "calibrated for other networks (stage2): run the pipeline evaluation again" in caplog.text

    @pytest.mark.parametrize("content", ["{", "[]", "null", '{"stage1": {"settings": {}}}', '{"stage1": 3}', "[" * 100_000])
    def test_a_damaged_file_is_named(self, learned: Path, content: str) -> None:
        (learned / "uncertainty.json").write_text(content)
        with pytest.raises(UncertaintyError, match=r"uncertainty\.json: not an uncertainty file .*delete the file"):
            load_uncertainty(learned, DetectorFiles((learned / "stage1" / "best.ckpt",)))

    @pytest.mark.parametrize(
        ("entry", "value"),
        [
            ("floor", None), ("gain", float("nan")), ("flag_above", float("inf")), ("level", 1.5), ("factor", -1.0),
            ("factor", [[2.0]]), ("factors", {}), ("factors", [1.0, 1.0]), ("factors", {"p1": None}), ("unit", "inch"),
            ("n_radius_sources", "many"), ("foctor", 1.0),
        ],
    )  # fmt: skip
    def test_an_entry_that_the_evaluation_does_not_write_is_named(self, learned: Path, entry: str, value: object) -> None:
        report = json.loads((learned / "uncertainty.json").read_text())
        report["stage1"]["px"][entry] = value
        (learned / "uncertainty.json").write_text(json.dumps(report))
        with pytest.raises(UncertaintyError, match=rf"uncertainty\.json: .*{entry}.*delete the file"):
            load_uncertainty(learned, DetectorFiles((learned / "stage1" / "best.ckpt",)))


class TestPipeline:
    @pytest.mark.parametrize(
        ("views", "line"),
        [("single", "90 % of true points lie within their radius (calibrated on 100 held-out sources)"),
         ("five", "no calibrated uncertainty for stage2_tta")],
    )  # fmt: skip
    def test_one_line_says_what_is_known(
        self, learned: Path, tmp_path: Path, xrays: Xrays, caplog: pytest.LogCaptureFixture, views: str, line: str
    ) -> None:
        xrays(tmp_path / "new", 1)
        params = CPU.model_copy(update={"views_stage1": views})
        stages = learned / "stage1" / "best.ckpt", learned / "stage2" / "best.ckpt"
        with caplog.at_level(logging.INFO):
            locate_landmarks(tmp_path / "new", tmp_path / "out", stages[0], learned, InferenceParams(), params, stages[1])
        assert line in caplog.text

    def test_without_the_file_one_line_says_so(self, checkpoints: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            load_uncertainty(checkpoints, DetectorFiles((checkpoints / "stage1" / "best.ckpt",)))
        assert "the evaluation has not run; points have the networks' own standard deviations" in caplog.text

    def test_other_parameters_than_those_calibrated_for_are_named(self, caplog: pytest.LogCaptureFixture) -> None:
        uncertainty(px=model("px")).report("stage1", DetectorParams(views_stage1="ten").point_settings(refined=False))
        assert (
            "radii and flags are approximate: detector.fusion was None, now mean; detector.views_stage1 was single, now ten."
            in (caplog.text)
        )

    def test_a_radius_that_is_not_promised_is_said(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO):
            uncertainty(px=model("px", factor=np.inf)).report("stage1", {"views_stage1": "single"})
        assert "no radius is guaranteed" in caplog.text


def test_the_summary_counts_flagged_points() -> None:
    judged = uncertainty(px=model("px")).judge(points([4.0, 6.0, 9.0]), {"a": np.nan})
    assert summary_rows(judged, measurement_rows(judged, {}))["n_flagged"].tolist() == [2]
    wider = judged.assign(calibrated_sigma_px=[90.0, 18.0, 27.0])
    (row,) = summary_rows(wider, measurement_rows(wider, {})).to_dict("records")
    assert (row["least_sure"], row["max_sigma_px"]) == ("Sella", 90.0)
    assert "n_flagged" not in summary_rows(points([4.0]), measurement_rows(points([4.0]), {}))


def test_a_flagged_point_stands_out_with_its_radius() -> None:
    judged = uncertainty(px=model("px")).judge(points([4.0, 6.0]), {"a": np.nan})
    axes = draw_overlay(np.zeros((100, 90), np.uint8), judged, "a").axes[0]
    assert [patch.radius for patch in axes.patches] == pytest.approx([2 * 12, 36]), "two standard deviations, and the radius"
    assert [line.get_color() for line in axes.lines][1] == FLAG
    assert axes.get_title() == "a: check N"
    unbounded = judged.assign(radius_px=np.nan)
    assert [patch.radius for patch in draw_overlay(np.zeros((100, 90), np.uint8), unbounded, "a").axes[0].patches] == [24, 36]
    assert FLAG != RING

"""Uncertainty is learned on held-out sources, checked on others, and what cannot be learned is said."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.uncertainty import Checked, calibration_error, reliability_table, stage_errors
from ceph_pipeline.evaluation.uncertainty_figures import flag_figure, reliability_figure
from ceph_pipeline.evaluation.uncertainty_tables import (
    NO_TEST,
    NOT_LEARNED,
    radius_frame,
    radius_lines,
    reliability_lines,
    scalar_metrics,
)
from ceph_pipeline.pipelines.evaluation import uncertainty_nodes
from ceph_pipeline.stores import JSONReportDataset
from ceph_pipeline.uncertainty import StageErrors, StageUncertainty, UncertaintyParams

LANDMARKS = [f"landmark {number}" for number in range(10)]
PIXEL = 0.1
PARAMS = EvaluationParams(statistics=StatisticsParams(n_resamples=200))
DETECTOR = DetectorParams(views_stage1="ten", views_stage2="ten")
NONE = pd.DataFrame({"image_a": pd.Series([], dtype=str), "image_b": pd.Series([], dtype=str)})


def data_set(n_valid: int, n_test: int, stages: tuple[str, ...] = ("stage1", "stage2_tta")):
    """Errors, predictions and images of networks that claim a third of their true standard deviation of 3 to 30 px."""
    rng = np.random.default_rng(n_valid + n_test)
    image_ids = [f"valid_{n}" for n in range(n_valid)] + [f"test_{n}" for n in range(n_test)]
    keys = pd.MultiIndex.from_product([image_ids, stages, LANDMARKS], names=["image_id", "stage", "landmark"])
    actual = rng.uniform(3, 30, len(keys))
    errors = keys.to_frame(index=False).assign(has_truth=True, error_px=actual * rng.rayleigh(size=len(keys)))
    images = pd.DataFrame({"image_id": image_ids, "pixel_size_mm": PIXEL, "split": [name.split("_")[0] for name in image_ids]})
    predictions = keys.to_frame(index=False).assign(x=1.0, y=2.0, sigma_px=actual / 3)
    return errors.assign(error_mm=errors["error_px"] * PIXEL), predictions, images


@pytest.fixture
def networks(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    return tmp_path / "one", tmp_path / "two"


def run(errors, predictions, images, networks, params=PARAMS, duplicates=NONE):
    models = uncertainty_nodes.learn_uncertainty(errors, predictions, images, networks[0], params, DETECTOR, networks[1])
    return models, uncertainty_nodes.check_uncertainty(errors, predictions, images, duplicates, models)


class TestLearnedAndChecked:
    @pytest.fixture
    def found(self, networks):
        return run(*data_set(120, 150), networks)

    def test_promises_hold_on_test_sources_and_their_numbers_are_said(self, found):
        fields = found[1]["uncertainty"]["stages"]["stage2_tta"]["mm"]
        assert fields["n_sigma_sources"] + fields["n_radius_sources"] == 120
        assert fields["n_sources"] == 150
        assert fields["ence_before"] == pytest.approx(2.0, abs=0.2), "|3 − 1| / 1"
        assert fields["ence_after"] < 0.15
        assert fields["coverage"] == pytest.approx(0.9, abs=0.04)
        low, high = fields["coverage_ci95"]
        assert low < fields["coverage"] < high
        assert scalar_metrics(found[1]["uncertainty"])["stage2_tta.uncertainty.coverage"] == fields["coverage"]

    def test_errors_out_of_fold_are_learned_from_as_those_of_validation_are(self, networks):
        errors, predictions, images = data_set(120, 150)
        out_of_fold = images["image_id"].isin([f"valid_{n}" for n in range(100)])
        folds = set(images.loc[out_of_fold, "image_id"])
        images.loc[out_of_fold, "split"] = "train"
        own, held_out = (
            [table[table["image_id"].isin(folds) == is_fold] for table in (errors, predictions)] for is_fold in (0, 1)
        )
        models = uncertainty_nodes.learn_uncertainty(
            *own,
            images,
            networks[0],
            PARAMS,
            DETECTOR,
            networks[1],
            held_out_errors=held_out[0],
            held_out_predictions=held_out[1],
        )
        learned = StageUncertainty.from_report(models["stage2_tta"]).models["mm"]
        assert learned.n_sigma_sources + learned.n_radius_sources == 120
        fields = uncertainty_nodes.check_uncertainty(errors, predictions, images, NONE, models)["uncertainty"]["stages"]
        assert fields["stage2_tta"]["mm"]["coverage"] == pytest.approx(0.9, abs=0.04)

    def test_folds_of_more_landmarks_and_without_pixel_sizes_add_what_they_have(self, networks):
        """The evaluation may judge some landmarks only, and a scanned training image may have no pixel size."""
        errors, predictions, images = data_set(120, 150)
        folds = [f"valid_{n}" for n in range(100)]
        images.loc[images["image_id"].isin(folds), ["split", "pixel_size_mm"]] = ["train", np.nan]
        fold_errors, fold_predictions = (table[table["image_id"].isin(folds)] for table in (errors, predictions))
        fold_errors = fold_errors.assign(error_mm=np.nan)
        own = errors[~errors["image_id"].isin(folds) & errors["landmark"].isin(LANDMARKS[:4])]
        models = uncertainty_nodes.learn_uncertainty(
            own, predictions[~predictions["image_id"].isin(folds)], images, networks[0], PARAMS, DETECTOR, networks[1],
            held_out_errors=fold_errors, held_out_predictions=fold_predictions,
        )  # fmt: skip
        learned = StageUncertainty.from_report(models["stage1"]).models
        assert {unit: model.n_sigma_sources + model.n_radius_sources for unit, model in learned.items()} == {"mm": 20, "px": 120}
        assert list(learned["px"].landmarks) == LANDMARKS[:4]
        uncertainty_nodes.check_uncertainty(own, predictions, images, NONE, models)

    def test_pixels_are_learned_beside_millimetres(self, found):
        models = StageUncertainty.from_report(found[0]["stage1"]).models
        assert list(models) == ["mm", "px"]
        assert models["px"].flag_above == pytest.approx(models["mm"].flag_above / PIXEL, rel=0.01)
        assert models["px"].factor == pytest.approx(models["mm"].factor, rel=0.01)

    def test_a_model_has_its_networks_and_settings(self, found, networks):
        one, two = (StageUncertainty.from_report(found[0][stage]) for stage in ("stage1", "stage2_tta"))
        assert set(one.networks) == {"stage1"}
        assert set(two.networks) == {"stage1", "stage2"}
        assert two.networks["stage1"] == one.networks["stage1"] != two.networks["stage2"]
        assert one.settings == {"views_stage1": "single"}
        assert two.settings == {
            "views_stage1": "ten",
            "fusion": "mean",
            "views_stage2": "ten",
            "refinement.rounds": 1,
            "refinement.min_score": 0.05,
            "refinement.max_spread_of_field": 0.12,
            "refinement.stage1_share": 0.0,
            "refinement.stage1_share_of": {},
        }

    def test_reliability_is_tabulated_before_and_after(self, found):
        table = found[1]["reliability"].set_index(["stage", "calibrated"])
        assert set(table["unit"]) == {"mm"}
        ratio = (table["observed"] / table["sigma"]).groupby(level=[0, 1]).mean()
        assert ratio[("stage1", False)] == pytest.approx(3, abs=0.2)
        assert ratio[("stage1", True)] == pytest.approx(1, abs=0.1)

    def test_both_panels_and_their_ence(self, found):
        before, after = reliability_figure(found[1]["reliability"]).axes
        assert (before.get_title(), after.get_title()) == ("as predicted", "calibrated")
        assert before.get_xlim() == after.get_xlim()
        fields = found[1]["uncertainty"]["stages"]["stage1"]["mm"]
        for axes, name in ((before, "ence_before"), (after, "ence_after")):
            assert axes.get_legend_handles_labels()[1][1] == f"stage 1: ENCE {fields[name]:.2f}"

    def test_the_trade_off_rises_and_shows_the_threshold_in_use(self, found):
        table = found[1]["flag_curves"]
        curve = table[(table["stage"] == "stage1") & ~table["chosen"]]
        assert curve["caught_percent"].is_monotonic_increasing
        assert curve["caught_percent"].iloc[[0, -1]].tolist() == [0, 100]
        assert np.interp(20, curve["flagged_percent"], curve["caught_percent"]) > 30
        (dot,) = table.loc[(table["stage"] == "stage1") & table["chosen"], "flagged_percent"]
        assert dot == pytest.approx(found[1]["uncertainty"]["stages"]["stage1"]["mm"]["flagged_percent"])
        (axes,) = flag_figure(table).axes
        assert [line.get_label() for line in axes.lines[:2]] == ["chance", "stage 1"]
        assert axes.lines[2].get_xdata()[0] == pytest.approx(dot)

    def test_it_survives_the_catalog(self, found, tmp_path):
        store = JSONReportDataset(filepath=str(tmp_path / "uncertainty.json"))
        for report in (found[0], found[1]["uncertainty"]):
            store.save(report)
            assert store.load() == json.loads(json.dumps(report))


def test_test_sources_with_a_twin_among_those_learned_from_are_left_out(networks):
    errors, predictions, images = data_set(30, 20)
    duplicates = pd.DataFrame({"image_a": ["valid_3", "test_1"], "image_b": ["test_0", "test_2"]})
    _, found = run(errors, predictions, images, networks, duplicates=duplicates)
    assert found["uncertainty"]["n_left_out"] == 1, "test_1 and test_2 resemble only each other"
    assert found["uncertainty"]["stages"]["stage1"]["mm"]["n_sources"] == 19


def test_too_few_sources_for_radii_are_said_in_words(networks, tmp_path):
    models, found = run(*data_set(7, 7), networks)
    store = JSONReportDataset(filepath=str(tmp_path / "uncertainty.json"))
    store.save(found["uncertainty"])
    uncertainty = store.load()
    assert models["stage1"]["mm"]["factor"] is None
    assert radius_lines(uncertainty)[0].startswith(
        "No radii: there were 5 held-out sources of different patients, and a level of 90 % needs at least 9"
    )
    assert radius_frame(uncertainty).iloc[0].tolist()[1:3] == ["–", "–"]
    assert (
        reliability_lines(uncertainty)[1]
        == "Calibrated on 2 held-out sources of different patients, evaluated on 7 test sources."
    )


def test_the_report_has_the_sources_of_the_last_stage_which_may_be_more(networks):
    _, few = run(*data_set(7, 7), networks)
    _, many = run(*data_set(30, 7), networks)
    stages = {"stage1": few["uncertainty"]["stages"]["stage1"], "ensemble": many["uncertainty"]["stages"]["stage1"]}
    uncertainty = few["uncertainty"] | {"stages": stages}
    assert reliability_lines(uncertainty)[1].startswith("Calibrated on 10 held-out sources")
    assert "fitted on 20 held-out sources" in radius_lines(uncertainty)[0]


@pytest.mark.parametrize("n_valid", [0, 1])
def test_fewer_than_two_validation_sources_teach_nothing(networks, n_valid, caplog):
    with caplog.at_level(logging.WARNING):
        models, found = run(*data_set(n_valid, 5), networks)
    assert models == {}
    assert reliability_lines(found["uncertainty"]) == [NOT_LEARNED]
    assert radius_lines(found["uncertainty"]) == []
    assert len(reliability_figure(found["reliability"]).axes) == 1, "the networks' own standard deviations are still shown"
    assert "no data" in flag_figure(found["flag_curves"]).axes[0].texts[0].get_text()
    assert ("expected at least 2" in caplog.text) == bool(n_valid)


def test_null_learns_nothing(networks):
    models, found = run(*data_set(20, 5), networks, EvaluationParams(uncertainty=None))
    assert models == {}
    assert not found["reliability"]["calibrated"].any()


def test_nothing_to_check_on_is_said(networks, caplog):
    errors, predictions, images = data_set(20, 5)
    unknown = errors["image_id"].str.startswith("test")
    errors = errors.assign(error_px=errors["error_px"].mask(unknown), error_mm=errors["error_mm"].mask(unknown))
    with caplog.at_level(logging.WARNING):
        _, found = run(errors, predictions, images, networks)
    assert reliability_lines(found["uncertainty"]) == [NO_TEST]
    assert "cannot be evaluated" in caplog.text


def test_one_validation_image_without_pixel_size_and_all_is_in_pixels(networks):
    errors, predictions, images = data_set(20, 20)
    lost = "valid_4"
    errors["error_mm"] = errors["error_mm"].mask(errors["image_id"] == lost)
    images["pixel_size_mm"] = images["pixel_size_mm"].mask(images["image_id"] == lost)
    models, found = run(errors, predictions, images, networks)
    assert "mm" not in models["stage1"]
    assert list(found["uncertainty"]["stages"]["stage1"]) == ["px"]
    assert radius_frame(found["uncertainty"]).iloc[0].tolist()[4:] == ["–"] * 5, "gross errors are counted in mm"
    assert radius_frame(found["uncertainty"]).iloc[0].tolist()[2].endswith(" px")
    assert reliability_figure(found["reliability"]).axes[0].get_xlabel() == "predicted standard deviation (px)"


@pytest.mark.parametrize(("n_valid", "sized", "units"), [(0, False, ["px"]), (0, True, ["mm", "px"]), (1, False, ["px"])])
def test_folds_alone_teach_in_the_units_that_they_have(networks, n_valid, sized, units):
    errors, predictions, images = data_set(30 + n_valid, 10)
    folds = [f"valid_{n}" for n in range(30)]
    images.loc[images["image_id"].isin(folds), "split"] = "train"
    if not sized:
        images["pixel_size_mm"] = images["pixel_size_mm"].mask(images["image_id"].isin(folds))
        errors["error_mm"] = errors["error_mm"].mask(errors["image_id"].isin(folds))
    own, held_out = ([table[table["image_id"].isin(folds) == is_fold] for table in (errors, predictions)] for is_fold in (0, 1))
    models = uncertainty_nodes.learn_uncertainty(
        *own, images, networks[0], PARAMS, DETECTOR, networks[1], held_out_errors=held_out[0], held_out_predictions=held_out[1]
    )
    learned = StageUncertainty.from_report(models["stage1"]).models
    assert list(learned) == units
    assert learned["px"].n_sigma_sources + learned["px"].n_radius_sources == 30 + n_valid
    assert list(learned["px"].landmarks) == LANDMARKS


def test_millimetres_scale_errors_and_standard_deviations_alike():
    errors, predictions, images = data_set(3, 2)
    px, names = stage_errors(errors, predictions, images, "stage1", "px")
    mm, _ = stage_errors(errors, predictions, images, "stage1", "mm")
    assert names == LANDMARKS
    np.testing.assert_allclose(mm.errors, PIXEL * px.errors)
    np.testing.assert_allclose(mm.sigma, PIXEL * px.sigma)


class TestReliability:
    @pytest.fixture(scope="class")
    def honest(self):
        """Errors drawn with the predicted standard deviation along each axis."""
        rng = np.random.default_rng(3)
        sigma = rng.uniform(2, 20, (20_000, 1))
        return StageErrors(sigma * rng.rayleigh(size=sigma.shape), sigma)

    def table(self, seen):
        return reliability_table([Checked("stage1", "px", seen, None)])

    def test_honest_uncertainty_lies_on_the_diagonal(self, honest):
        table = self.table(honest)
        assert len(table) == 10
        assert (table["observed"] / table["sigma"]).to_numpy() == pytest.approx(np.ones(10), abs=0.05)
        assert calibration_error(table) < 0.03

    def test_overconfidence_by_half_is_an_error_of_one(self, honest):
        assert calibration_error(self.table(honest._replace(sigma=honest.sigma / 2))) == pytest.approx(1.0, abs=0.06)

    def test_unknown_errors_do_not_count_and_few_points_make_few_bins(self):
        table = self.table(StageErrors(np.array([[1.0, 2.0, np.nan, 3.0]]), np.ones((1, 4))))
        assert table["n"].sum() == len(table) == 3

    def test_only_the_first_unit_is_shown(self, honest):
        table = reliability_table([Checked("stage1", "mm", honest, None), Checked("stage1", "px", honest, None)])
        assert set(table["unit"]) == {"mm"}

    def test_nothing_to_show_is_said(self, honest):
        (axes,) = reliability_figure(self.table(honest._replace(sigma=0 * honest.sigma))).axes
        assert "no prediction has a standard deviation" in axes.texts[0].get_text()


def test_a_share_is_a_share():
    with pytest.raises(ValueError, match="less than 1"):
        UncertaintyParams(flag_share=1.0)

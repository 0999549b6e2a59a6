"""A model learned on validation keeps its promises on test sources, travels as JSON, and says how many sources it saw."""

import json
import math

import numpy as np
import pytest

from ceph_pipeline.uncertainty import (
    StageErrors,
    TooFewSourcesError,
    UncertaintyModel,
    UncertaintyParams,
    assess,
    fit_uncertainty,
)

LANDMARKS = [f"landmark {number}" for number in range(12)]


def stage(seed: int, n_images: int) -> StageErrors:
    """A network that claims a third of its true standard deviation, on images of varying difficulty."""
    rng = np.random.default_rng(seed)
    actual = rng.uniform(0.3, 2.5, (n_images, 12)) * rng.lognormal(0, 0.2, (n_images, 1))
    return StageErrors(actual * rng.rayleigh(size=actual.shape), actual / 3)


@pytest.fixture(scope="module")
def model() -> UncertaintyModel:
    return fit_uncertainty(stage(0, 150), LANDMARKS, "mm", UncertaintyParams())


def test_promises_hold_on_test_sources(model: UncertaintyModel) -> None:
    report = assess(model, stage(1, 200))
    assert report["ence_before"] > 1.5
    assert report["ence_after"] < 0.1
    assert report["miscalibration_after"] < 0.03 < report["miscalibration_before"]
    assert report["coverage"] == pytest.approx(0.9, abs=0.03)
    assert report["flagged_percent"] == pytest.approx(10, abs=3)
    assert report["n_sources"] == 200


def test_flags_catch_more_gross_errors_than_chance(model: UncertaintyModel) -> None:
    report = assess(model, stage(2, 200))
    assert report["n_gross"] > 20
    assert report["caught_percent"] > 3 * report["flagged_percent"]
    assert report["caught_by_share"]["20"] > report["caught_by_share"]["5"]


def test_the_two_fits_share_no_source(model: UncertaintyModel) -> None:
    assert model.n_sigma_sources + model.n_radius_sources == 150
    assert model.n_radius_sources == round(0.67 * 150)


def test_a_model_travels_as_json(model: UncertaintyModel) -> None:
    back = UncertaintyModel.from_report(json.loads(json.dumps(model.to_report())))
    sigma = stage(3, 4).sigma
    np.testing.assert_array_equal(back.judge(sigma).radius, model.judge(sigma).radius)
    assert back.landmarks == tuple(LANDMARKS)


def test_few_sources_promise_no_radius() -> None:
    model = fit_uncertainty(stage(4, 6), LANDMARKS, "mm", UncertaintyParams())
    assert math.isinf(model.factor)
    assert model.to_report()["factor"] is None
    assert math.isinf(UncertaintyModel.from_report(model.to_report()).factor)
    assert math.isnan(assess(model, stage(5, 10))["coverage"]), "an infinite radius holds everything, which says nothing"


def test_pixels_have_no_gross_errors() -> None:
    model = fit_uncertainty(stage(6, 20), LANDMARKS, "px", UncertaintyParams())
    assert "n_gross" not in assess(model, stage(7, 20))


def test_sources_without_truth_do_not_count() -> None:
    errors, sigma, _ = stage(8, 20)
    errors = np.vstack([errors, np.full((5, 12), np.nan)])
    model = fit_uncertainty(StageErrors(errors, np.vstack([sigma, sigma[:5]])), LANDMARKS, "mm", UncertaintyParams())
    assert model.n_sigma_sources + model.n_radius_sources == 20


def test_patients_of_one_film_each_change_nothing(model: UncertaintyModel) -> None:
    patients = np.array([f"patient-{number}" for number in range(150)])
    alone = fit_uncertainty(stage(0, 150)._replace(patients=patients), LANDMARKS, "mm", UncertaintyParams())
    assert alone.to_report() == model.to_report()


def test_films_of_one_patient_count_once_and_are_on_one_side(model: UncertaintyModel) -> None:
    """Every film three times: as one patient's they say about what each film once says."""
    once = stage(0, 150)._replace(patients=np.arange(150).astype(str))
    learned = fit_uncertainty(once.rows(np.repeat(np.arange(150), 3)), LANDMARKS, "mm", UncertaintyParams())
    assert learned.n_sigma_sources + learned.n_radius_sources == 150
    assert learned.factor == pytest.approx(model.factor, rel=0.02)
    sigma = stage(3, 4).sigma
    np.testing.assert_allclose(learned.judge(sigma).radius, model.judge(sigma).radius, rtol=0.1)


def test_thirty_films_of_six_patients_promise_no_radius() -> None:
    films = stage(4, 30)
    assert math.isfinite(fit_uncertainty(films, LANDMARKS, "mm", UncertaintyParams()).factor)
    of_six = films._replace(patients=np.array([f"patient-{number % 6}" for number in range(30)]))
    assert math.isinf(fit_uncertainty(of_six, LANDMARKS, "mm", UncertaintyParams()).factor)


def test_films_of_one_patient_are_too_few() -> None:
    with pytest.raises(TooFewSourcesError, match="held-out sources of 1 patients have truth"):
        fit_uncertainty(stage(9, 20)._replace(patients=np.array(["patient-a"] * 20)), LANDMARKS, "mm", UncertaintyParams())


def test_a_point_of_unknown_uncertainty_is_flagged(model: UncertaintyModel) -> None:
    sigma = np.full((1, 12), 0.01)
    sigma[0, 3] = np.nan
    assert np.flatnonzero(model.judge(sigma).flagged).tolist() == [3]


def test_unknown_errors_cannot_be_checked(model: UncertaintyModel) -> None:
    with pytest.raises(TooFewSourcesError, match="cannot be evaluated"):
        assess(model, StageErrors(np.full((2, 12), np.nan), np.ones((2, 12))))


def test_one_source_is_too_few() -> None:
    with pytest.raises(TooFewSourcesError, match="at least 2"):
        fit_uncertainty(stage(9, 1), LANDMARKS, "mm", UncertaintyParams())

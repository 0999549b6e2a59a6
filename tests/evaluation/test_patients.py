"""Every interval of the evaluation draws the films of one patient together."""

import json

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation.errors import with_patients
from ceph_pipeline.evaluation.offsets import offset_rows, without_offsets
from ceph_pipeline.evaluation.params import EvaluationParams, StatisticsParams
from ceph_pipeline.evaluation.run_comparison import compare_with_earlier
from ceph_pipeline.evaluation.summary import notes
from ceph_pipeline.evaluation.uncertainty import learn
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import images_in, patients_of, points_table
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes
from ceph_pipeline.pipelines.evaluation.uncertainty_nodes import check_uncertainty
from ceph_pipeline.uncertainty.params import UncertaintyParams
from ceph_pipeline.uncertainty.stage import StageUncertainty
from tests.cephalometry.test_measurement_invariance import BASE

PARAMS = EvaluationParams(statistics=StatisticsParams(n_resamples=200))
LANDMARKS = list(SCHEMAS["aariz"].names)
N_TEST, N_VALID = 40, 20
IDS = [f"test_{number:02}" for number in range(N_TEST)] + [f"valid_{number:02}" for number in range(N_VALID)] + ["train_0"]
NO_DUPLICATES = pd.DataFrame({"image_a": pd.Series(dtype=str), "image_b": pd.Series(dtype=str)})


def images(patients=None):
    table = pd.DataFrame(
        {
            "image_id": IDS,
            "path": IDS,
            "split": [name.split("_")[0] for name in IDS],
            "subset": [name.split("_")[0] for name in IDS],
            "width": 2000,
            "height": 2400,
            "pixel_size_mm": 0.1,
            "machine": "A",
            "dataset": "made up",
        }
    )
    return table if patients is None else table.assign(patient=patients)


NINE = [f"patient-{number % 9}" for number in range(len(IDS))]
"""Nine patients, of whom there are too few for an interval."""


def moved(truth, sigma_px, seed):
    return truth + np.random.default_rng(seed).normal(0, sigma_px, truth.shape)


def every_interval(found):
    """All ends of intervals in tables and reports: NaN or None where there is none."""
    if isinstance(found, pd.DataFrame):
        return [value for column in found if column.endswith(("_low", "_high")) for value in found[column]]
    if isinstance(found, dict):
        own = [value for key, value in found.items() if key.endswith("ci95")]
        return own + [value for key, inner in found.items() if not key.endswith("ci95") for value in every_interval(inner)]
    return []


def evaluated(rows):
    """What the nodes of `evaluation` find with intervals in it, by name."""
    truth = moved(np.repeat(BASE[None], len(IDS), axis=0), 30.0, seed=0)
    landmarks = pd.concat(
        [
            points_table(points, IDS, LANDMARKS).assign(reader=name)
            for name, points in (("consensus", truth), ("junior", moved(truth, 5, 1)), ("senior", moved(truth, 5, 2)))
        ]
    )
    predictions = pd.concat(
        [
            points_table(moved(truth, sigma, seed), IDS, LANDMARKS).assign(stage=stage, sigma_px=10.0)
            for stage, sigma, seed in (("stage1", 18.0, 3), ("stage2", 14.0, 4))
        ]
    )
    located = predictions[~predictions["image_id"].str.startswith("train")]
    errors = nodes.compute_errors(located, landmarks, rows, PARAMS)
    test = images_in(rows, located, ("test",))
    copied = test.assign(source_id=test["image_id"], image_id=test["image_id"] + "__flip_0", kind="flip", copy=0)
    copy_points, copy_truth = (table.assign(image_id=table["image_id"] + "__flip_0") for table in (located, landmarks))
    copy_points = copy_points[copy_points["image_id"].isin(copied["image_id"])]
    copy_errors = nodes.compute_copy_errors(copy_points, copy_truth, copied, PARAMS)
    heads = pd.DataFrame({"image_id": IDS * 2, "output": ["cvm_stage"] * len(IDS) + ["FMA"] * len(IDS)})
    heads["value"] = np.r_[np.arange(len(IDS)) % 6 + 1, np.linspace(15, 35, len(IDS))]
    cvm = pd.DataFrame({"image_id": IDS, "stage": np.arange(len(IDS)) % 5 + 1})
    learned = learn(errors[errors["image_id"].str.startswith("valid")], located, rows, UncertaintyParams())
    models = {stage: StageUncertainty({stage: "digest"}, {}, units).to_report() for stage, units in learned.items()}
    return {
        "metrics": nodes.summarise_errors(errors, rows, rows, NO_DUPLICATES, PARAMS),
        "landmarks": nodes.tabulate_landmarks(errors, rows, PARAMS),
        "devices": nodes.tabulate_devices(errors, rows, PARAMS),
        "robustness": nodes.tabulate_robustness(copy_errors, copied, errors, PARAMS),
        "gap": nodes.tabulate_training_gap(predictions, errors[errors["stage"] == "stage1"], landmarks, rows, PARAMS),
        "earlier": compare_with_earlier(errors, errors.drop(columns="patient"), "before", PARAMS.statistics),
        **nodes.judge_measurements(located, heads, landmarks, cvm, rows, PARAMS),
        "uncertainty": check_uncertainty(errors, located, rows, NO_DUPLICATES, models)["uncertainty"],
    }


@pytest.fixture(scope="module")
def without():
    return evaluated(images())


def test_all_of_them_have_intervals_where_each_film_is_another_patients(without):
    for name, found in without.items():
        ends = every_interval(found)
        assert ends, name
        assert pd.notna(pd.Series(ends, dtype=object)).any(), name


def test_none_has_one_for_forty_films_of_nine_patients():
    for name, found in evaluated(images(NINE)).items():
        ends = pd.Series(every_interval(found), dtype=object)
        assert len(ends), name
        assert ends.isna().all(), name


def test_a_patient_of_one_film_each_changes_nothing(without):
    alone = evaluated(images([f"patient-{name}" for name in IDS]))
    assert {name: str(every_interval(found)) for name, found in alone.items()} == {
        name: str(every_interval(found)) for name, found in without.items()
    }


def test_errors_of_earlier_runs_which_tell_no_patients_count_film_by_film():
    """Such as those of cross-validation: their column is NaN beside this run's."""
    rows, rng = images([f"patient-{name}" for name in IDS]), np.random.default_rng(0)
    errors = pd.DataFrame({"image_id": IDS, "stage": "stage1", "landmark": "Sella", "error_px": rng.rayleigh(5, len(IDS))})
    errors["error_mm"] = 0.1 * errors["error_px"]
    predictions = errors.assign(x=0.0, y=0.0, sigma_px=rng.uniform(1, 5, len(IDS)))
    now, earlier = with_patients(errors[:10], rows), errors[10:]
    model = learn(pd.concat([now, earlier]), predictions, rows, UncertaintyParams())["stage1"]["px"]
    assert model.n_sigma_sources + model.n_radius_sources == len(IDS)
    assert patients_of(pd.concat([now, earlier]), IDS[9:12]) == [f"patient-{IDS[9]}", *IDS[10:12]]


def test_a_patients_own_displacement_is_no_offset():
    """Two heads, each displaced by its own 10 px on all of its films: nobody else's films tell that."""
    of_two = np.repeat(np.array([[[10.0, 0.0]], [[-10.0, 0.0]]]), 20, axis=0)
    left = without_offsets(of_two, patients=np.repeat(["a", "b"], 20).tolist(), seed=1)
    assert np.abs(left[..., 0]).tolist() == [[20.0]] * 40
    assert np.abs(without_offsets(of_two, patients=[str(n) for n in range(40)], seed=1)[..., 0]).max() < 15


def test_nineteen_patients_are_too_few_for_offsets():
    points = points_table(moved(np.repeat(BASE[None], len(IDS), axis=0), 5.0, seed=0), IDS, LANDMARKS)
    landmarks = points_table(np.repeat(BASE[None], len(IDS), axis=0), IDS, LANDMARKS).assign(reader="consensus")
    for count, expected in ((19, set()), (20, {"offset_removed"})):
        rows = images([f"patient-{number % count}" for number in range(len(IDS))])
        assert set(offset_rows(points.assign(stage="stage1"), landmarks, rows, "consensus")["stage"]) == expected


def test_a_report_of_an_earlier_version_is_shown(without):
    report = json.loads(json.dumps(without["metrics"]))
    for fields in report.values():
        fields.pop("n_patients", None)
    assert notes(report) == notes(without["metrics"])


def test_films_of_no_known_patient_are_drawn_by_themselves():
    rows = images([None, "", "patient-a", "patient-a", *NINE[4:]])
    table = with_patients(pd.DataFrame({"image_id": IDS[:4], "stage": "stage1"}), rows)
    assert list(table.columns) == ["image_id", "patient", "stage"]
    assert patients_of(table, IDS[:5]) == [IDS[0], IDS[1], "patient-a", "patient-a", IDS[4]]

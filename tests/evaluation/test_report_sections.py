"""Every section of the report where there is something to say."""

import pandas as pd
import pytest

from ceph_pipeline.evaluation.breakdown import device_table, landmark_table
from ceph_pipeline.evaluation.cvm_agreement import cvm_agreement, head_table
from ceph_pipeline.evaluation.generalisation_gap import gap_table
from ceph_pipeline.evaluation.headline import on_split
from ceph_pipeline.evaluation.robustness import robustness_table
from ceph_pipeline.evaluation.run_comparison import compare_with_earlier
from ceph_pipeline.evaluation.sections import Results, sections

CONFUSED = {
    "n": 4,
    "confusion": [[2, 1], [0, 1]],
    "accuracy": 75.0,
    "majority_baseline": 75.0,
    "kappa": 0.5,
    "quadratic_kappa": 0.5,
}
INTERVALS = {"accuracy_ci95": [25.0, 100.0], "kappa_ci95": [0.0, 1.0], "quadratic_kappa_ci95": None}
CHECKED = {
    "level": 0.9, "factor": 2.0, "n_sigma_sources": 50, "n_radius_sources": 100, "n_sources_needed": 9, "n_sources": 150,
    "ence_before": 0.7, "ence_after": 0.1, "miscalibration_before": 0.2, "miscalibration_after": 0.03,
    "coverage": 0.912, "coverage_ci95": [0.89, 0.93], "median_radius": 1.5, "flagged_percent": 9.5,
    "n_gross": 40, "caught_percent": 62.5, "caught_by_share": {"2": 20.0, "5": 45.0, "10": 63.0, "20": 80.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def by_title(many_report, many_errors, many_images, statistics):
    errors, images = many_errors, many_images
    test = on_split(errors, images, "test")
    flips = test.assign(image_id=test["image_id"] + "__flip_0")
    copied = pd.DataFrame({"image_id": flips["image_id"].unique(), "source_id": test["image_id"].unique()})
    trained = errors[errors["image_id"] == "valid_a"].assign(image_id="train_a")
    values = pd.DataFrame({"image_id": ["test_a", "test_b"], "measurement": "FMA", "value": [20.0, 30.0]})
    heads = values.rename(columns={"measurement": "output"}).assign(value=[22.0, 34.0])
    stages = pd.DataFrame({"image_id": ["test_a", "test_b"], "output": "cvm_stage", "value": [2.0, 5.0]})
    cvm = pd.DataFrame({"image_id": ["test_a", "test_b"], "stage": [2, 4]})
    anb = {"names": ["I", "II"], "bounds": [4.0], "unit": "deg", "stages": {"stage2_tta": CONFUSED | INTERVALS}}
    error = {"stage": "stage2_tta", "measurement": "FMA", "unit": "deg", "n": 2, "mae": 1.5, "mae_low": 1.0, "mae_high": 2.0}
    truth = {"bias": -0.5, "std": 1.2, "true_mean": 25.0, "true_std": 5.0}
    results = Results(
        metrics=many_report,
        landmark_errors=landmark_table(test, statistics),
        device_errors=device_table(test, images, statistics),
        robustness=robustness_table(flips, copied.assign(kind="flip", copy=0, split="test"), errors, statistics),
        training_gap=gap_table(pd.concat([trained, errors]), images, statistics),
        measurement_errors=pd.DataFrame([error | truth]),
        head_errors=head_table(heads, values.assign(value=[21.0, 31.0]), values, pd.Series({"FMA": 24.0}), statistics),
        agreement={"classes": {"ANB": anb, "Wits_mm": anb | {"stages": {}}}, "cvm": cvm_agreement(stages, cvm, statistics)},
        uncertainty={"learned": ["stage2_tta"], "n_left_out": 1, "stages": {"stage2_tta": {"mm": CHECKED}}},
        plausibility_summary={},
        run_comparison=compare_with_earlier(test, test, "abc", statistics),
    )
    return {section.title: section for section in sections(results)}


def test_kinds_of_copy_stand_beside_their_originals(by_title):
    section = by_title["Error by kind of copy"]
    table = section.tables[0]
    assert table.columns[-1] == "difference to original mm"
    assert table.iloc[0].tolist()[:5] == ["stage 1", "test", "original", "12", "12"]
    assert table.iloc[1].tolist()[2::5] == ["flip", "+0.000 [+0.000, +0.000]"]
    assert section.figure == "robustness.png"


def test_training_gap(by_title):
    rows = by_title["Training against validation"].tables[0]
    assert rows.iloc[0].tolist() == ["stage 1", "train", "1", "20.00", "1.00"]
    assert rows.iloc[1].tolist()[:3] == ["stage 1", "valid", "1"]


def test_measurements_with_their_unit_and_bias(by_title):
    assert by_title["Measurements, stage 2 + TTA"].tables[0].iloc[0].tolist() == [
        "FMA",
        "deg",
        "2",
        "1.50 [1.00, 2.00]",
        "-0.50",
        "1.20",
        "25.0 ± 5.0",
        "–",
    ]


def test_classes_with_their_confusion(by_title):
    section = by_title["Classes by ANB"]
    (confusion,) = section.tables
    assert list(confusion.columns) == ["true \\ predicted", "I", "II"]
    assert confusion.to_numpy().tolist() == [["I", "2", "1"], ["II", "0", "1"]]
    assert section.lines[0] == "Classes I | II, bounds 4 deg."
    assert "75.0 [25.0, 100.0] % of 4 images" in section.lines[1]
    assert by_title["Classes by Wits_mm"].lines == ["Wits_mm cannot be computed from these landmarks."]


def test_cvm_and_heads(by_title):
    section = by_title["CVM stages and measurement heads"]
    assert section.lines[0].startswith("CVM head: 50.0 %")
    assert section.lines[1].startswith("within one stage 100.0 %")
    confusion, heads = section.tables
    assert confusion.iloc[3].tolist() == ["CS4", "0", "0", "0", "0", "1", "0"]  # CS4 taken for CS5
    assert heads.iloc[0].tolist()[:5] == ["FMA", "2", "3.00", "1.00", "5.00"]
    assert section.lines[2:] == [
        "the measurement head is better than the landmarks for 0 of 1, significantly for 0 of 1",
        "the landmarks are at least as good for 1 of 1 (FMA)",
        "the head is not better than the mean of the training images for 0 of 1",
    ]


def test_against_an_earlier_run(by_title):
    assert by_title["Against run abc"].lines[0].endswith("no more than noise")


def test_uncertainty_with_the_numbers_of_its_sources(by_title):
    section = by_title["Reliability of the uncertainty"]
    assert section.lines[1:] == [
        "Calibrated on 50 held-out sources of different patients, evaluated on 150 test sources.",
        "1 test sources with a near-duplicate in training or validation are excluded from the evaluation.",
    ]
    assert section.tables[0].iloc[0].tolist() == ["stage 2 + TTA", "150", "0.700", "0.100", "0.200", "0.030"]


def test_radii_and_flags(by_title):
    section = by_title["Radii and flagged points"]
    assert section.lines[0] == (
        "The true point of a new image lies within its radius with a probability of 90 %. The radii were fitted on 100 held-out "
        "sources of different patients, and evaluated on 150 test sources, all with the same weight. None of these sources was "
        "used for the calibration of standard deviations."
    )
    assert section.tables[0].iloc[0].tolist() == [
        "stage 2 + TTA",
        "91.2 [89.0, 93.0]",
        "1.50 mm",
        "9.5",
        "40",
        "62",
        "45",
        "63",
        "80",
    ]
    assert section.figure == "flag_curves.png"

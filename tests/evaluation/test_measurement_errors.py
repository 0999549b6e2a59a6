"""Errors of measurements and classes, on faces whose angles are known."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ceph_pipeline.cephalometry.classes import ValueClasses
from ceph_pipeline.evaluation.measurement_errors import class_agreement, measured, measured_stages, measurement_error_table
from ceph_pipeline.evaluation.params import EvaluationParams, StatisticsParams

STATISTICS = StatisticsParams(n_resamples=200)
RULES = {"ANB": ValueClasses(bounds=(0.0, 4.0), names=("III", "I", "II"))}
NAMES = ["Sella", "Nasion", "A-point", "B-point"]


def face(anb, snb=80.0, size=500.0):
    """S, N, A and B with the given SNB and ANB; N at the origin, S to the left, x right, y down."""

    def below_nasion(angle):  # the angle from N-S, turning downwards
        return (-size * np.cos(np.radians(angle)), size * np.sin(np.radians(angle)))

    return [(-700.0, 0.0), (0.0, 0.0), below_nasion(snb + anb), below_nasion(snb)]


def points(**faces):
    rows = [(image_id, name, *xy) for image_id, anb in faces.items() for name, xy in zip(NAMES, face(anb), strict=True)]
    return pd.DataFrame(rows, columns=["image_id", "landmark", "x", "y"])


IMAGES = pd.DataFrame({"image_id": ["a", "b", "c"], "pixel_size_mm": [0.1, 0.2, np.nan]})
TRUE, FOUND = {"a": -1.0, "b": 2.0, "c": 6.0}, {"a": 1.0, "b": 1.0, "c": 6.0}


@pytest.fixture
def compared():
    truth = points(**TRUE)
    readers = [truth.assign(reader=name) for name in ("consensus", "junior", "senior")]
    return measured_stages(points(**FOUND).assign(stage="stage1"), pd.concat(readers), IMAGES, "consensus")


def row(table, stage, measurement):
    return table.set_index(["stage", "measurement"]).loc[(stage, measurement)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"classes": {"SNGoGn": RULES["ANB"]}}, "unknown measurement 'SNGoGn'. Did you mean 'SN_GoGn'"),
        ({"statistics": {"thresholds_mm": [0]}}, "greater than 0"),
        ({"statistics": {"thresholds_mm": [2, -1]}}, "greater than 0"),
    ],
)
def test_a_rule_of_no_measurement_and_a_threshold_of_no_length_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        EvaluationParams.model_validate(wrong)


def test_angles_are_those_drawn():
    values = measured(points(a=3.0), IMAGES).set_index("measurement")["value"]
    assert values[["SNA", "SNB", "ANB"]].tolist() == pytest.approx([83, 80, 3])
    assert np.isnan(values["FMA"])  # needs points that are not there


class TestErrors:
    def test_mean_absolute_error_bias_and_spread(self, compared):
        anb = row(measurement_error_table(compared, STATISTICS), "stage1", "ANB")  # errors +2, −1, 0
        assert (anb["n"], anb["unit"]) == (3, "deg")
        assert anb[["mae", "bias", "std"]].astype(float).tolist() == pytest.approx([1.0, 1 / 3, np.std([2, -1, 0])])
        assert np.isnan(anb["mae_low"])  # three images
        assert anb["true_mean"] == pytest.approx(7 / 3)

    def test_measurements_that_no_image_allows_are_left_out(self, compared):
        assert set(measurement_error_table(compared, STATISTICS)["measurement"]) == {"SNA", "SNB", "ANB", "SN_mm"}

    def test_readers_are_compared_with_each_other(self, compared):
        assert row(measurement_error_table(compared, STATISTICS), "inter_reader", "ANB")["mae"] == pytest.approx(0)

    def test_images_that_nobody_annotated_have_no_errors(self):
        predicted = points(b=2.0).assign(stage="stage1")
        elsewhere = points(a=2.0).assign(reader="consensus")
        images = pd.DataFrame({"image_id": ["b"], "pixel_size_mm": [0.1]})
        compared = measured_stages(predicted, elsewhere, images, "consensus")
        assert measurement_error_table(compared, StatisticsParams(n_resamples=100)).empty

    def test_a_lost_point_costs_its_measurements_only(self):
        gone = points(**FOUND).assign(stage="stage1")
        gone.loc[(gone["image_id"] == "a") & (gone["landmark"] == "A-point"), ["x", "y"]] = np.nan
        table = measurement_error_table(
            measured_stages(gone, points(**TRUE).assign(reader="consensus"), IMAGES, "consensus"), STATISTICS
        )
        assert row(table, "stage1", "ANB")["n"] == 2
        assert row(table, "stage1", "SNB")["n"] == 3
        assert "inter_reader" not in set(table["stage"])


class TestClasses:
    def test_skeletal_class_by_anb(self, compared):
        report = class_agreement(compared, RULES, STATISTICS)["ANB"]
        assert report["names"] == ["III", "I", "II"]
        stage1 = report["stages"]["stage1"]
        assert stage1["confusion"] == [[0, 1, 0], [0, 1, 0], [0, 0, 1]]  # the class III face is taken for class I
        assert stage1["accuracy"] == pytest.approx(200 / 3)
        assert report["stages"]["inter_reader"]["kappa"] == 1

    def test_a_measurement_that_the_landmarks_do_not_allow_has_no_stages(self, compared):
        rules = {"SN_GoGn": ValueClasses(bounds=(26.0, 38.0), names=("low", "normal", "high"))}
        assert class_agreement(compared, rules, STATISTICS)["SN_GoGn"]["stages"] == {}

"""Sampled shapes are people: their size, order and angles."""

import dataclasses

import numpy as np
import pytest

from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.phantom.anatomical_order import is_anatomical
from ceph_pipeline.phantom.shape import ShapeSamplingError, shape_model


@pytest.fixture(scope="module")
def shapes():
    rng = np.random.default_rng(3)
    return [shape_model().sample(rng) for _ in range(120)]


def angle_deg(points, first, vertex, second):
    a, b = points[first] - points[vertex], points[second] - points[vertex]
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def test_a_shape_has_the_29_aariz_landmarks(shapes):
    assert set(shapes[0]) == set(SCHEMAS["aariz"].symbols)


def test_sella_nasion_measures_72_mm_on_average(shapes):
    lengths = [np.linalg.norm(shape["N"] - shape["S"]) for shape in shapes]
    assert np.mean(lengths) == pytest.approx(72.0, abs=1.2)
    assert np.std(lengths) == pytest.approx(3.5, abs=0.9)
    assert 64 < min(lengths) < max(lengths) < 80


@pytest.mark.parametrize(
    ("points", "low", "high"),
    [(("S", "N", "A"), 70, 95), (("S", "N", "B"), 68, 92), (("N", "S", "Ar"), 105, 145), (("Ar", "Go", "Me"), 105, 150)],
    ids=["SNA", "SNB", "saddle", "gonial"],
)
def test_angles_stay_in_the_range_of_patients(shapes, points, low, high):
    angles = [angle_deg(shape, *points) for shape in shapes]
    assert low < min(angles) < max(angles) < high


def test_heads_differ(shapes):
    gonial = [angle_deg(shape, "Ar", "Go", "Me") for shape in shapes]
    assert np.std(gonial) > 3


def test_the_mean_shape_is_anatomical():
    model = shape_model()
    assert is_anatomical(dict(zip(model.symbols, model.mean, strict=True)))


@pytest.mark.parametrize(
    ("symbol", "shift_mm"),
    [("A", (8, 0)), ("Gn", (-6, 4)), ("UIT", (-9, 0)), ("Co", (-14, 0)), ("R", (-8, 0)), ("LMT", (0, -5))],
)
def test_a_landmark_out_of_order_is_refused(symbol, shift_mm):
    model = shape_model()
    points = dict(zip(model.symbols, model.mean, strict=True))
    points[symbol] = points[symbol] + np.array(shift_mm)
    assert not is_anatomical(points)


def test_a_model_without_possible_shapes_says_so():
    model = shape_model()
    upside_down = dataclasses.replace(model, mean=model.mean * (1, -1))
    with pytest.raises(ShapeSamplingError, match="shape model is damaged"):
        upside_down.sample(np.random.default_rng(0))

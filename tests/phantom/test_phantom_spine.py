"""Vertebrae follow the maturation stage."""

import numpy as np
import pytest

from ceph_pipeline.landmarks.geometry import Affine
from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.face import Build, PhantomFace
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.phantom.structures import draw_spine
from ceph_pipeline.phantom.structures.spine import vertebrae


@pytest.mark.parametrize(
    ("stage", "hollow"),
    [
        (1, (False, False, False)),
        (2, (True, False, False)),
        (3, (True, True, False)),
        (4, (True,) * 3),
        (5, (True,) * 3),
        (6, (True,) * 3),
    ],
)
def test_lower_borders_hollow_out_one_after_the_other(stage, hollow):
    assert tuple(vertebra.concavity >= 1.0 for vertebra in vertebrae(stage)) == hollow


@pytest.mark.parametrize("stage", [1, 2])
def test_early_c3_and_c4_are_trapezoids(stage):
    assert all(vertebra.taper <= 0.75 for vertebra in vertebrae(stage)[1:])


@pytest.mark.parametrize("stage", [3, 4])
def test_c3_and_c4_lie_before_they_stand(stage):
    assert all(vertebra.height < 0.85 and vertebra.taper > 0.8 for vertebra in vertebrae(stage)[1:])


def test_at_cs5_one_is_a_square_and_none_stands():
    heights = [vertebra.height for vertebra in vertebrae(5)[1:]]
    assert 0.92 <= max(heights) <= 1.03


def test_at_cs6_at_least_one_stands():
    assert max(vertebra.height for vertebra in vertebrae(6)[1:]) > 1.08


@pytest.mark.parametrize("stage", [0, 7])
def test_there_is_no_other_stage(stage):
    with pytest.raises(ValueError, match="1 to 6"):
        vertebrae(stage)


def test_the_drawn_column_grows_with_the_stage():
    """From the top of the atlas to the bottom of C6, measured in pixels."""
    model = shape_model()
    points = dict(zip(model.symbols, model.mean, strict=True))
    lengths = []
    for stage in (1, 4, 6):
        canvas = Canvas((700, 900), Affine(np.array([[3.0, 0, 500], [0, 3.0, 200]])), np.zeros((900, 700), np.float32))
        draw_spine(canvas, PhantomFace(points, Build(1, 1, 1, 1, 1, 1), stage))
        rows = np.flatnonzero(canvas.attenuation.max(axis=1) > 1)
        lengths.append((rows[-1] - rows[0]) / 3.0)
    assert lengths[0] + 5 < lengths[1] < lengths[2] - 5

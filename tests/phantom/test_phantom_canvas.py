"""Attenuation adds up, and lies where and as thick as it should."""

import numpy as np
import pytest

from ceph_pipeline.landmarks.geometry import Affine
from ceph_pipeline.phantom.canvas import Canvas
from ceph_pipeline.phantom.curves import ellipse

PX_PER_MM = 4.0
DISC = ellipse((20, 15), (8, 0), 1.0)


@pytest.fixture
def canvas():
    texture = np.random.default_rng(0).standard_normal((120, 160)).astype(np.float32)
    return Canvas((160, 120), Affine(np.array([[PX_PER_MM, 0, 0], [0, PX_PER_MM, 0]])), texture)


def area_mm2(canvas):
    return canvas.attenuation.sum() / PX_PER_MM**2


def centroid_mm(canvas):
    y, x = np.indices(canvas.attenuation.shape)
    weights = canvas.attenuation / canvas.attenuation.sum()
    return (weights * x).sum() / PX_PER_MM, (weights * y).sum() / PX_PER_MM


def test_a_disc_has_its_area_and_its_centre(canvas):
    canvas.fill(DISC, 1.0)
    assert area_mm2(canvas) == pytest.approx(np.pi * 64, rel=0.02)
    assert centroid_mm(canvas) == pytest.approx((20, 15), abs=0.02)


def test_overlapping_tissues_add(canvas):
    canvas.fill(DISC, 3.0)
    canvas.fill(DISC, 4.0)
    assert canvas.attenuation[60, 80] == pytest.approx(7.0)


def test_air_takes_away(canvas):
    canvas.fill(DISC, 10.0)
    canvas.fill(ellipse((20, 15), (3, 0), 1.0), -4.0)
    assert canvas.attenuation[60, 80] == pytest.approx(6.0)


def test_a_soft_edge_keeps_the_total(canvas):
    canvas.fill(DISC, 1.0, soft_mm=1.0)
    assert area_mm2(canvas) == pytest.approx(np.pi * 64, rel=0.02)


def test_a_line_is_as_wide_as_told(canvas):
    canvas.line(np.array([(5.0, 15.0), (35.0, 15.0)]), 2.0, 1.0)
    assert canvas.attenuation[:, 80].sum() / PX_PER_MM == pytest.approx(2.0, abs=0.15)


def test_a_sheet_is_brightest_in_its_middle(canvas):
    canvas.sheet(np.array([(5.0, 15.0), (35.0, 15.0)]), 2.0, 10.0)
    column = canvas.attenuation[:, 80]
    assert np.flatnonzero(column == column.max()).mean() == pytest.approx(60, abs=0.6)
    assert column.max() == pytest.approx(10.0)


def test_a_rim_lies_inside_the_outline(canvas):
    canvas.rim(DISC, 1.5, 1.0)
    assert canvas.attenuation[60, 80] == 0
    assert area_mm2(canvas) == pytest.approx(np.pi * (64 - 6.5**2), rel=0.06)


@pytest.mark.parametrize(("width_mm", "row"), [(2.0, 64), (-2.0, 56)], ids=["right: below", "left: above"])
def test_a_cortex_lies_on_the_told_side_of_a_rightward_surface(canvas, width_mm, row):
    canvas.cortex(np.column_stack([np.linspace(5, 35, 30), np.full(30, 15.0)]), width_mm, 1.0)
    assert canvas.attenuation[row, 80] == 1
    assert canvas.attenuation[120 - row, 80] == 0


def test_a_domes_thickness_follows_the_chord_of_a_circle(canvas):
    canvas.dome(DISC, 8.0, 1.0)
    for depth_mm in (1.0, 3.0, 6.0):
        column = round((12 + depth_mm) * PX_PER_MM)
        assert canvas.attenuation[60, column] == pytest.approx(np.sqrt(1 - (1 - depth_mm / 8) ** 2), abs=0.06)


def test_texture_varies_the_thickness_and_keeps_the_mean(canvas):
    canvas.fill(DISC, 10.0, texture=0.2)
    inside = canvas.attenuation[50:70, 70:90]
    assert inside.std() == pytest.approx(2.0, rel=0.15)
    assert inside.mean() == pytest.approx(10.0, abs=0.4)


@pytest.mark.parametrize("draw", ["fill", "line", "rim", "dome"])
def test_what_lies_outside_the_picture_changes_nothing(canvas, draw):
    getattr(canvas, draw)(DISC + 500, 2.0, *([] if draw == "fill" else [1.0]))
    assert not canvas.attenuation.any()


def test_what_lies_half_outside_is_cut_at_the_frame(canvas):
    canvas.fill(ellipse((-0.125, 15), (8, 0), 1.0), 1.0)
    assert area_mm2(canvas) == pytest.approx(np.pi * 32, rel=0.03)

"""Measurements belong to the face, not to the image: turning, scaling, shifting and flipping it changes none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceph_pipeline.cephalometry import MEASUREMENTS, measure
from ceph_pipeline.landmarks import SCHEMAS, Affine

MEAN_FACE_MM = {
    "A": (20, -10), "ANS": (25, -15), "B": (16, 32), "Me": (13, 52), "N": (15, -68), "Or": (3, -38), "Pog": (18, 44),
    "PNS": (-30, -9), "Pn": (51, -24), "R": (-61, 1), "S": (-55, -51), "Ar": (-67, -18), "Co": (-65, -29), "Gn": (17, 49),
    "Go": (-54, 26), "Po": (-77, -29), "LPM": (1, 13), "LIT": (22, 11), "LMT": (-6, 13), "UPM": (1, 12), "UIA": (15, -8),
    "UIT": (26, 13), "UMT": (-6, 12), "LIA": (12, 30), "Li": (35, 20), "Ls": (38, 3), "N`": (22, -66), "Pog`": (29, 46),
    "Sn": (33, -11),
}  # fmt: skip
NAMES = SCHEMAS["aariz"].symbols
BASE = np.array([MEAN_FACE_MM[name] for name in NAMES], dtype=float) * 10

faces = st.lists(st.floats(-20, 20), min_size=58, max_size=58).map(lambda shifts: BASE + np.reshape(shifts, (29, 2)))


def measured(points, pixel_size_mm):
    return measure(dict(zip(NAMES, map(tuple, points), strict=True)), pixel_size_mm)


def assert_same(a, b):
    assert set(a) == set(b) == set(MEASUREMENTS)
    for key in MEASUREMENTS:
        assert a[key] == pytest.approx(b[key], abs=1e-6), key


@settings(max_examples=40, deadline=None)
@given(faces, st.floats(-180, 180), st.floats(0.05, 20), st.floats(-5000, 5000))
def test_turned_scaled_and_shifted(face, angle_deg, scale, shift):
    turn = Affine.similarity((100, -40), angle_deg=angle_deg, scale=scale).then(Affine.translation(shift, -shift))
    assert_same(measured(face, 0.1), measured(turn(face), 0.1 / scale))


@settings(max_examples=40, deadline=None)
@given(faces)
def test_flipped(face):
    assert_same(measured(face, 0.1), measured(Affine.flip(2000)(face), 0.1))


def test_the_mean_face_is_near_the_norms():
    norms = {"SNA": (82, 6), "SNB": (80, 6), "FMA": (25, 8), "SN_GoGn": (32, 12), "Jarabak_pct": (64, 8), "U1_SN": (103, 12)}
    found = measured(BASE, 0.1)
    for key, (norm, tolerance) in norms.items():
        assert math.isclose(found[key], norm, abs_tol=tolerance), key

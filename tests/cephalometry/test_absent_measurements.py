"""What cannot be computed is absent, with its reason."""

import math

import pytest

from ceph_pipeline.cephalometry import MEASUREMENTS, assess, measure
from ceph_pipeline.cephalometry.evaluating import SYMBOLS, landmarks_of
from ceph_pipeline.landmarks import SCHEMAS
from tests.cephalometry.test_measurement_invariance import BASE

FACE = dict(zip(SYMBOLS, map(tuple, BASE), strict=True))


def test_either_a_value_or_a_reason():
    for without in ["", *SYMBOLS]:
        found = assess({name: xy for name, xy in FACE.items() if name != without}, None)
        assert all((result.value is None) == (result.reason is not None) for result in found.values())


@pytest.mark.parametrize("lost", SYMBOLS)
def test_a_lost_landmark_costs_exactly_the_measurements_that_name_it(lost):
    found = measure({name: xy for name, xy in FACE.items() if name != lost}, 0.1)
    assert set(MEASUREMENTS) - set(found) == {key for key, each in MEASUREMENTS.items() if lost in landmarks_of(each)}


def test_the_reason_names_landmarks_and_pixel_size():
    found = assess({name: xy for name, xy in FACE.items() if name not in ("Co", "Gn")}, None)
    assert found["CoGn_mm"].reason == "without Condylion, Gnathion, the pixel size"
    assert found["MaxMand_mm"].reason == "without Condylion, Gnathion, the pixel size"
    assert found["N_Me_mm"].reason == "without the pixel size"


def test_a_sign_needs_to_know_which_way_is_forward():
    found = assess({"N": (0, 0), "A": (0, 50), "UIA": (0, 40), "UIT": (5, 60)}, 1.0)
    assert "forward direction" in found["U1_NA_deg"].reason


def test_points_in_one_place_have_no_direction():
    found = assess({"S": (5, 5), "N": (5, 5), "A": (5, 9)}, 1.0)
    assert "coincide" in found["SNA"].reason


def test_the_nineteen_points_of_isbi_2015_give_what_needs_no_others():
    names = SCHEMAS["isbi2015"].symbols
    found = measure({name: FACE[name] for name in names}, 0.1)
    assert set(found) == {key for key, each in MEASUREMENTS.items() if set(landmarks_of(each)) <= set(names)}
    assert {"ANB", "FMA", "BjorkSum", "U1_NA_mm", "APDI", "Z_angle"} <= set(found)
    assert {"U1_NA_deg", "Wits_mm", "CoA_mm", "Ls_E_mm"}.isdisjoint(found)


def test_full_names_give_the_same_as_symbols():
    full = dict(zip(SCHEMAS["aariz"].names, FACE.values(), strict=True))
    assert measure(full, 0.1) == measure(FACE, 0.1)
    assert not any(math.isnan(value) for value in measure(full, 0.1).values())

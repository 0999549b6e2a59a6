"""Measurements of faces drawn on paper, with values worked out by hand."""

import math

import pytest

from ceph_pipeline.cephalometry import MEASUREMENTS, VERTICAL_MEASUREMENTS, UnknownMeasurementError, measure
from ceph_pipeline.landmarks import UnknownLandmarkError

FACE = {
    # A face that looks to the right on squared paper: x forward, y down, 10 px a millimetre.
    "S": (0, 0),
    "N": (700, 0),
    "Po": (-200, 300),
    "Or": (600, 300),
    "A": (700, 600),
    "ANS": (740, 500),
    "PNS": (240, 500),
    "B": (660, 1000),
    "Pog": (700, 1150),
    "Gn": (680, 1200),
    "Me": (640, 1200),
    "Go": (40, 800),
    "Ar": (-100, 300),
    "Co": (-100, 200),
    "UMT": (300, 800),
    "LMT": (300, 820),
    "UPM": (500, 800),
    "LPM": (500, 820),
    "UIT": (760, 820),
    "UIA": (700, 620),
    "LIT": (740, 800),
    "LIA": (640, 1000),
    "Ls": (840, 760),
    "Li": (820, 900),
    "Pn": (960, 480),
    "Sn": (820, 600),
    "N`": (760, 0),
    "Pog`": (800, 1150),
}


def degrees(dy, dx):
    return math.degrees(math.atan2(dy, dx))


EXPECTED = {
    "N_ANS_mm": math.hypot(4, 50),
    "ANS_Me_mm": math.hypot(10, 70),
    "N_Me_mm": math.hypot(6, 120),
    "S_Go_mm": math.hypot(4, 80),
    "Ar_Go_mm": math.hypot(14, 50),
    "Jarabak_pct": 100 * math.hypot(4, 80) / math.hypot(6, 120),
    "ANSMe_NMe_pct": 100 * math.hypot(10, 70) / math.hypot(6, 120),
    "SN_GoGn": degrees(400, 640),
    "FMA": degrees(400, 600),
    "PP_MP": degrees(400, 600),
    "SNA": 90.0,
    "SNB": degrees(1000, 40),
    "ANB": 90 - degrees(1000, 40),
    "Wits_mm": 4.0,
    "FacialAngle": 90.0,
    "Convexity": 0.0,
    "ABPlane": -(90 - degrees(400, 40)),
    "YAxis": degrees(1200, 680),
    "CoA_mm": math.hypot(80, 40),
    "CoGn_mm": math.hypot(78, 100),
    "U1_NA_deg": degrees(60, 200),
    "U1_NA_mm": 6.0,
    "U1_L1": degrees(200, 60) + degrees(200, 100),
    "U1_SN": degrees(200, -60),
    "WitsFunctional_mm": 4.0,
    "MaxMand_mm": math.hypot(78, 100) - math.hypot(80, 40),
    "U1_Avert_mm": 6.0,
    "OP_FH": 0.0,
    "OP_SN": 0.0,
    "Overjet_mm": 2.0,  # OP is level: 760 − 740 px
    "Overbite_mm": 2.0,  # 820 − 800 px
    "L1_OP_deg": 90 - degrees(200, 100),
    "L1_NB_deg": degrees(100, 200) - degrees(40, 1000),  # both from the vertical, forward going up
    "Pog_NB_mm": 40 * 1150 / math.hypot(40, 1000) / 10,  # Pog − N = (0, 1150), across N→B = (−40, 1000)
    "SN_GoMe": degrees(400, 600),
    "U1_PP": degrees(200, -60),
    "U1_FH": degrees(200, -60),
    "UpperGonial": 180 - degrees(500, 140) - degrees(800, 660),
    "LowerGonial": degrees(800, 660) + degrees(400, 600),
    "SN_mm": 70.0,
    "SAr_mm": math.hypot(10, 30),
    "GoMe_mm": math.hypot(60, 40),
    "Z_angle": degrees(390, 40),  # Ls is the foremost lip
    "H_angle": degrees(40, 1150) + degrees(40, 390),
    "SoftConvexity": 180 - degrees(60, 600) - degrees(20, 550),
    "APDI": degrees(400, 40),
    "ODI": 180 - degrees(400, 600) - degrees(400, 40),
    "Nasolabial": degrees(120, 140) + degrees(160, 20),
    "SN_PP": 0.0,
    "FH_PP": 0.0,
    "A_Nperp_mm": 0.0,
    "Pog_Nperp_mm": 0.0,
    "Saddle": 180 - degrees(300, 100),
    "Articular": degrees(300, 100) + degrees(500, 140),
    "Gonial": 180 - degrees(500, 140) + degrees(400, 600),
    "BjorkSum": 360 + degrees(400, 600),
    "IMPA": 180 - degrees(400, 600) - degrees(200, 100),
    "FMIA": degrees(200, 100),
    "L1_NB_mm": 72 * 1000 / math.hypot(40, 1000) / 10,  # at the tip's height N–B lies at 700 − 40 · 0.8 = 668, 72 px behind it
    "Holdaway": 26 * 1000 / math.hypot(40, 1000) / 10,  # likewise Pog lies 46 px in front of N–B; 72 − 46
    "U1_APog_mm": 6.0,  # A–Pog is upright: 760 − 700 px
    "L1_APog_mm": 4.0,  # 740 − 700 px
    "L1_APog_deg": degrees(100, 200),
    "Ls_E_mm": (160 * 280 - 120 * 670) / math.hypot(160, 670) / 10,  # Ls − Pn = (−120, 280), across Pn→Pog` = (−160, 670)
    "Li_E_mm": (160 * 420 - 140 * 670) / math.hypot(160, 670) / 10,  # Li − Pn = (−140, 420)
}


def value(key, **moved):
    return measure(FACE | moved, 0.1)[key]


def test_the_lower_incisor_to_fh_does_not_depend_on_which_way_the_mandibular_plane_descends():
    assert value("FMIA", Me=(640, 760)) == pytest.approx(EXPECTED["FMIA"])


@pytest.mark.parametrize("key", list(EXPECTED))
def test_by_hand(key):
    assert value(key) == pytest.approx(EXPECTED[key], abs=1e-9)


def test_every_measurement_has_a_value_worked_out_by_hand():
    assert set(EXPECTED) == set(MEASUREMENTS)


class TestVerticalMeasurements:
    def test_there_are_ten_and_all_are_known(self):
        assert len(VERTICAL_MEASUREMENTS) == 10
        assert set(VERTICAL_MEASUREMENTS) <= set(MEASUREMENTS)

    def test_distances_of_whole_numbers(self):
        found = measure({"N": (0, 0), "ANS": (30, 40), "Me": (0, 100), "S": (0, 0), "Go": (0, 60)}, 0.5)
        assert found["N_ANS_mm"] == 25
        assert found["N_Me_mm"] == 50
        assert found["Jarabak_pct"] == 60


class TestOtherMeasurements:
    def test_gonial_saddle_and_articular_add_up(self):
        found = measure({"N": (10, 0), "S": (0, 0), "Ar": (0, 10), "Go": (0, 30), "Me": (20, 30)}, None)
        assert (found["Saddle"], found["Articular"], found["Gonial"]) == pytest.approx((90, 180, 90))
        assert found["BjorkSum"] == pytest.approx(360)

    def test_an_upright_lower_incisor_on_a_level_mandible_has_90_degrees(self):
        face = {"Go": (0, 0), "Me": (60, 0), "LIA": (50, -10), "LIT": (50, -30), "Po": (0, -90), "Or": (60, -90)}
        found = measure(face, None)
        assert found["IMPA"] == pytest.approx(90)
        assert (found["FMA"], found["FMIA"]) == pytest.approx((0, 90))
        proclined = measure(face | {"LIT": (60, -30)}, None)
        assert proclined["IMPA"] == pytest.approx(90 + degrees(10, 20))

    @pytest.mark.parametrize(
        ("key", "point"), [("U1_NA_mm", "UIT"), ("L1_NB_mm", "LIT"), ("L1_APog_mm", "LIT"), ("Ls_E_mm", "Ls"), ("Li_E_mm", "Li")]
    )
    def test_distances_from_a_line_grow_forward(self, key, point):
        x, y = FACE[point]
        assert value(key, **{point: (x + 50, y)}) > value(key) > value(key, **{point: (x - 50, y)})

    def test_lips_behind_the_e_line_are_negative(self):
        assert value("Ls_E_mm", Ls=(840, 760)) < 0
        assert value("Ls_E_mm", Ls=(960, 760)) > 0

    def test_convexity_is_positive_with_a_in_front(self):
        assert value("Convexity", A=(740, 600)) == pytest.approx(degrees(40, 600) + degrees(40, 550))
        assert value("Convexity", A=(660, 600)) == pytest.approx(-degrees(40, 600) - degrees(40, 550))

    def test_b_in_front_of_a_makes_the_ab_plane_positive(self):
        assert value("ABPlane", B=(740, 1000)) == pytest.approx(degrees(40, 400))

    def test_a_chin_further_forward_opens_the_facial_angle(self):
        assert value("FacialAngle", Pog=(800, 1150)) == pytest.approx(90 + degrees(100, 1150))

    def test_a_behind_b_makes_anb_and_wits_negative(self):
        assert value("ANB", B=(760, 1000)) < 0
        assert value("Wits_mm", B=(760, 1000)) == pytest.approx(-6.0)


class TestMissing:
    def test_a_missing_landmark_costs_what_needs_it_and_nothing_else(self):
        found = measure({name: point for name, point in FACE.items() if name != "Go"}, 0.1)
        assert set(MEASUREMENTS) - set(found) == {
            "SN_GoGn", "SN_GoMe", "FMA", "IMPA", "Gonial", "UpperGonial", "LowerGonial", "Articular", "BjorkSum",
            "Jarabak_pct", "S_Go_mm", "Ar_Go_mm", "GoMe_mm", "PP_MP", "ODI",
        }  # fmt: skip

    @pytest.mark.parametrize("nothing", [(math.nan, math.nan), (math.nan, 3.0), (math.inf, 3.0)])
    def test_coordinates_that_are_not_finite_are_missing(self, nothing):
        assert "SNA" not in measure(FACE | {"N": nothing}, 0.1)

    @pytest.mark.parametrize("unknown", [None, math.nan])
    def test_without_pixel_size_angles_and_ratios_remain_and_millimetres_are_absent(self, unknown):
        assert set(measure(FACE, unknown)) == {key for key, each in MEASUREMENTS.items() if each.unit != "mm"}

    @pytest.mark.parametrize("key", list(MEASUREMENTS))
    def test_points_that_coincide_have_no_direction(self, key):
        found = measure(dict.fromkeys(FACE, (5.0, 5.0)), 0.1)
        assert found.get(key, 0.0) == 0.0

    def test_without_frankfort_forward_is_from_sella_to_nasion(self):
        face = {name: point for name, point in FACE.items() if name not in ("Po", "Or")}
        assert measure(face, 0.1)["U1_NA_mm"] == pytest.approx(6.0)


class TestBadInput:
    def test_full_names_and_symbols_are_the_same(self):
        assert measure({"Sella": (0, 0), "Nasion": (7, 0), "A-point": (7, 6)}, None)["SNA"] == 90

    def test_an_unknown_landmark_gets_the_nearest(self):
        with pytest.raises(UnknownLandmarkError, match="'Nasion'"):
            measure({"Nasionn": (0, 0)}, 0.1)

    def test_an_unknown_measurement_gets_the_nearest(self):
        with pytest.raises(UnknownMeasurementError, match=r"Did you mean .*'N_Me_mm'"):
            measure(FACE, 0.1, ["N_Me"])

    def test_a_landmark_given_twice_is_refused(self):
        with pytest.raises(ValueError, match="'N' is given twice"):
            measure({"N": (0, 0), "Nasion": (1, 1)}, 0.1)

    @pytest.mark.parametrize("size", [0, -0.1, math.inf])
    def test_an_impossible_pixel_size_is_refused(self, size):
        with pytest.raises(ValueError, match="above 0"):
            measure(FACE, size)

    def test_a_point_needs_two_coordinates(self):
        with pytest.raises(ValueError, match=r"expected \(x, y\)"):
            measure({"N": (1, 2, 3)}, 0.1)

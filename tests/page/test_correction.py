"""What a person does with a film, and how the measurements follow."""

import math

import numpy as np
import pytest

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.page.correction import Correction, RulerMark

from .conftest import FACE

SNA = 90 - math.degrees(math.atan(20 / 500))
"""∠S-N-A of the face: A lies 20 px behind a vertical through N and 500 px below it."""
A_BELOW_N = FACE | {"A-point": (800.0, 600.0)}
"""∠S-N-A is 90° with A straight below N."""


@pytest.fixture
def correction(film, settings):
    return Correction(film, settings)


def sna(correction):
    return shown(correction, "SNA").value


def shown(correction, key, norm_sets=()):
    rows = [row for table in correction.report(norm_sets).analyses for row in table.rows if row.key == key]
    return rows[0] if rows else None


def test_measurements_follow_a_moved_point_and_its_undoing(correction):
    assert sna(correction).startswith(f"{SNA:.1f} ± ")
    correction.place(A_BELOW_N)
    assert sna(correction) == "90.0°"  # no standard deviation of the detector's belongs to a person's point
    assert correction.report().corrected == ("A-point",)
    correction.undo()
    assert sna(correction).startswith(f"{SNA:.1f} ± ")
    assert correction.report().corrected == ()
    correction.redo()
    assert sna(correction) == "90.0°"


def test_a_step_after_an_undoing_is_the_only_way_on(correction):
    correction.place(A_BELOW_N)
    correction.undo()
    assert (correction.can_undo, correction.can_redo) == (False, True)
    correction.place(FACE | {"A-point": (750.0, 600.0)})
    assert (correction.can_undo, correction.can_redo) == (True, False)


def test_a_reset_can_be_undone(correction):
    correction.place(A_BELOW_N)
    correction.reset()
    assert correction.report().corrected == ()
    correction.undo()
    assert sna(correction) == "90.0°"


def test_what_has_not_moved_is_no_step(correction):
    correction.place({name: (x + 0.001, y) for name, (x, y) in FACE.items()})
    assert not correction.can_undo
    np.testing.assert_array_equal(correction.now.xy, list(FACE.values()))


def test_a_point_in_the_hand_is_measured_and_no_step(correction):
    correction.hold(A_BELOW_N)
    assert sna(correction) == "90.0°"
    assert not correction.can_undo
    correction.place(FACE)  # let go where it was
    assert not correction.can_undo
    assert sna(correction).startswith(f"{SNA:.1f}")


def test_a_point_stays_inside_the_film(correction):
    correction.place(FACE | {"A-point": (5000.0, -3.0)})
    points = correction.points().predictions.set_index("landmark")
    assert tuple(points.loc["A-point", ["x", "y"]]) == (899, 0)


def test_a_point_that_is_taken_away_takes_its_measurements_with_it(correction):
    correction.place({name: place for name, place in FACE.items() if name != "A-point"})
    assert shown(correction, "SNA") is None
    assert any("SNA): without A-point" in text for text in correction.report().analyses[0].absent)
    assert correction.report().corrected == ("A-point",)


def test_two_marks_of_the_ruler_make_millimetres(correction):
    assert shown(correction, "SN_mm") is None
    correction.calibrate_by_marks(RulerMark(10, 10), RulerMark(10, 110), 10.0)  # 100 px are 10 mm
    assert shown(correction, "SN_mm").value.startswith("70.0 ± ")  # S–N is 700 px
    assert str(correction.calibration) == "0.1 mm per pixel, from two marks 10 mm apart, set by a person."
    assert correction.now.marks == ((10, 10), (10, 110))
    correction.undo()
    assert shown(correction, "SN_mm") is None
    assert correction.now.marks == ()


def test_a_pixel_size_can_be_given_and_must_be_believable(correction):
    correction.calibrate_by_size(0.2)
    assert shown(correction, "SN_mm").value.startswith("140.0 ± ")
    with pytest.raises(InvalidValueError, match=r"pixel size 25: expected millimetres per pixel .*enter another number"):
        correction.calibrate_by_size(25.0)
    with pytest.raises(InvalidValueError, match="the same position"):
        correction.calibrate_by_marks(RulerMark(3, 3), RulerMark(3, 3), 10.0)
    with pytest.raises(InvalidValueError, match="pixel size 10: expected millimetres per pixel"):
        correction.calibrate_by_marks(RulerMark(3, 3), RulerMark(4, 3), 10.0)
    with pytest.raises(InvalidValueError, match=r"0\.005: expected .* between 0\.02 and 2; click the ruler marks"):
        correction.calibrate_by_marks(RulerMark(0, 3), RulerMark(2000, 3), 10.0)
    assert correction.calibration.pixel_size_mm == 0.2


def test_norms_are_applied_only_when_they_are_chosen(correction):
    assert shown(correction, "SNA").norm == ""
    assert shown(correction, "SNA", ("made_up",)).norm == "80 ± 2"
    assert shown(correction, "SNA", ("made_up",)).deviation == "+3.9 sd"


def test_an_undoing_lets_go_of_a_point_that_is_being_dragged(correction):
    correction.place(A_BELOW_N)
    correction.hold(FACE | {"A-point": (1.0, 1.0)})
    correction.undo()
    assert correction.now.xy[2].tolist() == [780, 600]

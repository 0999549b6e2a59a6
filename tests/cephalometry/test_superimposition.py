"""Two films of one person: laid over each other, and what has changed."""

import math

import numpy as np
import pytest

from ceph_pipeline.cephalometry import SuperimpositionError, assess, changes, superimpose
from ceph_pipeline.landmarks import Affine
from tests.cephalometry.test_measurement_invariance import BASE, NAMES

FACE = dict(zip(NAMES, map(tuple, BASE), strict=True))
REGISTRATIONS = pytest.mark.parametrize("registration", ["sella_nasion", "cranial_base"])


def moved(face, transform):
    return {name: tuple(transform(xy)) for name, xy in face.items()}


@REGISTRATIONS
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_same_face_in_another_film_comes_to_lie_on_itself(registration, mirrored):
    turn = Affine.similarity((30, -70), angle_deg=17, scale=2.5).then(Affine.translation(400, -90))
    if mirrored:
        turn = turn.then(Affine.flip(3000))
    onto_first = superimpose(FACE, moved(FACE, turn), (0.1, 0.04), registration)
    assert onto_first(turn(BASE)) == pytest.approx(BASE, abs=1e-6)


@REGISTRATIONS
def test_growth_of_the_chin_moves_nothing_else(registration):
    grown = FACE | {"Me": (FACE["Me"][0] + 20.0, FACE["Me"][1] + 50.0)}
    found = superimpose(FACE, grown, (0.1, 0.1), registration)(np.array(list(grown.values()))) - BASE
    assert found[NAMES.index("Me")] == pytest.approx([20, 50])
    assert np.delete(found, NAMES.index("Me"), axis=0) == pytest.approx(0, abs=1e-9)


def test_nasion_that_grew_forward_stays_on_the_line_from_sella():
    first, second = {"S": (0, 0), "N": (700, 0)}, {"S": (50, 50), "N": (50, 780)}
    onto_first = superimpose(first, second, (0.1, 0.1))
    assert onto_first([[50, 50], [50, 780]]) == pytest.approx(np.array([[0, 0], [730, 0]]), abs=1e-9)


def test_procrustes_shares_the_movement_of_one_point_out():
    # The four points are the corners of a square; S moves out along its diagonal, which turns nothing, so that the centre
    # moves by a quarter of it.
    first = {"S": (-100, -100), "N": (100, -100), "Po": (100, 100), "Ar": (-100, 100)}
    second = first | {"S": (-140, -140)}
    onto_first = superimpose(first, second, (0.1, 0.1), "cranial_base")
    assert onto_first([0, 0]) == pytest.approx([10, 10])


def test_the_scale_is_the_pixel_sizes_and_is_not_fitted():
    first, second = {"S": (0, 0), "N": (700, 0)}, {"S": (0, 0), "N": (900, 0)}
    assert superimpose(first, second, (0.1, 0.1)).scale == pytest.approx(1)
    assert superimpose(first, second, (0.1, 0.05)).scale == pytest.approx(0.5)


@REGISTRATIONS
@pytest.mark.parametrize("below", [("Go", "PNS", "Co"), ("Go",), ("UMT",), ("Co",)])
def test_any_landmark_below_sella_and_nasion_tells_which_way_a_face_looks(registration, below):
    face = {name: FACE[name] for name in ("S", "N", "Ar", *below)}
    flip = Affine.flip(3000)
    onto_first = superimpose(face, moved(face, flip), (0.1, 0.1), registration)
    assert onto_first(flip(BASE)) == pytest.approx(BASE, abs=1e-6)


def test_points_whose_side_is_unknown_are_not_mapped():
    bare = {name: FACE[name] for name in ("S", "N")}
    for first, second in ((bare, FACE), (FACE, bare | {"N`": FACE["N`"]})):
        with pytest.raises(SuperimpositionError, match=r"faces look are unknown: each film needs .* such as Gonion"):
            superimpose(first, second, (0.1, 0.1))
    assert superimpose(FACE, bare, (0.1, 0.1))(FACE["N"]) == pytest.approx(FACE["N"])


def test_what_cannot_be_laid_over_each_other_is_refused():
    with pytest.raises(SuperimpositionError, match="Nasion"):
        superimpose(FACE, {"S": (0, 0)}, (0.1, 0.1))
    with pytest.raises(SuperimpositionError, match="pixel size of both"):
        superimpose(FACE, FACE, (0.1, math.nan))
    with pytest.raises(SuperimpositionError, match="coincide"):
        superimpose({"S": (0, 0), "N": (0, 0)}, {"S": (0, 0), "N": (5, 0)}, (0.1, 0.1))


@pytest.mark.parametrize(("grown_px", "exceeds"), [(10, False), (-20, True)])
def test_a_change_is_compared_with_its_error(grown_px, exceeds):
    # 3 and 4 px along the distance, 0.5 mm at 0.1 mm per px, in each film: √(0.5² + 0.5²), times 1.96.
    scatter = {"N": 3.0, "Me": 4.0}
    films = [assess({"N": (0, 0), "Me": (0, 1000 + grown)}, 0.1, scatter) for grown in (0, grown_px)]
    change = changes(*films)["N_Me_mm"]
    assert change.change == pytest.approx(grown_px / 10)
    assert change.error == pytest.approx(1.96 * math.sqrt(0.5), rel=1e-6)
    assert change.exceeds_error is exceeds


def test_a_change_of_unknown_error_says_neither():
    films = [assess({"N": (0, 0), "Me": (0, 1000)}, 0.1, scatter) for scatter in ({"N": 1.0, "Me": 1.0}, None)]
    assert changes(*films)["N_Me_mm"].exceeds_error is None


def test_what_one_film_lacks_has_no_change():
    found = changes(assess(FACE, 0.1), assess({name: FACE[name] for name in ("S", "N", "A")}, None))
    assert set(found) == {"SNA"}

"""Whether a training sees faces of both directions."""

import numpy as np
import pytest

from ceph_pipeline.augmentation.geometric import Flip
from ceph_pipeline.landmarks.geometry import Affine
from ceph_pipeline.training.facing import face_both_ways, learns_flips

FACE = np.array([(50.0, 60.0), (140.0, 50.0), (130.0, 170.0), (60.0, 150.0), (150.0, 110.0)])


def turned(angle_deg: float, scale: float = 1.0) -> np.ndarray:
    scatter = np.random.default_rng(0).normal(0, 3, FACE.shape)
    return Affine.similarity((90.0, 100.0), angle_deg=angle_deg, scale=scale)(FACE + scatter)


def test_faces_of_one_direction_are_told_however_they_are_turned_and_scaled():
    assert not face_both_ways(np.stack([turned(0), turned(15), turned(-170), turned(5, 2.0)]))


@pytest.mark.parametrize("angle_deg", [0, 20, -90])
def test_one_flipped_face_is_found(angle_deg):
    assert face_both_ways(np.stack([turned(0), turned(3), Affine.flip(200)(turned(angle_deg))]))


@pytest.mark.parametrize("odd_one", [0, 20])
def test_one_flipped_film_among_many_is_no_second_direction(odd_one):
    faces = np.stack([turned(angle) for angle in range(-20, 20)])
    faces[odd_one] = Affine.flip(200)(faces[odd_one])
    assert not face_both_ways(faces)


def test_missing_points_are_left_out():
    faces = np.stack([turned(0), Affine.flip(200)(turned(4))])
    faces[1, :2] = np.nan
    assert face_both_ways(faces)
    faces[1, 2] = np.nan  # two points have no direction
    assert not face_both_ways(faces)


def test_two_landmarks_say_nothing_so_that_flips_stay():
    assert face_both_ways(np.stack([turned(0)[:2], turned(9)[:2]]))


def test_flips_on_the_fly_are_both_directions_unless_they_never_happen():
    one_way = np.stack([turned(0), turned(5)])
    assert learns_flips(one_way, {"mirror": Flip(probability=0.5)})
    assert not learns_flips(one_way, {"mirror": Flip(probability=0.0)})
    assert not learns_flips(one_way, {})

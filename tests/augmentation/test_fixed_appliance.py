"""The parts of a fixed appliance: true to life in mm, where a dental arch has them, and dense as steel."""

import itertools

import numpy as np
import pytest

from ceph_pipeline.augmentation.appliance import Block, Design, Rod, build
from ceph_pipeline.augmentation.beam import Beam
from ceph_pipeline.augmentation.dentition import LOWER_ARCH, UPPER_ARCH, Crown, fit_arches
from ceph_pipeline.augmentation.metal import Window, attenuate, densest, transmission
from ceph_pipeline.landmarks import Affine, find

SLOT = np.array([0.0, 0.0, 1.3])
PLAIN = Design(slot_mm=0.46, wire_mm=0.45, rectangular=False, molar_bands=False, hooks=False, width=1.0, gap=0.2)


@pytest.fixture
def mouth(face):
    """`(turn_deg, tilt_deg) -> (landmarks, beam, arches)` at 0.1 mm a pixel."""
    grow = Affine.resize((1, 1), (10, 10))
    landmarks = {name: tuple(grow(point)) for name, point in face.landmarks.items()}

    def look(turn_deg=0.0, tilt_deg=0.0):
        beam = Beam.through(landmarks, 10.0, turn_deg, tilt_deg)
        return landmarks, beam, fit_arches(landmarks, beam, np.random.default_rng(0))

    return look


def bracket_of(tooth, design=PLAIN):
    """The blocks on one tooth, in its crown's own axes (mesial, gingival, outwards)."""
    crown = Crown(tooth, np.zeros(3), *np.eye(3))
    behind = Crown(tooth, np.array([-20.0, 0, 0]), *np.eye(3))
    blocks = [part for part in build([crown, behind], design) if isinstance(part, Block)]
    return [block for block in blocks if block.corners[:, 0].mean() > -10]


def extent(blocks):
    return np.ptp(np.concatenate([block.corners for block in blocks]), axis=0)


class TestSizes:
    @pytest.mark.parametrize("tooth", [*UPPER_ARCH[1:], *LOWER_ARCH[1:]])
    def test_a_bracket_is_3_to_3_5_mm_wide_3_high_and_2_deep(self, tooth):
        width, height, depth = extent(bracket_of(tooth))
        assert 2.9 <= width <= 3.5
        assert height == pytest.approx(3.1)
        assert depth == pytest.approx(2.1)

    @pytest.mark.parametrize("slot_mm", [0.46, 0.56])
    def test_its_four_wings_leave_the_slot_free(self, slot_mm):
        design = Design(**(vars(PLAIN) | {"slot_mm": slot_mm}))
        wings = [block for block in bracket_of(UPPER_ARCH[3], design) if block.corners[:, 2].max() > 2]
        assert len(wings) == 4
        assert min(np.abs(wing.corners[:, 1]).min() for wing in wings) == pytest.approx(slot_mm / 2)

    def test_a_band_is_8_mm_long_and_4_high_and_goes_round_the_crown(self):
        bare = bracket_of(UPPER_ARCH[0])
        banded = bracket_of(UPPER_ARCH[0], Design(**(vars(PLAIN) | {"molar_bands": True})))
        length, height, depth = extent(banded[len(bare) :])
        assert 7 < length < 10
        assert 4 < height < 5
        assert 9 < depth < 11


class TestPlaces:
    def test_both_arches_carry_brackets_from_first_molar_to_first_molar(self, mouth):
        for arch, sign in zip(mouth()[2], (1, -1), strict=True):
            assert [crown.is_molar for crown in arch] == [True] + 10 * [False] + [True]
            assert all(sign * crown.gingival[1] > 0.7 for crown in arch)
            assert all(np.isclose(crown.outwards @ crown.gingival, 0) for crown in arch)

    def test_the_wire_threads_every_slot_from_end_to_end(self, mouth):
        for arch in mouth()[2]:
            wire = [part.points for part in build(arch, PLAIN) if isinstance(part, Rod)][: len(arch) + 1]
            ends = np.array([span[-1] for span in wire[:-1]])
            np.testing.assert_allclose(ends, [crown.at(SLOT) for crown in arch], atol=1e-9)
            assert all(np.allclose(span[-1], following[0]) for span, following in itertools.pairwise(wire))

    def test_incisors_show_their_profile_canines_less_and_premolars_face_the_tube(self, mouth):
        _, _, (upper, _) = mouth()
        towards_tube = [abs(crown.outwards[2]) for crown in upper[1:6]]
        assert towards_tube == sorted(towards_tube, reverse=True)
        assert towards_tube[0] > 0.95
        assert towards_tube[-1] < 0.2

    def test_brackets_are_bonded_within_0_3_mm_of_each_other(self, mouth):
        landmarks, beam, _ = mouth()
        many = [fit_arches(landmarks, beam, np.random.default_rng(seed))[0][3].centre for seed in range(200)]
        assert np.ptp(many, axis=0).max() <= 0.6
        assert np.std(many, axis=0).max() > 0.05


class TestBeam:
    def test_points_of_the_midline_fall_on_their_landmarks(self, mouth):
        landmarks, beam, _ = mouth(1.0, -1.0)
        for symbol in ("UIT", "UIA", "LMT"):
            point = landmarks[find(symbol).name]
            np.testing.assert_allclose(beam.project(np.array([*beam.sagittal(point), 0.0])), point)

    def test_the_side_towards_the_tube_is_magnified(self, mouth):
        """25 mm nearer to a focus 1.5 m away: 1.7 %, which at the incisors, 88 mm from the central ray, makes 1.5 mm."""
        _, beam, _ = mouth()
        near, middle, far = beam.project(np.array([[0.0, 0.0, side] for side in (25.0, 0.0, -25.0)]))
        assert (near - middle) @ beam.axes[0] == pytest.approx(10 * 88 * 25 / 1500)
        np.testing.assert_allclose(near - middle, middle - far)

    def test_a_tilted_head_shows_one_side_higher(self, mouth):
        _, beam, _ = mouth(tilt_deg=1.8)
        _, level, _ = mouth()
        side = np.array([-20.0, 0.0, 25.0])
        assert level.project(side)[1] - beam.project(side)[1] == pytest.approx(10 * 25 * np.tan(np.radians(1.8)), rel=0.02)


class TestSteel:
    def test_transmission_falls_exponentially_with_thickness(self, mouth):
        _, beam, _ = mouth()
        corners = np.array([(x, y, 0.0) for x in (-4.0, 4.0) for y in (-4.0, 4.0)])
        column, row = np.rint(beam.project(np.zeros(3))).astype(int)
        window = Window(column - 60, row - 60, column + 60, row + 60)
        for thickness in (0.5, 2.0):
            passed = transmission([Block(corners, 64.0 * thickness)], beam, window, steel_per_mm=1.0, blur_mm=0.1)
            assert passed[60, 60] == pytest.approx(np.exp(-thickness), rel=0.02)
            assert passed[2, 2] == 1.0

    def test_a_piece_cut_by_the_window_keeps_its_thickness(self, mouth):
        _, beam, _ = mouth()
        corners = np.array([(x, y, 0.0) for x in (-4.0, 4.0) for y in (-4.0, 4.0)])
        column, row = np.rint(beam.project(np.zeros(3))).astype(int)
        window = Window(column, row, column + 60, row + 60)
        passed = transmission([Block(corners, 64.0)], beam, window, steel_per_mm=1.0, blur_mm=0.1)
        assert passed[10, 10] == pytest.approx(np.exp(-1), rel=0.02)

    def test_transmission_is_multiplied(self):
        image = np.full((40, 40), 100, np.uint8)
        half = np.full(image.shape, 0.5, np.float32)
        assert (attenuate(image, half, white=200.0, peak=255.0) == 150).all()
        assert (attenuate(image, np.ones_like(half), 200.0, 255.0) == 100).all()

    def test_what_is_whiter_than_metal_stays(self):
        """An amalgam filling or a burned-in mark."""
        image = np.full((40, 40), 250, np.uint8)
        assert (attenuate(image, np.full(image.shape, 0.1, np.float32), white=200.0, peak=255.0) == 250).all()

    def test_structures_show_through_and_the_grain_stays_in_place_but_weaker(self):
        image = np.clip(np.random.default_rng(0).normal(100, 5, (120, 120)), 0, 255).astype(np.uint8)
        image[:, 60:] += 60
        metal = attenuate(image, np.full(image.shape, np.exp(-1), np.float32), white=230.0, peak=255.0)
        assert metal[:, 70:].mean() - metal[:, :50].mean() == pytest.approx(60 / np.e, abs=2)
        assert 0.4 < metal[:, :50].std() / image[:, :50].std() < 0.8
        assert np.corrcoef(metal[:, :50].ravel(), image[:, :50].ravel())[0, 1] > 0.95

    def test_white_is_the_heads_and_hot_pixels_do_not_count(self):
        image = np.full((400, 300), 90, np.uint8)
        image[150:250, 100:200] = 210
        image[200, 150] = 255
        image[:30] = 250  # the film's blank border
        assert densest(image, np.array([(80.0, 120.0), (220.0, 280.0)])) == 210

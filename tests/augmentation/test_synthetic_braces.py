"""Metal on the crowns: where it may be, what it does to the beam, how large it is."""

import dataclasses

import numpy as np
import pytest

from ceph_pipeline.augmentation.braces import Braces
from ceph_pipeline.augmentation.dentition import fit_arches, pixels_per_mm
from ceph_pipeline.augmentation.kinds import random_generator
from ceph_pipeline.augmentation.metal import Window, attenuate, distance_to_line
from ceph_pipeline.landmarks import Affine, find


def enlarge(face, factor):
    """The same face on a film with smaller pixels."""
    grow = Affine.resize((1, 1), (factor, factor))
    points = {name: tuple(grow(point)) for name, point in face.landmarks.items()}
    size = (face.size[0] * factor, face.size[1] * factor)
    return dataclasses.replace(face, landmarks=points, size=size, pixel_size_mm=face.pixel_size_mm / factor)


def bond(face, image, seed=0):
    return Braces().change(face, 0, random_generator(seed, face.image_id, "braces", 0)).pixels(image)


def crown_lines(face):
    return [np.array([face.landmarks[find(s).name] for s in arch]) for arch in (("UMT", "UPM", "UIT"), ("LMT", "LPM", "LIT"))]


@pytest.fixture
def film(face):
    """The face at 0.25 mm a pixel."""
    return enlarge(face, 4)


@pytest.fixture
def image(film):
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(120, 4, (film.size[1], film.size[0])), 0, 255).astype(np.uint8)


class TestWhere:
    @pytest.mark.parametrize("seed", range(8))
    def test_only_pixels_within_6_mm_of_the_crowns_change(self, film, image, seed):
        changed = np.argwhere(bond(film, image, seed) != image)
        window = Window(0, 0, *film.size)
        distance = np.minimum.reduce([distance_to_line(window, line) for line in crown_lines(film)]) * film.pixel_size_mm
        assert len(changed) > 500
        assert distance[tuple(changed.T)].max() <= 6.0

    def test_each_arch_has_six_brackets_a_side_and_a_wire_through_their_slots(self, film):
        for arch in fit_arches(film.landmarks, 4.0, np.random.default_rng(0)):
            assert [bracket.view for bracket in arch.brackets] == ["tube", "twin", "twin", "twin", "profile", "profile"]
            for bracket in arch.brackets:
                assert np.linalg.norm(arch.wire - bracket.centre, axis=1).min() < 1.0 * 4

    def test_upper_brackets_sit_above_the_edges_and_lower_ones_below(self, film):
        arches = fit_arches(film.landmarks, 4.0, np.random.default_rng(0))
        for arch, sign in zip(arches, (-1, -1, 1, 1), strict=True):
            heights = [sign * (bracket.centre[1] - arch.tips[:, 1].mean()) for bracket in arch.brackets]
            assert min(heights) > 0

    def test_incisor_brackets_stand_in_front_of_the_tooth_whichever_way_the_face_looks(self, film):
        flip = Affine.flip(film.size[0])
        for landmarks, forwards in ((film.landmarks, 1), ({k: tuple(flip(v)) for k, v in film.landmarks.items()}, -1)):
            upper = fit_arches(landmarks, 4.0, np.random.default_rng(0))[0]
            edge, apex = (np.array(landmarks[find(symbol).name]) for symbol in ("UIT", "UIA"))
            share = (upper.brackets[-1].centre - edge) @ (apex - edge) / ((apex - edge) @ (apex - edge))
            on_axis = edge + share * (apex - edge)
            assert forwards * (upper.brackets[-1].centre[0] - on_axis[0]) > 4  # px, 1 mm

    def test_crowns_beyond_the_border_leave_the_image_alone(self, film, image):
        away = {name: (x + 5000.0, y) for name, (x, y) in film.landmarks.items()}
        np.testing.assert_array_equal(bond(dataclasses.replace(film, landmarks=away), image), image)


class TestMetal:
    def test_metal_is_brighter_than_what_it_covers(self, film, image):
        braced = bond(film, image)
        upper = fit_arches(film.landmarks, 4.0, random_generator(0, "face", "braces", 0))[0]
        column, row = np.rint(upper.brackets[1].centre).astype(int)
        assert braced[row - 5 : row + 6, column - 5 : column + 6].mean() > image.mean() + 40

    def test_transmission_is_multiplied(self):
        image = np.array([[55, 105, 205]], np.uint8)  # lacks 200, 150 and 50 to white
        half = np.full((1, 3), np.log(2.0), np.float32)
        np.testing.assert_array_equal(attenuate(image, half, 255, _NoGrain()), [[155, 180, 230]])

    def test_no_metal_changes_nothing(self, image):
        np.testing.assert_array_equal(attenuate(image, np.zeros(image.shape, np.float32), 255, np.random.default_rng(0)), image)

    def test_structures_show_through_and_the_grain_stays(self):
        rng = np.random.default_rng(0)
        image = np.clip(rng.normal(100, 5, (120, 120)), 0, 255).astype(np.uint8)
        image[:, 60:] += 60
        metal = attenuate(image, np.full(image.shape, 1.0, np.float32), 255, rng)
        assert metal[:, 70:].mean() - metal[:, :50].mean() == pytest.approx(60 * np.exp(-1.0), abs=2)
        assert 0.6 < metal[:, :50].std() / image[:, :50].std() < 1.4

    def test_a_12_bit_image_stays_within_its_depth(self, film):
        image = np.full((film.size[1], film.size[0]), 2000, np.uint16)
        image[0, 0] = 4000
        braced = bond(film, image)
        assert braced.dtype == np.uint16
        assert 3000 < braced.max() <= 4095


class TestScale:
    def test_a_plausible_pixel_size_is_used(self, film):
        assert pixels_per_mm(film) == pytest.approx(4.0)

    def test_without_one_sella_nasion_is_72_mm(self, film):
        length = np.linalg.norm(np.subtract(film.landmarks["Nasion"], film.landmarks["Sella"]))
        assert pixels_per_mm(dataclasses.replace(film, pixel_size_mm=None)) == pytest.approx(length / 72)

    def test_an_implausible_one_is_not_believed(self, film):
        """Of some devices the table's pixel size makes S-N 118 or 29 mm; brackets of half the size would be drawn."""
        length = np.linalg.norm(np.subtract(film.landmarks["Nasion"], film.landmarks["Sella"]))
        assert pixels_per_mm(dataclasses.replace(film, pixel_size_mm=0.4)) == pytest.approx(length / 72)

    def test_without_sella_the_pixel_size_is_all_there_is(self, film):
        points = {name: point for name, point in film.landmarks.items() if name != "Sella"}
        assert pixels_per_mm(dataclasses.replace(film, landmarks=points)) == pytest.approx(4.0)

    def test_braces_cannot_be_asked_of_a_source_that_lacks_them(self, face):
        toothless = dataclasses.replace(face, landmarks={})
        with pytest.raises(ValueError, match="no tooth landmarks"):
            Braces().change(toothless, 0, random_generator(0, "face", "braces", 0))


class _NoGrain(np.random.Generator):
    """Random numbers that are all zero."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        return np.zeros(size, dtype)

"""Metal on the crowns: where it may be, what it does to the beam, how large it is."""

import dataclasses
import itertools

import numpy as np
import pytest

from ceph_pipeline.augmentation.beam import pixels_per_mm
from ceph_pipeline.augmentation.braces import Braces
from ceph_pipeline.augmentation.kinds import Source, random_generator
from ceph_pipeline.landmarks import Affine, find
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import sample_specimen, stream

SYMBOLS = ("UMT", "UPM", "UIT", "UIA", "LMT", "LPM", "LIT", "LIA")


def phantom_source(index, long_side_px):
    """A phantom's source and image."""
    specimen = sample_specimen(index, 42, long_side_px)
    points = {find(symbol).name: tuple(map(float, xy)) for symbol, xy in specimen.landmarks_px().items()}
    source = Source(specimen.image_id, specimen.path, specimen.size, specimen.pixel_size_mm, points)
    return source, draw_cephalogram(specimen, stream(42, index, 1))


def transformed(source, affine, size):
    """The source seen through an affine map of its pixels, its pixel size with it."""
    points = {name: tuple(map(float, affine(np.array(point)))) for name, point in source.landmarks.items()}
    pixel_size = source.pixel_size_mm and source.pixel_size_mm / affine.scale
    return dataclasses.replace(source, landmarks=points, size=size, pixel_size_mm=pixel_size)


def bond(source, image, seed=0, **settings):
    rng = random_generator(seed, source.image_id, "braces", 0)
    return Braces(**settings).change(source, 0, rng).pixels(image)


def millimetres_from_crowns(source, changed):
    """The changed pixels' distances to the lines through the arches' cusp tips and incisal edges."""
    points = np.argwhere(changed)[:, ::-1]
    distances = []
    for symbols in (SYMBOLS[:3], SYMBOLS[4:7]):
        for start, stop in itertools.pairwise(np.array([source.landmarks[find(symbol).name] for symbol in symbols])):
            along = (points - start) @ (stop - start) / max((stop - start) @ (stop - start), 1e-9)
            nearest = start + np.clip(along, 0, 1)[:, None] * (stop - start)
            distances.append(np.linalg.norm(points - nearest, axis=1))
    return np.minimum.reduce(distances) / pixels_per_mm(source)


@pytest.fixture(scope="module")
def phantom():
    """A source of 0.2 mm a pixel or so, and its image."""
    return phantom_source(0, 1200)


class TestWhere:
    @pytest.mark.parametrize("seed", range(12))
    def test_only_pixels_within_6_mm_of_the_crowns_change(self, phantom, seed):
        source, image = phantom
        changed = bond(source, image, seed, molar_bands=seed % 2, tilt_deg=(3, 3) if seed > 9 else (-1.8, 1.8)) != image
        assert changed.sum() * source.pixel_size_mm**2 > 100  # mm²
        assert millimetres_from_crowns(source, changed).max() <= 6.0

    @pytest.mark.parametrize(
        ("dtype", "flipped", "long_side_px", "head_size", "known"),
        [  # any two settings meet in all their combinations
            (np.uint8, False, 256, 1.25, True),
            (np.uint8, False, 2400, 1.25, False),
            (np.uint8, True, 256, 0.75, True),
            (np.uint8, True, 2400, 0.75, False),
            (np.uint16, False, 256, 0.75, False),
            (np.uint16, False, 2400, 0.75, True),
            (np.uint16, True, 256, 1.25, False),
            (np.uint16, True, 2400, 1.25, True),
        ],
    )
    def test_at_every_corner_of_sizes_and_formats(self, dtype, flipped, long_side_px, head_size, known):
        """The image is plain grey with a bright patch on the skull: braces do not depend on what else it shows."""
        specimen = sample_specimen(3, 42, long_side_px)
        points = {symbol: tuple(map(float, xy)) for symbol, xy in specimen.landmarks_px().items()}
        centre = np.mean(list(points.values()), axis=0)
        face = {find(symbol).name: tuple(centre + head_size * (np.array(xy) - centre)) for symbol, xy in points.items()}
        source = Source("corner", "", specimen.size, specimen.pixel_size_mm if known else None, face)
        if flipped:
            source = transformed(source, Affine.flip(specimen.size[0]), specimen.size)
        image = np.full(specimen.size[::-1], 80 if dtype == np.uint8 else 1300, dtype)
        image[: image.shape[0] // 3] = 240 if dtype == np.uint8 else 4000
        braced = bond(source, image)
        changed = braced != image
        assert braced.dtype == dtype
        assert changed.any()
        assert millimetres_from_crowns(source, changed).max() <= 6.0

    def test_landmarks_lie_under_no_metal_of_the_other_jaw(self, phantom):
        """Brackets are on the crowns: upper ones above the upper edges, lower ones below the lower edges."""
        source, image = phantom
        changed = bond(source, image, tilt_deg=(0, 0), turn_deg=(0, 0), hooks=0, molar_bands=0) != image
        for arch, sign in (("U", -1), ("L", 1)):
            edge = np.array(source.landmarks[find(f"{arch}IT").name])
            apex = np.array(source.landmarks[find(f"{arch}IA").name])
            bracket = np.rint(edge + (apex - edge) * 3.3 / (np.linalg.norm(apex - edge) * source.pixel_size_mm)).astype(int)
            ahead = changed[bracket[1], bracket[0] : bracket[0] + round(4 / source.pixel_size_mm)]
            assert sign * (bracket[1] - edge[1]) > 0
            assert ahead.sum() * source.pixel_size_mm > 1.5  # mm of metal in front of the crown, towards the lip

    def test_crowns_beyond_the_border_leave_the_image_alone(self, phantom):
        source, image = phantom
        away = {name: (x + 5000.0, y) for name, (x, y) in source.landmarks.items()}
        np.testing.assert_array_equal(bond(dataclasses.replace(source, landmarks=away), image), image)

    def test_crowns_on_the_border_are_cut_by_it(self, phantom):
        """The part that stays in the frame is what the whole image shows there."""
        source, image = phantom
        cut = round(source.landmarks[find("UPM").name][0])
        shift = Affine.identity().matrix + np.array([[0, 0, -cut], [0, 0, 0]])
        right = transformed(source, Affine(shift), (source.size[0] - cut, source.size[1]))
        whole, part = bond(source, image), bond(right, image[:, cut:])
        seen, expected = part != image[:, cut:], whole[:, cut:] != image[:, cut:]
        assert (seen != expected).sum() < 0.05 * expected.sum()  # white is told from fewer pixels

    @pytest.mark.parametrize("same", [("UMT", "UPM"), ("UPM", "UIT"), ("UIT", "UIA"), SYMBOLS])
    def test_landmarks_on_one_spot_do_no_harm(self, phantom, same):
        source, image = phantom
        spot = source.landmarks[find(same[0]).name]
        points = dict(source.landmarks) | dict.fromkeys((find(symbol).name for symbol in same), spot)
        odd = dataclasses.replace(source, landmarks=points)
        changed = bond(odd, image) != image
        assert not changed.any() or millimetres_from_crowns(odd, changed).max() <= 6.0


class TestWhatMetalDoes:
    @pytest.mark.parametrize("seed", range(6))
    def test_it_is_never_darker_than_the_tissue_before_it_nor_brighter_than_the_image(self, phantom, seed):
        source, image = phantom
        braced = bond(source, image, seed)
        assert (braced >= image).all()
        assert braced.max() <= image.max()

    def test_it_saturates_to_the_whitest_of_the_head_not_to_a_burned_in_mark(self, phantom):
        source, image = phantom
        dim = (image * 0.6).astype(np.uint8)
        dim[:40, :40] = 255
        changed = (braced := bond(source, dim)) != dim
        assert braced[changed].max() <= dim[40:].max() + 5  # grain

    def test_twelve_bits_stay_within_their_depth(self, phantom):
        source, image = phantom
        braced = bond(source, image.astype(np.uint16) * 16)
        assert braced.dtype == np.uint16
        assert braced.max() <= int(image.max()) * 16
        np.testing.assert_allclose(braced / 16, bond(source, image), atol=1)

    def test_no_landmark_moves(self, phantom):
        source, _ = phantom
        change = Braces().change(source, 0, np.random.default_rng(0))
        points = np.array(list(source.landmarks.values()))
        np.testing.assert_array_equal(change.points(points), points)


class TestSymmetry:
    def test_braces_of_the_flipped_image_are_the_flipped_braces(self, phantom):
        source, image = phantom
        mirrored = transformed(source, Affine.flip(source.size[0]), source.size)
        braced = bond(source, image)
        difference = np.abs(bond(mirrored, image[:, ::-1].copy())[:, ::-1].astype(int) - braced)[braced != image]
        assert difference.mean() < 0.5
        assert (difference > 4).mean() < 0.01  # thin sheets fall on one cell or its neighbour

    def test_the_same_copy_is_the_same_bytes_and_another_one_is_not(self, phantom):
        source, image = phantom
        np.testing.assert_array_equal(bond(source, image, 3), bond(source, image, 3))
        assert (bond(source, image, 3) != bond(source, image, 4)).any()


class TestSettings:
    def test_bands_and_hooks_are_a_share_of_the_copies(self, phantom):
        source, image = phantom
        plain = [(bond(source, image, seed, molar_bands=0, hooks=0) != image).sum() for seed in range(4)]
        banded = [(bond(source, image, seed, molar_bands=1, hooks=0) != image).sum() for seed in range(4)]
        hooked = [(bond(source, image, seed, molar_bands=0, hooks=1) != image).sum() for seed in range(4)]
        some = [(bond(source, image, seed, molar_bands=0.5, hooks=0) != image).sum() for seed in range(4)]
        assert (np.array(banded) > plain).all()
        assert (np.array(hooked) > plain).all()
        assert set(some) <= set(plain) | set(banded)

    @pytest.mark.parametrize("name", ["steel_per_mm", "blur_mm"])
    def test_metal_cannot_brighten_the_beam_nor_sharpen_the_picture(self, name):
        assert getattr(Braces(**{name: (0.0, 0.2)}), name) == (0.0, 0.2)
        with pytest.raises(ValueError, match="contains values below 0"):
            Braces(**{name: (-0.1, 0.2)})

    def test_more_copies_of_a_source_wear_different_appliances(self, phantom):
        source, image = phantom
        kind = Braces(n_copies=2)
        rngs = [random_generator(0, source.image_id, "braces", copy) for copy in range(kind.copies)]
        first, second = (kind.change(source, copy, rng).pixels(image) for copy, rng in enumerate(rngs))
        assert (first != second).any()


class TestScale:
    def test_a_plausible_pixel_size_is_used(self, phantom):
        source, _ = phantom
        assert pixels_per_mm(source) == pytest.approx(1 / source.pixel_size_mm)

    def test_without_one_sella_nasion_is_72_mm(self, phantom):
        source, _ = phantom
        length = np.linalg.norm(np.subtract(source.landmarks["Nasion"], source.landmarks["Sella"]))
        assert pixels_per_mm(dataclasses.replace(source, pixel_size_mm=None)) == pytest.approx(length / 72)

    def test_an_implausible_one_is_not_believed(self, phantom):
        """Of some devices the table's pixel size makes S-N 118 or 29 mm; brackets of half the size would be drawn."""
        source, _ = phantom
        length = np.linalg.norm(np.subtract(source.landmarks["Nasion"], source.landmarks["Sella"]))
        wrong = dataclasses.replace(source, pixel_size_mm=0.4 * source.pixel_size_mm)
        assert pixels_per_mm(wrong) == pytest.approx(length / 72)

    def test_without_sella_the_pixel_size_is_all_there_is(self, phantom):
        source, _ = phantom
        points = {name: point for name, point in source.landmarks.items() if name != "Sella"}
        assert pixels_per_mm(dataclasses.replace(source, landmarks=points)) == pytest.approx(1 / source.pixel_size_mm)

    @pytest.mark.parametrize("missing", SYMBOLS)
    def test_a_source_that_lacks_one_tooth_landmark_has_no_braces(self, phantom, missing):
        source, _ = phantom
        points = {name: point for name, point in source.landmarks.items() if name != find(missing).name}
        toothless = dataclasses.replace(source, landmarks=points)
        assert Braces().unavailable(toothless) == "no tooth landmarks"
        with pytest.raises(ValueError, match="no tooth landmarks"):
            Braces().change(toothless, 0, random_generator(0, "face", "braces", 0))

    def test_a_source_without_any_scale_has_none_either(self, phantom):
        source, _ = phantom
        points = {name: point for name, point in source.landmarks.items() if name != "Sella"}
        blind = dataclasses.replace(source, landmarks=points, pixel_size_mm=None)
        assert Braces().unavailable(blind) == "neither pixel size nor Sella and Nasion"

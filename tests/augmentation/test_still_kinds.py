"""Kinds that move nothing: no dot leaves its place, no point its coordinates, no bit depth is lost; each does what it says."""

import cv2
import numpy as np
import pytest

from ceph_pipeline.augmentation import KINDS, Source
from ceph_pipeline.augmentation.artefacts import Collimator, Edge, ScannerLines, Scatter, cover
from ceph_pipeline.augmentation.burned_in_marks import CLEARANCE_MM, BurnedInMarks, draw_scale, draw_text
from ceph_pipeline.augmentation.kinds import random_generator
from ceph_pipeline.augmentation.occlusion import Cutout
from ceph_pipeline.augmentation.sharpness import Blur, Clahe, motion_kernel
from ceph_pipeline.augmentation.transforms import full_scale

EVEN, ODD = (240, 200), (241, 201)
DOTS = np.array([[60.0, 50.0], [139.3, 138.6], [160.25, 80.75], [70.5, 130.5]])
STILL = {
    "brightness": {},
    "gamma": {},
    "contrast": {},
    "blur": {"extent": [1, 2]},
    "motion": {"type": "blur", "shape": "motion", "extent": [4, 8]},
    "clahe": {},
    "cutout": {"side": [0.02, 0.05]},
    "scatter": {},
    "scanner_lines": {"lines": [0, 0]},
    "collimator": {"edges": [4, 4]},
    "burned_in_marks": {"height_mm": [5, 8], "scale_cm": [2, 3]},
}
"""Streaks are left out where dots are located: one that crosses a dot is a structure of its own."""


def kind_of(name):
    settings = STILL[name]
    return KINDS[settings.get("type", name)].model_validate(settings)


def source_of(size, dots=DOTS):
    return Source("dots", "dots.png", size, 1.0, {str(n): (x, y) for n, (x, y) in enumerate(dots)})


def draw_dots(size, dtype):
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    light = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in DOTS)
    return np.rint((0.1 + 0.8 * light) * np.iinfo(dtype).max).astype(dtype)


def peak(image, near):
    """Centre of mass of what is brighter than its surroundings, within 6.5 px."""
    x0, y0 = np.rint(near).astype(int)
    window = image[y0 - 7 : y0 + 8, x0 - 7 : x0 + 8].astype(float)
    rows, columns = np.mgrid[-7:8, -7:8]
    disc = np.hypot(columns - (near[0] - x0), rows - (near[1] - y0))
    weight = np.clip(window - window[disc > 6].mean(), 0, None) * np.clip(6.5 - disc, 0, 1)
    return np.array([x0 + (columns * weight).sum() / weight.sum(), y0 + (rows * weight).sum() / weight.sum()])


def film(size=(1000, 1200), dtype=np.uint8, seed=0):
    """A grainy film: a bright head in the middle, dark air around it; 0.2 mm a pixel."""
    rng = np.random.default_rng(seed)
    columns, rows = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    head = 0.15 + 0.55 / (1 + np.exp(12 * (np.hypot(columns, rows) - 0.6)))
    return np.clip((head + rng.normal(0, 0.01, head.shape)) * np.iinfo(dtype).max, 0, np.iinfo(dtype).max).astype(dtype)


def film_source(size=(1000, 1200)):
    points = {str(n): (size[0] / 2 + 200 * np.cos(n), size[1] / 2 + 300 * np.sin(n)) for n in range(19)}
    return Source("film", "film.png", size, 0.2, points)


def changed(kind, image, source, seed=0):
    return kind.change(source, 0, random_generator(seed, source.image_id, "kind", 0)).pixels(image)


@pytest.mark.parametrize(("size", "dtype"), [(ODD, np.uint8), (EVEN, np.uint16)])
@pytest.mark.parametrize("name", STILL)
def test_no_dot_leaves_its_place(size, name, dtype):
    kind, source, image = kind_of(name), source_of(size), draw_dots(size, dtype)
    change = kind.change(source, 0, random_generator(0, "dots", name, 0))
    after = change.pixels(image)
    assert after.dtype == dtype
    assert after.shape == image.shape
    assert not np.array_equal(after, image)
    tolerance = 0.2 if name == "clahe" else 0.02  # equalised tile by tile, a slope of contrast lies over each dot
    for dot in DOTS:
        assert np.abs(peak(after, dot) - peak(image, dot)).max() < tolerance


@pytest.mark.parametrize("name", STILL)
def test_points_stay_exactly(name):
    change = kind_of(name).change(source_of((241, 201)), 0, random_generator(0, "dots", name, 0))
    np.testing.assert_array_equal(change.points(DOTS), DOTS)


@pytest.mark.parametrize("name", STILL)
def test_the_same_draws_give_the_same_pixels_and_the_source_stays_as_it_is(name):
    image, source = draw_dots((241, 201), np.uint8), source_of((241, 201))
    before = image.copy()
    image.setflags(write=False)  # as a memory-mapped cache is
    first, second = (changed(kind_of(name), image, source) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", STILL)
def test_the_white_of_a_12_bit_image_is_not_passed(name):
    image = (film(dtype=np.uint16) >> 4).astype(np.uint16)
    assert full_scale(image) == 4095
    assert changed(kind_of(name), image, film_source()).max() <= 4095


class TestBlur:
    def test_its_extent_is_in_mm_unless_told(self):
        edge = np.zeros((100, 100), np.uint8)
        edge[:, 50:] = 200
        coarse, fine = (Source("e", "e", (100, 100), mm, {}) for mm in (1.0, 0.5))
        width = {
            mm: np.count_nonzero(np.abs(changed(Blur(extent=(2, 2)), edge, source)[50].astype(int) - 100) < 68)
            for mm, source in ((1.0, coarse), (0.5, fine))
        }
        assert width == {1.0: 4, 0.5: 8}  # ±1 standard deviation: 2 px and 4 px
        in_px = changed(Blur(extent=(2, 2), unit="px"), edge, fine)
        np.testing.assert_array_equal(in_px, changed(Blur(extent=(2, 2)), edge, coarse))

    @pytest.mark.parametrize("angle", np.linspace(0, np.pi, 7))
    def test_a_motion_has_its_length_and_direction_and_moves_nothing(self, angle):
        kernel = motion_kernel(9.0, angle).astype(float)
        radius = kernel.shape[0] // 2
        rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
        assert kernel.sum() == pytest.approx(1, abs=1e-6)
        assert (kernel * columns).sum() == pytest.approx(0, abs=1e-6)
        along = columns * np.cos(angle) + rows * np.sin(angle)
        across = rows * np.cos(angle) - columns * np.sin(angle)
        assert np.sqrt((kernel * along**2).sum()) == pytest.approx(9 / np.sqrt(12), rel=0.1)
        assert np.sqrt((kernel * across**2).sum()) < 0.6

    def test_nothing_is_blurred_by_nothing(self):
        image = film()
        np.testing.assert_array_equal(changed(Blur(extent=(0, 0)), image, film_source()), image)


class TestClahe:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_it_raises_local_contrast(self, dtype):
        image = film(dtype=dtype)
        detail = [(each.astype(float) - cv2.blur(each.astype(float), (31, 31)))[400:800, 400:600].std()
                  for each in (image, changed(Clahe(), image, film_source()))]  # fmt: skip
        assert detail[1] > 1.3 * detail[0]

    def test_12_bits_change_as_8_bits_do(self):
        coarse = film()
        fine = coarse.astype(np.uint16) << 4
        from_fine = changed(Clahe(), fine, film_source()) / 4095
        from_coarse = changed(Clahe(), coarse, film_source()) / 255
        assert np.abs(from_fine - from_coarse).mean() < 0.03


class TestCutout:
    @pytest.mark.parametrize(("fill", "grey"), [("mean", None), ("black", 0), ("white", 255)])
    def test_squares_of_one_grey_of_at_most_their_side(self, fill, grey):
        image = film()
        erased = changed(Cutout(side=(0.1, 0.1), fill=fill), image, film_source())
        rows, columns = np.nonzero(erased != image)
        assert 0 < np.ptp(rows) <= 120
        assert np.ptp(columns) <= 120
        assert set(erased[erased != image]) == {round(image.mean()) if grey is None else grey}

    def test_as_many_as_asked_for(self):
        erased = changed(Cutout(squares=5, side=(0.02, 0.02), fill="white"), film(), film_source(), seed=4)
        count, _ = cv2.connectedComponents((erased == 255).astype(np.uint8))
        assert 3 <= count - 1 <= 5  # they may overlap or lie at the border


class TestScatter:
    def test_contrast_sinks_and_the_mean_stays(self):
        image = film()
        veiled = changed(Scatter(share=(0.3, 0.3)), image, film_source())
        grain = [(each.astype(float) - cv2.GaussianBlur(each, (0, 0), 3.0))[500:700, 400:600].std() for each in (image, veiled)]
        assert grain[1] == pytest.approx(0.7 * grain[0], rel=0.1)
        assert veiled.std() < 0.97 * image.std()
        assert veiled.mean() == pytest.approx(image.mean(), abs=1)


class TestScannerLines:
    def test_they_run_straight_through(self):
        image = np.full((300, 200), 100, np.uint8)
        lined = changed(
            ScannerLines(lines=(3, 3), contrast=(0.08, 0.08), banding=(0, 0)), image, Source("f", "f", (200, 300), 1.0, {})
        )
        by_row, by_column = lined.std(axis=1).max(), lined.std(axis=0).max()
        assert min(by_row, by_column) == 0 < max(by_row, by_column)
        assert np.abs(lined.astype(int) - 100).max() in range(15, 42)  # 0.08 of 255 is 20; two may coincide

    def test_bands_are_faint(self):
        image = np.full((300, 200), 100, np.uint8)
        banded = changed(ScannerLines(lines=(0, 0), banding=(0.004, 0.004)), image, Source("f", "f", (200, 300), 1.0, {}))
        assert banded.std() == pytest.approx(0.004 * 255, rel=0.3)


class TestCollimator:
    def test_no_landmark_is_covered_even_where_the_edge_would_be_deep(self):
        image, source = film(), film_source()
        for seed in range(10):
            collimated = changed(Collimator(edges=(4, 4), depth=(0.4, 0.4), shade="white"), image, source, seed)
            assert (collimated != image).mean() > 0.05
            for x, y in source.landmarks.values():
                np.testing.assert_array_equal(
                    collimated[round(y) - 10 : round(y) + 11, round(x) - 10 : round(x) + 11],
                    image[round(y) - 10 : round(y) + 11, round(x) - 10 : round(x) + 11],
                )

    @pytest.mark.parametrize("side", range(4))
    def test_an_edge_lies_at_its_depth_with_its_penumbra(self, side):
        image = np.full((101, 121), 100, np.uint8)
        covered = cover(image, [Edge(side, 20.0, 0.0, 8.0)], 1.0)
        line = {0: covered[50], 1: covered[:, 60], 2: covered[50, ::-1], 3: covered[::-1, 60]}[side].astype(int)
        assert (line[:16] == 255).all()
        assert (line[24:] == 100).all()
        assert line[20] == pytest.approx(177, abs=1)
        assert (np.diff(line) <= 0).all()

    def test_a_tilted_edge_is_deeper_at_one_end(self):
        covered = cover(np.full((201, 121), 100, np.uint8), [Edge(0, 20.0, 0.1, 1.0)], 0.0)
        depth = (covered < 50).sum(axis=1)
        assert depth[-1] - depth[0] == pytest.approx(20, abs=1)

    def test_an_edge_that_has_no_room_is_left_out(self):
        image = np.full((101, 121), 100, np.uint8)
        np.testing.assert_array_equal(cover(image, [Edge(0, -2.0, 0.0, 8.0)], 1.0), image)


class TestMarks:
    def test_they_lie_in_the_dark_and_far_from_landmarks(self):
        image, source = film(), film_source()
        for seed in range(10):
            marked = changed(BurnedInMarks(marks=("side", "number", "scale")), image, source, seed)
            rows, columns = np.nonzero(marked.astype(int) - image > 40)
            assert len(rows) > 500
            for x, y in source.landmarks.values():
                assert np.hypot(columns - x, rows - y).min() * 0.2 >= CLEARANCE_MM
            assert np.median(image[rows, columns]) < 60

    def test_lead_goes_towards_white_and_not_beyond(self):
        image = film()
        marked = changed(BurnedInMarks(opacity=(0.9, 0.9)), image, film_source())
        assert (marked >= image).all()
        assert 0.9 * 255 < marked.max() <= 255

    def test_where_no_place_is_free_nothing_is_burned_in(self):
        image = film((60, 60))
        crowded = Source("c", "c", (60, 60), 1.0, {str(n): (n % 8 * 8.0, n // 8 * 8.0) for n in range(64)})
        np.testing.assert_array_equal(changed(BurnedInMarks(), image, crowded), image)
        tiny = Source("t", "t", (20, 20), 1.0, {})
        np.testing.assert_array_equal(changed(BurnedInMarks(height_mm=(30, 30)), film((20, 20)), tiny), film((20, 20)))

    def test_letters_have_their_height_and_scales_their_length(self):
        lit = np.nonzero(draw_text("R", 10.0, 5.0) > 127)
        assert np.ptp(lit[0]) == pytest.approx(50, abs=2)
        lit = np.nonzero(draw_scale(4, 5.0) > 127)
        assert np.ptp(lit[0]) == pytest.approx(200, abs=4)
        strokes = draw_scale(4, 5.0)[:, 25] > 127  # 4 mm from the wire: the long strokes only
        assert np.count_nonzero(np.diff(strokes.astype(int)) == 1) == 5


def test_without_a_pixel_size_the_long_side_stands_for_240_mm():
    assert Source("a", "a", (1935, 2400), None, {}).pixels_per_mm == 10
    assert Source("a", "a", (1935, 2400), 0.05, {}).pixels_per_mm == 20


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [(Blur, {"extent": (-1, 1)}, "below 0"), (Clahe, {"clip_limit": (0, 1)}, "invalid limit")],
)
def test_ranges_that_mean_nothing_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)

"""Views that parameters spell out: which they are, what they are called, what is refused, and that each is undone exactly."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.hooks.parameter_names import invalid_values
from ceph_pipeline.views import GRID_VIEWS, View, ViewGrid, views_name, views_of


def some(numbers):
    return st.lists(numbers, min_size=1, max_size=4, unique=True)


grids = st.builds(
    ViewGrid,
    flips=st.sampled_from([(False,), (True,), (False, True)]),
    scales=some(st.floats(0.5, 2)),
    rotations_deg=some(st.floats(-45, 45)),
)


unhurried = settings(deadline=None, max_examples=50)


class TestViewsOfAGrid:
    def test_every_combination_is_a_view(self):
        grid = ViewGrid(flips=(False, True), scales=(0.9, 1.1), rotations_deg=(-5,))
        assert grid.views == (View(False, 0.9, -5), View(False, 1.1, -5), View(True, 0.9, -5), View(True, 1.1, -5))

    def test_what_is_left_out_does_not_vary(self):
        assert ViewGrid(rotations_deg=(-5, 0, 5)).views == (View(rotation_deg=-5), View(), View(rotation_deg=5))
        assert ViewGrid().views == views_of("single")

    def test_the_frame_as_it_is_is_not_added(self):
        assert not any(view.is_identity for view in ViewGrid(flips=(False, True), scales=(0.9, 1.1)).views)

    @unhurried
    @given(grid=grids)
    def test_as_many_as_the_combinations_and_no_two_alike(self, grid):
        assert len(set(grid.views)) == len(grid.flips) * len(grid.scales) * len(grid.rotations_deg)

    def test_order_does_not_matter(self):
        grid = ViewGrid(flips=(True, False), scales=(1.1, 0.9), rotations_deg=(5, -5))
        assert grid == ViewGrid(flips=(False, True), scales=(0.9, 1.1), rotations_deg=(-5, 5))

    def test_a_name_a_grid_and_what_yaml_says_are_understood(self):
        assert views_of("grid") == GRID_VIEWS
        written = {"flips": [False, True], "scales": [1.0, 0.8, 1.2], "rotations_deg": [0, -3, 3]}
        assert views_of(DetectorParams.model_validate({"views_stage1": written}).views_stage1) == GRID_VIEWS

    def test_an_unknown_name_is_refused_in_python_too(self):
        with pytest.raises(ValueError, match=r"should be 'single', 'five', 'ten' or 'grid', or a grid such as \{flips"):
            DetectorParams(views_stage1="tenn")


class TestInverse:
    @unhurried
    @given(
        grid=grids,
        size=st.tuples(st.integers(8, 2400), st.integers(8, 2400)),
        place=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5),
    )
    def test_every_view_is_undone_to_a_billionth_of_a_pixel(self, grid, size, place):
        points = np.array(place) * (np.array(size) - 1)
        for view in grid.views:
            np.testing.assert_allclose(view.matrix(size).inverse()(view.matrix(size)(points)), points, rtol=0, atol=1e-9)

    @settings(deadline=None, max_examples=15)
    @given(grid=grids, size=st.tuples(st.integers(150, 190), st.integers(150, 190)), off=st.tuples(*[st.floats(-8, 8)] * 2))
    def test_a_dot_is_seen_where_the_map_says_and_found_again(self, grid, size, off):
        spot = (np.array(size) - 1) / 2 + off
        for view in grid.views:
            matrix = view.matrix(size)
            found = centroid(cv2.warpAffine(dot(spot, size), matrix.matrix, size, flags=cv2.INTER_LINEAR))
            assert np.linalg.norm(found - matrix(spot)) < 0.02
            assert np.linalg.norm(matrix.inverse()(found) - spot) < 0.02 / view.scale


def dot(spot, size):
    y, x = np.mgrid[: size[1], : size[0]]
    return np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * 4.0**2)).astype(np.float32)


def centroid(image):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(image * x).sum(), (image * y).sum()]) / image.sum()


class TestNames:
    """Cached predictions and calibrated uncertainty hold for views of one name."""

    @pytest.mark.parametrize("name", ["single", "five", "ten", "grid"])
    def test_a_named_set_has_its_name(self, name):
        assert views_name(name) == name

    def test_a_grid_names_its_steps(self):
        grid = ViewGrid(flips=(False, True), scales=(0.9, 1, 1.1), rotations_deg=(-5, 0, 5))
        assert views_name(grid) == str(grid) == "grid of 18 (flips no/yes, scales 0.9/1/1.1, rotations -5/0/5°)"

    @pytest.mark.parametrize("zero", [0, -0.0, 0.0])
    def test_all_spellings_of_a_grid_have_the_same(self, zero):
        grid = ViewGrid(flips=(True, False), scales=(1.1, 1, 0.9), rotations_deg=(zero,))
        assert views_name(grid) == "grid of 6 (flips no/yes, scales 0.9/1/1.1, rotations 0°)"

    def test_a_grid_of_a_named_sets_views_has_its_name(self):
        assert views_name(ViewGrid(flips=(False, True), scales=(0.8, 1, 1.2), rotations_deg=(-3, 0, 3))) == "grid"
        assert views_name(ViewGrid()) == "single"

    @unhurried
    @given(one=grids, other=grids)
    def test_other_views_have_another_name(self, one, other):
        assert (views_name(one) == views_name(other)) == (one.views == other.views)


class TestRefused:
    @pytest.mark.parametrize(
        ("views", "line"),
        [
            ("tenn", " = 'tenn': should be 'single', 'five', 'ten' or 'grid', or a grid such as {flips: "),
            (10, " = 10: should be 'single', 'five', 'ten' or 'grid', or a grid"),
            (["ten"], " = ['ten']: should be 'single', 'five', 'ten' or 'grid', or a grid"),
            (None, " = None: should be 'single', 'five', 'ten' or 'grid', or a grid"),
            ({"scale": [0.9]}, ".scale: no such parameter. Did you mean 'scales'?"),
            ({"scales": []}, ".scales = []: should contain at least one value."),
            ({"scales": [0.9, 1, 0.9]}, ".scales = [0.9, 1, 0.9]: 0.9 is given more than once."),
            ({"rotations_deg": [0, -0.0]}, ".rotations_deg = [0, -0.0]: 0.0 is given more than once."),
            ({"scales": [1, 0]}, ".scales.1 = 0: should be greater than or equal to 0.5."),
            ({"scales": [120]}, ".scales.0 = 120: should be less than or equal to 2."),
            ({"scales": [float("nan")]}, ".scales.0 = nan: should be a finite number."),
            ({"rotations_deg": [-90]}, ".rotations_deg.0 = -90: should be greater than or equal to -45."),
            ({"flips": ["left"]}, ".flips.0 = 'left': should be a valid boolean"),
        ],
    )
    def test_in_one_line_that_says_what_is_possible(self, views, line):
        found = list(invalid_values({"detector": {"views_stage1": views}}, {"detector": DetectorParams}))
        assert len(found) == 1
        assert found[0].startswith("detector.views_stage1" + line)


def test_an_environment_may_put_a_grid_in_a_names_place_and_a_name_in_a_grids():
    name, grid = ({"views_stage1": views} for views in ("ten", {"scales": [0.9, 1.1]}))
    for base, over in ((name, grid), (grid, name)):
        merged = OmegaConf.to_container(OmegaConf.merge(base, over))
        assert DetectorParams.model_validate(merged) == DetectorParams.model_validate(over)

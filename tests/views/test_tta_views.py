import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceph_pipeline.views import GRID_VIEWS, TEN_VIEWS, View, fuse_views, views_of

sizes = st.tuples(st.integers(8, 2000), st.integers(8, 2000))
views = st.builds(View, flip=st.booleans(), scale=st.floats(0.3, 3), rotation_deg=st.floats(-180, 180))
points = st.lists(st.tuples(st.floats(-500, 2500), st.floats(-500, 2500)), min_size=1, max_size=5).map(np.array)
unhurried = settings(deadline=None, max_examples=50)


class TestView:
    @unhurried
    @given(view=views, size=sizes, points=points)
    def test_back_undoes_the_view(self, view, size, points):
        np.testing.assert_allclose(view.matrix(size).inverse()(view.matrix(size)(points)), points, atol=1e-8)

    @unhurried
    @given(view=views, size=sizes)
    def test_true_centre_stays(self, view, size):
        centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
        np.testing.assert_allclose(view.matrix(size)(centre), centre, atol=1e-9)

    @unhurried
    @given(view=views, size=sizes)
    def test_distances_grow_by_the_scale(self, view, size):
        a, b = view.matrix(size)([[0.0, 0.0], [3.0, 4.0]])
        assert np.linalg.norm(a - b) == pytest.approx(5 * view.scale)

    def test_flip_mirrors_x_to_the_last_column(self):
        np.testing.assert_allclose(View(flip=True).matrix((100, 50))([10.0, 7.0]), [89, 7])

    def test_positive_rotation_lifts_the_right_side(self):
        x, y = View(rotation_deg=90).matrix((101, 101))([100.0, 50.0])
        assert (x, y) == pytest.approx((50, 0))

    def test_only_the_plain_view_is_the_identity(self):
        assert [view.is_identity for view in TEN_VIEWS] == [True] + [False] * 9

    def test_scale_of_zero_is_refused(self):
        with pytest.raises(ValueError, match="scale must be positive"):
            View(scale=0)


class TestViewSets:
    def test_ten_views_are_five_and_their_mirror_images(self):
        assert len(set(TEN_VIEWS)) == 10
        plain = {(view.scale, view.rotation_deg) for view in TEN_VIEWS if not view.flip}
        assert plain == {(1.0, 0.0), (0.8, 0.0), (1.2, 0.0), (1.0, -3.0), (1.0, 3.0)}
        assert plain == {(view.scale, view.rotation_deg) for view in TEN_VIEWS if view.flip}

    def test_grid_has_18(self):
        assert len(set(GRID_VIEWS)) == 18
        assert set(TEN_VIEWS) <= set(GRID_VIEWS)

    def test_five_have_no_flip(self):
        assert not any(view.flip for view in views_of("five"))
        assert len(views_of("five")) == 5


class TestFuseViews:
    ANSWERS = np.array([[0.0, 0.0], [2.0, 0.0], [10.0, 3.0]])[:, None, None]

    def test_mean_and_median_are_those_on_paper(self):
        assert fuse_views(self.ANSWERS)[0].tolist() == [[[4.0, 1.0]]]
        assert fuse_views(self.ANSWERS, how="median")[0].tolist() == [[[2.0, 0.0]]]

    def test_confidence_weighs(self):
        scores = np.array([3.0, 1.0, 0.0])[:, None, None]
        assert fuse_views(self.ANSWERS, scores, "confidence")[0].tolist() == [[[0.5, 0.0]]]

    def test_a_peak_below_zero_has_no_weight(self):
        scores = np.array([0.002, -0.0019, 0.0])[:, None, None]
        assert fuse_views(self.ANSWERS, scores, "confidence")[0].tolist() == [[[0.0, 0.0]]]

    def test_no_confidence_at_all_is_the_plain_mean(self):
        assert fuse_views(self.ANSWERS, np.zeros((3, 1, 1)), "confidence")[0].tolist() == [[[4.0, 1.0]]]

    def test_spread_estimates_the_standard_deviation_of_one_axis(self):
        answers = np.random.default_rng(0).normal(0, 1.7, (10, 400, 5, 2))
        assert np.sqrt((fuse_views(answers)[1] ** 2).mean()) == pytest.approx(1.7, rel=0.02)

    def test_one_view_says_nothing_about_the_spread(self):
        points, spread = fuse_views(self.ANSWERS[:1])
        assert points.tolist() == [[[0.0, 0.0]]]
        assert np.isnan(spread).all()

    @pytest.mark.parametrize("how", ["mean", "median", "confidence"])
    def test_unanswered_views_are_left_out(self, how):
        answers = np.stack([*self.ANSWERS[:2], np.full((1, 1, 2), np.nan)])
        points, spread = fuse_views(answers, np.ones((3, 1, 1)), how)
        assert points.tolist() == [[[1.0, 0.0]]]
        assert spread[0, 0] == pytest.approx(1.0)

    @pytest.mark.parametrize("how", ["mean", "median", "confidence"])
    def test_no_answer_stays_nan(self, how):
        points, spread = fuse_views(np.full((3, 1, 2, 2), np.nan), np.ones((3, 1, 2)), how)
        assert np.isnan(points).all()
        assert np.isnan(spread).all()

    def test_a_misspelt_fusion_is_refused(self):
        with pytest.raises(ValueError, match="fusion = 'men': should be 'mean', 'median', 'confidence'"):
            fuse_views(self.ANSWERS, np.ones((3, 1, 1)), "men")

    def test_wrong_shapes_are_refused(self):
        with pytest.raises(ValueError, match=r"\(V, N, K, 2\)"):
            fuse_views(self.ANSWERS[0])
        with pytest.raises(ValueError, match="needs the views' scores"):
            fuse_views(self.ANSWERS, how="confidence")
        with pytest.raises(ValueError, match=r"shape \(3, 1, 1\), got \(3, 2, 1\)"):
            fuse_views(self.ANSWERS, np.ones((3, 2, 1)), "confidence")

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from ceph_pipeline.evaluation.breakdown import image_ranking, landmark_table
from ceph_pipeline.evaluation.figures import COLOURS, landmark_figure, sdr_curve
from ceph_pipeline.evaluation.gallery import gallery, overlay, representative_images
from ceph_pipeline.evaluation.headline import on_split
from ceph_pipeline.evaluation.insets import worst_landmarks
from ceph_pipeline.images.overlay_style import TRUTH_COLOUR

THRESHOLDS = (2.0, 2.5, 3.0, 4.0)


@pytest.fixture
def test_errors(errors, images):
    return on_split(errors, images, "test")


class TestSdrCurve:
    def test_one_line_each_labelled_with_its_mean(self, test_errors):
        (axes,) = sdr_curve(test_errors, THRESHOLDS).axes
        assert [line.get_label() for line in axes.lines] == [
            "stage 1: 2.50 mm",
            "stage 1 + TTA: 2.00 mm",
            "stage 2: 1.25 mm",
            "stage 2 + TTA: 1.00 mm",
            "reader to truth: 0.50 mm",
            "mean shape: 12.00 mm",
        ]

    def test_curve_passes_through_the_detection_rate(self, test_errors):
        (axes,) = sdr_curve(test_errors, THRESHOLDS).axes
        x, y = axes.lines[0].get_data()
        assert np.interp([1.9, 2.1, 3.1, 4.1], x, y) == pytest.approx([25, 50, 75, 100])

    def test_thresholds_are_on_the_axis(self, test_errors):
        (axes,) = sdr_curve(test_errors, THRESHOLDS).axes
        assert set(THRESHOLDS) <= set(axes.get_xticks())

    def test_without_pixel_sizes_the_axis_is_in_pixels(self, test_errors):
        (axes,) = sdr_curve(test_errors.assign(error_mm=np.nan), THRESHOLDS).axes
        assert axes.get_xlabel() == "radial error at most (px)"
        assert axes.lines[0].get_label() == "stage 1: 25.00 px"

    def test_stage_without_a_known_error_has_no_line(self, test_errors):
        unknown = test_errors.assign(error_mm=test_errors["error_mm"].mask(test_errors["stage"] == "reader_to_truth"))
        (axes,) = sdr_curve(unknown, THRESHOLDS).axes
        assert not any("reader" in line.get_label() for line in axes.lines)


class TestLandmarkFigure:
    def test_hardest_landmark_is_on_top_and_named_with_its_symbol(self, test_errors, statistics):
        harder = test_errors.assign(error_mm=test_errors["error_mm"] + (test_errors["landmark"] == "Menton"))
        (axes,) = landmark_figure(landmark_table(harder, statistics)).axes
        assert axes.get_yticklabels()[-1].get_text() == "Menton (Me)"

    def test_a_point_each_at_its_mean_in_the_stage_s_colour(self, test_errors, statistics):
        (axes,) = landmark_figure(landmark_table(test_errors, statistics)).axes
        means = {line.get_color(): line.get_xdata() for line in axes.lines}
        np.testing.assert_allclose(means[COLOURS["stage1"]], 2.5)
        np.testing.assert_allclose(means[COLOURS["stage2_tta"]], 1.0)

    def test_readers_distance_is_a_bar_behind(self, test_errors, statistics):
        (axes,) = landmark_figure(landmark_table(test_errors, statistics)).axes
        assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.5, 0.5, 0.5])

    def test_intervals_are_drawn_where_there_are_any(self, many_errors, many_images, statistics):
        table = landmark_table(on_split(many_errors, many_images, "test"), statistics)
        (axes,) = landmark_figure(table).axes
        segments = axes.collections[0].get_segments()
        low, high = table.loc[(table["stage"] == "stage1") & (table["landmark"] == "Sella"), ["mre_mm_low", "mre_mm_high"]].iloc[
            0
        ]
        assert any(segment[:, 0] == pytest.approx([low, high]) for segment in segments)

    def test_the_legend_lies_outside_the_axes(self, test_errors, statistics):
        figure = landmark_figure(landmark_table(test_errors, statistics))
        figure.draw_without_rendering()
        assert not figure.legends[0].get_window_extent().overlaps(figure.axes[0].get_window_extent())

    def test_one_image_has_points_and_no_intervals_and_the_title_says_so(self, test_errors, statistics):
        one_image = test_errors[test_errors["image_id"] == "test_a"]
        (axes,) = landmark_figure(landmark_table(one_image, statistics)).axes
        assert not any(len(segment) for lines in axes.collections for segment in lines.get_segments())
        assert len(axes.lines) == 4
        assert "fewer than 10 images" in axes.get_title(loc="left")

    def test_single_stage_and_reader_in_pixels(self, test_errors, statistics):
        one = test_errors[test_errors["stage"] == "stage1"].assign(error_mm=np.nan)
        (axes,) = landmark_figure(landmark_table(one, statistics)).axes
        assert axes.get_xlabel() == "mean radial error (px)"
        assert not axes.patches


class TestRepresentativeImages:
    def test_best_median_and_worst(self):
        ranking = pd.Series(np.arange(9.0), index=list("abcdefghi"))
        assert representative_images(ranking, 2) == {"best": ["a", "b"], "median": ["d", "e"], "worst": ["i", "h"]}

    @pytest.mark.parametrize("n_images", range(1, 8))
    def test_no_image_is_shown_twice(self, n_images):
        ranking = pd.Series(np.arange(float(n_images)), index=[f"i{k}" for k in range(n_images)])
        shown = [image_id for kind in representative_images(ranking, 3).values() for image_id in kind]
        assert len(shown) == len(set(shown)) >= min(n_images, 2)


class TestGallery:
    def test_truth_is_drawn_on_its_pixel(self):
        image = np.full((60, 80), 120, np.uint8)
        truth, pred = np.array([[30.0, 20.0], [60.0, 45.0]]), np.full((2, 2), np.nan)
        figure = Figure(figsize=(8, 6), dpi=100)
        axes = figure.add_axes((0, 0, 1, 1))
        overlay(axes, image, truth, pred, ["Sella", "Nasion"])
        axes.set(xlim=(-0.5, 79.5), ylim=(59.5, -0.5))
        picture = _rendered(figure)
        green = np.abs(picture - np.array(to_rgb(TRUTH_COLOUR))).max(axis=-1) < 0.02
        rows, columns = np.nonzero(green)
        left = columns < 450
        drawn = [(columns[side].mean(), rows[side].mean()) for side in (left, ~left)]
        expected = (truth + 0.5) * 10 - 0.5  # 10 screen pixels an image pixel
        np.testing.assert_allclose(drawn, expected, atol=1.0)

    def test_pixel_centres_are_at_integers(self):
        figure = Figure()
        axes = figure.add_subplot()
        overlay(axes, np.zeros((60, 80), np.uint8), *np.full((2, 1, 2), 5.0), ["Sella"])
        assert axes.images[0].get_extent() == [3.5, 6.5, 6.5, 3.5]  # px 4 to 6 around a point at 5

    def test_view_holds_every_known_point_and_stays_within_the_image(self):
        axes = Figure().add_subplot()
        truth = np.array([[2.0, 3.0], [np.nan, np.nan]])
        overlay(axes, np.zeros((600, 800), np.uint8), truth, np.array([[500.0, 400.0], [510.0, 599.0]]), ["Sella", "Nasion"])
        assert axes.get_xlim()[0] == -0.5
        assert 510 < axes.get_xlim()[1] < 600
        assert axes.get_ylim() == (599.5, -0.5)

    def test_image_without_any_point_is_shown_whole(self):
        axes = Figure().add_subplot()
        nothing = np.full((1, 2), np.nan)
        overlay(axes, np.zeros((60, 80), np.uint8), nothing, nothing, ["Sella"])
        assert axes.get_xlim() == (-0.5, 79.5)

    def test_rows_are_best_median_worst_with_their_errors(self, test_errors, predictions, truth):
        ranking = image_ranking(test_errors, "stage2")
        figure = gallery(
            representative_images(ranking, 3),
            ranking,
            predictions[predictions["stage"] == "stage2"],
            truth,
            lambda _: np.zeros((1500, 1200), np.uint8),
            stage="stage2",
            px_length=dict.fromkeys(ranking.index, 0.1),
        )
        assert [axes.get_title() for axes in figure.axes] == [
            "best: test_a, 0.50 mm",
            *["0.50 mm"] * 3,
            "median: test_b, 1.00 mm",
            *["1.00 mm"] * 3,
            "worst: test_d, 2.00 mm",
            *["2.00 mm"] * 3,
        ]
        assert "stage 2:" in figure.get_suptitle()
        assert len(figure.axes[0].collections[0].get_segments()) == 3  # truth to prediction, one a landmark


class TestInsets:
    TRUTH = np.array([[100.0, 100.0], [300.0, 100.0], [200.0, 250.0], [np.nan, np.nan]])
    PRED = TRUTH + np.array([[1.0, 0.0], [0.0, 30.0], [-5.0, 0.0], [0.0, 0.0]])

    def test_the_worst_comes_first_and_unknown_errors_never(self):
        assert worst_landmarks(self.TRUTH, self.PRED, 3) == [1, 2, 0]
        assert worst_landmarks(self.TRUTH, self.PRED, 9) == [1, 2, 0]
        assert worst_landmarks(np.full((2, 2), np.nan), np.zeros((2, 2))) == []

    def test_a_detail_holds_both_points_and_is_framed_in_the_overlay(self, test_errors, predictions, truth):
        ranking = image_ranking(test_errors, "stage1").tail(1)
        figure = gallery(
            {"best": [], "median": [], "worst": ["test_d"]},
            ranking,
            predictions[predictions["stage"] == "stage1"],
            truth,
            lambda _: np.zeros((1500, 1200), np.uint8),
            stage="stage1",
            px_length={"test_d": 0.1},
        )
        main, *details = figure.axes
        framed = [(frame.get_x(), frame.get_width()) for frame in main.patches]
        np.testing.assert_allclose(framed, [(axes.get_xlim()[0], np.ptp(axes.get_xlim())) for axes in details])
        for axes in details:
            (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
            drawn = np.concatenate([line.get_xydata() for line in axes.lines])
            assert ((drawn > (left, top)) & (drawn < (right, bottom))).all()


def _rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100)
    return np.asarray(Image.open(buffer).convert("RGB")) / 255

"""Several trainings in one table and one figure, in numbers on paper."""

import pandas as pd
import pytest

from ceph_pipeline.evaluation.variants import ALL, learning_curve_figure, network_figure, variant_lines, variant_table

VARIANTS = pd.DataFrame(
    {
        "variant": ["5", "50"],
        "n_sources": [5, 50],
        "n_parameters": [1_500_000] * 2,
        "epochs": 20,
        "training_seconds": [60.0, 90.0],
        "images_per_s": [4.0, 5.0],
    }
)


def errors(*values: float) -> pd.DataFrame:
    table = pd.DataFrame({"landmark": ["p1", "p2"] * (len(values) // 2), "error_px": values})
    return table.assign(error_mm=0.1 * table["error_px"])


def of_many(*values: float) -> pd.DataFrame:
    """Errors of five landmarks in mm, 1 mm apart, a pixel 0.1 mm."""
    rows = [(f"point {number}", value + number) for value in values for number in range(5)]
    table = pd.DataFrame(rows, columns=["landmark", "error_mm"])
    return table.assign(error_px=10 * table["error_mm"])


@pytest.fixture
def table() -> pd.DataFrame:
    return variant_table({"5": errors(2.0, 4.0, 6.0, float("nan")), "50": errors(1.0, 1.0, 2.0, 2.0)}, VARIANTS)


def test_each_landmark_and_all_together_have_a_row(table: pd.DataFrame) -> None:
    rows = table.set_index(["variant", "landmark"])
    assert rows.loc[("5", ALL), ["n", "mean_px", "median_px", "min_px", "max_px"]].tolist() == [3, 4, 4, 2, 6]
    assert rows.loc[("5", "p1"), "mean_px"] == 4
    assert rows.loc[("50", "p2"), "sd_px"] == pytest.approx(0.5**0.5)
    assert rows.loc[("50", ALL), "training_seconds"] == 90


def test_a_sentence_says_what_each_cost(table: pd.DataFrame) -> None:
    assert variant_lines(table)[0] == (
        "5: mean 4.00 px, median 4.00 px (5 sources, 1.5 million parameters, 20 epochs at most, 1.0 min, then 4.0 images/s)"
    )


def test_the_curve_goes_down_over_the_number_of_images(table: pd.DataFrame) -> None:
    axes = learning_curve_figure(table).axes[0]
    every = next(line for line in axes.lines if line.get_label() == f"{ALL}, mean")
    assert every.get_xydata().tolist() == [[5, 4], [50, 1.5]]


def test_many_landmarks_are_a_band_in_mm_and_not_a_line_each() -> None:
    table = variant_table({"5": of_many(2.0, 4.0), "50": of_many(1.0, 1.0)}, VARIANTS)
    figure = learning_curve_figure(table)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "error on test images, mm"
    assert axes.lines[0].get_xydata().tolist() == [[5, 5], [50, 3]]
    (band,) = axes.collections
    assert band.get_paths()[0].get_extents().bounds == (5, 1, 45, 6)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "range of the means of 5 landmarks; last: point 0 (lowest) to point 4",
        "all, mean",
        "all, median",
    ]
    assert variant_lines(table)[1].startswith("50: mean 3.00 mm, median 3.00 mm (50 sources")


def test_a_film_without_a_pixel_size_leaves_pixels() -> None:
    unknown = of_many(2.0, 4.0)
    unknown.loc[0, "error_mm"] = float("nan")
    table = variant_table({"5": unknown, "50": of_many(1.0, 1.0)}, VARIANTS)
    assert learning_curve_figure(table).axes[0].get_ylabel() == "error on test images, px"


def test_networks_are_side_by_side(table: pd.DataFrame) -> None:
    figure = network_figure(table)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["5", "50"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [4, 1.5]
    assert [bar.get_width() for bar in figure.axes[3].patches] == [4, 5]

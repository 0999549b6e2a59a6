"""Several trainings in one table and one figure, in numbers on paper."""

import pandas as pd
import pytest

from ceph_pipeline.evaluation.variants import BOTH, learning_curve_figure, network_figure, variant_lines, variant_table

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
    return pd.DataFrame({"landmark": ["p1", "p2"] * (len(values) // 2), "error_px": values})


@pytest.fixture
def table() -> pd.DataFrame:
    return variant_table({"5": errors(2.0, 4.0, 6.0, float("nan")), "50": errors(1.0, 1.0, 2.0, 2.0)}, VARIANTS)


def test_each_landmark_and_all_together_have_a_row(table: pd.DataFrame) -> None:
    rows = table.set_index(["variant", "landmark"])
    assert rows.loc[("5", BOTH), ["n", "mean_px", "median_px", "min_px", "max_px"]].tolist() == [3, 4, 4, 2, 6]
    assert rows.loc[("5", "p1"), "mean_px"] == 4
    assert rows.loc[("50", "p2"), "sd_px"] == pytest.approx(0.5**0.5)
    assert rows.loc[("50", BOTH), "training_seconds"] == 90


def test_a_sentence_says_what_each_cost(table: pd.DataFrame) -> None:
    assert variant_lines(table)[0] == (
        "5: mean 4.00 px, median 4.00 px (5 sources, 1.5 million parameters, 20 epochs at most, 1.0 min, then 4.0 images/s)"
    )


def test_the_curve_goes_down_over_the_number_of_images(table: pd.DataFrame) -> None:
    axes = learning_curve_figure(table).axes[0]
    every = next(line for line in axes.lines if line.get_label() == f"{BOTH}, mean")
    assert every.get_xydata().tolist() == [[5, 4], [50, 1.5]]


def test_networks_are_side_by_side(table: pd.DataFrame) -> None:
    figure = network_figure(table)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["5", "50"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [4, 1.5]
    assert [bar.get_width() for bar in figure.axes[3].patches] == [4, 5]

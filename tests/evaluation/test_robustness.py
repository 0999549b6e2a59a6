"""Errors by kind of copy, on copies whose errors are known."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation.context_figures import robustness_figure
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.robustness import robustness_table

STATISTICS = StatisticsParams(n_resamples=500)
LANDMARKS = ["Sella", "Nasion"]
SOURCES = [f"{letter}{number}" for number in range(4) for letter in "abc"]
PX = {source: {"a": 10.0, "b": 20.0, "c": 30.0}[source[0]] for source in SOURCES}
"""Error of both points on the original; a copy's is this plus what its kind costs."""
COST_PX = {"flip": 5.0, "rotation": -2.0}


def rows(image_id, stage, errors, pixel_size=0.1):
    errors = np.asarray(errors, float)
    return pd.DataFrame(
        {
            "image_id": image_id,
            "stage": stage,
            "landmark": LANDMARKS,
            "has_truth": True,
            "error_px": errors,
            "error_mm": pixel_size * errors,
        }
    )


@pytest.fixture
def originals():
    return pd.concat([rows(source, "stage1", [PX[source]] * 2) for source in SOURCES])


@pytest.fixture
def copied():
    """One flip and two rotations of each source; the last source also with braces."""
    plan = [(source, kind, copy) for source in SOURCES for kind, n in (("flip", 1), ("rotation", 2)) for copy in range(n)]
    plan.append(("c0", "braces", 0))
    names = [f"{source}__{kind}_{copy}" for source, kind, copy in plan]
    table = pd.DataFrame(plan, columns=["source_id", "kind", "copy"])
    return table.assign(image_id=names, split="test")


@pytest.fixture
def copies(copied):
    return pd.concat(
        rows(row.image_id, "stage1", [PX[row.source_id] + COST_PX.get(row.kind, 0.0)] * 2) for row in copied.itertuples()
    )


@pytest.fixture
def table(copies, copied, originals):
    return robustness_table(copies, copied, originals, STATISTICS).set_index("kind")


class TestTable:
    def test_originals_come_first_and_every_kind_has_a_row(self, table):
        assert list(table.index) == ["original", "flip", "rotation", "braces"]
        assert table["n_images"].to_dict() == {"original": 12, "flip": 12, "rotation": 24, "braces": 1}

    def test_errors_are_those_on_paper(self, table):
        assert table["mre_mm"].to_dict() == pytest.approx({"original": 2.0, "flip": 2.5, "rotation": 1.8, "braces": 3.0})
        assert table.loc["flip", "mre_px"] == pytest.approx(25)
        assert table["sdr_2.0"].to_dict() == pytest.approx(
            {"original": 200 / 3, "flip": 100 / 3, "rotation": 200 / 3, "braces": 0}
        )

    def test_what_a_kind_costs_is_free_of_how_hard_its_sources_are(self, table):
        """Paired: every copy is exactly 0.5 mm worse than its own original, so no resample says otherwise."""
        flip = table.loc["flip", ["difference_mm", "difference_mm_low", "difference_mm_high"]].astype(float)
        assert flip.tolist() == pytest.approx([0.5, 0.5, 0.5])
        assert table.loc["flip", "mre_mm_low"] < table.loc["flip", "mre_mm"] < table.loc["flip", "mre_mm_high"]
        assert table.loc["rotation", "difference_px"] == pytest.approx(-2)

    def test_a_kind_that_is_easier_than_its_originals_has_an_interval_below_0(self, table):
        rotation = table.loc["rotation", ["difference_mm", "difference_mm_low", "difference_mm_high"]].astype(float)
        assert rotation.tolist() == pytest.approx([-0.2, -0.2, -0.2])

    def test_braces_are_compared_with_their_own_sources_only(self, table):
        assert table.loc["braces", "difference_mm"] == pytest.approx(0)  # 3 mm, as source c alone; not 2, the mean of all
        assert table.loc["braces", "n_sources"] == 1

    def test_one_source_gives_no_interval(self, table):
        assert np.isnan(table.loc["braces", ["mre_mm_low", "difference_mm_low"]].astype(float)).all()

    def test_copies_of_a_source_are_drawn_together(self, copies, copied, originals):
        """Doubling every copy adds no information, so it must not narrow the interval."""
        doubled = copied[copied["kind"] == "flip"].assign(copy=1, image_id=lambda part: part["image_id"] + "x")
        again = copies[copies["image_id"].isin(copied.loc[copied["kind"] == "flip", "image_id"])]
        both = robustness_table(
            pd.concat([copies, again.assign(image_id=again["image_id"] + "x")]),
            pd.concat([copied, doubled]),
            originals,
            STATISTICS,
        ).set_index("kind")
        once = robustness_table(copies, copied, originals, STATISTICS).set_index("kind")
        for column in ("mre_mm_low", "mre_mm_high"):
            assert both.loc["flip", column] == pytest.approx(once.loc["flip", column])

    def test_points_that_left_the_frame_do_not_count_and_lost_predictions_are_counted(self, copies, copied, originals):
        sella = (copies["image_id"] == "a0__flip_0") & (copies["landmark"] == "Sella")
        nasion = (copies["image_id"] == "b0__flip_0") & (copies["landmark"] == "Nasion")
        gone = copies.assign(
            has_truth=~sella.to_numpy(),
            error_px=copies["error_px"].mask(sella | nasion),
            error_mm=copies["error_mm"].mask(sella | nasion),
        )
        flip = robustness_table(gone, copied, originals, STATISTICS).set_index("kind").loc["flip"]
        assert (flip["n_points"], flip["n_missing"]) == (22, 1)
        assert flip["difference_mm"] == pytest.approx(0.5)

    def test_without_pixel_sizes_it_is_in_pixels(self, copies, copied, originals):
        table = robustness_table(copies.assign(error_mm=np.nan), copied, originals.assign(error_mm=np.nan), STATISTICS)
        assert table["mre_mm"].isna().all()
        assert table.set_index("kind").loc["flip", "difference_px"] == pytest.approx(5)

    def test_no_copies_no_rows(self, copies, copied, originals):
        assert robustness_table(copies.head(0), copied.head(0), originals, STATISTICS).empty


class TestFigure:
    def test_a_bar_a_kind_with_its_cost_above(self, table):
        (axes,) = robustness_figure(table.reset_index()).axes
        assert [bar.get_height() for bar in axes.patches] == pytest.approx([2.0, 2.5, 1.8, 3.0])
        assert [text.get_text() for text in axes.texts] == ["+0.50", "-0.20", "+0.00"]
        assert axes.get_xticklabels()[1].get_text() == "flip\n12 images"

    def test_no_copies_is_said(self):
        (axes,) = robustness_figure(pd.DataFrame(columns=["stage", "split", "kind"])).axes
        assert "no augmented copies" in axes.texts[0].get_text()

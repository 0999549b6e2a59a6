"""Timing of the statistics: a test set whose errors are known by construction, and everything the evaluation makes of it."""

import evaluation_statistics
import numpy as np
import pytest


@pytest.fixture(scope="module")
def tables():
    return evaluation_statistics.draw_tables(20, ("stage1", "stage2"))


def test_every_image_has_every_stage_s_points_and_both_readers(tables):
    assert tables.images["split"].value_counts().to_dict() == {"test": 20, "valid": 4}
    assert len(tables.predictions) == 24 * 29 * 2
    assert len(tables.landmarks) == 24 * 29 * 3
    assert len(tables.copies) == 4 * 20


def test_errors_are_as_large_as_they_were_drawn(tables):
    stage1 = tables.errors[tables.errors["stage"] == "stage1"]
    expected = evaluation_statistics.STAGE_SD_PX * np.sqrt(np.pi / 2)  # mean of a Rayleigh distribution
    assert stage1["error_px"].mean() == pytest.approx(expected, rel=0.05)
    assert set(tables.errors["stage"]) == {"stage1", "stage2", "mean_shape", "inter_reader"}


def test_each_statistic_is_timed_and_everything_is_their_sum():
    table = evaluation_statistics.time_statistics(images=10, iterations=1, warmup=0).set_index("statistic")["seconds"]
    assert (table > 0).all()
    assert table.index[-1] == evaluation_statistics.EVERYTHING
    assert table.iloc[-1] == pytest.approx(table.iloc[:-1].sum())
    assert "headline, 10,000 resamples" in table

"""The statistics' benchmark: a test set whose errors are known by construction, and everything the evaluation makes of it."""

import numpy as np
import pytest

from ceph_pipeline.benchmark import BenchmarkParams, StatisticsCase, statistics

CASE = StatisticsCase(images=20, stages=("stage1", "stage2"))
PARAMS = BenchmarkParams(num_iterations=3, num_warmup=1, statistics=CASE)


@pytest.fixture(scope="module")
def tables():
    return statistics.draw_tables(CASE)


def test_every_image_has_every_stage_s_points_and_both_readers(tables):
    assert tables.images["split"].value_counts().to_dict() == {"test": 20, "valid": 4}
    assert len(tables.predictions) == 24 * 29 * 2
    assert len(tables.landmarks) == 24 * 29 * 3
    assert len(tables.copies) == 4 * 20


def test_errors_are_as_large_as_they_were_drawn(tables):
    stage1 = tables.errors[tables.errors["stage"] == "stage1"]
    expected = statistics.STAGE_SD_PX * np.sqrt(np.pi / 2)  # mean of a Rayleigh distribution
    assert stage1["error_px"].mean() == pytest.approx(expected, rel=0.05)
    assert set(tables.errors["stage"]) == {"stage1", "stage2", "mean_shape", "inter_reader"}


def test_each_statistic_is_timed_and_everything_is_their_sum():
    table = statistics.time_statistics(PARAMS).set_index("statistic")["seconds"]
    assert (table > 0).all()
    assert table.index[-1] == statistics.EVERYTHING
    assert table.iloc[-1] == pytest.approx(table.iloc[:-1].sum())
    assert "headline, 10,000 resamples" in table

"""Tables that are computed once."""

import logging

import pandas as pd
import pytest

from ceph_pipeline.artifacts.cached_table import cached_table

MADE_FROM = {"network": "a1"}


def table(value=1.0):
    return pd.DataFrame({"image_id": ["a"], "x": [value]})


def test_what_is_there_is_not_computed_again(tmp_path):
    cached_table(tmp_path, "points", MADE_FROM, table)
    pd.testing.assert_frame_equal(cached_table(tmp_path, "points", MADE_FROM, lambda: table(2.0)), table())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no table at all"])
def test_a_damaged_one_is_computed_again(tmp_path, caplog, content):
    cached_table(tmp_path, "points", MADE_FROM, table)
    (tmp_path / "points" / "points.parquet").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        again = cached_table(tmp_path, "points", MADE_FROM, table)

    pd.testing.assert_frame_equal(again, table())
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "points" / "points.parquet"), table())
    assert "points.parquet is damaged" in caplog.text

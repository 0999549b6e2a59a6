"""Pairs of ruler marks that are no ruler, in any format."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.formats.ruler_marks import unusable_marks


def table(*rulers, reader="annotator_1"):
    """Rows of films `0, 1, …`, each with its p1 and p2."""
    rows = [
        (str(film), reader, mark, *point)
        for film, ends in enumerate(rulers)
        for mark, point in zip(("p1", "p2"), ends, strict=True)
    ]
    return pd.DataFrame(rows, columns=["image_id", "reader", "landmark", "x", "y"]).astype({"x": float, "y": float})


UP = [((100.0 + film, 300.0), (103.0, 200.0)) for film in range(6)]
NONE = ((np.nan, np.nan), (np.nan, np.nan))


def test_rulers_that_stand_one_way_are_left_alone():
    unusable, problems = unusable_marks(table(*UP, NONE, ((1.0, 2.0), (np.nan, np.nan))), {})
    assert not unusable.any()
    assert not problems


def test_a_pair_in_each_other_s_place_is_found():
    unusable, problems = unusable_marks(table(*UP, ((100.0, 200.0), (100.0, 300.0))), {("6", "annotator_1"): "export.json"})
    assert np.flatnonzero(unusable).tolist() == [12, 13]
    assert [problem.item for problem in problems] == ["6/p1", "6/p2"]
    assert "6 of 7 rulers have the opposite direction" in str(problems[0])
    assert problems[0].file == "export.json"


def test_one_reader_s_exchange_is_that_reader_s():
    exchanged = table(*(ends[::-1] for ends in UP[:1]), reader="annotator_2")
    marks = pd.concat([table(*UP), exchanged], ignore_index=True)
    assert set(marks.loc[unusable_marks(marks, {})[0], "reader"]) == {"annotator_2"}


@pytest.mark.parametrize("rulers", [[*UP[:3], UP[3][::-1]], [*UP[:3], *(ends[::-1] for ends in UP[3:])]])
def test_few_rulers_and_rulers_of_no_one_way_say_nothing(rulers):
    assert not unusable_marks(table(*rulers), {})[0].any()


def test_two_marks_on_one_spot_have_no_length():
    unusable, problems = unusable_marks(table(((100.0, 200.0), (100.2, 200.0)), ((1.0, 1.0), (2.0, 1.0))), {})
    assert np.flatnonzero(unusable).tolist() == [0, 1]
    assert "only 0.2 px apart" in str(problems[0])


def test_a_table_without_rulers_is_left_alone():
    face = pd.DataFrame({"image_id": ["a"], "reader": ["senior"], "landmark": ["Sella"], "x": [1.0], "y": [2.0]})
    assert not unusable_marks(face, {})[0].any()

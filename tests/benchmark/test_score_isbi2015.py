"""Predicted points of ISBI 2015 are scored from the annotation files alone, by the evaluation's own figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from score_isbi2015 import LANDMARKS, ScoreError, main, read_table, score

IDS = [f"{number:03d}" for number in range(151, 163)]
TRUTH = np.column_stack([100.0 + 10 * np.arange(19), 200.0 + 5 * np.arange(19)])


@pytest.fixture
def annotations(tmp_path):
    """Both readers 4 px beside the truth, one to each side, and class lines as in the challenge's files."""
    for reader, side in (("senior", -4), ("junior", 4)):
        folder = tmp_path / "AnnotationsByMD" / f"400_{reader}"
        folder.mkdir(parents=True)
        text = "".join(f"{x + side:g},{y:g}\n" for x, y in TRUTH) + "1\n2\n"
        for image_id in IDS:
            (folder / f"{image_id}.txt").write_text(text)
    return tmp_path / "AnnotationsByMD"


def _table(shift):
    """Points beside the truth by `shift` (12, 2) px an image."""
    rows = [
        (image_id, landmark, x + dx, y + dy)
        for image_id, (dx, dy) in zip(IDS, shift, strict=True)
        for landmark, (x, y) in zip(LANDMARKS, TRUTH, strict=True)
    ]
    return pd.DataFrame(rows, columns=["image_id", "landmark", "x", "y"])


class TestScore:
    def test_errors_are_distances_to_the_mean_of_both_readers_at_a_tenth_of_a_millimetre(self, annotations):
        figures = score(_table([(6, 8)] * 9 + [(18, 24)] * 3), annotations)
        assert figures["mre_mm"] == pytest.approx(1.5)  # nine films at 1 mm, three at 3 mm
        assert (figures["sdr_2.0"], figures["sdr_3.0"], figures["n_images"]) == (75.0, 100.0, 12)
        assert figures["mre_mm_ci95"][0] < 1.5 < figures["mre_mm_ci95"][1]

    def test_of_several_tables_is_a_row_each_and_their_mean(self, annotations, tmp_path):
        for name, shift in (("a", (6, 8)), ("b", (9, 12))):
            _table([shift] * 12).to_csv(tmp_path / f"{name}.csv", index=False)
        arguments = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--annotations", str(annotations)]
        lines = CliRunner().invoke(main, arguments, catch_exceptions=False).stdout.splitlines()
        assert lines[2].startswith("| a.csv | 12 | 1.000 |")
        assert lines[3].startswith("| b.csv | 12 | 1.500 |")
        assert lines[4].startswith("| mean of 2 |  | 1.250 | range 0.500 | 100.00 |")


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda table: table.drop(columns="y"), "no column 'y', expected image_id, landmark, x, y"),
            (lambda table: table.drop(index=0), "image 151 has 'Sella' 0 times, expected once"),
            (lambda table: pd.concat([table, table[19:20]]), "image 152 has 'Sella' 2 times, expected once"),
        ],
    )
    def test_table_that_lacks_something_is_refused(self, tmp_path, change, message):
        change(_table([(0, 0)] * 12)).to_csv(tmp_path / "points.csv", index=False)
        with pytest.raises(ScoreError, match=message):
            read_table(tmp_path / "points.csv")

    def test_film_without_annotations_is_named(self, annotations):
        (annotations / "400_junior" / "157.txt").write_text("1,2\n")
        with pytest.raises(ScoreError, match=r"400_junior/157\.txt: lines is 1 points, expected 19 lines"):
            score(_table([(0, 0)] * 12), annotations)


def test_committed_points_are_the_150_films_of_test1():
    table = read_table(Path(__file__).parents[2] / "docs" / "isbi2015_test1_points.csv")
    assert table["image_id"].unique().tolist() == [str(number) for number in range(151, 301)]

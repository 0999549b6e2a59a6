"""Consensus and the measurements table."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.cephalometry import VERTICAL_MEASUREMENTS, vertical_measurements
from ceph_pipeline.ingestion import with_consensus
from ceph_pipeline.landmarks.tables import LandmarkTable, MeasurementTable, reader_points

COLUMNS = ["image_id", "reader", "landmark", "x", "y"]


def readings(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def consensus_of(table, landmark="Nasion", method="mean"):
    rows = reader_points(with_consensus(table, method)).set_index("landmark")
    return tuple(rows.loc[landmark, ["x", "y"]])


class TestConsensus:
    two = readings(("a", "senior", "Nasion", 10, 21), ("a", "junior", "Nasion", 11, 20))

    def test_of_one_reader_says_which_films_they_have_not_read(self, caplog):
        table = readings(
            ("a", "senior", "Nasion", 1, 2), ("a", "junior", "Nasion", 3, 4), ("b", "junior", "Nasion", 5, 6),
            ("c", "senior", "Nasion", np.nan, np.nan), ("c", "junior", "Nasion", 7, 8),
        )  # fmt: skip
        with_consensus(table, reader="junior")
        assert not caplog.records
        with_consensus(table, reader="senior")
        assert "ingestion.consensus_reader = senior: 2 of 3 annotated films have no points" in caplog.text

    def test_is_the_mean_of_both_readers(self):
        assert consensus_of(self.two) == (10.5, 20.5)

    def test_can_be_rounded_up_as_aariz_does(self):
        assert consensus_of(self.two, method="ceil_mean") == (11, 21)

    def test_of_one_reader_is_that_readers_point(self):
        table = readings(("a", "senior", "Nasion", 10, 21), ("a", "junior", "Nasion", np.nan, np.nan))
        assert consensus_of(table) == (10, 21)

    def test_of_no_reader_is_missing_and_keeps_its_row(self):
        table = readings(("a", "senior", "Nasion", np.nan, np.nan), ("a", "junior", "Nasion", np.nan, np.nan))
        assert np.isnan(consensus_of(table)).all()
        assert np.isnan(consensus_of(table, method="ceil_mean")).all()

    def test_keeps_the_readers_as_they_were(self):
        table = with_consensus(self.two)
        LandmarkTable.validate(table)
        pd.testing.assert_frame_equal(table.iloc[:2], self.two, check_dtype=False)

    def test_of_a_data_set_that_brings_its_own_is_that(self):
        table = readings(("a", "consensus", "Nasion", 1, 2), ("a", "senior", "Nasion", 3, 4))
        assert with_consensus(table) is table

    def test_of_films_without_their_own_is_the_mean_beside_films_that_bring_one(self):
        own = readings(("b", "consensus", "Nasion", 1, 2), ("b", "senior", "Nasion", 3, 4))
        found = reader_points(with_consensus(pd.concat([self.two, own], ignore_index=True)))
        assert sorted(found[["image_id", "x", "y"]].itertuples(index=False, name=None)) == [("a", 10.5, 20.5), ("b", 1, 2)]

    def test_of_one_reader_replaces_what_films_bring(self, caplog):
        table = readings(
            ("a", "consensus", "Nasion", 1, 2), ("a", "senior", "Nasion", 3, 4), ("b", "consensus", "Nasion", 5, 6)
        )  # fmt: skip
        found = with_consensus(table, reader="senior")
        assert reader_points(found)[["image_id", "x", "y"]].to_numpy().tolist() == [["a", 3, 4]]
        assert "1 of 2 annotated films have no points" in caplog.text


class TestMeasurements:
    images = pd.DataFrame({"image_id": ["a", "b"], "pixel_size_mm": [0.5, np.nan]})
    landmarks = readings(
        *(
            (image_id, reader, name, x + shift, y)
            for image_id in ("a", "b")
            for reader, shift in (("senior", 0), ("consensus", 5))
            for name, x, y in (("Nasion", 0, 0), ("Anterior Nasal Spine", 30, 40), ("Menton", 0, 100), ("PT", 3, 3))
        )
    )

    def test_are_ten_for_every_image_and_reader(self):
        table = vertical_measurements(self.images, self.landmarks)
        MeasurementTable.validate(table)
        for _, group in table.groupby(["image_id", "reader"]):
            assert tuple(group["measurement"]) == VERTICAL_MEASUREMENTS
        assert len(table) == 40

    def test_millimetres_need_the_images_pixel_size(self):
        values = vertical_measurements(self.images, self.landmarks).set_index(["image_id", "reader", "measurement"])["value"]
        assert values["a", "consensus", "N_ANS_mm"] == 25
        assert np.isnan(values["b", "consensus", "N_ANS_mm"])
        assert values["b", "consensus", "ANSMe_NMe_pct"] == pytest.approx(100 * np.hypot(30, 60) / 100)
        assert np.isnan(values["a", "senior", "FMA"])

"""Consensus, validation split and the measurements table."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.cephalometry import VERTICAL_MEASUREMENTS
from ceph_pipeline.ingestion import SplitError, measurement_table, with_consensus, with_test_split, with_validation_split
from ceph_pipeline.landmarks.tables import LandmarkTable, MeasurementTable, reader_points

COLUMNS = ["image_id", "reader", "landmark", "x", "y"]


def readings(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def consensus_of(table, landmark="Nasion", method="mean"):
    rows = reader_points(with_consensus(table, method)).set_index("landmark")
    return tuple(rows.loc[landmark, ["x", "y"]])


class TestConsensus:
    two = readings(("a", "senior", "Nasion", 10, 21), ("a", "junior", "Nasion", 11, 20))

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


def image_table(train, valid=0, test=2):
    splits = ["train"] * train + ["valid"] * valid + ["test"] * test
    ids = [f"{split}-{number}" for number, split in enumerate(splits)]
    return pd.DataFrame({"image_id": ids, "split": splits, "subset": splits, "pixel_size_mm": 0.1})


def valid_ids(images):
    return set(images.loc[images["split"] == "valid", "image_id"])


class TestValidationSplit:
    def test_takes_its_share_from_the_training_images_alone(self):
        images = with_validation_split(image_table(150, test=150), 0.1, seed=42)
        assert dict(images["split"].value_counts()) == {"test": 150, "train": 135, "valid": 15}
        assert all(image_id.startswith("train") for image_id in valid_ids(images))
        assert (images["split"] == images["subset"]).all()
        assert images["split"].drop_duplicates().tolist() == ["train", "valid", "test"]

    def test_is_the_same_for_the_same_seed_in_any_order(self):
        table = image_table(40)
        shuffled = table.sample(frac=1, random_state=1)
        assert valid_ids(with_validation_split(table, 0.2, 1)) == valid_ids(with_validation_split(shuffled, 0.2, 1))
        assert valid_ids(with_validation_split(table, 0.2, 1)) != valid_ids(with_validation_split(table, 0.2, 2))

    def test_leaving_one_image_out_moves_at_most_one_other(self):
        table = image_table(40)
        before = valid_ids(with_validation_split(table, 0.2, 1))
        after = valid_ids(with_validation_split(table.iloc[1:], 0.2, 1))
        assert len(before ^ after) <= 2

    def test_a_data_set_with_a_validation_split_keeps_it(self):
        table = image_table(10, valid=3)
        assert with_validation_split(table, 0.5, 1) is table

    @pytest.mark.parametrize(("train", "fraction"), [(10, 0.0), (3, 0.1), (1, 0.9)])
    def test_a_share_that_leaves_one_side_empty_is_refused(self, train, fraction):
        with pytest.raises(SplitError, match=r"ingestion\.valid_fraction"):
            with_validation_split(image_table(train), fraction, 1)

    def test_a_data_set_without_training_images_is_refused(self):
        with pytest.raises(SplitError, match=r"no training images \(found 2 test\)"):
            with_validation_split(image_table(0), 0.1, 1)


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
        table = measurement_table(self.images, self.landmarks)
        MeasurementTable.validate(table)
        for _, group in table.groupby(["image_id", "reader"]):
            assert tuple(group["measurement"]) == VERTICAL_MEASUREMENTS
        assert len(table) == 40

    def test_millimetres_need_the_images_pixel_size(self):
        values = measurement_table(self.images, self.landmarks).set_index(["image_id", "reader", "measurement"])["value"]
        assert values["a", "consensus", "N_ANS_mm"] == 25
        assert np.isnan(values["b", "consensus", "N_ANS_mm"])
        assert values["b", "consensus", "ANSMe_NMe_pct"] == pytest.approx(100 * np.hypot(30, 60) / 100)
        assert np.isnan(values["a", "senior", "FMA"])


class TestTestSplit:
    def test_a_set_of_training_images_is_split_in_three_by_source(self):
        images = with_validation_split(with_test_split(image_table(18, test=0), 0.2, seed=42), 0.2, seed=42)
        assert images["split"].tolist() == ["train"] * 11 + ["valid"] * 3 + ["test"] * 4
        assert images["subset"].tolist() == images["split"].tolist()
        assert images["image_id"].is_unique

    @pytest.mark.parametrize("table", [image_table(10, test=2), image_table(10, valid=1, test=0)])
    def test_a_set_with_a_split_of_its_own_keeps_it(self, table):
        assert with_test_split(table, 0.5, 1) is table

    def test_nothing_is_held_out_unless_it_is_asked_for(self):
        table = image_table(10, test=0)
        assert with_test_split(table, 0.0, 1) is table

    def test_a_share_that_holds_nothing_out_is_refused(self):
        with pytest.raises(
            SplitError, match=r"no test split, and ingestion\.test_fraction = 0\.1 of 3 training images holds out 0"
        ):
            with_test_split(image_table(3, test=0), 0.1, 1)

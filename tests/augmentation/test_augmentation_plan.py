"""Which copies are made, and how the summary accounts for those that are not."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.augmentation import RecipeError
from ceph_pipeline.augmentation.plan import plan_copies
from ceph_pipeline.landmarks import find

AARIZ = {"train": 700, "valid": 150, "test": 150}
TARGET = {"target_total": 6500, "target_sources": AARIZ}


def plan(tables, params):
    return plan_copies(tables.images, tables.landmarks, tables.exclusions, params)


def in_training(made):
    summary = made.summary
    return summary[summary["split"] == "train"].set_index("kind")


class TestFullSet:
    def test_1000_sources_make_6500_images_4550_975_975(self, tables_of, params_of):
        made = plan(tables_of(AARIZ), params_of(**TARGET))
        assert len(made.copies) == 6500
        assert len({copy.image_id for copy in made.copies}) == 6500
        assert made.summary.groupby("split")["images"].sum().to_dict() == {"train": 4550, "valid": 975, "test": 975}
        assert made.summary.groupby("kind")["images"].sum().to_dict() == {
            "original": 1000,
            "flip": 1000,
            "rotation": 2000,
            "brightness": 2000,
            "braces": 500,
        }
        assert (made.summary["short_by"] == 0).all()
        assert (made.summary["reason"] == "").all()

    def test_every_second_source_gets_braces(self, tables_of, params_of):
        made = plan(tables_of({"train": 6}), params_of())
        braced = [copy.source_id for copy in made.copies if copy.kind == "braces"]
        assert braced == ["train_0000", "train_0002", "train_0004"]

    def test_48_sources_make_312_images_whatever_the_splits(self, tables_of, params_of):
        for splits in ({"train": 34, "valid": 7, "test": 7}, {"train": 33, "valid": 8, "test": 7}):
            assert len(plan(tables_of(splits), params_of(target_total=312)).copies) == 312

    def test_a_kind_keeps_to_its_splits(self, tables_of, params_of):
        recipe = {"original": {}, "rotation": {"splits": ["train"]}, "braces": {"splits": ["valid", "test"], "every": 2}}
        made = plan(tables_of({"train": 3, "valid": 3, "test": 3}), params_of(recipe=recipe)).summary
        assert made.set_index(["kind", "split"])["images"].to_dict() == {
            ("original", "train"): 3,
            ("original", "valid"): 3,
            ("original", "test"): 3,
            ("rotation", "train"): 6,
            ("braces", "valid"): 2,
            ("braces", "test"): 1,
        }


class TestFallingShort:
    def test_a_smaller_set_is_recorded_not_refused(self, tables_of, params_of):
        summary = plan(tables_of({"train": 34, "valid": 7, "test": 7}), params_of(**TARGET)).summary
        assert summary["short_by"].sum() == 6500 - 312
        row = summary[(summary["kind"] == "flip") & (summary["split"] == "train")].iloc[0]
        assert (row["expected"], row["images"], row["short_by"]) == (700, 34, 666)
        assert row["reason"] == "the set has 34 train sources, not 700: 666"

    def test_without_a_target_total_no_set_is_too_small(self, tables_of, params_of):
        summary = plan(
            tables_of({"train": 34, "valid": 7, "test": 7}), params_of(target_total=None, target_sources=AARIZ)
        ).summary
        assert summary["short_by"].sum() == 0
        assert not summary["reason"].any()

    def test_excluded_sources_are_left_out_with_all_their_copies(self, tables_of, params_of):
        tables = tables_of({"train": 4})
        tables.exclusions.loc[0] = ["train_0002", "near-duplicate"]
        made = plan(tables, params_of())
        summary = in_training(made)
        assert all(copy.source_id != "train_0002" for copy in made.copies)
        assert summary["short_by"].to_dict() == {
            "original": 1,
            "flip": 1,
            "rotation": 2,
            "brightness": 2,
            "braces": 1,
        }
        assert set(summary["reason"]) == {"excluded by the audit: 1", "excluded by the audit: 2"}

    def test_excluding_one_source_leaves_the_braces_of_the_others(self, tables_of, params_of):
        tables = tables_of({"train": 6})
        tables.exclusions.loc[0] = ["train_0001", "near-duplicate"]
        braced = [copy.source_id for copy in plan(tables, params_of()).copies if copy.kind == "braces"]
        assert braced == ["train_0000", "train_0002", "train_0004"]

    def test_a_source_without_tooth_landmarks_gets_no_braces(self, tables_of, params_of):
        tables = tables_of({"train": 4})
        gone = (tables.landmarks["image_id"] == "train_0000") & (tables.landmarks["landmark"] == find("LPM").name)
        tables.landmarks.loc[gone, ["x", "y"]] = np.nan
        braces = in_training(plan(tables, params_of())).loc["braces"]
        assert (braces["images"], braces["short_by"], braces["reason"]) == (1, 1, "no tooth landmarks: 1")

    def test_a_source_without_any_scale_gets_no_braces(self, tables_of, params_of):
        tables = tables_of({"train": 1})
        tables.images["pixel_size_mm"] = np.nan
        tables.landmarks.loc[tables.landmarks["landmark"] == "Sella", ["x", "y"]] = np.nan
        braces = in_training(plan(tables, params_of())).loc["braces"]
        assert braces["reason"] == "neither pixel size nor Sella and Nasion: 1"


class TestRefused:
    def test_more_sources_than_the_target_is_meant_for(self, tables_of, params_of):
        with pytest.raises(RecipeError, match=r"= 6,507 images of 1,001 sources \(701 train, 150 valid, 150 test\)"):
            plan(tables_of(AARIZ | {"train": 701}), params_of(**TARGET))

    def test_a_target_without_source_numbers_must_be_met_exactly(self, tables_of, params_of):
        with pytest.raises(RecipeError, match=r"target_total is 313.*set target_total: 312"):
            plan(tables_of({"train": 48}), params_of(target_total=313))

    def test_an_identifier_that_leaves_no_room(self, tables_of, params_of):
        tables = tables_of({"train": 1})
        renamed = [table.assign(image_id="x" * 125) for table in (tables.images, tables.landmarks)]
        with pytest.raises(RecipeError, match="longer than 128 characters"):
            plan_copies(*renamed, pd.DataFrame({"image_id": []}), params_of())

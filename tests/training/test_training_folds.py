"""Folds hold out each training source once, and never a copy of what is learned."""

import pandas as pd
import pytest

from ceph_pipeline.training import TrainingError
from ceph_pipeline.training.folds import (
    assign_folds,
    assign_own_validation,
    checkpoint_table,
    listed_checkpoints,
    resplit,
    shared_validation,
)
from ceph_pipeline.training.pipeline_params import FoldParams

NO_PAIRS = pd.DataFrame({"image_a": [], "image_b": []})


def sources(n_of_machine: dict[str, int]) -> pd.DataFrame:
    rows = [(f"{machine}_{i:02}", "train", machine) for machine, n in n_of_machine.items() for i in range(n)]
    table = pd.DataFrame(rows, columns=["image_id", "split", "machine"])
    others = pd.DataFrame({"image_id": ["v", "t"], "split": ["valid", "test"], "machine": ["A", "A"]})
    return pd.concat([table, others], ignore_index=True)


def pairs(*names: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(names, columns=["image_a", "image_b"])


def test_every_training_source_is_in_one_fold_and_each_device_is_in_all():
    images = sources({"A": 23, "B": 10, "C": 7})
    folds = assign_folds(images, NO_PAIRS, 5, seed=1)
    assert folds["image_id"].tolist() == images.loc[images["split"] == "train", "image_id"].tolist()
    assert folds["fold"].value_counts().tolist() == [8] * 5
    of_device = folds.groupby([folds["image_id"].str[0], "fold"]).size()
    assert of_device["A"].between(4, 5).all()
    assert (of_device["B"] == 2).all()
    assert of_device["C"].between(1, 2).all()


def test_near_duplicates_share_a_fold_also_by_way_of_a_third():
    chain = pairs(("A_00", "A_07"), ("A_07", "B_03"), ("A_01", "v"))
    fold = assign_folds(sources({"A": 10, "B": 10}), chain, 4, seed=3).set_index("image_id")["fold"]
    assert fold["A_00"] == fold["A_07"] == fold["B_03"]


def test_near_duplicates_of_one_test_film_share_a_fold():
    for seed in range(6):
        fold = assign_folds(sources({"A": 6}), pairs(("A_00", "t"), ("A_01", "t")), 3, seed).set_index("image_id")["fold"]
        assert fold["A_00"] == fold["A_01"]
        assert len(fold) == 6


def test_films_of_one_patient_share_a_fold():
    images = sources({"A": 20})
    images["patient"] = [f"patient-{number // 2}" for number in range(len(images))]
    fold = assign_folds(images, pairs(("A_01", "A_02")), 5, seed=1).set_index("image_id")["fold"]
    of_patient = fold.groupby(images.set_index("image_id")["patient"].reindex(fold.index))
    assert of_patient.nunique().max() == 1
    assert fold["A_00"] == fold["A_03"], "by way of near-duplicates too"
    assert fold.value_counts().tolist() == [4] * 5


def test_the_deal_depends_on_the_seed_and_not_on_the_order_of_the_rows():
    images = sources({"A": 20})
    dealt = assign_folds(images, NO_PAIRS, 4, seed=1).set_index("image_id")["fold"]
    shuffled = assign_folds(images.sample(frac=1, random_state=0), NO_PAIRS, 4, seed=1).set_index("image_id")["fold"]
    pd.testing.assert_series_equal(dealt, shuffled.reindex(dealt.index))
    assert not dealt.equals(assign_folds(images, NO_PAIRS, 4, seed=2).set_index("image_id")["fold"])


def test_more_folds_than_different_sources_are_refused():
    with pytest.raises(TrainingError, match=r"folds\.count = 3, but there are 2 different training sources"):
        assign_folds(sources({"A": 3}), pairs(("A_00", "A_01")), 3, seed=1)


def test_a_fold_validates_on_its_sources_and_learns_from_the_copies_of_the_others():
    folds = pd.DataFrame({"image_id": ["a", "b", "c"], "fold": [0, 1, 1]})
    images = pd.DataFrame(
        {
            "image_id": ["a", "a_1", "b", "b_1", "c", "v", "t"],
            "source_id": list("aabbcvt"),
            "split": ["train"] * 5 + ["valid", "test"],
        }
    )
    seen = resplit(images, folds, 1)
    assert dict(zip(seen["image_id"], seen["split"], strict=True)) == {
        "a": "train",
        "a_1": "train",
        "b": "valid",
        "b_1": "valid",
        "c": "valid",
    }


class TestValidationOfAnEnsemble:
    IMAGES = pd.concat(
        [
            sources({"A": 20, "B": 20}),
            pd.DataFrame({"image_id": ["v1", "v2", "v3", "v4"], "split": "valid", "machine": list("AABB")}),
        ],
        ignore_index=True,
    )

    def own(self, duplicates=NO_PAIRS, detectors=3, seed=1, *, images=IMAGES, keep=True):
        table = assign_own_validation(images, duplicates, detectors, seed, learn_copies_of_test=keep)
        return table.set_index("image_id")["fold"]

    def test_folds_of_training_images_are_as_large_as_the_validation_split(self):
        fold = self.own()
        assert set(fold.index) == set(self.IMAGES.loc[self.IMAGES["split"] != "test", "image_id"])
        assert set(fold.index[fold == 0]) == {"v", "v1", "v2", "v3", "v4"}
        assert fold.value_counts().sort_index().tolist() == [5] * 9
        assert fold[fold > 0].index.str[0].value_counts().tolist() == [20, 20]

    def test_each_detector_learns_the_validation_images_of_the_others_and_no_test_image(self):
        folds = self.own().reset_index()
        for detector in (1, 2):
            split = resplit(self.IMAGES, folds, detector, by="image_id").set_index("image_id")["split"]
            assert set(split.index[split == "valid"]) == set(folds.loc[folds["fold"] == detector, "image_id"])
            assert len(split) == 45
            assert "t" not in split.index

    def test_more_detectors_change_no_fold(self):
        pd.testing.assert_series_equal(self.own(detectors=2), self.own(detectors=9))
        with pytest.raises(TrainingError, match=r"ensemble\.count = 10, but the training split has only 8 parts .*lower it"):
            self.own(detectors=10)

    def test_near_duplicates_of_validation_images_are_never_held_out(self):
        chain = pairs(("A_00", "v1"), ("A_00", "B_07"), ("A_01", "A_02"))
        for seed in range(5):
            fold = self.own(chain, seed=seed)
            assert fold[["A_00", "B_07"]].tolist() == [-1, -1]
            assert fold["A_01"] == fold["A_02"] > 0

    def test_near_duplicates_of_test_images_are_learned_only_if_the_audit_keeps_them(self):
        copies = pairs(("v1", "t"), ("A_00", "t"))
        assert self.own(copies)["v1"] == 0
        assert self.own(copies)["A_00"] == -1
        folds = self.own(copies, keep=False)
        assert "v1" not in folds.index
        assert folds["A_00"] == -1, "training images are excluded by the audit"

    def test_of_few_images_each_detector_still_holds_out_some(self):
        assert sorted(self.own(images=sources({"A": 2}))) == [0, 1, 2]
        with pytest.raises(TrainingError, match=r"ensemble\.count = 4, but the training split has only 2 parts"):
            self.own(images=sources({"A": 2}), detectors=4)
        with pytest.raises(TrainingError, match="has only 1 parts"):
            self.own(images=sources({"A": 1}), detectors=2)

    def test_a_shared_split_needs_no_folds(self):
        folds = shared_validation(sources({"A": 1}))
        assert folds.set_index("image_id")["fold"].to_dict() == {"A_00": -1, "v": 0}
        split = resplit(sources({"A": 1}), folds, 0, by="image_id").set_index("image_id")["split"]
        assert split.to_dict() == {"A_00": "train", "v": "valid"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 1}, "greater than or equal to 2"),
        ({"count": 21}, "20"),
        ({"count": 3, "only": [0, 3]}, "numbered 0 to 2"),
        ({"count": 0, "only": [0]}, "greater than or equal to 2"),
        ({"count": 3, "only": []}, "only is empty"),
    ],
)
def test_impossible_folds_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FoldParams(**settings)


def test_all_folds_are_trained_unless_some_are_named():
    assert FoldParams(count=3).wanted == (0, 1, 2)
    assert FoldParams(count=3, only=[2]).wanted == (2,)
    assert FoldParams(count=3, only=[2, 0, 2]).wanted == (0, 2), "in order, each once"


class TestListedCheckpoints:
    @pytest.fixture
    def trained(self, tmp_path):
        """Two folds' checkpoints, and their table."""
        paths = {fold: tmp_path / str(fold) / "stage1" / "best.ckpt" for fold in (0, 1)}
        for fold, path in paths.items():
            path.parent.mkdir(parents=True)
            path.write_text(f"without fold {fold}")
        return paths, checkpoint_table(paths, tmp_path)

    def test_they_are_found_in_the_order_of_the_table(self, trained, tmp_path):
        paths, table = trained
        assert listed_checkpoints(table, tmp_path) == list(paths.values())
        assert listed_checkpoints(table.iloc[:0], tmp_path) == []

    def test_folds_that_changed_places_are_refused(self, trained, tmp_path):
        (first, second), table = trained[0].values(), trained[1]
        first.write_text(second.read_text())
        with pytest.raises(TrainingError, match=r"0/stage1/best\.ckpt is not the trained file.*delete .*0/stage1"):
            listed_checkpoints(table, tmp_path)

    def test_a_deleted_one_is_named_with_the_way_out(self, trained, tmp_path):
        paths, table = trained
        paths[1].unlink()
        with pytest.raises(TrainingError, match=r"1/stage1/best\.ckpt does not exist.*run the pipeline folds again"):
            listed_checkpoints(table, tmp_path)

    def test_another_table_is_refused(self, trained, tmp_path):
        with pytest.raises(TrainingError, match="no column checkpoint, digest"):
            listed_checkpoints(pd.DataFrame({"image_id": ["a"], "fold": [0]}), tmp_path)

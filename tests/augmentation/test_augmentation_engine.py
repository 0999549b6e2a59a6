"""From sources on disk to copies, training copies and tables."""

import logging
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.artifacts import DiskError
from ceph_pipeline.augmentation.copy_writer import AugmentationError
from ceph_pipeline.augmentation.kinds import RecipeError
from ceph_pipeline.augmentation.tables import (
    AugmentedCacheTable,
    AugmentedCvmTable,
    AugmentedMeasurementTable,
    SummaryTable,
    is_inside,
)
from ceph_pipeline.images import ImageReadError, ImageStore
from ceph_pipeline.images.shrink import shrink_to
from ceph_pipeline.landmarks.tables import AugmentedImageTable, AugmentedLandmarkTable


def file_of(store: ImageStore, image_id: str) -> Path:
    return Path(store.location(image_id))


class TestTables:
    def test_six_sources_make_39_images_that_all_exist(self, study):
        tables = study.augment()
        images = AugmentedImageTable.validate(tables["augmented_images"])
        assert len(images) == 39
        assert set(images["image_id"]) == study.store.ids() == study.cache.ids()
        assert images["path"].tolist() == [f"{image_id}.png" for image_id in images["image_id"]]
        for row in images.itertuples():
            assert study.store.read(row.image_id).shape == (row.height, row.width)

    def test_no_copy_sits_in_another_split_than_its_source(self, study):
        images = study.augment()["augmented_images"]
        of_source = study.tables.images.set_index("image_id")["split"]
        assert (images["split"] == images["source_id"].map(of_source)).all()
        assert images.groupby("source_id")["split"].nunique().max() == 1

    def test_identifiers_name_source_kind_and_copy(self, study):
        images = study.augment()["augmented_images"]
        assert "train_0000__rotation_1" in set(images["image_id"])
        assert (images["image_id"] == images["source_id"] + "__" + images["kind"] + "_" + images["copy"].astype(str)).all()

    def test_the_other_tables_fit_their_schemas_and_the_images(self, study):
        tables = study.augment()
        AugmentedCvmTable.validate(tables["augmented_cvm"])
        AugmentedCacheTable.validate(tables["augmented_cache_index"])
        SummaryTable.validate(tables["augmentation_summary"])
        measurements = AugmentedMeasurementTable.validate(tables["augmented_measurements"])
        assert len(measurements) == 39 * 2 * 10  # images, readers, keys
        assert set(tables["augmented_cvm"]["source_id"]) == set(study.tables.cvm["image_id"])

    def test_the_training_copies_have_the_sizes_of_their_index(self, study):
        tables = study.augment()
        for row in tables["augmented_cache_index"].itertuples():
            small = study.cache.read(row.image_id)
            assert small.shape == (row.cache_height, row.cache_width) == (64, 51)

    def test_a_training_copy_is_its_image_made_small(self, study):
        study.augment()
        full = study.store.read("train_0001__rotation_0")
        small = cv2.resize(full, (51, 64), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(study.cache.read("train_0001__rotation_0"), small)


class TestLandmarks:
    def test_points_of_all_readers_move_with_the_pixels(self, study):
        landmarks = AugmentedLandmarkTable.validate(study.augment()["augmented_landmarks"])
        flipped = landmarks[(landmarks["image_id"] == "test_0000__flip_0") & (landmarks["landmark"] == "Sella")]
        assert flipped.set_index("reader")["x"].to_dict() == {"consensus": 240 - 90.0, "senior": 240 - 90.5}

    def test_original_braces_and_brightness_keep_the_points(self, study):
        landmarks = study.augment()["augmented_landmarks"]
        same = landmarks[landmarks["kind"].isin(["original", "braces", "brightness"])]
        joined = same.merge(
            study.tables.landmarks, left_on=["source_id", "reader", "landmark"], right_on=["image_id", "reader", "landmark"]
        )
        np.testing.assert_array_equal(joined[["x_x", "y_x"]], joined[["x_y", "y_y"]])

    def test_a_point_carried_out_of_the_frame_is_missing_and_counted(self, study):
        study.tables.landmarks.loc[study.tables.landmarks["landmark"] == "Pronasale", ["x", "y"]] = (239.0, 5.0)
        tables = study.augment()
        landmarks, summary = tables["augmented_landmarks"], tables["augmentation_summary"]
        noses = landmarks[(landmarks["landmark"] == "Pronasale") & (landmarks["reader"] == "consensus")]
        lost = noses[noses["x"].isna()]
        assert set(lost["kind"]) == {"rotation"}
        counts = summary.set_index(["kind", "split"])["points_left_frame"]
        assert counts[("rotation", "train")] == 2 * 4  # near the upper right corner both turns lose it
        assert counts.drop("rotation").sum() == 0

    def test_a_point_that_was_outside_already_is_moved_like_any_other(self, study):
        study.tables.landmarks.loc[study.tables.landmarks["landmark"] == "Pronasale", "x"] = 300.0
        landmarks = study.augment()["augmented_landmarks"]
        flipped = landmarks[(landmarks["landmark"] == "Pronasale") & (landmarks["kind"] == "flip")]
        assert (flipped["x"] == 240 - 300.0).all()

    def test_a_frame_ends_at_the_outer_edge_of_its_pixels(self):
        points = np.array([[-0.5, 0.0], [-0.51, 0.0], [9.5, 4.0], [9.51, 4.0], [np.nan, np.nan]])
        assert is_inside(points, (10, 5)).tolist() == [True, False, True, False, False], "a flip maps -0.5 to 9.5"


class TestPixels:
    def test_an_original_is_the_source_bit_for_bit(self, study):
        study.augment()
        np.testing.assert_array_equal(study.store.read("valid_0000__original_0"), study.raw.read("valid_0000.png"))

    def test_an_original_s_training_copy_is_ingestion_s_file(self, study):
        """On disk beside the raw film there are its full-size copy and one small one."""
        sources = study.tables.images["image_id"]
        for image_id, path in zip(sources, study.tables.images["path"], strict=True):
            study.source_cache.write(image_id, shrink_to(study.raw.read(path), 64))
        study.augment()
        for image_id in sources:
            assert file_of(study.cache, f"{image_id}__original_0").samefile(file_of(study.source_cache, image_id))
            assert file_of(study.cache, f"{image_id}__flip_0").stat().st_nlink == 1

    @pytest.mark.parametrize("cached", [np.zeros((64, 51), np.uint8), np.zeros((32, 26), np.uint8), None])
    def test_a_cache_of_other_pixels_is_left_alone(self, study, cached):
        if cached is not None:
            study.source_cache.write("valid_0000", cached)
        study.augment()
        small = shrink_to(study.raw.read("valid_0000.png"), 64)
        np.testing.assert_array_equal(study.cache.read("valid_0000__original_0"), small)
        if cached is not None:
            np.testing.assert_array_equal(study.source_cache.read("valid_0000"), cached)

    def test_deleting_copies_leaves_ingestion_s_files(self, study):
        small = shrink_to(study.raw.read("valid_0000.png"), 64)
        study.source_cache.write("valid_0000", small)
        study.augment()
        study.augment(recipe={"flip": {}}, force=True)
        assert not study.cache.exists("valid_0000__original_0")
        np.testing.assert_array_equal(study.source_cache.read("valid_0000"), small)

    def test_16_bits_stay_16_bits_in_every_kind(self, tmp_path, new_study):
        study = new_study(tmp_path, {"train": 1}, np.uint16)
        for image_id in study.augment()["augmented_images"]["image_id"]:
            assert study.store.read(image_id).dtype == np.uint16
            assert study.cache.read(image_id).dtype == np.uint16

    def test_any_number_of_processes_writes_the_same_bytes(self, tmp_path, new_study):
        one, two = (new_study(tmp_path / name, {"train": 3, "test": 1}) for name in ("one", "two"))
        first, second = one.augment(n_jobs=1), two.augment(n_jobs=2)
        assert one.files() == two.files()
        for name, table in first.items():
            assert table.equals(second[name]), name

    @pytest.mark.parametrize("backend", ["threading", "loky"])
    def test_the_progress_bar_shows_rate_and_time_left(self, study, capsys, backend):
        study.augment(n_jobs=1, backend=backend)
        assert re.search(r"augmentation: +\d+%.*\d+/39 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+image/s\]", capsys.readouterr().err)

    def test_another_seed_gives_other_copies_where_chance_is_involved(self, tmp_path, new_study):
        one, two = (new_study(tmp_path / name, {"train": 1}) for name in ("one", "two"))
        one.augment(seed=1)
        two.augment(seed=2)
        one_files, two_files = one.files(), two.files()
        differs = {name.split("__")[1].split("_")[0] for name in one_files if "__" in name and one_files[name] != two_files[name]}
        assert differs == {"brightness", "braces"}


class TestBadInput:
    def test_a_truncated_source_is_named(self, study):
        path = study.raw.root / "train_0002.png"
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(ImageReadError, match=r"train_0002\.png: damaged or truncated"):
            study.augment()

    def test_a_missing_source_is_named(self, study):
        (study.raw.root / "train_0002.png").unlink()
        with pytest.raises(ImageReadError, match=r"train_0002\.png: no such image file"):
            study.augment()

    def test_a_source_of_another_size_than_its_table_says_is_named(self, study):
        study.tables.images.loc[study.tables.images["image_id"] == "test_0000", "width"] = 240
        with pytest.raises(AugmentationError, match=r"test_0000\.png: 241 × 302 pixels, but the images table contains 240 × 302"):
            study.augment()

    def test_a_16_bit_source_in_a_jpeg_store_is_refused_with_the_way_out(self, tmp_path, new_study):
        study = new_study(tmp_path, {"train": 1}, np.uint16)
        study.store = ImageStore(study.store.path, format="jpg")
        with pytest.raises(AugmentationError, match="set the store's format to png"):
            study.augment()

    def test_a_full_disk_is_noticed_before_anything_is_written(self, study, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
        with pytest.raises(DiskError, match=r"1\.0 kB are free"):
            study.augment()
        assert study.store.ids() == set()


def test_sources_that_are_all_excluded_are_refused_and_their_copies_kept(study):
    study.augment()
    before = study.files()
    study.tables.exclusions["image_id"] = study.tables.images["image_id"]
    with pytest.raises(RecipeError, match=r"no image: 6 of 6 sources are excluded .*audit\.exclude"):
        study.augment()
    assert study.files() == before


def test_the_log_says_how_many_images_are_missing(study, caplog):
    study.tables.exclusions.loc[0] = ["train_0001", "near-duplicate"]
    with caplog.at_level(logging.INFO, "ceph_pipeline"):
        study.augment()
    assert "33 images of 5 sources, short by 6: see augmentation_summary" in caplog.text

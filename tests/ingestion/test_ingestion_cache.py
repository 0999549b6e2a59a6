"""The cache: geometry kept, nothing done twice, damage reported."""

import logging
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.artifacts import WorkerParams
from ceph_pipeline.images import ImageStore
from ceph_pipeline.ingestion import build_cache
from ceph_pipeline.landmarks.geometry import Affine
from ceph_pipeline.landmarks.tables import CacheTable


def stamps(store, index):
    return {image_id: Path(store.location(image_id)).stat().st_mtime_ns for image_id in index["image_id"]}


def centre_of_light(image):
    light = np.where(np.asarray(image, float) > 100, np.asarray(image, float) - 30, 0)
    y, x = np.indices(image.shape)
    return (light * x).sum() / light.sum(), (light * y).sum() / light.sum()


def test_copies_have_the_long_side_and_the_aspect(images, raw, store):
    index = build_cache(images, raw, store, long_side_px=60).index
    CacheTable.validate(index)
    assert list(index["image_id"]) == list(images["image_id"])
    assert set(zip(index["cache_width"], index["cache_height"], strict=True)) == {(48, 60)}
    assert store.read("001").shape == (60, 48)


@pytest.mark.parametrize("long_side_px", [50, 60, 200])
def test_a_point_stays_on_its_structure(images, raw, store, long_side_px):
    row = build_cache(images, raw, store, long_side_px=long_side_px).index.iloc[0]
    mapped = Affine.resize((96, 120), (row["cache_width"], row["cache_height"]))((40, 60))
    assert centre_of_light(store.read("001")) == pytest.approx(tuple(mapped), abs=0.1)


def test_unchanged_sources_are_not_touched_again(images, raw, store, caplog):
    index = build_cache(images, raw, store, long_side_px=60).index
    before = stamps(store, index)
    with caplog.at_level(logging.INFO):
        again = build_cache(images, raw, store, long_side_px=60).index
    assert stamps(store, index) == before
    pd.testing.assert_frame_equal(index, again)
    assert "complete and up to date" in caplog.text


def test_an_interrupted_run_does_only_what_is_missing_and_ends_with_the_same_bytes(images, raw, store, tmp_path):
    whole = ImageStore(str(tmp_path / "whole"), format="npy")
    expected = build_cache(images, raw, whole, long_side_px=60).index
    index = build_cache(images, raw, store, long_side_px=60).index
    before = stamps(store, index)
    (tmp_path / "cache" / "003.npy").unlink()
    ledger = tmp_path / "cache" / ".ledger.json"
    ledger.write_text(ledger.read_text().replace('"complete": true', '"complete": false'))
    again = build_cache(images, raw, store, long_side_px=60).index
    after = stamps(store, again)
    assert {image_id for image_id in before if before[image_id] != after[image_id]} == {"003"}
    pd.testing.assert_frame_equal(again, expected)
    for image_id in expected["image_id"]:
        assert np.array_equal(store.read(image_id), whole.read(image_id))


def test_another_long_side_starts_over_and_says_what_changed(images, raw, store, caplog):
    build_cache(images, raw, store, long_side_px=60)
    with caplog.at_level(logging.INFO):
        index = build_cache(images.iloc[:2], raw, store, long_side_px=30).index
    assert list(index["cache_height"]) == [30, 30]
    assert "'long_side_px': (60, 30)" in caplog.text
    assert not store.exists("003")


def test_a_plate_blacked_out_in_place_is_noticed_and_that_film_alone_read_again(images, raw, store, caplog):
    film = raw.root / "TrainingData" / "001.bmp"
    plain = cv2.imread(str(raw.root / "TrainingData" / "001.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(film), plain)
    images.loc[images["image_id"] == "001", "path"] = "TrainingData/001.bmp"
    before, times = build_cache(images, raw, store, long_side_px=60).index, film.stat()
    written = stamps(store, before)
    covered = plain.copy()
    covered[100:108, 60:80] = 0
    cv2.imwrite(str(film), covered)
    os.utime(film, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert film.stat().st_size == times.st_size
    with caplog.at_level(logging.INFO):
        after = build_cache(images, raw, store, long_side_px=60).index
    assert (store.read("001")[51:53, 31:39] == 0).all()
    assert "1 source files have changed or were removed" in caplog.text
    assert list(before["digest"] != after["digest"]) == [True, False, False, False, False]
    again = stamps(store, after)
    assert {image_id for image_id in written if written[image_id] != again[image_id]} == {"001"}


def test_a_source_that_is_gone_leaves_no_copy(images, raw, store):
    build_cache(images, raw, store, long_side_px=60)
    build_cache(images.iloc[1:], raw, store, long_side_px=60)
    assert store.ids() == set(images["image_id"].iloc[1:])


def test_a_run_that_was_killed_before_the_changed_film_was_read_reads_it_in_the_next(images, raw, store, monkeypatch):
    build_cache(images, raw, store, long_side_px=60)
    cv2.imwrite(str(raw.root / "TrainingData/001.png"), np.full((120, 96), 77, np.uint8))
    with monkeypatch.context() as patch:
        patch.setattr("ceph_pipeline.ingestion.cache.cache_one", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build_cache(images, raw, store, long_side_px=60)
    build_cache(images, raw, store, long_side_px=60)
    assert (store.read("001") == 77).all()


def test_force_fills_it_anew(images, raw, store, caplog):
    index = build_cache(images, raw, store, long_side_px=60).index
    before = stamps(store, index)
    with caplog.at_level(logging.INFO):
        build_cache(images, raw, store, long_side_px=60, force=True)
    assert "force is set" in caplog.text
    after = stamps(store, index)
    assert all(before[image_id] != after[image_id] for image_id in index["image_id"])


@pytest.mark.parametrize(("n_jobs", "backend"), [(1, "loky"), (3, "threading"), pytest.param(2, "loky", marks=pytest.mark.slow)])
def test_the_result_does_not_depend_on_the_workers(images, raw, store, tmp_path, n_jobs, backend):
    expected = build_cache(images, raw, ImageStore(str(tmp_path / "one"), format="npy"), long_side_px=60).index
    found = build_cache(images, raw, store, long_side_px=60, workers=WorkerParams(n_jobs=n_jobs, backend=backend)).index
    pd.testing.assert_frame_equal(found, expected)


class TestDamage:
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
    def test_a_cut_off_file_is_reported_and_not_cached(self, images, raw, store, suffix):
        path = raw.root / "TrainingData" / f"002{suffix}"
        (raw.root / "TrainingData/002.png").unlink()
        noise = np.random.default_rng(0).integers(0, 255, (120, 96), dtype=np.uint8)
        cv2.imwrite(str(path), noise)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        images.loc[images["image_id"] == "002", "path"] = f"TrainingData/002{suffix}"
        build = build_cache(images, raw, store, long_side_px=60)
        assert [problem.item for problem in build.problems] == ["002"]
        assert f"TrainingData/002{suffix}: pixels: found an undecodable file" in str(build.problems[0])
        assert "002" not in set(build.index["image_id"])
        assert not store.exists("002")

    def test_a_missing_film_names_the_setting_of_the_folder_of_films(self, images, raw, store):
        (raw.root / "TrainingData/002.png").unlink()
        (problem,) = build_cache(images, raw, store, long_side_px=60).problems
        assert str(problem).endswith("expected the film here, or the folder of the films in raw_images.")

    def test_a_damaged_file_is_looked_at_again_in_the_next_run(self, images, raw, store):
        path = raw.root / "TrainingData/002.png"
        whole = path.read_bytes()
        path.write_bytes(whole[:-20])
        assert build_cache(images, raw, store, long_side_px=60).problems
        path.write_bytes(whole)
        build = build_cache(images, raw, store, long_side_px=60)
        assert not build.problems
        assert len(build.index) == 5

    def test_a_missing_file_is_reported(self, images, raw, store):
        (raw.root / "TrainingData/002.png").unlink()
        assert "no such image" in str(build_cache(images, raw, store, long_side_px=60).problems[0])

    def test_pixels_that_are_not_as_the_header_says_are_reported(self, images, raw, store):
        images.loc[images["image_id"] == "002", ["width", "height"]] = [120, 96]
        problem = build_cache(images, raw, store, long_side_px=60).problems[0]
        assert "found 96 × 120 px, expected 120 × 96 px" in str(problem)


def test_a_cache_on_an_object_store_has_the_same_pixels(images, raw, store):
    expected = build_cache(images, raw, store, long_side_px=60).index
    remote = ImageStore("memory://cache", format="npy")
    for _ in range(2):  # the second time it is complete
        pd.testing.assert_frame_equal(build_cache(images, raw, remote, long_side_px=60).index, expected)
    assert remote.ids() == store.ids()

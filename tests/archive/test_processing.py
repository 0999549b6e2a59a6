"""An archive gives what the inference of a folder gives, in parts that are done once."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import fsspec
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from ceph_pipeline.archive import ArchiveSettings
from ceph_pipeline.archive.processing import Archive, process_archive
from ceph_pipeline.artifacts import Folder, FolderError, WorkerParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import CheckpointError
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.inference import InferenceParams, LandmarkDetector
from ceph_pipeline.inference.folder import predict_folder

ALONE = WorkerParams(n_jobs=1)
LOOKS = DetectorParams(batch_size=1)
"""An untrained network's peaks are so flat that the last digits, which other batches change, move points."""


@pytest.fixture
def films(tmp_path: Path, dotted: np.ndarray) -> Path:
    """Six films in two patients' folders, a damaged one, a document, a hidden file and an annotation file."""
    folder = tmp_path / "films"
    for number in range(6):
        file = folder / f"patient {number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.roll(dotted, 20 * number, axis=1))
    (folder / "bad.png").write_bytes(b"no image")
    (folder / "letter.docx").write_bytes(b"text")
    (folder / ".preview.png").write_bytes(b"hidden")
    (folder / "points.json").write_text("{}")
    return folder


@pytest.fixture
def ruler_finder(ruler_checkpoints: Path, tmp_path: Path) -> Path:
    """Stage 1 alone of a detector of the ruler's marks."""
    return shutil.copytree(ruler_checkpoints, tmp_path / "ruler", ignore=shutil.ignore_patterns("stage2"))


def archive(source: Path | str, output: Path, models: Path, **inference: object) -> Archive:
    settings = ArchiveSettings(detector=LOOKS, inference=InferenceParams.model_validate(inference))
    return Archive(Folder(str(source)), Folder(str(output)), models, settings)


def table(output: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(output / name).sort_values(["image_id"], kind="stable", ignore_index=True)


def files(output: Path) -> dict[str, int]:
    return {path.relative_to(output).as_posix(): path.stat().st_mtime_ns for path in output.rglob("*.parquet")}


def test_an_archive_gives_the_points_that_inference_of_the_folder_gives(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    parts = process_archive(archive(films, tmp_path / "out", checkpoints, pixel_size_mm=0.1), 2, ALONE)

    expected = predict_folder(LandmarkDetector.load(checkpoints, LOOKS), films, 0.1)
    points = table(tmp_path / "out", "points")
    assert points["image_id"].nunique() == 6
    pd.testing.assert_frame_equal(
        points[expected.points.columns], expected.points.sort_values("image_id", kind="stable", ignore_index=True), atol=1e-3
    )
    quarantine = pd.read_parquet(tmp_path / "out" / "quarantine")
    assert set(quarantine["item"]) == {"bad", "letter.docx"} == set(expected.quarantine["item"])
    assert parts[["n_films", "n_located", "n_quarantined"]].sum().tolist() == [8, 6, 2]
    assert set(pd.read_parquet(tmp_path / "out" / "measurements")["image_id"]) == set(points["image_id"])
    assert set(pd.read_parquet(tmp_path / "out" / "pixel_sizes")["mm_per_pixel"]) == {0.1}


@pytest.mark.slow
def test_two_processes_leave_the_same_tables(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    for name, jobs in (("one", 1), ("two", 2)):
        process_archive(archive(films, tmp_path / name, checkpoints), 2, WorkerParams(n_jobs=jobs))
    assert files(tmp_path / "one").keys() == files(tmp_path / "two").keys()
    pd.testing.assert_frame_equal(table(tmp_path / "one", "points"), table(tmp_path / "two", "points"), atol=1e-3)


def test_what_is_complete_is_not_done_again_and_a_new_film_costs_its_part(
    films: Path, checkpoints: Path, dotted: np.ndarray, tmp_path: Path
) -> None:
    job = archive(films, tmp_path / "out", checkpoints)
    process_archive(job, 1, ALONE)
    before = files(tmp_path / "out")
    assert process_archive(job, 1, ALONE)["n_located"].sum() == 6
    assert files(tmp_path / "out") == before

    cv2.imwrite(str(films / "patient 0" / "new.png"), dotted)
    (films / "patient 1" / "5.png").unlink()
    assert process_archive(job, 1, ALONE)["n_located"].sum() == 6
    after = files(tmp_path / "out")
    assert len(before.keys() - after.keys()) == len(after.keys() - before.keys()) > 0
    assert all(after[name] == before[name] for name in after.keys() & before.keys())
    assert "patient_1_5" not in " ".join(table(tmp_path / "out", "points")["image_id"])


def test_an_interrupted_archive_goes_on_with_the_parts_that_are_missing(
    films: Path, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = archive(films, tmp_path / "out", checkpoints)
    looked: list[str] = []
    read = cv2.imdecode

    def stopping(*arguments: object) -> np.ndarray:
        looked.append("film")
        if len(looked) == 4:
            raise KeyboardInterrupt
        return read(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(cv2, "imdecode", stopping)
        with pytest.raises(KeyboardInterrupt):
            process_archive(job, 1, ALONE)
    kept = files(tmp_path / "out")
    assert any(name.startswith("parts/") for name in kept)
    assert process_archive(job, 1, ALONE)["n_located"].sum() == 6
    assert kept.items() <= files(tmp_path / "out").items()


def test_other_networks_do_everything_again(films: Path, checkpoints: Path, ruler_finder: Path, tmp_path: Path) -> None:
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    before = files(tmp_path / "out")
    process_archive(archive(films, tmp_path / "out", ruler_finder), 2, ALONE)
    assert not before.keys() & files(tmp_path / "out").keys()
    assert set(table(tmp_path / "out", "points")["landmark"]) == {"p1", "p2"}


def test_films_of_a_bucket_give_what_films_of_a_disk_give(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    bucket = fsspec.filesystem("memory")
    for file in films.rglob("*"):
        if file.is_file():
            bucket.pipe_file(f"/hospital/{file.relative_to(films).as_posix()}", file.read_bytes())
    try:
        process_archive(archive("memory://hospital", tmp_path / "there", checkpoints), 2, ALONE)
    finally:
        bucket.store.clear()
    process_archive(archive(films, tmp_path / "here", checkpoints), 2, ALONE)
    pd.testing.assert_frame_equal(table(tmp_path / "there", "points"), table(tmp_path / "here", "points"), atol=1e-3)
    assert set(pd.read_parquet(tmp_path / "there" / "quarantine")["item"]) == {"bad", "letter.docx"}


def test_the_sheet_and_the_ruler_give_pixel_sizes(films: Path, checkpoints: Path, ruler_finder: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sizes.csv"
    sheet.write_text("image,pixel_size_mm\npatient 0/0.png,0.125\n", encoding="utf-8")
    asked = {"films": {"sheet": str(sheet)}, "ruler_models": str(ruler_finder)}
    process_archive(archive(films, tmp_path / "out", checkpoints, **asked), 2, ALONE)
    sizes = table(tmp_path / "out", "pixel_sizes").set_index("image_id")
    named = next(name for name in sizes.index if name.startswith("patient_0_0"))
    assert sizes.loc[named, "file_mm_per_pixel"] == 0.125
    assert sizes["file_mm_per_pixel"].count() == 1
    assert sizes["confidence"].notna().all()  # the ruler's networks have looked


def test_a_folder_without_films_is_an_error_before_anything_is_deleted(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    before = files(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    for place, message in (
        (tmp_path / "empty", "contains no X-rays"),
        (tmp_path / "none", "no such folder"),
        ("memory://none", "no such"),
    ):
        with pytest.raises(DetectorError, match=message):
            process_archive(archive(place, tmp_path / "out", checkpoints), 2, ALONE)
    assert files(tmp_path / "out") == before


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs links")
def test_a_link_out_of_the_archive_is_quarantined(films: Path, checkpoints: Path, dotted: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "outside.png"), dotted)
    (films / "link.png").symlink_to(tmp_path / "outside.png")
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    quarantine = pd.read_parquet(tmp_path / "out" / "quarantine").set_index("item")["reason"]
    assert quarantine["link"] == "a link out of the folder"


def test_results_of_another_folder_are_not_replaced(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    before = files(tmp_path / "out")
    with pytest.raises(DetectorError, match=r"contains the results of .*films.* Set another data_root"):
        process_archive(archive(films / "patient 0", tmp_path / "out", checkpoints), 2, ALONE)
    assert files(tmp_path / "out") == before


def test_a_folder_is_the_same_however_its_path_is_written(
    films: Path, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    before = files(tmp_path / "out")
    monkeypatch.chdir(tmp_path)
    for path in ("films", f"file://{films}/", str(films / ".." / "films")):
        process_archive(archive(path, tmp_path / "out", checkpoints), 2, ALONE)
    assert files(tmp_path / "out") == before


@pytest.mark.parametrize("damaged", ["the detector's", "the ruler's"])
def test_nothing_is_deleted_where_networks_cannot_be_loaded(
    films: Path, checkpoints: Path, ruler_finder: Path, tmp_path: Path, damaged: str
) -> None:
    models = {"the detector's": shutil.copytree(checkpoints, tmp_path / "models"), "the ruler's": ruler_finder}
    job = archive(films, tmp_path / "out", models["the detector's"], ruler_models=str(ruler_finder))
    process_archive(job, 2, ALONE)
    before = files(tmp_path / "out")
    (models[damaged] / "stage1" / "best.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError):
        process_archive(job, 2, ALONE)
    assert files(tmp_path / "out") == before


def test_settings_that_no_result_depends_on_change_no_part(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    job = archive(films, tmp_path / "out", checkpoints)
    process_archive(job, 2, ALONE)
    before = files(tmp_path / "out")
    looks = DetectorParams(batch_size=3, crop_batch_size=5, device="cpu")
    other = job.settings.model_copy(update={"detector": looks, "inference": InferenceParams(reports=False, overlays=False)})
    process_archive(replace(job, settings=other), 2, ALONE)
    assert files(tmp_path / "out") == before


def test_a_part_that_is_done_again_keeps_no_row_of_before(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    for file in (films / "patient 0").iterdir():
        file.write_bytes(b"no image")
    for name in ("bad.png", "letter.docx"):
        (films / name).unlink()
    shutil.rmtree(films / "patient 1")
    job = archive(films, tmp_path / "out", checkpoints)
    process_archive(job, 100, ALONE)
    (part,) = (tmp_path / "out" / "parts").iterdir()
    (tmp_path / "out" / "points").mkdir()
    shutil.copy(part, tmp_path / "out" / "points" / part.name)  # as if its films had been readable
    part.unlink()
    process_archive(job, 100, ALONE)
    assert {name.partition("/")[0] for name in files(tmp_path / "out")} == {"films", "quarantine", "parts"}


def test_a_slash_more_is_the_same_folder(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    before = files(tmp_path / "out")
    process_archive(archive(f"{films}/", tmp_path / "out", checkpoints), 2, ALONE)
    assert files(tmp_path / "out") == before


def test_a_film_with_colours_is_marked(films: Path, checkpoints: Path, dotted: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(films / "photo.png"), np.dstack([dotted // 4, dotted // 2, dotted]))
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    colourful = table(tmp_path / "out", "plausibility").set_index("image_id")["colourful"]
    assert colourful.index[colourful].tolist() == ["photo"]


def test_one_run_at_a_time_writes_an_output(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(FolderError, match="another run is writing to this folder"):
        process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)


def test_an_output_among_the_films_is_refused(films: Path, checkpoints: Path) -> None:
    with pytest.raises(DetectorError, match="data_root is inside the folder of the films"):
        process_archive(archive(films, films / "out", checkpoints), 2, ALONE)


def test_a_damaged_row_of_a_part_is_named(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    job = archive(films, tmp_path / "out", checkpoints)
    process_archive(job, 100, ALONE)
    next((tmp_path / "out" / "parts").iterdir()).write_bytes(b"")
    with pytest.raises(DetectorError, match=r"parts/part-\w+\.parquet: damaged.*Delete the file and run again"):
        process_archive(job, 100, ALONE)


def test_every_film_has_a_row_with_its_path(films: Path, checkpoints: Path, tmp_path: Path) -> None:
    process_archive(archive(films, tmp_path / "out", checkpoints), 2, ALONE)
    listed = pd.read_parquet(tmp_path / "out" / "films").set_index("path")
    assert listed["is_located"].to_dict() == {
        **{f"patient {number % 2}/{number}.png": True for number in range(6)},
        "bad.png": False,
        "letter.docx": False,
    }
    assert listed.loc["patient 0/0.png", "image_id"] in set(pd.read_parquet(tmp_path / "out" / "points")["image_id"])
    reasons = pd.read_parquet(tmp_path / "out" / "quarantine").set_index("item")["reason"]
    assert reasons["bad"].startswith("bad.png: damaged or not an image")


def test_a_film_that_the_store_refuses_is_quarantined_and_a_store_that_fails_ends_the_run(
    films: Path, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = fsspec.filesystem("memory")
    for number in range(2):
        bucket.pipe_file(f"/hospital/{number}.png", (films / "patient 0" / "0.png").read_bytes())
    read = bucket.cat_file

    def refusing(error: OSError) -> Callable[..., bytes]:
        def cat(path: str, *arguments: object, **options: object) -> bytes:
            if path.endswith("1.png"):
                raise error
            return bytes(read(path, *arguments, **options))

        return cat

    try:
        monkeypatch.setattr(type(bucket), "cat_file", staticmethod(refusing(OSError("slow down"))))
        with pytest.raises(FolderError, match=r"1\.png cannot be read: slow down\. Run again"):
            process_archive(archive("memory://hospital", tmp_path / "out", checkpoints), 100, ALONE)
        monkeypatch.setattr(type(bucket), "cat_file", staticmethod(refusing(PermissionError("not yours"))))
        process_archive(archive("memory://hospital", tmp_path / "out", checkpoints), 100, ALONE)
    finally:
        bucket.store.clear()
    quarantine = pd.read_parquet(tmp_path / "out" / "quarantine")
    assert quarantine.to_dict("records") == [{"item": "1", "reason": "reading is not permitted"}]
    assert set(table(tmp_path / "out", "points")["image_id"]) == {"0"}

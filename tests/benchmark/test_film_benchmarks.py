"""Scripts that locate landmarks on folders of films, with detectors whose answers are known."""

from pathlib import Path
from types import SimpleNamespace

import audit_throughput
import cv2
import foreign_duplicates
import isbi2015_rulers
import numpy as np
import pandas as pd
import pytest
import stability
from click.testing import CliRunner

from ceph_pipeline.detector import LandmarkDetector


class BrightestPixel:
    """A detector of the one bright spot."""

    landmarks = ("spot",)

    def predict(self, images: dict[str, np.ndarray], pixel_size_mm: float) -> pd.DataFrame:
        assert pixel_size_mm == 0.1
        places = [np.unravel_index(image.argmax(), image.shape) for image in images.values()]
        return pd.DataFrame([(name, "spot", x, y) for name, (y, x) in zip(images, places, strict=True)], columns=COLUMNS)


class MarksBesideTheTruth:
    """A detector of both marks, p1 3 px too low."""

    def predict(self, paths: list[Path]) -> pd.DataFrame:
        truth = isbi2015_rulers.marked().set_index("image")
        rows = [
            (path.stem, mark, truth.loc[path.stem, f"{mark}_x"], truth.loc[path.stem, f"{mark}_y"] + 3 * (mark == "p1"))
            for path in paths
            for mark in ("p1", "p2")
        ]
        return pd.DataFrame(rows, columns=COLUMNS).assign(sigma_px=0.5, peak=0.9)


COLUMNS = ["image_id", "landmark", "x", "y"]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """The challenge's folders with the forty films, each of a few pixels."""
    for path in isbi2015_rulers.marked()["path"]:
        (tmp_path / "isbi" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "isbi" / path).write_bytes(path.encode())
    return tmp_path / "isbi"


def test_points_are_brought_back_to_the_film_before_they_are_compared(tmp_path, monkeypatch):
    film = np.full((200, 160), 30, np.uint8)
    film[120, 70] = 255
    (tmp_path / "films").mkdir()
    cv2.imwrite(str(tmp_path / "films" / "a.png"), film)
    monkeypatch.setattr(LandmarkDetector, "load", lambda _: BrightestPixel())
    result = CliRunner().invoke(stability.main, ["--models", str(tmp_path), "--films", str(tmp_path / "films")])
    assert result.exception is None
    assert "1 films, 11 predictions each; spread in mm, all landmarks: 0.000" in result.stdout


def test_the_sheet_of_rulers_has_the_copied_films_marks_and_splits(films, tmp_path):
    result = CliRunner().invoke(isbi2015_rulers.main, ["prepare", "--films", str(films), "--into", str(tmp_path / "new")])
    assert result.exception is None
    sheet = pd.read_csv(tmp_path / "new" / "marks.csv")
    assert all((tmp_path / "new" / name).is_file() for name in sheet["image"])
    assert sheet["split"].value_counts().to_dict() == {"test": 20, "train": 16, "valid": 4}
    lengths = np.hypot(sheet["p1_x"] - sheet["p2_x"], sheet["p1_y"] - sheet["p2_y"])
    assert lengths.mean() == pytest.approx(165.04, abs=0.01)
    assert (sheet["p1_y"] > sheet["p2_y"]).all()


def test_a_detector_of_rulers_is_scored_against_the_marks(films, tmp_path, monkeypatch):
    monkeypatch.setattr(LandmarkDetector, "load", lambda _: MarksBesideTheTruth())
    options = ["score", "--films", str(films), "--models", str(tmp_path), "--tested"]
    result = CliRunner().invoke(isbi2015_rulers.main, options)
    assert result.exception is None
    assert "20 of 20 rulers found, 20 usable" in result.stdout
    assert "'mean': 1.5" in result.stdout
    assert "'bias': -1.7" in result.stdout  # 3 of 168 px


def test_films_that_two_sets_share_are_counted_apart_from_those_that_only_one_has(tmp_path, monkeypatch):
    random = np.random.default_rng(1)
    names = [f"{number:03d}" for number in range(1, 5)]
    for name in names:
        clouds = cv2.GaussianBlur(random.normal(size=(600, 480)), (0, 0), 9)
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.uint8(np.clip(128 + 900 * clouds, 1, 255)))
    images = pd.DataFrame({"image_id": names, "path": [f"{name}.png" for name in names], "split": "train"})
    monkeypatch.setattr(foreign_duplicates.formats, "read", lambda *_: SimpleNamespace(images=images))
    monkeypatch.setitem(
        foreign_duplicates.WAYS, "another film", lambda film: random.integers(0, 255, film.shape).astype(np.uint8)
    )
    result = CliRunner().invoke(foreign_duplicates.main, ["--films", str(tmp_path), "--shared", "3"])
    assert result.exception is None
    assert "| the same pixels | 3 of 3 (100.0%) | 0 | 0 | 1.000 |" in result.stdout
    assert "| padded to 2880 × 2400 and left so, JPEG of quality 85 | 3 of 3 (100.0%) | 0 | 0 |" in result.stdout
    assert "| another film | 0 of 3 (0.0%) | 0 | 0 |" in result.stdout


@pytest.mark.slow
def test_the_audit_is_measured_by_what_decoding_takes():
    result = CliRunner().invoke(audit_throughput.main, ["--images", "4", "--long-side", "256", "--rounds", "1", "--threads", "1"])
    assert result.exception is None
    assert "decoding: " in result.stdout
    assert "1.00 times decoding (1.00 to 1.00)" in result.stdout
    assert "audit alone: " in result.stdout

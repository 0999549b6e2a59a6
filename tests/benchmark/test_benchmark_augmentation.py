"""The contenders of the augmentation's measurement do the same work, and the table compares what it says."""

from pathlib import Path

import augmentation_throughput
import cv2
import numpy as np
import pytest
from augmentation_contenders import COPIES, albumentations_copies, bare_copies
from augmentation_films import ISBI_SIZE, lay_out
from click.testing import CliRunner


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder of three small films."""
    folder = tmp_path / "films"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        smooth = cv2.GaussianBlur(rng.integers(0, 256, (150, 120)).astype(np.uint8), (0, 0), 3)
        cv2.imwrite(str(folder / f"{number}.png"), smooth)
    return folder


def test_the_command_prints_a_row_for_each_way_and_number_of_processes(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation_throughput, "_alone", lambda run, *arguments: run(*arguments))
    options = ["--films", str(films), "--count", "3", "--processes", "1", "--formats", "jpg", "--scratch", str(films.parent)]
    result = CliRunner().invoke(augmentation_throughput.main, options, catch_exceptions=False)
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith("| jpg")]
    assert [row[1] for row in rows] == ["engine", "bare OpenCV loop", "albumentations, a pipeline a copy"]
    bare = next(row for row in rows if row[1] == "bare OpenCV loop")
    assert bare[4] == bare[5] == "1.00", "the yardstick measured by itself, and one process by one"
    assert all(float(row[3]) > 0 and int(row[6].removesuffix(" MB")) > 20 for row in rows)


def test_the_plain_way_makes_the_bare_loops_pictures(films: Path, tmp_path: Path) -> None:
    bare, plain = tmp_path / "bare", tmp_path / "plain"
    for make, out in ((bare_copies, bare), (albumentations_copies, plain)):
        out.mkdir()
        make(films / "0.png", out=out, format="png")
    pictures = sorted(path.name for path in bare.glob("*.png"))
    assert len(pictures) == COPIES
    for name in pictures:
        ours, theirs = (cv2.imread(str(out / name), cv2.IMREAD_GRAYSCALE).astype(int) for out in (bare, plain))
        inside = (slice(20, -20), slice(20, -20))
        assert np.abs(ours - theirs)[inside].mean() < 3, name


def test_without_films_phantoms_of_the_benchmarks_size_are_drawn(tmp_path: Path) -> None:
    tables = lay_out(tmp_path / "drawn", 2, None)
    assert tables.images[["width", "height"]].to_numpy().tolist() == [list(ISBI_SIZE)] * 2
    assert cv2.imread(str(tmp_path / "drawn" / "film_0001.jpg"), cv2.IMREAD_GRAYSCALE).std() > 20

"""Candidate against champion, on errors that are known."""

from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.evaluation.errors import error_rows
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.inference import promotion
from ceph_pipeline.inference.promotion import PromotionError, compare_errors, promote_candidate
from ceph_pipeline.inference.registry import CANDIDATE, CHAMPION, make_champion, version_with

IMAGE_IDS = [f"ceph{number:02d}" for number in range(12)]
IMAGES = pd.DataFrame({"image_id": IMAGE_IDS, "width": 2000, "height": 2400, "pixel_size_mm": 0.1})
SCATTER = np.random.default_rng(3).normal(0, 2, (len(IMAGE_IDS), 1))
MODEL = "films"
STATISTICS = StatisticsParams(n_resamples=1000)


def points(shift_px: float, landmarks: tuple[str, ...] = ("Sella", "Nasion")) -> pd.DataFrame:
    """Every landmark of every image this far beside the truth, and what makes an image hard on top."""
    x = np.broadcast_to(500 + shift_px + 0.1 * abs(SCATTER) * shift_px, (len(IMAGE_IDS), len(landmarks)))
    names = np.tile(landmarks, len(IMAGE_IDS))
    return pd.DataFrame({"image_id": np.repeat(IMAGE_IDS, len(landmarks)), "landmark": names, "x": x.ravel(), "y": 400.0})


def errors(shift_px: float, name: str, landmarks: tuple[str, ...] = ("Sella", "Nasion")) -> pd.DataFrame:
    return error_rows(points(shift_px, landmarks), points(0), IMAGES, name)


def test_the_comparison_is_paired_and_in_millimetres() -> None:
    result = compare_errors(errors(10, CANDIDATE), errors(20, CHAMPION), STATISTICS)
    assert result["champion_mre"] == pytest.approx(2 * result["candidate_mre"])
    assert result["improvement_percent"] == pytest.approx(50)
    assert result["difference"] == pytest.approx(result["candidate_mre"] - result["champion_mre"])
    assert result["difference_ci95"][1] < 0
    assert (result["n_images"], result["n_landmarks"], result["unit"]) == (12, 2, "mm")


def test_landmarks_that_only_the_candidate_locates_do_not_count() -> None:
    result = compare_errors(errors(10, CANDIDATE), errors(10, CHAMPION, ("Sella",)), STATISTICS)
    assert (result["n_landmarks"], result["difference"]) == (1, 0)


def test_a_champion_that_finds_nothing_is_no_measure() -> None:
    nothing = errors(10, CHAMPION).assign(error_px=np.nan, error_mm=np.nan)
    with pytest.raises(PromotionError, match="finds none of the annotated landmarks"):
        compare_errors(errors(10, CANDIDATE), nothing, STATISTICS)


def test_a_candidate_that_leaves_out_what_the_champion_locates_is_refused() -> None:
    with pytest.raises(PromotionError, match="does not locate Nasion, but the champion does"):
        compare_errors(errors(1, CANDIDATE, ("Sella",)), errors(10, CHAMPION), STATISTICS)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, new_runs: Callable[[Path], str]) -> Iterator[mlflow.MlflowClient]:
    """An MLflow of these tests' own."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(new_runs(tmp_path_factory.mktemp("mlflow")))
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def register(client: mlflow.MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], int]]:
    """Registers a version whose points lie so far beside the truth, as candidate."""
    client.create_registered_model(MODEL)
    shifts: dict[str, float] = {}

    def add(shift_px: float) -> int:
        version = client.create_model_version(MODEL, source=str(tmp_path)).version
        client.set_registered_model_alias(MODEL, CANDIDATE, version)
        shifts[f"models:/{MODEL}/{version}"] = shift_px
        return int(version)

    monkeypatch.setattr(promotion, "_located", lambda uri, *_: points(shifts[uri]))
    yield add
    client.delete_registered_model(MODEL)


def promoted() -> dict[str, object]:
    return promote_candidate(MODEL, ImageSet(IMAGES, lambda _: np.zeros((1, 1)), ""), points(0), DetectorParams(), STATISTICS)


def test_without_a_champion_the_candidate_becomes_the_first(register) -> None:
    with pytest.raises(PromotionError, match="no detector is registered as candidate"):
        promoted()
    version = register(10)
    assert promoted() == {"candidate": version, "champion": None, "promoted": True}
    assert int(version_with(MODEL, CHAMPION).version) == version
    assert promoted()["promoted"] is False, "it is the champion already"


def test_a_better_candidate_is_promoted_and_a_worse_one_refused_with_the_interval(register) -> None:
    register(10)
    promoted()
    better = register(8)
    assert promoted()["improvement_percent"] == pytest.approx(20)
    assert int(version_with(MODEL, CHAMPION).version) == better
    register(9)
    with pytest.raises(PromotionError, match=r"12 images and 2 landmarks, candidate \(version 3\).*95 % interval \+0\.\d+ to"):
        promoted()
    assert int(version_with(MODEL, CHAMPION).version) == better
    make_champion(version_with(MODEL, CANDIDATE))
    assert int(version_with(MODEL, CHAMPION).version) == 3, "a person may decide otherwise"

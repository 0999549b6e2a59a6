"""Stage 1's points stay as they are while its network does, since stage 2 is trained on them to the last digit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.images import ImageStore
from ceph_pipeline.pipelines.stage1 import nodes
from ceph_pipeline.training.folds import checkpoint_table

ROWS = pd.DataFrame({"image_id": ["train_a", "valid_a"], "split": ["train", "valid"], "width": 100, "height": 120})
INDEX = pd.DataFrame({"image_id": ["train_a", "valid_a"], "digest": "as taken"})
FOLDS = pd.DataFrame({"image_id": ["train_a"], "fold": [0]})


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A store, a checkpoint, and a network whose answers differ in the last digits each time that it is asked."""
    rng = np.random.default_rng(0)

    def predict(rows: pd.DataFrame, cache: ImageStore, checkpoint: Path) -> pd.DataFrame:
        points = pd.DataFrame({"image_id": rows["image_id"].to_numpy(), "stage": "stage1", "landmark": "Sella"})
        return points.assign(x=50 + rng.normal(0, 1e-6, len(rows)), y=60.0, sigma_px=1.0)

    monkeypatch.setattr("ceph_pipeline.inference.stages.predict_stage1_table", predict)
    checkpoint = tmp_path / "0" / "stage1" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"first training")
    return ImageStore(str(tmp_path / "cache")), checkpoint, tmp_path


def test_the_main_networks(noisy) -> None:
    cache, checkpoint, folder = noisy
    first, second = (nodes.predict_stage1(ROWS, cache, INDEX, checkpoint, folder) for _ in range(2))
    assert first["image_id"].tolist() == ["valid_a"]
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    checkpoint.write_bytes(b"second training")
    assert nodes.predict_stage1(ROWS, cache, INDEX, checkpoint, folder)["x"].item() != first["x"].item()


def test_those_of_the_folds(noisy) -> None:
    cache, checkpoint, folder = noisy
    table = checkpoint_table({0: checkpoint}, folder)
    first, second = (nodes.predict_stage1_folds(FOLDS, table, ROWS, cache, INDEX, folder) for _ in range(2))
    assert first["image_id"].tolist() == ["train_a"]
    pd.testing.assert_frame_equal(first, second, check_exact=True)

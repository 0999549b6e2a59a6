"""Each training source is located by the detector that was trained without its fold."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.detector import DetectorParams, tables
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.pipelines.folds import nodes
from ceph_pipeline.training import FoldParams, Stage1Params
from ceph_pipeline.training.folds import checkpoint_table, delete_surplus_folds

ROWS = pd.DataFrame(
    {"image_id": ["train_a", "train_b"], "path": "a.png", "split": "train", "width": 100, "height": 120, "pixel_size_mm": 0.1}
)
INDEX = pd.DataFrame({"image_id": ["train_a", "train_b"], "digest": "as taken"})
FOLDS = pd.DataFrame({"image_id": ["train_a", "train_b"], "fold": [0, 1]})


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Networks whose answers differ in the last digits each time that they are asked; which checkpoint saw which images."""
    rng, seen = np.random.default_rng(0), []

    def points(rows: pd.DataFrame, stage: str) -> pd.DataFrame:
        table = pd.DataFrame({"image_id": rows["image_id"].to_numpy(), "stage": stage, "landmark": "Sella"})
        return table.assign(x=50 + rng.normal(0, 1e-6, len(rows)), y=60.0, sigma_px=1.0)

    def whole(networks, images, params):
        seen.append((networks[0].parent.parent.name, images.image_ids))
        return tables.WholeImageTables(points(images.rows, "stage1"), points(images.rows, "stage1_tta"), pd.DataFrame())

    def refined(networks, images, starts, params):
        assert {name: set(start.points["stage"]) for name, start in starts.items()} == {
            "stage2": {"stage1"}, "stage2_tta": {"stage1_tta"}
        }  # fmt: skip
        seen.append((networks[0].parent.parent.name, starts["stage2"].points["image_id"].tolist()))
        return {name: points(start.points, name) for name, start in starts.items()}

    monkeypatch.setattr("ceph_pipeline.detector.checkpoint.load_networks", lambda paths, stage, params: paths)
    monkeypatch.setattr(tables, "whole_image_tables", whole)
    monkeypatch.setattr(tables, "refined_tables", refined)
    return seen


@pytest.fixture
def checkpoints(tmp_path: Path):
    """Both stages' tables of two folds."""
    found = []
    for stage in ("stage1", "stage2"):
        paths = {fold: tmp_path / "folds" / str(fold) / stage / "best.ckpt" for fold in (0, 1)}
        for fold, path in paths.items():
            path.parent.mkdir(parents=True)
            path.write_bytes(f"{stage} without fold {fold}".encode())
        found.append(checkpoint_table(paths, tmp_path / "folds"))
    return found


def stage1(checkpoints, tmp_path: Path, views: str = "single") -> dict[str, pd.DataFrame]:
    store = ImageStore(str(tmp_path / "cache"))
    params = DetectorParams(views_stage1=views)
    return nodes.predict_stage1(FOLDS, checkpoints[0], ROWS, store, INDEX, tmp_path / "folds", tmp_path / "out", params)


def stage2(start, table, tmp_path: Path) -> pd.DataFrame:
    raw = RawFolder(tmp_path, "aariz")
    points, places = start.values(), (tmp_path / "folds", tmp_path / "out")
    return nodes.predict_stage2(FOLDS, *points, table, ROWS, raw, INDEX, *places, DetectorParams())


def test_by_the_network_that_has_not_learned_from_it(asked, checkpoints, tmp_path: Path) -> None:
    start = stage1(checkpoints, tmp_path)
    table = stage2(start, checkpoints[1], tmp_path)
    assert asked == [("0", ["train_a"]), ("1", ["train_b"])] * 2
    stages = ("stage1", "stage1_tta", "stage2", "stage2_tta")
    assert {(row.image_id, row.stage) for row in table.itertuples()} == set(product(("train_a", "train_b"), stages))
    assert len(table) == 8


def test_points_stay_while_their_networks_do_and_change_with_them(asked, checkpoints, tmp_path: Path) -> None:
    first, second = (stage1(checkpoints, tmp_path) for _ in range(2))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name], check_exact=True)
    (tmp_path / "folds" / "0" / "stage1" / "best.ckpt").write_bytes(b"trained again")
    again = checkpoint_table(
        {fold: tmp_path / "folds" / str(fold) / "stage1" / "best.ckpt" for fold in (0, 1)}, tmp_path / "folds"
    )
    for name, table in stage1([again], tmp_path).items():
        assert table["x"].tolist() != first[name]["x"].tolist()


def test_points_of_one_view_stay_where_only_the_views_have_changed(asked, checkpoints, tmp_path: Path) -> None:
    """Stage 2 has learned on crops that their errors displace."""
    before, after = (stage1(checkpoints, tmp_path, views) for views in ("single", "five"))
    alone, tta = "fold_stage1_predictions", "fold_stage1_tta_predictions"
    pd.testing.assert_frame_equal(before[alone], after[alone], check_exact=True)
    assert before[tta]["x"].tolist() != after[tta]["x"].tolist()


def test_folds_without_a_stage_2_are_left_out_of_both_stages(asked, checkpoints, tmp_path: Path) -> None:
    table = stage2(stage1(checkpoints, tmp_path), checkpoints[1][checkpoints[1]["fold"] == 1], tmp_path)
    assert set(table["image_id"]) == {"train_b"}
    assert table["stage"].tolist() == ["stage1", "stage1_tta", "stage2", "stage2_tta"]


def test_detectors_of_an_earlier_run_with_more_folds_go(checkpoints, tmp_path):
    (tmp_path / "folds" / "stage1.parquet").touch()
    (tmp_path / "folds" / "1b").mkdir()
    delete_surplus_folds(tmp_path / "folds", 1)
    assert {path.name for path in (tmp_path / "folds").iterdir()} == {"0", "1b", "stage1.parquet"}


def test_a_share_of_a_landmark_that_the_data_set_lacks_is_refused_before_the_trainings(tmp_path: Path) -> None:
    nothing, landmarks = pd.DataFrame(), pd.DataFrame({"landmark": ["Sella", "Nasion"]})
    detector = DetectorParams.model_validate({"refinement": {"stage1_share_of": {"Naison": 0.6}}})
    tables = (FOLDS, nothing, landmarks, nothing, nothing, ImageStore(str(tmp_path)), nothing)
    with pytest.raises(ValueError, match="stage1_share_of: 'Naison' is not one"):
        nodes.train_stage1(*tables, tmp_path, Stage1Params(), FoldParams(), detector)

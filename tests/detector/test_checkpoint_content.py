"""What a checkpoint says beside its weights is checked when it is read."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ceph_pipeline.detector.checkpoint import CheckpointError, load_checkpoint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_size": []}, "input_size"),
        ({"input_size": [64]}, "input_size"),
        ({"input_size": [0, 64]}, "input_size"),
        ({"input_size": [66, 64]}, "input_size .* not a multiple of stride 4"),
        ({"stride": 2}, "stride is 2, but its network has 4"),
        ({"stride": 0}, "stride"),
        ({"stride": "4"}, "stride"),
        ({"sigma_px": float("nan")}, "sigma_px"),
        ({"sigma_px": 0.0}, "sigma_px"),
        ({"landmarks": []}, "landmarks"),
        ({"landmarks": ["Sella"]}, "n_landmarks is 1, but its network has 19"),
        ({"landmarks": ["Sella"] * 19}, "a name occurs twice"),
        ({"activation": "relu"}, "activation"),
        ({"stage": "stage3"}, "stage"),
        ({"architecture": None}, "architecture"),
        ({"facts": {}}, "facts.resize is None, expected one of"),
        ({"facts": {"resize": "stretch", "input_gamma": 0.0}}, "facts.input_gamma is 0.0, expected a finite float above 0"),
        ({"facts": {"resize": "stretch", "input_gamma": float("inf")}}, "facts.input_gamma is inf"),
        ({"facts": {"resize": "stretch", "flips": "no"}}, "facts.flips is 'no', expected true or false"),
        ({"facts": None}, "facts"),
        ({"state_dict": {"a": 1.0}}, "state_dict"),
        ({"state_dict": None}, "state_dict"),
    ],
)
def test_what_a_training_does_not_write_is_named(
    checkpoints: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    file = tmp_path / "best.ckpt"
    torch.save(torch.load(checkpoints / "stage1" / "best.ckpt", weights_only=True) | changes, file)
    with pytest.raises(CheckpointError, match=rf"best\.ckpt: not a checkpoint that training writes \(.*{message}"):
        load_checkpoint(file)


def test_crops_that_stage_2_does_not_describe_are_named(checkpoints: Path, tmp_path: Path) -> None:
    file = tmp_path / "best.ckpt"
    content = torch.load(checkpoints / "stage2" / "best.ckpt", weights_only=True)
    torch.save(content | {"facts": {"crops": {"crop_px": -1}}}, file)
    with pytest.raises(CheckpointError, match="crop_px"):
        load_checkpoint(file)


@pytest.mark.parametrize("text", ["garbage", "Repository not found", "sorry", "hello world", "r BF"])
def test_a_file_of_anything_else_is_refused_without_a_way_to_load_it_all_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "best.ckpt").write_text(text)
    with pytest.raises(CheckpointError, match="rejected: not a checkpoint") as refused:
        load_checkpoint(tmp_path / "best.ckpt")
    assert "weights_only" not in str(refused.value)

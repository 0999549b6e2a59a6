"""The networks of the last validations stay, with the weights that were validated."""

from pathlib import Path

import torch


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def test_the_last_ones_stay_with_averaged_weights(toy, tmp_path):
    trained = toy("kept", optim={"epochs": 5, "ema_decay": 0.9}, loop={"snapshots": 2})
    kept = sorted((tmp_path / "kept" / "snapshots-unfinished").iterdir())
    assert [path.name for path in kept] == ["epoch_0004.ckpt", "epoch_0005.ckpt"]
    best, (before, last) = trained.net.state_dict(), map(weights, kept)
    assert not torch.equal(last["head.weight"], before["head.weight"])
    assert any(all(torch.equal(best[name], seen[name]) for name in best) for seen in (before, last)), "one of them was the best"


def test_none_are_kept_unless_asked_for(toy, tmp_path):
    toy("plain", optim={"epochs": 2})
    assert not list((tmp_path / "plain").glob("snapshots*"))

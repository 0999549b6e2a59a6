"""The trainings of `health_proof.py`: induced failures with the checks that must recognise them, and healthy trainings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ceph_pipeline.training.params import Stage1Params
from ceph_pipeline.training.stage1 import Stage1Tables

EPOCHS = 16
"""Sufficient for errors of 1.5 to 2.5 mm on these phantoms."""

BASE: dict[str, dict[str, Any]] = {
    "net": {"backbone": "hrnet_w18_small", "input_width_px": 128, "input_height_px": 128},
    "loss": {"sigma_px": 1.5, "wing_ramp_epochs": 3, "cvm_weight": 0.0},
    "optim": {
        "epochs": EPOCHS,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "schedule": "one_cycle",
        "ema_decay": 0.9,
        "precision": "float32",
    },
    "augmentation": {
        "affine": {"rotation_deg": [-5, 5], "scale": [0.9, 1.1], "shift": [-0.03, 0.03]},
        "gamma": {"gammas": [[0.8, 1.25]]},
    },
    "loop": {"workers": 0},
}
"""A small version of the parameters of stage 1."""

Spoil = Callable[[Stage1Tables, np.random.Generator], Stage1Tables]


def shuffle_labels(tables: Stage1Tables, rng: np.random.Generator) -> Stage1Tables:
    """Give each training image the labels of another training image."""
    ids = tables.images.loc[tables.images["split"] == "train", "image_id"].to_numpy()
    order = rng.permutation(ids)
    next_one = dict(zip(order, np.roll(order, 1), strict=True))
    moved = tables.landmarks["image_id"].map(lambda image_id: next_one.get(image_id, image_id))
    return replace(tables, landmarks=tables.landmarks.assign(image_id=moved, source_id=moved))


def drop_labels(tables: Stage1Tables, rng: np.random.Generator) -> Stage1Tables:
    """Remove one landmark's labels from all training images."""
    ids = tables.images.loc[tables.images["split"] == "train", "image_id"]
    landmarks = tables.landmarks.copy()
    dropped = (landmarks["landmark"] == rng.choice(landmarks["landmark"].unique())) & landmarks["image_id"].isin(ids)
    landmarks.loc[dropped, ["x", "y"]] = np.nan
    return replace(tables, landmarks=landmarks)


def keep_20_images(tables: Stage1Tables, rng: np.random.Generator) -> Stage1Tables:
    """Keep 20 training images and all validation images."""
    train = tables.images["split"] == "train"
    kept = set(rng.choice(tables.images.loc[train, "image_id"], 20, replace=False)) | set(tables.images.loc[~train, "image_id"])
    of_kept = {name: table[table["image_id"].isin(kept)] for name, table in vars(tables).items() if "image_id" in table}
    return Stage1Tables(**(vars(tables) | of_kept))


@dataclass(frozen=True)
class Trial:
    """One kind of training.

    Attributes:
        name: Name in the table.
        recognised_by: Checks of which at least one must have a finding; empty for a healthy training, which must have no finding.
        changes: Changes to `BASE`, by section; a section named `augmentation` replaces the whole recipe.
        spoil: Function that changes the training tables.
    """

    name: str
    recognised_by: frozenset[str] = frozenset()
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    spoil: Spoil | None = None

    def params(self, seed: int) -> Stage1Params:
        """The stage's parameters. If the trial names no loss, odd seeds use `combined` and even seeds `cross_entropy`."""
        sections = {name: section | self.changes.get(name, {}) for name, section in BASE.items() if name != "augmentation"}
        sections["loss"] = {"kind": "combined" if seed % 2 else "cross_entropy"} | sections["loss"]
        sections["loop"]["seed"] = seed
        return Stage1Params.model_validate(sections | {"augmentation": self.changes.get("augmentation", BASE["augmentation"])})

    def tables(self, tables: Stage1Tables, seed: int) -> Stage1Tables:
        """The tables for the training."""
        return self.spoil(tables, np.random.default_rng(seed)) if self.spoil is not None else tables


TRIALS = (
    Trial("healthy, combined loss", changes={"loss": {"kind": "combined"}}),
    Trial("healthy, cross-entropy", changes={"loss": {"kind": "cross_entropy"}}),
    Trial(
        "rate 100 times too high",
        frozenset({"rate_too_high", "not_finite"}),
        {"optim": {"learning_rate": 100 * BASE["optim"]["learning_rate"]}},
    ),
    Trial("rate 100 times too low", frozenset({"stuck"}), {"optim": {"learning_rate": BASE["optim"]["learning_rate"] / 100}}),
    Trial("labels shuffled between images", frozenset({"not_learned"}), spoil=shuffle_labels),
    Trial("one landmark's labels missing", frozenset({"dead_channels"}), spoil=drop_labels),
    Trial(
        "20 training images, no augmentation",
        frozenset({"overfitting", "flat_validation"}),
        {"optim": {"epochs": 5 * EPOCHS}, "loop": {"validate_every_epochs": 2}, "augmentation": {}},
        keep_20_images,
    ),
    Trial(
        "backbone frozen at random weights",
        frozenset({"frozen_backbone"}),
        {"optim": {"unfreeze_after_epochs": EPOCHS}},
    ),
)

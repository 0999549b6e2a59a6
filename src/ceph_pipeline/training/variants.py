"""Trainings of stage 1 that differ in one property: the network, or the number of training sources."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ceph_pipeline.artifacts import fingerprint, write_atomically
from ceph_pipeline.detector.checkpoint import load_checkpoint
from ceph_pipeline.models.size import count_parameters, describe_net
from ceph_pipeline.training import TrainingError, run
from ceph_pipeline.training.measurement_scores import UNMEASURED
from ceph_pipeline.training.stage1 import Stage1Job, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.training.params import Stage1Params
    from ceph_pipeline.training.stage1 import Stage1Tables

SECONDS_FILE = "seconds.json"


@dataclass(frozen=True)
class Variant:
    """One of the trainings.

    Attributes:
        name: Name in tables and figures, and of the training's folder.
        images: Augmented images of the training and validation splits.
        params: Parameters of stage 1.
    """

    name: str
    images: pd.DataFrame
    params: Stage1Params


def network_variants(images: pd.DataFrame, params: Stage1Params, backbones: Sequence[str]) -> list[Variant]:
    """One training per backbone. Each network is first built with random weights, so that errors occur before any training.

    Raises:
        UnknownBackboneError: timm has no such model, or the model provides no feature maps.
        ValueError: a network does not accept images of the configured size.
    """
    nets = {name: params.net.model_copy(update={"backbone": name}) for name in backbones}
    for net in nets.values():
        untrained = params.model_copy(update={"net": net.model_copy(update={"pretrained": False})})
        trained = describe(["landmark"], untrained, UNMEASURED, n_stages=0)
        describe_net(trained.net, trained.input_size)
    return [Variant(name, images, params.model_copy(update={"net": net})) for name, net in nets.items()]


def source_variants(images: pd.DataFrame, params: Stage1Params, counts: Sequence[int], seed: int) -> list[Variant]:
    """One training per number of training sources; larger sets contain the smaller sets.

    Sources are added patient by patient if the patients are known. More films of the same patients could flatten the learning
    curve, although films of new patients would not. Numbers above the size of the data set are ignored. All trainings have the
    same validation images.

    Raises:
        TrainingError: the data set has fewer sources than the smallest number.
    """
    sources = images[images["split"] == "train"].drop_duplicates("source_id")
    patients = sources["patient"].fillna(sources["source_id"]) if "patient" in sources else sources["source_id"]

    def rank(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    pairs = zip(patients, sources["source_id"], strict=True)
    ranked = [source for _, source in sorted(pairs, key=lambda pair: (rank(pair[0]), rank(pair[1])))]
    if not (wanted := [count for count in sorted(set(counts)) if count <= len(ranked)]):
        raise TrainingError(
            f"compare.training_sources = {list(counts)}, but there are {len(ranked)} training sources: set smaller numbers."
        )
    validation = images["split"] != "train"
    return [Variant(str(count), images[validation | images["source_id"].isin(ranked[:count])], params) for count in wanted]


def train_variants(variants: Iterable[Variant], tables: Stage1Tables, cache: ImageStore, folder: Path) -> pd.DataFrame:
    """Train each variant that is not up to date.

    Args:
        variants: Variants with different names.
        tables: Tables of all their images.
        cache: Pre-resized images.
        folder: Contains one folder per variant.

    Returns:
        Rows `variant, checkpoint, digest, n_sources, n_parameters, epochs, training_seconds`. For a resumed training, the seconds
        are those since the last start; NaN if the process was killed before it wrote them.
    """
    rows = []
    for variant in variants:
        place = folder / variant.name
        started = time.time()
        of_variant = tables.of(variant.images, tables.landmarks, tables.cvm, tables.source_pixels)
        path = run.train(Stage1Job(of_variant, cache, variant.params), place, f"{folder.name} {variant.name}")
        digest = fingerprint(path)
        if path.stat().st_mtime >= started:
            write_atomically(place / SECONDS_FILE, json.dumps({"digest": digest, "seconds": time.time() - started}))
        rows.append(
            {
                "variant": variant.name,
                "checkpoint": path.relative_to(folder).as_posix(),
                "digest": digest,
                "n_sources": variant.images.loc[variant.images["split"] == "train", "source_id"].nunique(),
                "n_parameters": count_parameters(load_checkpoint(path).net),
                "epochs": variant.params.optim.epochs,
                "training_seconds": _seconds(place, digest),
            }
        )
    return pd.DataFrame(rows)


def _seconds(place: Path, digest: str) -> float:
    try:
        noted = json.loads((place / SECONDS_FILE).read_text(encoding="utf-8"))
        return float(noted["seconds"]) if noted["digest"] == digest else math.nan
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return math.nan

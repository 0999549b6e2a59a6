"""Trainings that differ in one thing."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.models.backbones import UnknownBackboneError
from ceph_pipeline.pipelines.compare import nodes
from ceph_pipeline.training import CompareParams, Stage1Params, TrainingError, variants
from ceph_pipeline.training.stage1 import Stage1Tables
from ceph_pipeline.training.variants import SECONDS_FILE, network_variants, source_variants, train_variants

IMAGES = pd.DataFrame(
    {
        "image_id": [f"{source}{copy}" for source in "abcdefvw" for copy in ("", "_flip")],
        "source_id": [source for source in "abcdefvw" for _ in range(2)],
        "split": ["train"] * 12 + ["valid"] * 4,
    }
)


def learned(images: pd.DataFrame) -> set[str]:
    return set(images.loc[images["split"] == "train", "source_id"])


def test_larger_sets_contain_the_smaller_ones_and_all_copies_of_their_sources() -> None:
    two, four = source_variants(IMAGES, Stage1Params(), (4, 2, 100), seed=1)
    assert (two.name, four.name) == ("2", "4")
    assert (len(learned(two.images)), len(learned(four.images))) == (2, 4)
    assert learned(two.images) < learned(four.images)
    assert (two.images["split"] == "train").sum() == 4
    assert two.images[two.images["split"] == "valid"].equals(IMAGES[IMAGES["split"] == "valid"])


def test_films_of_one_patient_are_taken_together() -> None:
    patients = {"a": "one", "b": "one", "c": "one", "d": "two", "e": "two", "f": "two"}
    images = IMAGES.assign(patient=IMAGES["source_id"].map(patients))
    for seed in range(10):
        (three,) = source_variants(images, Stage1Params(), (3,), seed=seed)
        assert len({patients[source] for source in learned(three.images)}) == 1


def test_more_images_than_there_are_is_said() -> None:
    with pytest.raises(TrainingError, match=r"compare\.training_sources = \[50, 100\], but there are 6 training sources"):
        source_variants(IMAGES, Stage1Params(), (50, 100), seed=1)


def test_networks_differ_in_their_backbone_alone() -> None:
    params = Stage1Params()
    one, two = network_variants(IMAGES, params, ["resnet18", "hrnet_w18"])
    assert (one.name, two.params.net.backbone) == ("resnet18", "hrnet_w18")
    assert two.params.model_dump() | {"net": None} == params.model_dump() | {"net": None}
    assert one.images is two.images


def test_a_network_that_does_not_exist_is_named_before_any_is_trained() -> None:
    params = Stage1Params.model_validate({"net": {"pretrained": "/no/such.pth"}})
    with pytest.raises(UnknownBackboneError, match="unknown backbone 'resnet180'"):
        network_variants(IMAGES, params, ["resnet18", "resnet180"])


def test_a_network_that_does_not_take_the_input_is_named_before_any_is_trained() -> None:
    with pytest.raises(ValueError, match=r"images are 512 × 512 px.*accepts 224 × 224 px only"):
        network_variants(IMAGES, Stage1Params(), ["resnet18", "swin_tiny_patch4_window7_224"])


def test_without_test_images_nothing_is_trained() -> None:
    nothing = pd.DataFrame()
    for train in (nodes.train_networks, nodes.train_on_fewer):
        with pytest.raises(TrainingError, match=r"test split, which has no images: set ingestion\.splits\.test_fraction above 0"):
            train(*[nothing] * 4, None, nothing, Path("nowhere"), Stage1Params(), CompareParams(), IMAGES)


def test_a_finished_training_keeps_the_time_that_it_took(spots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ceph_pipeline.detector.checkpoint import save_checkpoint
    from ceph_pipeline.training.measurement_scores import MeasurementMoments
    from ceph_pipeline.training.stage1 import describe

    params = Stage1Params.model_validate(
        {"net": {"backbone": "mobilenetv3_small_050", "input_width_px": 64, "input_height_px": 64}}
    )

    def trained(job, folder, run_name):
        path = folder / "best.ckpt"
        if not path.exists():
            folder.mkdir(parents=True)
            nothing = MeasurementMoments((), np.empty(0), np.empty(0))
            save_checkpoint(describe(["Sella"], params, nothing, n_stages=0), path)
        return path

    monkeypatch.setattr(variants.run, "train", trained)
    pixels = pd.DataFrame({"image_id": [], "digest": []})
    tables = Stage1Tables(spots.images, spots.landmarks, spots.cvm, pixels)
    chosen = network_variants(spots.images, params, ["mobilenetv3_small_050"])
    first = train_variants(chosen, tables, spots.cache, tmp_path)
    os.utime(tmp_path / "mobilenetv3_small_050" / "best.ckpt", (0, 0))
    noted = {"digest": first["digest"].iloc[0], "seconds": 123.0}
    (tmp_path / "mobilenetv3_small_050" / SECONDS_FILE).write_text(json.dumps(noted))
    again = train_variants(chosen, tables, spots.cache, tmp_path)
    assert again["training_seconds"].tolist() == [123.0]
    assert again.drop(columns="training_seconds").equals(first.drop(columns="training_seconds"))
    of_another = json.dumps(noted | {"digest": "another training's"})
    for left in (None, "", "[1]", "{}", of_another):  # the training was killed before it wrote its time, or the disk lost it
        seconds = tmp_path / "mobilenetv3_small_050" / SECONDS_FILE
        seconds.unlink() if left is None else seconds.write_text(left)
        assert train_variants(chosen, tables, spots.cache, tmp_path)["training_seconds"].isna().all()
    assert first["n_sources"].tolist() == [spots.images.loc[spots.images["split"] == "train", "source_id"].nunique()]
    assert first["n_parameters"].iloc[0] > 100_000

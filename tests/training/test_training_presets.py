"""Every preset trains: on eight tiny images, with nothing changed but sizes, the number of epochs and the network."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from ceph_pipeline import formats, ingestion
from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.checkpoint import load_checkpoint
from ceph_pipeline.images import ImageStore
from ceph_pipeline.models.packaged import PACKAGES
from ceph_pipeline.settings import CONFIG_LOADER_ARGS, CONFIG_LOADER_CLASS
from ceph_pipeline.training import fit, run
from ceph_pipeline.training.params import Stage1Params, Stage2Params
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables

CONF = Path(__file__).parents[2] / "conf"
SMALL: dict[str, Any] = {
    "net": {"backbone": "mobilenetv3_small_050", "input_width_px": 96, "input_height_px": 96, "pretrained": False},
    "optim": {"epochs": 2},
    "loop": {"workers": 0, "seed": 1},
}
PIXELS = pd.DataFrame({"image_id": ["spot_00"], "digest": ["as drawn"]})


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Parameters on top of others, as Kedro merges `--params`."""
    both = {
        key: merged(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return below | above | both


def preset(name: str, sizes: dict[str, Any]) -> Stage1Params:
    base = yaml.safe_load((CONF / "base" / "parameters_stage1.yml").read_text())["stage1"]
    given = {} if name == "base" else yaml.safe_load((CONF / "presets" / f"{name}.yml").read_text())["run"]["params"]["stage1"]
    return Stage1Params.model_validate(merged(merged(base, given), sizes))


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Which networks were to be compiled; compiling itself is tested elsewhere."""
    asked: list[str] = []
    monkeypatch.setattr(fit, "compile_net", lambda net, stage: asked.append(stage))
    return asked


@pytest.mark.parametrize("name", ["base", "fast", "max_accuracy", "low_memory", "stable", "ruler", "few_films"])
def test_a_preset_trains(spots, tmp_path, name, compiled):
    params = preset(name, SMALL)
    tables = Stage1Tables(spots.images, spots.landmarks, spots.cvm, PIXELS)
    trained = load_checkpoint(run.train(Stage1Job(tables, spots.cache, params), tmp_path))
    assert trained.sigma_px == params.loss.sigma_px
    assert all(bool(value.isfinite().all()) for value in trained.net.state_dict().values())
    assert compiled == (["stage1"] if name == "fast" else [])


def test_the_presets_are_what_their_users_know():
    """FAST … STABLE of the optimized guide and the stability analysis, RULER of the p1/p2 guides."""
    base, fast, accurate, low, stable, ruler = (
        preset(name, {"loop": {"seed": 1}}) for name in ("base", "fast", "max_accuracy", "low_memory", "stable", "ruler")
    )
    assert (base.optim.batch_size, base.optim.learning_rate, base.optim.epochs, base.optim.warmup_epochs) == (6, 1e-4, 200, 10)
    assert (base.optim.precision, base.loop.workers, base.loss.cvm_weight) == ("auto", 6, 0.3)
    assert (fast.optim.batch_size, fast.optim.accumulate_batches, fast.optim.epochs, fast.optim.warmup_epochs) == (6, 2, 250, 5)
    assert (fast.optim.learning_rate, fast.optim.compile, fast.optim.ema_decay) == (5e-4, True, 0.9999)
    assert (accurate.optim.batch_size, accurate.optim.accumulate_batches, accurate.optim.ema_decay) == (4, 4, 0.99995)
    assert (accurate.optim.epochs, accurate.optim.learning_rate) == (300, 3e-4)
    assert (low.optim.batch_size, low.optim.accumulate_batches, low.net.input_width_px, low.net.input_height_px) == (
        2,
        8,
        384,
        384,
    )
    assert (stable.optim.batch_size, stable.optim.learning_rate, stable.optim.weight_decay, stable.loss.sigma_px) == (
        8,
        2e-5,
        0.01,
        3,
    )
    assert (stable.optim.epochs, stable.loop.validate_every_epochs, stable.loop.patience, stable.loop.monitor) == (
        30,
        2,
        5,
        "pck",
    )
    assert (ruler.optim.unfreeze_after_epochs, ruler.optim.backbone_rate_factor, ruler.loop.patience) == (5, 0.1, 30)
    assert ruler.optim.learning_rate * ruler.optim.cosine_floor == pytest.approx(1e-6)
    assert (ruler.optim.batch_size, ruler.optim.weight_decay, ruler.net.backbone) == (4, 1e-5, "resnet18")


def with_its_environment(path: Path) -> dict[str, Any]:
    """All parameters of the run that the first line of a preset names."""
    text = path.read_text()
    env = re.search(r"--env (\w+)", text.splitlines()[0])
    given = yaml.safe_load(text)["run"]["params"]
    loader = CONFIG_LOADER_CLASS(str(CONF), env=env[1] if env else None, runtime_params=given, **CONFIG_LOADER_ARGS)
    return dict(loader["parameters"])


@pytest.mark.parametrize("path", sorted((CONF / "presets").glob("*.yml")), ids=lambda path: path.stem)
def test_a_preset_fits_the_environment_that_its_first_line_names(path):
    parameters = with_its_environment(path)
    for name, model in (("stage1", Stage1Params), ("stage2", Stage2Params), ("crops", CropParams)):
        model.model_validate(parameters[name])


def test_the_rulers_preset_falls_along_a_cosine_and_waits_in_its_environment():
    parameters = with_its_environment(CONF / "presets" / "ruler.yml")
    stage1 = Stage1Params.model_validate(parameters["stage1"])
    assert (stage1.optim.schedule, stage1.loop.monitor, stage1.loop.patience) == ("cosine", "mre", 30)
    assert stage1.loss.absent_weight == 0.3, "the environment's"


def test_few_films_start_from_weights_that_need_no_hub():
    few = preset("few_films", {"loop": {"seed": 1}})
    assert (few.net.backbone in PACKAGES, few.net.pretrained) == (True, True)


def test_stage1_learns_p1_and_p2_from_a_label_studio_export(tmp_path):
    """Ten films with two crosses; the export is as Label Studio writes it, in percent, with upload prefixes."""
    import cv2

    rng, tasks = np.random.default_rng(0), []
    cache = ImageStore(str(tmp_path / "cache"), format="npy")
    (tmp_path / "raw").mkdir()
    for number in range(10):
        marks = {"p1": rng.uniform(20, 50, 2), "p2": rng.uniform(70, 100, 2)}
        image = np.full((120, 120), 60, np.uint8)
        for x, y in marks.values():
            cv2.circle(image, (round(x), round(y)), 4, 250, -1)
        name = f"film_{number}.png"
        cv2.imwrite(str(tmp_path / "raw" / name), image)
        cache.write(f"film_{number}", cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA))
        result = [
            {
                "type": "keypointlabels",
                "original_width": 120,
                "original_height": 120,
                "value": {"x": (x + 0.5) / 1.2, "y": (y + 0.5) / 1.2, "width": 0.5, "keypointlabels": [label]},
            }
            for label, (x, y) in marks.items()
        ]
        annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False}
        tasks.append({"id": number, "annotations": [annotation], "data": {"image": f"/data/upload/1/0a1b2c3d-{name}"}})
    (tmp_path / "raw" / "export.json").write_text(json.dumps(tasks))

    found = formats.read(tmp_path / "raw", "label_studio")
    facts = ingestion.read_film_sheet(found.images, ingestion.FilmSheetParams())
    shares = ingestion.SplitParams(test_fraction=0, valid_fraction=0.2)
    images = ingestion.with_splits(found.images, facts, shares, 1)
    images = images.assign(source_id=images["image_id"], kind="original", copy=0)
    landmarks = ingestion.with_consensus(found.landmarks, "mean")
    tables = Stage1Tables(images, landmarks, found.cvm, PIXELS)
    params = preset("ruler", SMALL)
    trained = load_checkpoint(run.train(Stage1Job(tables, cache, params), tmp_path / "stage1"))
    assert sorted(trained.landmarks) == ["p1", "p2"]

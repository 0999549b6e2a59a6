"""The whole chain on a few tiny phantoms: what it leaves behind, and what it does not do twice."""

import json
import logging
import re
import shutil
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.framework.project import pipelines

from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.checkpoint import load_networks
from ceph_pipeline.detector.files import files_in
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.detector.tables import whole_image_tables
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks import SCHEMAS

from .conftest import SOURCE

STAGES = ["stage1", "stage1_tta", "stage2", "stage2_tta"]


@pytest.fixture(scope="module")
def runs(finished):
    """The tracking store's parent run and its children by name."""
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{finished.root}/mlflow.db")
    experiment = client.get_experiment_by_name("ceph_pipeline")
    everything = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    (parent, *_) = [run for run in everything if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in everything if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id}
    return client, parent, children


class TestFiles:
    def test_every_stage_predicts_every_landmark_of_every_validation_and_test_image(self, finished):
        predictions = pd.read_parquet(finished.data / "07_model_output" / "predictions.parquet")
        images = pd.read_parquet(finished.data / "03_primary" / "images.parquet")
        expected = set(images.loc[images["split"] != "train", "image_id"])

        assert list(predictions.columns) == ["image_id", "stage", "landmark", "x", "y", "sigma_px", "peak"]
        for stage, rows in predictions.groupby("stage"):
            assert stage in STAGES
            assert set(rows["image_id"]) == expected
            assert set(rows["landmark"]) == set(SCHEMAS["aariz"].names)
            assert len(rows) == len(expected) * 29

    def test_metrics_name_errors_rates_and_interval_of_every_stage(self, finished):
        metrics = json.loads((finished.data / "08_reporting" / "evaluation" / "metrics.json").read_text())

        assert set(metrics) >= {*STAGES, "mean_shape"}
        for stage in (*STAGES, "mean_shape"):
            fields = metrics[stage]
            assert fields["n_landmarks"] == 29
            assert fields["n_images"] == 2
            assert fields["mre_mm_ci95"] is None  # two images
            rates = [fields[f"sdr_{threshold}"] for threshold in ("2.0", "2.5", "3.0", "4.0")]
            assert rates == sorted(rates)
            assert 0 <= rates[0] <= rates[-1] <= 100

    def test_the_audit_s_findings_are_a_table(self, finished):
        findings = pd.read_parquet(finished.data / "08_reporting" / "audit" / "findings.parquet")
        assert set(findings.columns) >= {"check", "severity", "image_id", "detail"}

    def test_copies_stay_in_their_source_s_split(self, finished):
        images = pd.read_parquet(finished.data / "03_primary" / "images.parquet").set_index("image_id")["split"]
        augmented = pd.read_parquet(finished.data / "05_model_input" / "augmented_images.parquet")

        assert len(augmented) == 65
        assert (augmented["source_id"].map(images) == augmented["split"]).all()

    def test_the_environment_keeps_to_its_own_folder(self, finished):
        assert [path.name for path in (finished.root / "data").iterdir()] == ["demo"]


class TestCatalog:
    def test_the_inputs_of_every_node_can_be_loaded(self, finished):
        """So that `--from-nodes` works from any node of a finished run."""
        jobs = pipelines["demo"] + pipelines["folds"]
        inside = jobs.all_outputs() | {name for name in jobs.inputs() if not name.startswith("params:")}
        needed = {name for node in jobs.nodes for name in node.inputs} & inside
        with finished.catalog() as catalog:
            missing = [name for name in sorted(needed) if name not in catalog or catalog.load(name) is None]
        assert missing == []

    @pytest.mark.parametrize(
        ("node", "output", "file"),
        [
            ("ingestion.complete_tables", "metrics", "08_reporting/evaluation/metrics.json"),
            ("stage1.predict", "metrics", "08_reporting/evaluation/metrics.json"),
            ("evaluation.uncertainty.judge_plausibility", "plausibility", "08_reporting/evaluation/plausibility.parquet"),
        ],
    )
    def test_a_finished_run_goes_on_from_any_node(self, finished, node, output, file):
        before = (finished.data / file).stat().st_mtime_ns, (finished.data / file).read_bytes()
        finished.run("demo", from_nodes=(node,), to_outputs=(output,))
        assert (finished.data / file).stat().st_mtime_ns > before[0]
        assert (finished.data / file).read_bytes() == before[1]


class TestEnsemble:
    def test_its_first_detector_is_the_demo_s_and_the_second_is_another(self, finished, together):
        models = together.data / "06_models"
        for file in ("stage1/best.ckpt", "stage2/best.ckpt"):
            first, second = ((models / "ensemble" / number / file).read_bytes() for number in "01")
            assert first == (finished.data / "06_models" / file).read_bytes() == (models / file).read_bytes()
            assert second != first

    def test_the_report_judges_it_beside_the_stages_of_the_demo(self, finished, together):
        before, after = (
            json.loads((project.data / "08_reporting" / "evaluation" / "metrics.json").read_text())
            for project in (finished, together)
        )
        stages = {"stage1", "stage1_tta", "stage2", "stage2_tta"} & set(before)
        assert {stage: after[stage] for stage in stages} == {stage: before[stage] for stage in stages}
        assert "ensemble" not in before
        assert after["ensemble"]["n_images"] == before["stage2_tta"]["n_images"]

    def test_its_points_are_those_of_the_loaded_ensemble(self, together):
        found = pd.read_parquet(together.data / "07_model_output" / "predictions.parquet")
        rows = found[found["stage"] == "ensemble"]
        images = pd.read_parquet(together.data / "03_primary" / "images.parquet").set_index("image_id")
        assert set(rows["image_id"]) == set(images.index[images["split"] == "test"])
        image_id = rows["image_id"].iloc[0]
        detector = LandmarkDetector.load(
            together.data / "06_models" / "ensemble", DetectorParams(views_stage1="five", device="cpu")
        )
        path = together.data / "01_raw" / "aariz" / images.loc[image_id, "path"]
        points = detector.predict({image_id: path}, pixel_size_mm=images.loc[image_id, "pixel_size_mm"])
        own = rows[rows["image_id"] == image_id]
        apart = np.hypot(*(own[["x", "y"]].to_numpy() - points[["x", "y"]].to_numpy()).T)
        assert np.median(apart) < 0.5, "the evaluation shows stage 1 a pre-resized copy"

    def test_own_validation_images_are_predicted_by_the_detector_that_has_not_learned_them(self, together):
        folds = pd.read_parquet(together.data / "05_model_input" / "ensemble_folds.parquet").set_index("image_id")["fold"]
        images = pd.read_parquet(together.data / "03_primary" / "images.parquet").set_index("image_id")
        name = "ensemble_held_out_predictions"
        held_out = pd.read_parquet(together.data / "07_model_output" / name / f"{name}.parquet")
        assert set(held_out["image_id"]) == set(folds.index[folds.isin([0, 1])])
        assert set(images.loc[list(folds.index[folds == 1]), "split"]) == {"train"}
        rows = images.loc[sorted(folds.index[folds == 1])]
        paths = {image_id: together.data / "01_raw" / "aariz" / row["path"] for image_id, row in rows.iterrows()}
        second = LandmarkDetector.load(
            together.data / "06_models" / "ensemble" / "1", DetectorParams(views_stage1="five", device="cpu")
        ).predict(paths, pixel_size_mm=rows["pixel_size_mm"].to_list())
        pairs = held_out.merge(second, on=["image_id", "landmark"])
        apart = np.hypot(pairs["x_x"] - pairs["x_y"], pairs["y_x"] - pairs["y_y"])
        assert np.median(apart) < 0.5
        errors = pd.read_parquet(together.data / "07_model_output" / f"{name.replace('predictions', 'errors')}.parquet")
        assert set(errors["stage"]) == {"ensemble"}
        assert set(errors["image_id"]) == set(held_out["image_id"])

    def test_detectors_can_share_the_validation_images(self, together, tmp_path, new_project):
        project = new_project(tmp_path)
        project.set_globals(n_jobs=1)
        shutil.copytree(together.data, project.data)
        folder = project.data / "07_model_output"
        outputs = ("ensemble_predictions", "ensemble_held_out_predictions")
        project.run("ensemble", ensemble={"count": 2, "validation": "shared"}, to_outputs=outputs)
        shared, held_out = (pd.read_parquet(folder / name / f"{name}.parquet") for name in outputs)
        assert held_out.empty
        images = pd.read_parquet(project.data / "03_primary" / "images.parquet").set_index("image_id")
        assert set(shared["image_id"]) == set(images.index[images["split"] != "train"])

    def test_a_larger_count_trains_what_is_missing_and_a_smaller_one_deletes_nothing(self, together):
        folder = together.data / "06_models" / "ensemble"
        second = (folder / "1" / "stage2" / "best.ckpt").stat().st_mtime_ns
        for count, listed in ((3, [0, 1, 2]), (2, [0, 1])):
            together.run("ensemble", ensemble={"count": count, "validation": "own"}, to_outputs=("ensemble",))
            assert [int(number) for number in json.loads((folder / "detectors.json").read_text())] == listed
            assert (folder / "2" / "stage2" / "best.ckpt").is_file()
        assert (folder / "1" / "stage2" / "best.ckpt").stat().st_mtime_ns == second

    def test_a_new_film_is_located_by_both(self, together):
        points = pd.read_parquet(together.data / "07_model_output" / "inference" / "predictions.parquet")
        assert set(points["stage"]) == {"ensemble"}
        report = next((together.data / "08_reporting" / "inference" / "reports").rglob("new*.html")).read_text()
        assert files_in(together.data / "06_models" / "ensemble").digests()["stage1"] in report


class TestFolds:
    def test_every_training_source_is_located_by_the_detector_that_has_not_seen_it(self, finished):
        images = pd.read_parquet(finished.data / "03_primary" / "images.parquet").set_index("image_id")
        folds = pd.read_parquet(finished.data / "05_model_input" / "folds.parquet").set_index("image_id")["fold"]
        found = pd.read_parquet(finished.data / "07_model_output" / "fold_predictions" / "fold_predictions.parquet")

        assert set(folds.index) == set(images.index[images["split"] == "train"])
        for _, rows in found.groupby("stage"):
            assert set(rows["image_id"]) == set(folds.index)
        cache = ImageStore(str(finished.data / "02_intermediate" / "cache"), format="npy")
        for fold, held_out in folds.groupby(folds):
            checkpoint = finished.data / "06_models" / "folds" / str(fold) / "stage1" / "best.ckpt"
            rows = images.loc[held_out.index].reset_index()
            expected = whole_image_tables(
                load_networks([checkpoint], "stage1", DetectorParams()), ImageSet(rows, cache.read, "pixels"), DetectorParams()
            ).stage1
            own = found[(found["stage"] == "stage1") & found["image_id"].isin(held_out.index)]
            np.testing.assert_allclose(own[["x", "y"]], expected[["x", "y"]], atol=1e-3)

    def test_out_of_fold_errors_are_reported(self, finished):
        found = json.loads((finished.data / "08_reporting" / "folds" / "cross_validation.json").read_text())
        n_sources = len(pd.read_parquet(finished.data / "05_model_input" / "folds.parquet"))

        assert {stage: fields["n_images"] for stage, fields in found["stages"].items()} == dict.fromkeys(
            ("stage1", "stage1_tta", "stage2", "stage2_tta"), n_sources
        )


@pytest.mark.parametrize("page", ["README.md", "docs/python.md", "docs/training.md"])
def test_the_examples_that_read_the_demos_files_run(finished, monkeypatch, page):
    blocks = re.findall(r"^```python\n(.*?)^```", (SOURCE / page).read_text("utf-8"), flags=re.M | re.S)
    image = next((finished.data / "01_raw" / "aariz" / "test" / "Cephalograms").iterdir())
    monkeypatch.chdir(finished.root)
    of_the_demo = [block for block in blocks if "data/demo" in block]
    assert of_the_demo
    for block in of_the_demo:
        exec(compile(block.replace("phantom_0044.png", image.name), page, "exec"), {})


class TestTracking:
    def test_the_run_is_named_and_finished(self, runs):
        _, parent, children = runs
        assert (parent.info.run_name, parent.info.status) == ("demo (demo)", "FINISHED")
        assert set(children) == {"stage1", "stage2"}
        assert {child.info.status for child in children.values()} == {"FINISHED"}

    @pytest.mark.parametrize("stage", ["stage1", "stage2"])
    def test_a_training_is_a_nested_run_with_its_curve(self, runs, stage):
        client, _, children = runs
        history = client.get_metric_history(children[stage].info.run_id, "val/mre_mm")

        assert len(history) >= 3
        assert all(point.value > 0 for point in history)

    def test_parameters_are_flattened(self, runs):
        _, parent, children = runs
        assert parent.data.params["stage1.optim.epochs"] == "3"
        assert parent.data.params["phantom.n_images"] == "10"
        assert children["stage1"].data.params["stage1.net.backbone"] == "mobilenetv3_small_050"
        assert not [value for value in parent.data.params.values() if "=" in value], "no model's printout"

    def test_the_images_that_judge_the_networks_are_the_run_s_inputs(self, finished, runs):
        _, parent, children = runs
        images = pd.read_parquet(finished.data / "03_primary" / "images.parquet")
        (given,) = parent.inputs.dataset_inputs
        assert given.tags[0].value == "testing"
        assert json.loads(given.dataset.profile)["num_rows"] == (images["split"] == "test").sum()
        of_training = {given.tags[0].value for given in children["stage2"].inputs.dataset_inputs}
        assert of_training == {"training", "validation"}

    def test_metrics_are_on_the_server(self, runs):
        _, parent, _ = runs
        assert parent.data.metrics["stage2.mre_mm"] > 0

    def test_figures_and_report_are_artifacts(self, runs):
        client, parent, _ = runs
        logged = {artifact.path for artifact in client.list_artifacts(parent.info.run_id, "evaluation")}
        assert {"evaluation/metrics.json", "evaluation/sdr_curve.png"} <= logged

    def test_the_logged_model_loads_back_and_predicts(self, finished, runs):
        client, parent, _ = runs
        (model,) = client.search_logged_models([parent.info.experiment_id], f"source_run_id = '{parent.info.run_id}'")
        images = pd.read_parquet(finished.data / "03_primary" / "images.parquet").query("split == 'test'")
        films = [(finished.data / "01_raw" / "aariz" / path).read_bytes() for path in images["path"]]

        files = Path(mlflow.artifacts.download_artifacts(model.artifact_location)) / "artifacts" / "checkpoints"
        assert json.loads((files / "uncertainty.json").read_text()) == json.loads(
            (finished.data / "06_models" / "uncertainty.json").read_text()
        )
        card = (files / "model_card.md").read_text()
        assert "stage 2 + TTA" in card
        assert f"- aariz: {len(images)} test images" in card
        detector = mlflow.pyfunc.load_model(model.artifact_location)
        points = detector.predict(pd.DataFrame({"image": films, "image_id": images["image_id"]}))

        assert set(points["image_id"]) == set(images["image_id"])
        assert points.groupby(["image_id", "stage"])["landmark"].nunique().eq(29).all()


def test_a_second_run_does_nothing_twice_and_ends_with_the_same_bytes(finished, caplog):
    files = ["06_models/stage1/best.ckpt", "06_models/stage2/best.ckpt", "07_model_output/predictions.parquet"]
    before = [(finished.data / name).read_bytes() for name in files]
    written = (finished.data / files[0]).stat().st_mtime_ns
    with caplog.at_level(logging.INFO, logger="ceph_pipeline"):
        finished.run("demo")

    assert "phantoms are complete and up to date" in caplog.text
    assert caplog.text.count("training skipped") == 2
    assert (finished.data / files[0]).stat().st_mtime_ns == written
    assert [(finished.data / name).read_bytes() for name in files] == before

"""Several networks a stage answer together, and say how far they disagree."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import Tensor, nn

from ceph_pipeline.crops import CropParams, RefinementParams
from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.checkpoint import CheckpointError, TrainedNet, load_networks
from ceph_pipeline.detector.files import (
    ENSEMBLE_FILE,
    STAGE1_FILE,
    STAGE2_FILE,
    DetectorFiles,
    ensemble_detectors,
    files_in,
    list_detectors,
    models_folder_of,
)
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.detector.located import Located
from ceph_pipeline.detector.refinement import predict_refined
from ceph_pipeline.detector.uncertainty import load_uncertainty
from ceph_pipeline.detector.whole_image import predict_whole_batch
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.uncertainty import UNCERTAINTY_FILE, SigmaCalibration, StageUncertainty, UncertaintyModel

POINTS = np.array([(411.3, 287.8), (655.6, 702.1)])
PER_INPUT_PX = 1000 / 256
CPU = DetectorParams(device="cpu")


class Shifted(nn.Module):
    """A network whose answers lie some heatmap pixels too far right."""

    def __init__(self, net: nn.Module, px: int) -> None:
        super().__init__()
        self.net, self.px = net, px

    def forward(self, images: Tensor, landmark: Tensor | None = None) -> LandmarkOutput | Tensor:
        if landmark is not None:
            return self.net(images, landmark).roll(self.px, dims=-1)
        return LandmarkOutput(self.net(images).heatmaps.roll(self.px, dims=-1), None, None)


def shifted(trained: TrainedNet, px: int) -> TrainedNet:
    return replace(trained, net=Shifted(trained.net, px))


def test_the_whole_images_networks_answers_are_averaged_and_their_distance_is_spread(
    dot_finder: TrainedNet, dotted: np.ndarray
) -> None:
    members = [dot_finder, shifted(dot_finder, 2)]
    alone, together = (predict_whole_batch(networks, [dotted], [(1000, 1200)]).fused() for networks in ([dot_finder], members))
    apart = 2 * 4 * PER_INPUT_PX  # heatmap px of 4 input px
    np.testing.assert_allclose(together.xy[0, :, 0] - alone.xy[0, :, 0], apart / 2, rtol=1e-3)
    np.testing.assert_allclose(together.xy[0, :, 1], alone.xy[0, :, 1], atol=1e-3)
    spread = np.sqrt(together.sigma_px**2 - alone.sigma_px**2)
    np.testing.assert_allclose(spread[0], np.sqrt(2 * (apart / 2) ** 2 / 2), rtol=1e-2)  # two axes, one of them without spread


def test_networks_of_different_input_sizes_answer_together(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    larger = replace(dot_finder, input_size=(384, 480))
    found = predict_whole_batch([dot_finder, larger], [dotted], [(1000, 1200)]).fused()
    np.testing.assert_allclose(found.xy[0], POINTS, atol=0.5)


def test_the_crops_networks_answers_are_averaged(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    found = predict_refined(
        [dot_refiner, shifted(dot_refiner, 1), shifted(dot_refiner, -1)],
        [dotted],
        Located(POINTS[None], np.ones((1, 2)), np.ones((1, 2))),
        pixel_size_mm=[0.1],
        params=RefinementParams(),
    )
    np.testing.assert_allclose(found.xy[0], POINTS, atol=0.3)


def test_a_second_round_cuts_about_the_refined_point(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    far = POINTS + np.array([(80.0, 0.0), (0.0, -70.0)])  # near the border of the crop, where heatmaps are cut off
    once, twice = (
        predict_refined(
            [dot_refiner],
            [dotted],
            Located(far[None], np.ones((1, 2)), np.ones((1, 2))),
            pixel_size_mm=[0.1],
            params=RefinementParams(rounds=rounds),
        ).xy[0]
        for rounds in (1, 2)
    )
    assert np.linalg.norm(twice - POINTS, axis=1).max() < 0.15
    assert np.linalg.norm(twice - POINTS, axis=1).max() < np.linalg.norm(once - POINTS, axis=1).max()


def test_networks_of_different_crops_are_refused(dot_finder: TrainedNet, dot_refiner: TrainedNet) -> None:
    other = replace(dot_refiner, facts={"crops": CropParams(crop_px=96, field_mm=30.0).model_dump(mode="json")})
    with pytest.raises(DetectorError, match=r"field_mm 20\.0 and 30\.0"):
        LandmarkDetector([dot_finder], [dot_refiner, other])


def test_folders_make_an_ensemble(checkpoints: Path, tmp_path: Path, xrays: Callable[[Path, int], list[Path]]) -> None:
    files = xrays(tmp_path, 1)
    alone, together = (LandmarkDetector.load(named, CPU) for named in (checkpoints, [checkpoints, checkpoints]))
    assert together.predict(files)["stage"].unique() == ["ensemble"]
    np.testing.assert_allclose(together.predict(files)[["x", "y"]], alone.predict(files)[["x", "y"]], atol=1e-6)


@pytest.fixture
def models(checkpoints: Path, tmp_path: Path) -> Path:
    """A models' folder with an ensemble, of whose detectors two are listed, and folders of other names."""
    shutil.copytree(checkpoints, tmp_path / "models")
    for name in ("0", "1", "10", "2b", "00"):
        shutil.copytree(checkpoints, tmp_path / "models" / "ensemble" / name)
    list_detectors(tmp_path / "models" / "ensemble", [0, 10])
    return tmp_path / "models"


@pytest.fixture
def ensemble(models: Path) -> Path:
    return models / "ensemble"


class TestFolder:
    def test_an_ensemble_named_from_within_its_folder_belongs_to_the_same_models(
        self, models: Path, ensemble: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(ensemble)
        assert models_folder_of(Path()).samefile(models)
        assert models_folder_of(Path("../ensemble")).samefile(models)

    def test_those_answer_that_are_listed(self, ensemble: Path) -> None:
        assert files_in(ensemble) == (
            tuple(ensemble / number / STAGE1_FILE for number in ("0", "10")),
            tuple(ensemble / number / STAGE2_FILE for number in ("0", "10")),
        )
        assert LandmarkDetector.load(ensemble, CPU).stage == "ensemble"

    def test_without_a_list_all_that_are_numbered_do_in_their_order(self, ensemble: Path) -> None:
        (ensemble / ENSEMBLE_FILE).unlink()
        assert [path.name for path in ensemble_detectors(ensemble)] == ["0", "1", "10"]

    def test_a_detector_s_own_networks_come_before_numbered_folders(self, checkpoints: Path, ensemble: Path) -> None:
        shutil.copytree(checkpoints, ensemble, dirs_exist_ok=True)
        assert files_in(ensemble).stage1 == (ensemble / STAGE1_FILE,)

    def test_one_without_stage_2_is_named(self, ensemble: Path) -> None:
        (ensemble / ENSEMBLE_FILE).unlink()
        (ensemble / "10" / STAGE2_FILE).unlink()
        with pytest.raises(DetectorError, match=r"ensemble/10 has no stage2/best\.ckpt, but 2 of 3 detectors .* to its end"):
            files_in(ensemble)

    def test_one_that_is_listed_and_missing_is_named(self, ensemble: Path) -> None:
        (ensemble / "10" / STAGE1_FILE).unlink()
        with pytest.raises(DetectorError, match=r"detectors\.json lists 10, which has no stage1/best\.ckpt: run the pipeline"):
            files_in(ensemble)

    def test_one_that_has_been_trained_anew_is_named(self, ensemble: Path) -> None:
        """A run that was stopped has replaced some of them."""
        with (ensemble / "10" / STAGE2_FILE).open("ab") as file:
            file.write(b"trained anew")
        with pytest.raises(DetectorError, match=r"detector 10 is not the listed one; .* Run the pipeline to its end"):
            files_in(ensemble)

    @pytest.mark.parametrize("content", ["", "[0, 1]", '{"../elsewhere": {}}', '{"0": null}', "\xff"])
    def test_a_damaged_list_is_named(self, ensemble: Path, content: str) -> None:
        (ensemble / ENSEMBLE_FILE).write_text(content, "latin-1")
        with pytest.raises(DetectorError, match=r"detectors\.json: damaged, expected digests by number"):
            files_in(ensemble)

    @pytest.mark.parametrize(
        ("name", "found"), [("", r"the folder has no stage1/best\.ckpt"), ("absent", "no such folder"), ("file", "a file")]
    )
    def test_what_is_no_models_folder_is_named(self, tmp_path: Path, name: str, found: str) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(DetectorError, match=rf"{name}: {found}\. Run the stage1 pipeline, or give the folder that contains"):
            files_in(tmp_path / name)

    def test_an_ensemble_of_an_earlier_detector_is_refused(self, models: Path) -> None:
        present = files_in(models)
        assert DetectorFiles.of(present.stage1[0], present.stage2[0], models / "ensemble") == files_in(models / "ensemble")
        with present.stage2[0].open("ab") as file:
            file.write(b"trained again")
        with pytest.raises(DetectorError, match=r"its first detector is not the present one .*run the pipeline ensemble"):
            DetectorFiles.of(present.stage1[0], present.stage2[0], models / "ensemble")


def test_an_ensemble_has_an_uncertainty_of_its_own(
    models: Path, ensemble: Path, xrays: Callable[[Path, int], list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """In the models' folder that it lies in: for these networks, and not for one of them alone."""
    networks, alone = files_in(ensemble).digests(), files_in(models).digests()
    assert networks["stage1"] != alone["stage1"], "two networks are not one"
    names = LandmarkDetector.load(models, CPU).landmarks
    model = UncertaintyModel("px", names, SigmaCalibration(0.0, 3.0, np.ones(len(names))), 2.0, 0.9, 15.0, 50, 100)
    said = {
        stage: StageUncertainty(digests, {}, {"px": model}).to_report()
        for stage, digests in (("ensemble", networks), ("stage2", alone))
    }
    (models / UNCERTAINTY_FILE).write_text(json.dumps(said))
    detector = LandmarkDetector.load(ensemble, CPU)
    assert set(detector.uncertainty.stages) == {"ensemble"}
    assert detector.predict(xrays(models / "films", 1))["radius_px"].notna().all()
    assert set(load_uncertainty(models, files_in(models)).stages) == {"stage2"}
    assert "other networks" not in caplog.text
    list_detectors(ensemble, [0, 1, 10])
    assert set(LandmarkDetector.load(ensemble, CPU).uncertainty.stages) == set()
    assert "calibrated for other networks (ensemble): run the pipeline evaluation_of_ensemble again" in caplog.text


def test_a_folder_without_stage_2_among_others_is_refused(checkpoints: Path, tmp_path: Path) -> None:
    (tmp_path / "stage1").symlink_to(checkpoints / "stage1")
    with pytest.raises(DetectorError, match=r"has no stage2/best\.ckpt, but 1 of 2 detectors"):
        LandmarkDetector.load([checkpoints, tmp_path], CPU)


def test_networks_of_the_other_stage_are_refused_by_the_file(checkpoints: Path) -> None:
    paths = [checkpoints / stage / "best.ckpt" for stage in ("stage1", "stage2")]
    with pytest.raises(CheckpointError, match=r"stage2/best\.ckpt: contains a network of stage2, expected stage1"):
        LandmarkDetector.from_checkpoints(paths, params=CPU)


def test_networks_of_other_landmarks_are_refused_by_the_file(monkeypatch: pytest.MonkeyPatch, dot_finder: TrainedNet) -> None:
    networks = {"a.ckpt": dot_finder, "b.ckpt": replace(dot_finder, landmarks=("p2", "p1"))}
    monkeypatch.setattr("ceph_pipeline.detector.checkpoint.load_checkpoint", lambda path, _: networks[path.name])
    with pytest.raises(
        CheckpointError, match=r"b\.ckpt: predicts 2 landmarks \(p2, p1, …\), but a\.ckpt predicts 2 landmarks \(p1, p2"
    ):
        load_networks([Path("a.ckpt"), Path("b.ckpt")], "stage1", DetectorParams())


def test_no_checkpoint_at_all_is_refused() -> None:
    with pytest.raises(DetectorError, match="no network of stage 1 is given"):
        LandmarkDetector.from_checkpoints([], [])


def test_no_folder_at_all_is_refused() -> None:
    with pytest.raises(DetectorError, match="give at least one"):
        LandmarkDetector.load([])


def test_flipped_views_are_left_out_where_a_network_has_seen_one_direction_only(
    dot_finder: TrainedNet, dot_refiner: TrainedNet, dotted: np.ndarray
) -> None:
    one_way = [replace(net, facts=net.facts | {"flips": False}) for net in (dot_finder, dot_refiner)]
    predicted = {
        (views, learned): LandmarkDetector(
            *([net] for net in nets), DetectorParams(views_stage1=views, views_stage2=views)
        ).predict([dotted], pixel_size_mm=0.1)
        for views in ("five", "ten")
        for learned, nets in (("one way", one_way), ("both", (dot_finder, dot_refiner)))
    }
    pd.testing.assert_frame_equal(predicted["ten", "one way"], predicted["five", "one way"])
    assert not predicted["ten", "both"].equals(predicted["five", "both"])

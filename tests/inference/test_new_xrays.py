"""A folder of new X-rays, from files to landmarks, measurements and overlays."""

import math
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from film_samples import dicom, wedge
from PIL import Image
from torch import Tensor

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams, Rule
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.images import read_image
from ceph_pipeline.inference import InferenceParams, LandmarkDetector
from ceph_pipeline.inference.folder import file_pixel_sizes, find_xrays, predict_folder
from ceph_pipeline.inference.measurements import measurement_rows, summary_rows
from ceph_pipeline.inference.overlay import draw_overlay
from ceph_pipeline.ingestion import FilmSheetError
from ceph_pipeline.landmarks.tables import PredictionTable, QuarantineTable
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.pipelines.inference.nodes import (
    draw_overlays,
    judge_points,
    locate_landmarks,
    measure_faces,
    size_pixels,
)
from ceph_pipeline.plausibility import PlausibilityParams

from ..detector.conftest import DotFinder

Xrays = Callable[[Path, int], list[Path]]
FACE = {"Sella": (100, 100), "Nasion": (800, 100), "A-point": (780, 600), "B-point": (740, 900)}


def predictions_of(face: dict[str, tuple[float, float]], image_id: str = "a") -> pd.DataFrame:
    rows = [(image_id, "stage2", name, x, y, 3.0 + number) for number, (name, (x, y)) in enumerate(face.items())]
    return pd.DataFrame(rows, columns=["image_id", "stage", "landmark", "x", "y", "sigma_px"])


def test_films_are_found_at_any_depth_whatever_their_suffix(tmp_path: Path) -> None:
    for name in ("a.PNG", "deep/b.jpeg", "c.bmp", "d.tif", "e.webp", "f.jp2", "g.mha", "h.dcm", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_xrays(tmp_path)) == ["a", "c", "d", "deep_b", "e", "f", "g", "h"]


def test_a_folder_without_xrays_says_what_is_there_instead(tmp_path: Path) -> None:
    (tmp_path / "film.gif").touch()
    with pytest.raises(DetectorError, match=r"contains no X-rays.*film\.gif: \.gif: not a supp.*--params inference_folder=PATH"):
        find_xrays(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "label_studio.json"])
def test_a_path_that_is_no_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DetectorError, match=rf"{name}: not a folder.*inference_folder={tmp_path}"):
        find_xrays(tmp_path / name)
    with pytest.raises(DetectorError, match=r"nowhere: no such folder"):
        find_xrays(tmp_path / "nowhere")


def test_odd_names_stop_nothing_and_what_is_skipped_is_named(
    dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("Müller Anna 2021-03-04.png", "film (1).png", f"{'x' * 200}.png", "anna/ceph.png", "ben/ceph.png", "a.png", "a.bmp")
    content = cv2.imencode(".png", dotted)[1].tobytes()
    for name in (*names, ".preview.png", "._a.png", "@eaDir/a.png/thumb.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "film.gif").write_bytes(b"GIF89a")
    for name, size in (("dot.png", (1, 1)), ("strip.png", (1, 2000))):
        (tmp_path / name).write_bytes(cv2.imencode(".png", np.zeros(size, np.uint8))[1].tobytes())

    predictions, quarantine, *_ = predict_folder(LandmarkDetector([dot_finder], params=DetectorParams(batch_size=2)), tmp_path)

    assert PredictionTable.validate(predictions)["image_id"].nunique() == len(names)
    assert {"anna_ceph", "ben_ceph"} <= set(predictions["image_id"])
    assert sorted(quarantine["item"]) == ["dot", "film.gif", "pipe.png", "strip"]
    reasons = quarantine.set_index("item")["reason"]
    assert reasons["film.gif"].startswith(".gif: not a supported kind of film")
    assert f"{pseudonym('film.gif')} is quarantined" in caplog.text
    assert "film.gif" not in caplog.text


def test_a_detector_takes_odd_names_too(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("anna/ceph.png", "ben/ceph.png", "Müller Anna.png")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(cv2.imencode(".png", dotted)[1].tobytes())
    detector = LandmarkDetector([dot_finder])
    found = detector.predict(paths)["image_id"].unique().tolist()
    assert found[:2] == ["anna_ceph", "ben_ceph"]
    assert found[2].startswith("Muller_Anna-")
    assert detector.predict({"Müller Anna": dotted})["image_id"].unique().tolist() == found[2:]
    with pytest.raises(DetectorError, match="given twice"):
        detector.predict([paths[0], paths[0]])


def test_a_damaged_file_is_quarantined_and_the_others_go_on(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    for name in ("a", "c"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), dotted)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:500])
    predictions, quarantine, *_ = predict_folder(LandmarkDetector([dot_finder], params=DetectorParams(batch_size=2)), tmp_path)
    assert PredictionTable.validate(predictions)["image_id"].unique().tolist() == ["a", "c"]
    assert QuarantineTable.validate(quarantine)["item"].tolist() == ["b"]
    assert "damaged or truncated" in quarantine["reason"][0]


def test_a_colour_photograph_is_read_and_said_to_be_one(
    dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cv2.imwrite(str(tmp_path / "film.png"), cv2.cvtColor(dotted, cv2.COLOR_GRAY2BGR))
    cv2.imwrite(str(tmp_path / "face.png"), np.dstack([dotted // 2, dotted, dotted // 2 + 120]))
    predictions, quarantine, *_ = predict_folder(LandmarkDetector([dot_finder]), tmp_path)
    assert predictions["image_id"].unique().tolist() == ["face", "film"]
    assert quarantine.empty
    said = [record.getMessage() for record in caplog.records if "photograph" in record.getMessage()]
    assert said == [f"{pseudonym('face')} looks like a colour photograph, not an X-ray"]


@pytest.mark.parametrize("grey", [0, 90])
def test_a_film_of_one_grey_is_quarantined_and_the_others_go_on(
    dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path, grey: int
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), dotted)
    cv2.imwrite(str(tmp_path / "b.png"), np.full_like(dotted, grey))
    predictions, quarantine, *_ = predict_folder(LandmarkDetector([dot_finder]), tmp_path)
    assert predictions["image_id"].unique().tolist() == ["a"]
    reason = f"{tmp_path / 'b.png'}: empty image: every pixel has the grey level {grey}. Export the film again."
    assert quarantine.to_dict("records") == [{"item": "b", "reason": reason}]


def test_a_folder_of_damaged_files_is_one_error(dot_finder: TrainedNet, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(DetectorError, match=r"none of the 1 images could be read; the first: .*a\.png: damaged or not an image"):
        predict_folder(LandmarkDetector([dot_finder]), tmp_path)


def test_angles_need_no_pixel_size_and_millimetres_do() -> None:
    table = predictions_of(FACE | {"Menton": (600, 1300), "Gonion": (200, 1000)})
    without, with_size = measurement_rows(table, {}), measurement_rows(table, {"a": 0.1})
    assert set(without["unit"]) == {"deg", "%"}
    values = with_size.set_index("measurement")["value"]
    assert values["N_Me_mm"] == pytest.approx(0.1 * math.hypot(200, 1200))
    assert values["SNA"] == pytest.approx(90 - math.degrees(math.atan2(20, 500)))


def test_norms_stand_beside_measurements_only_where_they_are_chosen() -> None:
    norms = {"population": "phantoms", "sex": "both", "age": "none", "source": "made up", "norms": {"SNA": {"mean": 80, "sd": 2}}}
    chosen = CephalometryParams.model_validate({"norm_sets": {"made_up": norms}, "compare_with": ["made_up"]})
    table = predictions_of(FACE)
    assert "deviation_sd" not in measurement_rows(table, {})
    rows = measurement_rows(table, {}, chosen).set_index("measurement")
    assert rows.loc["SNA", "norm_set"] == "made_up"
    assert rows.loc["SNA", "deviation_sd"] == pytest.approx((rows.loc["SNA", "value"] - 80) / 2)
    assert np.isnan(rows.loc["SNB", "deviation_sd"])


def test_the_summary_has_a_class_for_each_rule() -> None:
    rule = Rule.model_validate({"decides": {"measurement": "ANB", "bounds": [0, 4], "names": ["III", "I", "II"]}})
    table = predictions_of(FACE)
    summary = summary_rows(table, measurement_rows(table, {}), {"skeletal_class": rule}).iloc[0]
    assert summary["skeletal_class"] == rule.decides.classify(summary["ANB"])


def test_the_summary_names_the_least_sure_point() -> None:
    table = predictions_of(FACE)
    summary = summary_rows(table, measurement_rows(table, {})).iloc[0]
    assert summary["n_landmarks"] == 4
    assert summary["least_sure"] == "B-point"
    assert summary["median_sigma_px"] == 4.5
    assert summary["ANB"] == pytest.approx(summary["SNA"] - summary["SNB"])


def test_a_film_without_any_standard_deviation_has_no_least_sure_point() -> None:
    sure, unsure = predictions_of(FACE, "b"), predictions_of(FACE, "a").assign(sigma_px=np.nan)
    table = pd.concat([sure, unsure], ignore_index=True)
    summary = summary_rows(table, measurement_rows(table, {}))
    assert summary["image_id"].tolist() == ["b", "a"]
    assert summary["least_sure"].fillna("none").tolist() == ["B-point", "none"]
    assert summary_rows(unsure, measurement_rows(unsure, {}))["least_sure"].isna().all()


def test_an_overlay_shows_every_point_that_is_there_with_its_symbol() -> None:
    table = predictions_of(FACE)
    table.loc[table["landmark"] == "A-point", ["x", "y"]] = np.nan
    figure = draw_overlay(np.zeros((1000, 900), np.uint8), table, "a")
    axes = figure.axes[0]
    assert {text.get_text() for text in axes.texts} == {"S", "N", "B"}
    assert [line.get_xydata()[0].tolist() for line in axes.lines] == [[100, 100], [800, 100], [740, 900]]
    assert [patch.radius for patch in axes.patches] == [6, 8, 12]


def test_the_nodes_lead_from_a_folder_to_overlays(checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
    xrays(tmp_path / "new", 2)
    params = InferenceParams(pixel_size_mm=0.1)
    stage1, stage2 = checkpoints / "stage1" / "best.ckpt", checkpoints / "stage2" / "best.ckpt"
    detector = DetectorParams(device="cpu")
    located, quarantine, cvm = locate_landmarks(
        tmp_path / "new", tmp_path / "overlays", stage1, checkpoints, params, detector, stage2
    )
    assert quarantine.empty
    assert cvm.empty  # a network without the head
    assert list(cvm.columns) == ["image_id", "cvm_stage", "probability"]
    sizes = size_pixels(tmp_path / "new", located, checkpoints, params, CalibrationParams(), detector)
    predictions, shapes = judge_points(tmp_path / "new", located, sizes, stage1, checkpoints, PlausibilityParams(), stage2)
    assert sizes["source"].tolist() == ["file", "file"]
    measurements = measure_faces(predictions, sizes, CephalometryParams())
    assert {"S_Go_mm", "SNA"} <= set(measurements["measurement"])
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "of_another_patient.png").touch()
    summary = draw_overlays(
        tmp_path / "new", predictions, measurements, shapes, sizes, cvm, tmp_path / "overlays", params, CephalometryParams()
    )
    assert {file.name for file in (tmp_path / "overlays").iterdir()} == {"xray_0.png", "xray_1.png"}
    assert summary["file"].tolist() == ["xray_0.png", "xray_1.png"]
    assert summary["image_id"].tolist() == ["xray_0", "xray_1"]
    assert summary[["mm_per_pixel", "source"]].to_numpy().tolist() == [[0.1, "file"]] * 2
    assert min(read_image(tmp_path / "overlays" / "xray_1.png").shape) > 500
    quiet = InferenceParams(overlays=False)
    again = draw_overlays(
        tmp_path / "new", predictions, measurements, shapes, sizes, cvm, tmp_path / "none", quiet, CephalometryParams()
    )
    pd.testing.assert_frame_equal(again, summary)
    assert not (tmp_path / "none").exists()
    assert "cvm_stage" not in summary
    staged = pd.DataFrame({"image_id": ["xray_1", "xray_0"], "cvm_stage": [3, 5], "probability": [0.71, 0.4]})
    said = draw_overlays(
        tmp_path / "new", predictions, measurements, shapes, sizes, staged, tmp_path / "none", quiet, CephalometryParams()
    )
    assert said[["cvm_stage", "cvm_probability"]].to_numpy().tolist() == [[5, 0.4], [3, 0.71]]


class StagedDotFinder(DotFinder):
    """Finds the dots, and says the same CVM stage of every film."""

    def __init__(self, above: tuple[float, ...]) -> None:
        super().__init__()
        self.above = above

    def forward(self, images: Tensor) -> LandmarkOutput:
        found = super().forward(images)
        return found._replace(cvm_logits=torch.tensor(self.above).logit().expand(len(images), -1))


def staged(dot_finder: TrainedNet, *above: float) -> TrainedNet:
    """The dot finder with a CVM head that says the probabilities of lying above each stage."""
    return replace(dot_finder, net=StagedDotFinder(above).eval())


def test_a_folder_s_films_get_the_stage_of_the_first_network_s_head(
    dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), dotted)
    networks = [staged(dot_finder, 0.95, 0.9, 0.2, 0.1, 0.0), staged(dot_finder, 0.1, 0.0, 0.0, 0.0, 0.0)]
    detector = LandmarkDetector(networks, params=DetectorParams(batch_size=2))
    points, _, cvm, _ = predict_folder(detector, tmp_path)
    assert cvm["image_id"].tolist() == ["a", "b", "c"]
    assert cvm["cvm_stage"].tolist() == [3, 3, 3]
    assert cvm["probability"].tolist() == pytest.approx([0.7] * 3, abs=0.01)  # 0.9 − 0.2
    films = [tmp_path / f"{name}.png" for name in "abc"]
    pd.testing.assert_frame_equal(detector.predict(films), points)
    assert detector.predict_with_cvm({}).cvm.empty


def test_a_first_network_without_the_head_says_no_stage(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    detector = LandmarkDetector([dot_finder, staged(dot_finder, 0.9, 0.1)])
    assert detector.predict_with_cvm({"a": dotted}).cvm.empty


@pytest.mark.parametrize("films", [".", "new"])
def test_overlays_among_the_films_are_refused(checkpoints: Path, tmp_path: Path, xrays: Xrays, films: str) -> None:
    xrays(tmp_path / films, 1)
    overlays, stage1 = tmp_path / "new" / "results" / "overlays", checkpoints / "stage1" / "best.ckpt"
    with pytest.raises(DetectorError, match="data_root is inside the folder of the films"):
        locate_landmarks(tmp_path / films, overlays, stage1, checkpoints, InferenceParams(), DetectorParams(device="cpu"))


def test_stage_1_alone_locates_and_measures(checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
    xrays(tmp_path / "new", 1)
    located, _, _ = locate_landmarks(
        tmp_path / "new",
        tmp_path / "out",
        checkpoints / "stage1" / "best.ckpt",
        checkpoints,
        InferenceParams(),
        DetectorParams(device="cpu"),
    )
    assert set(located["stage"]) == {"stage1"}
    assert located["peak"].notna().all()


def test_an_estimate_from_the_face_makes_no_millimetres() -> None:
    sizes = pd.DataFrame({"image_id": ["a"], "mm_per_pixel": [0.1], "source": ["anatomical"]})
    assert set(measure_faces(predictions_of(FACE), sizes, CephalometryParams())["unit"]) == {"deg"}


def test_each_film_s_own_header_says_its_pixel_size_unless_one_is_given(tmp_path: Path) -> None:
    (tmp_path / "known.dcm").write_bytes(dicom(wedge(), PixelSpacing=[0.12, 0.12]))
    cv2.imwrite(str(tmp_path / "unknown.png"), np.zeros((64, 64), np.uint8))
    Image.new("L", (64, 64)).save(tmp_path / "printed.png", dpi=(300, 300))
    names = ["known", "unknown", "printed"]
    assert file_pixel_sizes(tmp_path, names, InferenceParams()).tolist() == pytest.approx([0.12, np.nan, np.nan], nan_ok=True)
    assert file_pixel_sizes(tmp_path, names, InferenceParams(pixel_size_mm=0.1)).tolist() == [0.1] * 3
    with_resolutions = InferenceParams(pixel_size_order=("dicom", "file"))
    assert file_pixel_sizes(tmp_path, names, with_resolutions)[2] == pytest.approx(25.4 / 300, rel=1e-3)


@pytest.mark.parametrize("change", ["gone", "a second of its name"])
def test_films_that_change_between_two_steps_are_said(tmp_path: Path, change: str) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), wedge())
    names = list(find_xrays(tmp_path))
    if change == "gone":
        (tmp_path / "b.png").unlink()
    else:
        cv2.imwrite(str(tmp_path / "b.jpg"), wedge())
    with pytest.raises(DetectorError, match=r"1 film deleted or renamed after .*: b\."):
        file_pixel_sizes(tmp_path, names, InferenceParams())


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode there")
def test_a_name_that_is_no_utf_8_costs_nobody_the_pixel_sizes(tmp_path: Path) -> None:
    for name in ("film.dcm", os.fsdecode(b"M\xfcller.dcm")):
        (tmp_path / name).write_bytes(dicom(wedge(), PixelSpacing=[0.12, 0.12]))
    names = list(find_xrays(tmp_path))
    assert file_pixel_sizes(tmp_path, names, InferenceParams()).tolist() == [0.12, 0.12]


def test_a_sheet_says_the_films_pixel_sizes_before_their_headers(tmp_path: Path) -> None:
    films, sheet = tmp_path / "films", tmp_path / "sizes.csv"
    (films / "anna").mkdir(parents=True)
    (films / "anna" / "ceph.dcm").write_bytes(dicom(wedge(), PixelSpacing=[0.12, 0.12]))
    cv2.imwrite(str(films / "bert.png"), np.zeros((64, 64), np.uint8))
    names = list(find_xrays(films))
    sheet.write_text("image;pixel_size_mm\nanna/ceph.dcm;0,11\nbert.png;\n")
    found = file_pixel_sizes(films, names, InferenceParams(films={"sheet": str(sheet)}))
    assert sorted(zip(names, found, strict=True)) == [("anna_ceph", 0.11), ("bert", pytest.approx(np.nan, nan_ok=True))]
    sheet.write_text("image;pixel_size_mm\ncarl.png;0,11\n")
    with pytest.raises(FilmSheetError, match="none of its 1 rows matches one of the 2 images"):
        file_pixel_sizes(films, names, InferenceParams(films={"sheet": str(sheet)}))
    with pytest.raises(FilmSheetError, match=r"inference\.films\.sheet = .*none\.csv"):
        file_pixel_sizes(films, names, InferenceParams(films={"sheet": str(tmp_path / "none.csv")}))

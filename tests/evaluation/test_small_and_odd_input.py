"""A single test image, films of extreme shape, and names that are formulas: the evaluation draws and reports all the same."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ceph_pipeline.artifacts import plain_label, save_figure
from ceph_pipeline.artifacts.figure import MAX_SIDE_PX, MAX_TEXT
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.gallery import gallery
from ceph_pipeline.images import RawFolder, encode_image
from ceph_pipeline.inference.overlay import write_overlay
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes
from ceph_pipeline.pipelines.evaluation import presentation_nodes, uncertainty_nodes

PARAMS = EvaluationParams.model_validate({"statistics": {"n_resamples": 200}})


@pytest.mark.parametrize(
    "changes",
    [
        {"statistics": {"thresholds_mm": [2.0, float("inf")]}},
        {"statistics": {"thresholds_mm": [float("nan")]}},
        {"classes": {"ANB": {"bounds": [0.0, float("inf")], "names": ["a", "b", "c"]}}},
        {"classes": {"ANB": {"bounds": [float("nan")], "names": ["a", "b"]}}},
    ],
)
def test_limits_are_finite_numbers(changes):
    with pytest.raises(ValueError, match="finite number"):
        EvaluationParams.model_validate(changes)


def evaluated(seen, landmarks, few, no_duplicates):
    """Every table and figure of a data set: errors, errors by landmark, figures."""
    errors = nodes.compute_errors(seen, landmarks, few, PARAMS)
    table = nodes.tabulate_landmarks(errors, few, PARAMS)
    checked = uncertainty_nodes.check_uncertainty(errors, seen, few, no_duplicates, {})
    drawn = presentation_nodes.draw_figures(
        errors, few, table, nodes.tabulate_ellipses(seen, landmarks, few, PARAMS), pd.DataFrame(columns=["stage", "split"]),
        nodes.tabulate_training_gap(seen.head(0), errors, landmarks, few, PARAMS), checked["reliability"],
        checked["flag_curves"], PARAMS,
    )  # fmt: skip
    return errors, table, drawn


@pytest.fixture
def one_image(predictions, landmarks, images, no_duplicates):
    """Every table and figure of a data set with one test image."""
    few = images[images["image_id"].isin(["train_a", "train_b", "valid_a", "test_a"])]
    seen = predictions[predictions["image_id"].isin(few["image_id"])]
    errors, _, drawn = evaluated(seen, landmarks, few, no_duplicates)
    return errors, few, seen, drawn


@pytest.mark.parametrize("name", ["Glabella", r"$\frac{$"])
def test_a_landmark_of_the_users_own_is_tabulated_and_drawn(predictions, landmarks, images, no_duplicates, name, tmp_path):
    seen, truth = (table.replace({"landmark": {"Menton": name}}) for table in (predictions, landmarks))
    errors, table, drawn = evaluated(seen, truth, images, no_duplicates)
    own = table[table["landmark"] == name]
    assert set(zip(own["symbol"], own["tissue"], strict=True)) == {(name, "unknown")}
    for image_id in images["image_id"]:
        (tmp_path / f"{image_id}.png").write_bytes(encode_image(np.zeros((1500, 1200), np.uint8), ".png"))
    drawn |= presentation_nodes.draw_gallery(errors, seen, truth, images, RawFolder(tmp_path, "aariz"), PARAMS)
    for figure in ("landmark_errors_figure", "error_ellipses_figure", "overlay_gallery"):
        assert max(saved(drawn[figure])) <= MAX_SIDE_PX


def test_one_test_image_is_drawn_and_its_missing_ellipses_are_explained(one_image):
    *_, drawn = one_image
    (axes,) = drawn["error_ellipses_figure"].axes
    assert "no landmark is known on two test images" in axes.texts[0].get_text()
    assert "fewer than 10 images" in drawn["landmark_errors_figure"].axes[0].get_title(loc="left")


def test_one_test_image_is_the_whole_gallery(one_image, landmarks, tmp_path):
    errors, images, predictions, _ = one_image
    (tmp_path / "test_a.png").write_bytes(encode_image(np.zeros((1500, 1200), np.uint8), ".png"))
    drawn = presentation_nodes.draw_gallery(errors, predictions, landmarks, images, RawFolder(tmp_path, "aariz"), PARAMS)
    assert drawn["overlay_gallery"].axes[0].get_title().startswith("best: test_a")


@pytest.mark.parametrize("shape", [(2000, 1), (1, 2000), (1, 1)], ids=str)
class TestExtremeFilms:
    def points(self, shape):
        corners = np.array([[[0.0, 0.0], [shape[1] - 1, shape[0] - 1], [shape[1] / 2, shape[0] / 2]]])
        return points_table(corners, ["a"], ["Sella", "Nasion", "Menton"])

    def test_gallery(self, shape):
        truth = self.points(shape)
        figure = gallery(
            {"best": ["a"], "median": [], "worst": []}, pd.Series({"a": 1.0}), truth.assign(x=truth["x"] + 3), truth,
            lambda _: np.zeros(shape, np.uint8), stage="stage1", px_length={"a": 0.1},
        )  # fmt: skip
        assert max(saved(figure)) <= MAX_SIDE_PX

    def test_overlay(self, shape, tmp_path):
        points = self.points(shape).assign(sigma_px=1.0)
        write_overlay(np.zeros(shape, np.uint8), points, tmp_path / "overlay.png")
        with Image.open(tmp_path / "overlay.png") as picture:
            assert 300 < min(picture.size) <= max(picture.size) <= MAX_SIDE_PX


def test_no_figure_is_larger_than_the_largest_side():
    assert max(saved(Figure(figsize=(1400, 4)))) <= MAX_SIDE_PX
    assert saved(Figure(figsize=(8, 4))) == (800, 400)


@pytest.mark.parametrize("name", [r"$\frac{$", "$x$", "a$b", r"\$", "line\nbreak\x1b[31m", "x" * 5000])
def test_a_name_is_drawn_as_it_is_and_never_as_a_formula(name):
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_yticks([0], [f"{plain_label(name)}\n(n = 1)"])
    axes.set_title(plain_label(name))
    saved(figure)
    assert "\n" not in plain_label(name)
    assert len(plain_label(name).replace(r"\$", "$")) <= MAX_TEXT


def saved(figure):
    buffer = io.BytesIO()
    save_figure(figure, buffer, dpi=100)
    return Image.open(buffer).size

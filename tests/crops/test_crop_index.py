"""Which crops stage 2 learns from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.crops import (
    CropParams,
    DisplacementParams,
    FaceSizeError,
    NoResidualsError,
    face_size,
    inference_index,
    residuals,
    training_index,
)
from ceph_pipeline.crops.field import REFERENCE_MM
from ceph_pipeline.landmarks.tables import CropTable, points_array, points_table

LANDMARKS = [*REFERENCE_MM, "Pronasale"]


@dataclass(frozen=True)
class Tables:
    images: pd.DataFrame
    landmarks: pd.DataFrame
    stage1_predictions: pd.DataFrame
    augmented_images: pd.DataFrame
    augmented_landmarks: pd.DataFrame


def face(px_per_mm: float = 10.0) -> np.ndarray:
    """One face's points `(K, 2)`."""
    mm = np.array([*REFERENCE_MM.values(), (40.0, -20.0)])
    return mm * px_per_mm + 1000


@pytest.fixture
def tables() -> Tables:
    """12 sources (8 train, 2 valid, 2 test), each with one flipped copy; Menton is missing in the first."""
    rng = np.random.default_rng(5)
    ids = [f"ceph{i:02d}" for i in range(12)]
    points = face() + rng.normal(0, 3, (12, len(LANDMARKS), 2))
    points[0, LANDMARKS.index("Menton")] = np.nan
    images = pd.DataFrame(
        {"image_id": ids, "split": ["train"] * 8 + ["valid"] * 2 + ["test"] * 2, "pixel_size_mm": 0.1, "width": 2000}
    )
    landmarks = points_table(points, ids, LANDMARKS).assign(reader="consensus")
    predicted = points + rng.normal(0, 15, points.shape)
    predictions = points_table(predicted, ids, LANDMARKS).assign(stage="stage1")
    copy_ids = [f"{name}_flip" for name in ids]
    copies = images.assign(image_id=copy_ids)
    augmented_images = pd.concat([images, copies], ignore_index=True).assign(source_id=ids * 2)
    mirrored = points * (-1, 1) + (1999, 0)
    augmented_landmarks = pd.concat(
        [landmarks, points_table(mirrored, copy_ids, LANDMARKS).assign(reader="consensus")], ignore_index=True
    )
    return Tables(images, landmarks, predictions, augmented_images, augmented_landmarks)


STILL = DisplacementParams(floor_sd_of_field=0, rotation_deg=0, scale=0)


def index(tables: Tables, params: CropParams | None = None, **changed: pd.DataFrame) -> pd.DataFrame:
    given = vars(tables) | changed
    return training_index(
        given["augmented_images"],
        given["augmented_landmarks"],
        images=given["images"],
        landmarks=given["landmarks"],
        stage1_predictions=given["stage1_predictions"],
        params=params or CropParams(),
    )


def truth_of(tables: Tables, crops: pd.DataFrame) -> np.ndarray:
    """The landmark's place `(M, 2)` for each crop."""
    keys = pd.MultiIndex.from_frame(crops[["image_id", "landmark"]])
    return tables.augmented_landmarks.set_index(["image_id", "landmark"]).loc[keys, ["x", "y"]].to_numpy()


def test_every_landmark_that_is_there_has_five_crops(tables: Tables) -> None:
    crops = CropTable.validate(index(tables))
    counts = crops.groupby(["image_id", "landmark"])["shift"].agg(list)
    assert len(counts) == 20 * len(LANDMARKS) - 2  # Menton of one source and of its copy
    assert set(crops["split"]) == {"train", "valid"}
    assert all(shifts == [0, 1, 2, 3, 4] for shifts in counts)
    assert "Menton" not in crops.loc[crops["source_id"] == "ceph00", "landmark"].unique()


def test_a_test_image_of_which_the_face_size_is_unknown_does_not_matter(tables: Tables) -> None:
    is_sella = tables.augmented_landmarks["landmark"] == LANDMARKS[0]
    only_sella = tables.augmented_landmarks[is_sella | ~tables.augmented_landmarks["image_id"].str.startswith("ceph11")]
    pd.testing.assert_frame_equal(index(tables, augmented_landmarks=only_sella), index(tables))


def test_a_copy_stays_in_its_sources_split(tables: Tables) -> None:
    crops = index(tables)
    assert crops.groupby("source_id")["split"].nunique().eq(1).all()
    assert set(crops.loc[crops["split"] == "valid", "source_id"]) == {"ceph08", "ceph09"}


def test_the_same_seed_gives_the_same_crops_whatever_else_is_indexed(tables: Tables) -> None:
    whole = index(tables)
    pd.testing.assert_frame_equal(whole, index(tables))
    part = index(tables, augmented_images=tables.augmented_images.iloc[[3]])
    same_image = whole[whole["image_id"] == "ceph03"].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, same_image)
    assert not index(tables, CropParams(seed=7))["centre_x"].equals(whole["centre_x"])


def test_without_a_floor_displacements_are_stage_1s_own_validation_errors(tables: Tables) -> None:
    params = CropParams(displacement=STILL, shift_of_field=0)
    crops = index(tables, params)
    valid = ["ceph08", "ceph09"]
    errors = points_array(tables.stage1_predictions, valid, LANDMARKS) - points_array(tables.landmarks, valid, LANDMARKS)
    lengths = np.linalg.norm(errors, axis=-1)  # of heads of one size
    moved = np.linalg.norm(crops[["centre_x", "centre_y"]].to_numpy() - truth_of(tables, crops), axis=1)
    for k, name in enumerate(LANDMARKS):
        nearest = np.abs(moved[crops["landmark"] == name][:, None] - lengths[:, k]).min(axis=1)
        assert nearest.max() < 0.5  # px, for the heads differ by a few per mille


def test_a_floor_gives_spread_where_stage_1_made_no_error(tables: Tables) -> None:
    perfect = tables.landmarks.drop(columns="reader").assign(stage="stage1")
    params = CropParams(shift_of_field=0, displacement=DisplacementParams(floor_sd_of_field=0.1, scale=0))
    crops = index(tables, params, stage1_predictions=perfect)
    moved = (crops[["centre_x", "centre_y"]].to_numpy() - truth_of(tables, crops)) / crops[["field_px"]].to_numpy()
    np.testing.assert_allclose(moved.std(axis=0), 0.1, rtol=0.08)


def test_however_far_stage_1_erred_the_truth_stays_in_the_crop(tables: Tables) -> None:
    wild = tables.stage1_predictions.assign(x=lambda table: table["x"] + 900)
    crops = index(tables, stage1_predictions=wild)
    away = np.linalg.norm(crops[["centre_x", "centre_y"]].to_numpy() - truth_of(tables, crops), axis=1)
    assert (away <= 0.45 * crops["field_px"] + 1e-9).all()
    assert (away > 0.44 * crops["field_px"]).mean() > 0.9


def test_a_systematic_error_displaces_to_both_sides(tables: Tables) -> None:
    biased = tables.landmarks.drop(columns="reader").assign(stage="stage1", x=lambda table: table["x"] + 30)
    params = CropParams(displacement=STILL, shift_of_field=0)
    crops = index(tables, params, stage1_predictions=biased)
    dx = crops["centre_x"].to_numpy() - truth_of(tables, crops)[:, 0]
    assert np.abs(np.abs(dx) - 30).max() < 1
    assert 0.4 < (dx > 0).mean() < 0.6


def test_rotation_and_scale_stay_within_their_jitter(tables: Tables) -> None:
    crops = index(tables, CropParams(displacement=DisplacementParams(rotation_deg=4, scale=0.1)))
    assert crops["rotation_deg"].abs().max() <= 4
    assert crops["rotation_deg"].abs().max() > 3.5
    field = 0.47 * face_size(face()[None], LANDMARKS)[0]
    assert crops["field_px"].between(0.88 * field, 1.12 * field).all()


def test_a_field_in_mm_has_that_many_pixels_in_every_crop(tables: Tables) -> None:
    crops = index(tables, CropParams(displacement=STILL, field_mm=25.0))
    assert crops["field_px"].unique() == pytest.approx(250)


def test_the_ruler_has_crops_in_mm(tables: Tables) -> None:
    names = {"Sella": "p1", "Nasion": "p2"}
    ruler = {
        key: getattr(tables, key)[lambda table: table["landmark"].isin(names)].replace({"landmark": names})
        for key in ("landmarks", "stage1_predictions", "augmented_landmarks")
    }
    crops = index(tables, CropParams(field_mm=20.0), **ruler)
    assert set(crops["landmark"]) == {"p1", "p2"}
    with pytest.raises(FaceSizeError, match=r"crops\.field_mm"):
        index(tables, **ruler)


def test_residuals_are_validation_errors_over_the_field_of_view(tables: Tables) -> None:
    errors = residuals(tables.images, tables.landmarks, tables.stage1_predictions, LANDMARKS, CropParams(field_mm=20.0))
    valid = ["ceph08", "ceph09"]
    truth = points_array(tables.landmarks, valid, LANDMARKS)
    expected = (points_array(tables.stage1_predictions, valid, LANDMARKS) - truth) / 200
    np.testing.assert_allclose(errors["Sella"], expected[:, LANDMARKS.index("Sella")])


def test_a_landmark_never_predicted_borrows_everybodys_errors(tables: Tables) -> None:
    without = tables.stage1_predictions[tables.stage1_predictions["landmark"] != "Gonion"]
    errors = residuals(tables.images, tables.landmarks, without, LANDMARKS, CropParams())
    assert len(errors["Sella"]) == 2
    assert len(errors["Gonion"]) == 2 * (len(LANDMARKS) - 1)


@pytest.mark.parametrize("case", ["no valid split", "no stage 1"])
def test_without_validation_errors_there_is_one_clear_error(tables: Tables, case: str) -> None:
    images = tables.images.assign(split="train") if case == "no valid split" else tables.images
    predictions = tables.stage1_predictions.assign(stage="stage2") if case == "no stage 1" else tables.stage1_predictions
    with pytest.raises(NoResidualsError, match="run the stage1 pipeline, and add a split `valid` to the data set"):
        index(tables, images=images, stage1_predictions=predictions)


def test_rulers_of_which_one_mark_is_annotated_say_what_is_missing(tables: Tables) -> None:
    names = {"Sella": "p1", "Nasion": "p2"}
    marks = tables.landmarks[tables.landmarks["landmark"].isin(names)].replace({"landmark": names})
    marks.loc[marks["landmark"] == "p2", ["x", "y"]] = np.nan
    predicted = tables.stage1_predictions[tables.stage1_predictions["landmark"].isin(names)].replace({"landmark": names})
    with pytest.raises(NoResidualsError, match="none of the 2 validation images shows both marks of a ruler"):
        residuals(tables.images, marks, predicted, ["p1", "p2"], CropParams(field_of_ruler=1.5))


def test_inference_crops_are_the_point_and_four_shifts() -> None:
    points = np.array([[[100.0, 200.0]]])
    centres = inference_index(points, np.array([160.0]), CropParams(shift_of_field=0.0625))
    assert centres[0, 0].tolist() == [[100, 200], [110, 200], [100, 210], [90, 200], [100, 190]]


def test_displacements_are_mirrored_in_mirrored_copies_and_nowhere_else(tables: Tables) -> None:
    """Stage 1 errs to the right by some px in every validation image: it would err to the left in their mirror images."""
    to_the_right = tables.landmarks.drop(columns="reader").assign(stage="stage1", x=lambda table: table["x"] + 20)
    crops = index(tables, CropParams(displacement=STILL, shift_of_field=0), stage1_predictions=to_the_right)
    moved = crops["centre_x"] - truth_of(tables, crops)[:, 0]
    is_copy = crops["image_id"].str.endswith("_flip")
    assert (moved[~is_copy] > 15).all()
    assert (moved[is_copy] < -15).all()

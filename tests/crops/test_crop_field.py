"""How large a face is, and from that how much of it a crop shows."""

import numpy as np
import pytest

from ceph_pipeline.crops import CropParams, FaceSizeError, face_size, field_sizes
from ceph_pipeline.crops.field import REFERENCE_MM, require_fields
from ceph_pipeline.crops.params import MEAN_FACE_MM
from ceph_pipeline.landmarks import SCHEMAS

SIX = list(REFERENCE_MM)
MEAN_FACE = np.array(list(REFERENCE_MM.values()))


def test_the_mean_face_has_its_centroid_size() -> None:
    by_hand = np.sqrt(((MEAN_FACE - MEAN_FACE.mean(0)) ** 2).sum(1).mean())
    assert face_size(MEAN_FACE[None], SIX)[0] == pytest.approx(by_hand)
    assert by_hand == pytest.approx(MEAN_FACE_MM, abs=0.01)


def test_the_default_field_is_25_mm_of_the_mean_face() -> None:
    field_px = field_sizes(MEAN_FACE[None] * 10, SIX, np.array([np.nan]), CropParams())
    assert field_px[0] == pytest.approx(250, abs=1)


@pytest.mark.parametrize("schema", ["aariz", "isbi2015"])
def test_19_and_29_landmarks_of_a_face_give_one_size(schema: str) -> None:
    names = list(SCHEMAS[schema].names)
    points = np.random.default_rng(0).normal(0, 50, (1, len(names), 2))
    for name, point in REFERENCE_MM.items():
        points[0, names.index(name)] = point
    assert face_size(points, names)[0] == pytest.approx(MEAN_FACE_MM, abs=0.01)


@pytest.mark.parametrize("missing", SIX)
def test_a_missing_point_leaves_the_size_as_it_is(missing: str) -> None:
    points = MEAN_FACE[None].copy()
    points[0, SIX.index(missing)] = np.nan
    assert face_size(points, SIX)[0] == pytest.approx(MEAN_FACE_MM, abs=0.01)


@pytest.mark.parametrize("wrong", SIX)
def test_one_grossly_wrong_point_leaves_the_size_as_it_is(wrong: str) -> None:
    points = MEAN_FACE[None].copy()
    points[0, SIX.index(wrong)] = (900.0, -700.0)
    assert face_size(points, SIX)[0] == pytest.approx(MEAN_FACE_MM, abs=0.01)


def test_an_image_with_one_point_has_no_size() -> None:
    points = np.full((2, 6, 2), np.nan)
    points[0], points[1, 0] = MEAN_FACE, (3, 4)
    size = face_size(points, SIX)
    assert np.isfinite(size[0])
    assert np.isnan(size[1])
    field = field_sizes(points, SIX, np.ones(2), CropParams())
    assert np.isnan(field).tolist() == [False, True]
    with pytest.raises(FaceSizeError, match=r"1 of 2 images \(b\) show fewer than two.*ingestion\.exclude"):
        require_fields(field, points, ["a", "b"], CropParams())


def test_ruler_points_have_no_face() -> None:
    with pytest.raises(FaceSizeError, match=r"landmarks are p1, p2.*crops\.field_mm"):
        face_size(np.zeros((1, 2, 2)), ["p1", "p2"])


def test_a_field_in_mm_goes_by_the_pixel_size() -> None:
    field = field_sizes(MEAN_FACE[None], SIX, np.array([0.1]), CropParams(field_mm=25.6))
    assert field[0] == pytest.approx(256)


def test_a_field_in_mm_needs_every_pixel_size() -> None:
    points, params = np.stack([MEAN_FACE] * 6), CropParams(field_mm=25.6)
    field = field_sizes(points, SIX, np.array([0.1, *[np.nan] * 5]), params)
    assert np.isnan(field).tolist() == [False] + [True] * 5
    with pytest.raises(FaceSizeError, match=r"5 of 6 images \(b, c, d …\) have no pixel size.*field_mm to null"):
        require_fields(field, points, list("abcdef"), params)
    points[1:] = np.nan
    require_fields(field, points, list("abcdef"), params)  # images without any point need none


def test_a_collapsed_stage_1_still_gets_a_field() -> None:
    field = field_sizes(np.zeros((1, 6, 2)), SIX, np.array([0.1]), CropParams(crop_px=128))
    assert field[0] == 32


RULER = CropParams(crop_px=96, field_of_ruler=1.5)
NOT_ANY = (np.nan, np.nan)


def test_by_the_ruler_the_field_is_a_multiple_of_its_length() -> None:
    points = np.array([[(100.0, 20.0), (160.0, 100.0)], [(100.0, 20.0), NOT_ANY], [NOT_ANY, NOT_ANY]])
    assert field_sizes(points, ["p1", "p2"], np.full(3, np.nan), RULER) == pytest.approx([150, np.nan, np.nan], nan_ok=True)


def test_a_ruler_of_no_length_has_the_smallest_field() -> None:
    assert field_sizes(np.zeros((1, 2, 2)), ["p1", "p2"], np.array([np.nan]), RULER).tolist() == [24.0]


def test_without_the_marks_there_is_no_field_by_the_ruler() -> None:
    with pytest.raises(FaceSizeError, match=r"needs p1 and p2; the landmarks are .*Set it to null"):
        field_sizes(MEAN_FACE[None], SIX, np.array([np.nan]), RULER)


def test_one_measure_of_the_field_counts() -> None:
    with pytest.raises(ValueError, match="field_mm and field_of_ruler are both set"):
        CropParams(field_mm=25, field_of_ruler=1.5)

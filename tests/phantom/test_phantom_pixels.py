"""Every landmark lies on the structure it names, as the rendered pixels show it, not as the drawing was told."""

import functools

import cv2
import numpy as np
import pytest

from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.params import VariationParams
from ceph_pipeline.phantom.specimen import sample_specimen, stream

REACH_PX = 4.0
STEP_PX = 0.1
TOLERANCE_PX = 1.0
LONG_SIDE_PX = 1000
SEED = 7
IMAGES = range(3)

PLAIN = VariationParams(asymmetry=0, ear_rod_clutter=0, burnt_out_share=0, ruler_absent_share=0)
"""Left and right superimposed, nothing over Porion: every landmark's own structure is seen alone."""

OUTLINES = ("A", "B", "Pog", "Gn", "Me", "Go", "R", "Co", "Pn", "Ls", "Li", "N`", "Pog`", "Sn")
"""On a contour: brightness falls steepest here, from bone to soft tissue or from skin to air."""

CUSPS = {"UMT": ("UPM", 1), "UPM": ("UMT", -1), "LMT": ("LPM", -1), "LPM": ("LMT", 1)}
"""A cusp's tip: brightness falls across the occlusal line, which leads to the neighbour; the side is away from the root."""

TIPS = {"UIT": "UIA", "UIA": "UIT", "LIT": "LIA", "LIA": "LIT", "ANS": "PNS", "PNS": "ANS"}
"""An end: brightness falls along the axis from the other end."""


@functools.cache
def rendered(index, variation=PLAIN):
    """One phantom without grain, blur kept."""
    specimen = sample_specimen(index, SEED, LONG_SIDE_PX, variation)
    picture = draw_cephalogram(specimen, stream(SEED, index, 1), grain=0.0)
    return picture.astype(np.float32), specimen, specimen.landmarks_px()


def profile(image, point, direction, reach_px=REACH_PX):
    """Grey values along a line through `point`, and their signed distances from it in px."""
    direction = np.asarray(direction, float) / np.linalg.norm(direction)
    along = np.arange(-reach_px, reach_px + STEP_PX / 2, STEP_PX)
    x, y = (np.asarray(point) + along[:, None] * direction).T.astype(np.float32)
    return cv2.remap(image, x[None], y[None], cv2.INTER_CUBIC)[0], along


def darkening_direction(image, point, sigma_px=1.5):
    """Direction in which the image darkens most, seen around `point`."""
    x, y = (round(float(c)) for c in point)
    reach = np.arange(-6, 7)
    weight_x, weight_y = (np.exp(-((reach - (c - round(float(c)))) ** 2) / (2 * sigma_px**2)) for c in point)
    weight = weight_y[:, None] * weight_x[None]
    dy, dx = np.gradient(image[y - 6 : y + 7, x - 6 : x + 7])
    return -np.array([(weight * dx).sum(), (weight * dy).sum()])


def edge_distance(image, point, outwards):
    """Signed distance in px from the point to the steepest fall of brightness along `outwards`."""
    values, along = profile(image, point, outwards)
    slope = np.gradient(cv2.GaussianBlur(values[None], (0, 0), 3)[0])
    return along[int(np.argmin(slope[5:-5])) + 5]


def ridge_distance(image, point, across):
    """Signed distance in px to the middle of the brightest spot along `across`."""
    values, along = profile(image, point, across)
    return along[values > values.max() - 0.05 * np.ptp(values)].mean()


def ring_centre(image, point, radii_px, angles_deg):
    """Centre of the bright ring around `point`: an ellipse fitted to the brightest spot on each ray."""
    ridge = []
    for angle in np.radians(angles_deg):
        ray = np.array([np.cos(angle), -np.sin(angle)])
        values, along = profile(image, point, ray, radii_px[1])
        beyond = along > radii_px[0]
        ridge.append(np.asarray(point) + along[beyond][int(np.argmax(values[beyond]))] * ray)
    (x, y), *_ = cv2.fitEllipseDirect(np.array(ridge, np.float32))
    return np.array([x, y])


@pytest.mark.parametrize("index", IMAGES)
@pytest.mark.parametrize("symbol", OUTLINES)
def test_point_lies_on_the_outline(symbol, index):
    image, _, points = rendered(index)
    assert abs(edge_distance(image, points[symbol], darkening_direction(image, points[symbol]))) <= TOLERANCE_PX


@pytest.mark.parametrize("index", IMAGES)
@pytest.mark.parametrize("symbol", TIPS)
def test_point_lies_at_the_end_of_the_tooth_or_spine(symbol, index):
    image, _, points = rendered(index)
    assert abs(edge_distance(image, points[symbol], points[symbol] - points[TIPS[symbol]])) <= TOLERANCE_PX


@pytest.mark.parametrize("index", IMAGES)
@pytest.mark.parametrize("symbol", CUSPS)
def test_point_lies_on_the_cusp(symbol, index):
    image, _, points = rendered(index)
    neighbour, side = CUSPS[symbol]
    x, y = points[neighbour] - points[symbol]
    assert abs(edge_distance(image, points[symbol], (-side * y, side * x))) <= TOLERANCE_PX


@pytest.mark.parametrize("index", IMAGES)
def test_nasion_lies_on_the_front_of_the_frontonasal_suture(index):
    image, specimen, points = rendered(index)
    forward = specimen.face.forward
    assert abs(edge_distance(image, points["N"], forward)) <= TOLERANCE_PX
    behind = points["N"] - 2.5 / specimen.pixel_size_mm * forward
    values, along = profile(image, behind, specimen.face.up, reach_px=2.5 / specimen.pixel_size_mm)
    assert values[np.abs(along) < 1 / specimen.pixel_size_mm].min() < values.mean()


@pytest.mark.parametrize("index", IMAGES)
def test_sella_is_the_centre_of_the_fossa(index):
    image, specimen, points = rendered(index)
    axis = points["N"] - points["S"]
    ahead_deg = np.degrees(np.arctan2(-axis[1], axis[0]))
    radius_px = 5.4 * specimen.face.scale / specimen.pixel_size_mm
    open_above = ahead_deg + np.arange(150, 391, 12)
    centre = ring_centre(image, points["S"], (0.65 * radius_px, 1.15 * radius_px), open_above)
    assert np.linalg.norm(centre - points["S"]) <= TOLERANCE_PX
    assert (
        image[tuple(np.rint(points["S"]).astype(int)[::-1])]
        < image[tuple(np.rint(points["S"] + (0, 0.84 * radius_px)).astype(int)[::-1])]
    )


@pytest.mark.parametrize("index", IMAGES)
def test_orbitale_is_the_lowest_point_of_the_orbits_rim(index):
    image, specimen, points = rendered(index)
    face = specimen.face
    assert abs(ridge_distance(image, points["Or"], face.up)) <= TOLERANCE_PX
    for aside_mm in (-4.0, 4.0):
        beside = points["Or"] + aside_mm / specimen.pixel_size_mm * face.forward
        values, along = profile(image, beside, face.up, reach_px=3.5 / specimen.pixel_size_mm)
        assert along[int(np.argmax(values))] > 0.5


@pytest.mark.parametrize("index", IMAGES)
def test_porion_is_the_top_of_the_bony_ear_canal(index):
    image, specimen, points = rendered(index)
    face = specimen.face
    assert abs(ridge_distance(image, points["Po"], face.up)) <= TOLERANCE_PX
    for aside_mm in (-2.5, 2.5):
        beside = points["Po"] + aside_mm / specimen.pixel_size_mm * face.forward
        values, along = profile(image, beside, face.up, reach_px=3.0 / specimen.pixel_size_mm)
        assert along[int(np.argmax(np.where(along < 0.2, values, 0)))] < -0.3


@pytest.mark.parametrize("index", IMAGES)
def test_articulare_is_where_cranial_base_and_ramus_cross(index):
    image, specimen, points = rendered(index)
    along_ramus = points["R"] - points["Ar"]
    assert abs(edge_distance(image, points["Ar"], (-along_ramus[1], along_ramus[0]))) <= TOLERANCE_PX
    px_per_mm = 1 / specimen.pixel_size_mm
    basion = specimen.to_px(specimen.face.at("Ar", -8.5, -6.5))
    along_base = (basion - points["Ar"]) / np.linalg.norm(basion - points["Ar"])
    across = (-along_base[1], along_base[0])
    near, far = (ridge_distance(image, points["Ar"] + mm * px_per_mm * along_base, across) for mm in (1.2, 2.4))
    assert abs(2 * near - far) <= TOLERANCE_PX


@pytest.mark.parametrize("index", IMAGES)
def test_ruler_marks_lie_ten_millimetres_apart(index):
    image, specimen, _ = rendered(index)
    marks = specimen.ruler_px()
    along = marks["p1"] - marks["p2"]
    distances = [ridge_distance(image, marks[name], along) for name in ("p1", "p2")]
    assert max(map(abs, distances)) <= TOLERANCE_PX
    found_px = np.linalg.norm(along) + distances[0] - distances[1]
    assert found_px * specimen.pixel_size_mm == pytest.approx(10.0, abs=0.15)


def contour_middle(image, point, outwards, reach_px):
    """Signed distance in px from the point to midway between the innermost and the outermost steep fall along `outwards`."""
    values, along = profile(image, point, outwards, reach_px)
    slope = np.gradient(cv2.GaussianBlur(values[None], (0, 0), 3)[0])
    steepest = (slope[1:-1] < slope[:-2]) & (slope[1:-1] <= slope[2:]) & (slope[1:-1] < 0.25 * slope.min())
    falls = along[1:-1][steepest]
    return float(falls.min() + falls.max()) / 2


@pytest.mark.parametrize("index", IMAGES)
@pytest.mark.parametrize("symbol", ["Go", "R", "Co"])
def test_a_double_contours_landmark_lies_midway_between_both_sides(symbol, index):
    image, specimen, points = rendered(index, PLAIN.model_copy(update={"asymmetry": 1.0}))
    superimposed, *_ = rendered(index)
    outwards = darkening_direction(superimposed, points[symbol])
    sides = [specimen.to_px(specimen.face.side(sign)[symbol]) for sign in (1, -1)]
    apart_px = abs((sides[0] - sides[1]) @ outwards) / np.linalg.norm(outwards)
    assert abs(contour_middle(image, points[symbol], outwards, apart_px / 2 + 3)) <= 2 * TOLERANCE_PX


@pytest.mark.parametrize("symbol", ["Or", "Po", "Co", "Ar", "R", "Go"])
def test_the_sides_of_a_face_are_symmetric_about_the_landmark(symbol):
    face = sample_specimen(0, SEED, LONG_SIDE_PX).face
    near, far = face.side(1)[symbol], face.side(-1)[symbol]
    np.testing.assert_allclose((near + far) / 2, face[symbol])
    assert 0.1 < np.linalg.norm(near - far) < 9


def test_midline_landmarks_have_no_sides():
    face = sample_specimen(0, SEED, LONG_SIDE_PX).face
    assert all((face.side(1)[symbol] == face[symbol]).all() for symbol in ("N", "S", "A", "B", "Pog", "Gn", "Me", "ANS"))


def test_every_landmark_has_its_test():
    tested = {*OUTLINES, *TIPS, *CUSPS, "N", "S", "Or", "Po", "Ar"}
    assert tested == set(SCHEMAS["aariz"].symbols)


@pytest.mark.parametrize("symbol", OUTLINES)
def test_a_point_three_pixels_off_is_noticed(symbol):
    image, _, points = rendered(0)
    outwards = darkening_direction(image, points[symbol])
    shifted = points[symbol] + 3 * outwards / np.linalg.norm(outwards)
    assert abs(edge_distance(image, shifted, outwards)) > 2

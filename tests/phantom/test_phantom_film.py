"""Pictures look like the device they come from."""

import dataclasses

import numpy as np
import pytest

from ceph_pipeline.phantom.devices import DEVICES
from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.film import develop, trabecular_texture
from ceph_pipeline.phantom.params import VariationParams
from ceph_pipeline.phantom.specimen import sample_specimen, stream

PLAIN = dataclasses.replace(DEVICES[0], border="none")


def wedge(levels=(0.0, 30.0, 80.0, 160.0)):
    """Steps of attenuation, 100 px wide each."""
    return np.repeat(np.repeat(np.array([levels], np.float32), 100, axis=1), 200, axis=0)


def test_more_attenuation_is_brighter():
    picture = develop(wedge(), PLAIN, 0.2, 0.0, np.random.default_rng(0))
    greys = [picture[100, column] for column in (50, 150, 250, 350)]
    assert greys == sorted(greys)
    assert greys[0] < 40
    assert greys[-1] > 180


def test_grain_can_be_turned_off_and_scales():
    flat = np.full((200, 200), 60.0, np.float32)
    spread = [develop(flat, PLAIN, 0.2, grain, np.random.default_rng(0)).astype(float).std() for grain in (0.0, 1.0, 2.0)]
    assert spread[0] < 0.5
    assert spread[2] == pytest.approx(2 * spread[1], rel=0.15)


def test_a_blunter_device_spreads_an_edge_wider():
    def edge_width(blur_mm):
        picture = develop(wedge((20.0, 60.0)), dataclasses.replace(PLAIN, blur_mm=blur_mm), 0.1, 0.0, np.random.default_rng(0))
        row = picture[100, 85:115].astype(float)
        return np.sum((row > row[0] + 0.1 * np.ptp(row)) & (row < row[0] + 0.9 * np.ptp(row)))

    assert edge_width(0.5) > 2 * edge_width(0.1)


@pytest.mark.parametrize(
    ("border", "corner", "top"), [("film", 248, 248), ("collimated", 0, 0), ("tabs", None, 250), ("none", None, None)]
)
def test_devices_frame_their_pictures(border, corner, top):
    flat = np.full((400, 300), 60.0, np.float32)
    picture = develop(flat, dataclasses.replace(PLAIN, border=border), 0.2, 0.0, np.random.default_rng(0))
    body = picture[200, 150]
    assert picture[0, 0] == (body if corner is None else corner)
    assert picture[0, round(0.52 * 300)] == (body if top is None else top)


def test_texture_has_mean_zero_and_unit_spread():
    texture = trabecular_texture((300, 240), 0.2, np.random.default_rng(0))
    assert texture.shape == (240, 300)
    assert texture.mean() == pytest.approx(0, abs=1e-4)
    assert texture.std() == pytest.approx(1, abs=1e-3)


def test_a_skull_is_seen_bone_brighter_than_flesh_brighter_than_air():
    specimen = sample_specimen(3, 42, 500)
    picture = draw_cephalogram(specimen, stream(42, 3, 1), grain=0.0)
    assert picture.shape == specimen.size[::-1]

    def grey(symbol, forward, up):
        x, y = np.rint(specimen.to_px(specimen.face.at(symbol, forward, up))).astype(int)
        return float(picture[y - 1 : y + 2, x - 1 : x + 2].mean())

    air, nose, chin_skin = grey("Pn", 12, 0), grey("Pn", -5, 0), grey("Pog", 5, 0)
    chin, molar = grey("Pog", -3, 0), grey("UMT", -2, 4)
    assert air < nose < chin
    assert air < chin_skin < chin
    assert molar > 1.2 * chin_skin


def test_on_a_burnt_out_film_the_soft_profile_fades_and_bone_stays():
    def contrast(share, symbol):
        specimen = sample_specimen(1, 42, 800, VariationParams(burnt_out_share=share, ruler_absent_share=1))
        picture = draw_cephalogram(specimen, stream(42, 1, 1), grain=0.0).astype(float)
        inside, outside = (
            picture[tuple(np.rint(specimen.to_px(specimen.face.at(symbol, forward, 0.0))).astype(int)[::-1])]
            for forward in (-1.5, 1.5)
        )
        return inside - outside

    for symbol in ("Pn", "Ls"):
        assert contrast(1, symbol) < 0.5 * contrast(0, symbol)
    assert contrast(1, "Pog") > 0.8 * contrast(0, "Pog") > 20


def test_over_exposure_keeps_the_order_of_greys():
    lost = np.full(400, 12.0, np.float32)
    picture = develop(wedge((0.0, 8.0, 16.0, 80.0)), PLAIN, 0.2, 0.0, np.random.default_rng(0), over_exposure=lost)
    greys = [int(picture[100, column]) for column in (50, 150, 250, 350)]
    assert greys == sorted(greys)
    assert greys[2] - greys[0] < 12


def test_ear_rods_lie_over_porion_and_can_be_left_out():
    def picture(clutter):
        specimen = sample_specimen(1, 42, 800, VariationParams(ear_rod_clutter=clutter))
        return draw_cephalogram(specimen, stream(42, 1, 1), grain=0.0).astype(float), specimen

    (cluttered, specimen), (plain, _) = picture(1.0), picture(0.0)
    changed = np.argwhere(np.abs(cluttered - plain) > 8)[:, ::-1]
    distance_mm = np.linalg.norm(changed - specimen.landmarks_px()["Po"], axis=1) * specimen.pixel_size_mm
    assert distance_mm.min() < 4
    assert distance_mm.max() < 22

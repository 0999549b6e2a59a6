"""A specimen's numbers are true: pixel size, frame, ruler, and nothing depends on its neighbours."""

import numpy as np
import pytest

from ceph_pipeline.phantom.cephalostat import RULER_HALF_WIDTH_MM
from ceph_pipeline.phantom.devices import DEVICES
from ceph_pipeline.phantom.params import VariationParams
from ceph_pipeline.phantom.specimen import sample_specimen
from ceph_pipeline.phantom.structures.soft_tissue import skin_outline


@pytest.fixture(scope="module", params=[None, 640], ids=["native", "640 px"])
def specimens(request):
    return [sample_specimen(index, 11, request.param) for index in range(40)]


def test_a_pixel_measures_what_its_size_says(specimens):
    for specimen in specimens:
        points = specimen.landmarks_px()
        sn_mm = np.linalg.norm(points["N"] - points["S"]) * specimen.pixel_size_mm
        assert 64 < sn_mm < 80
        assert sn_mm == pytest.approx(72 * specimen.face.scale)


def test_the_rulers_marks_are_ten_millimetres_apart(specimens):
    for specimen in specimens:
        marks = specimen.ruler_px()
        if not marks:
            continue
        assert np.linalg.norm(marks["p1"] - marks["p2"]) * specimen.pixel_size_mm == pytest.approx(10.0)


def test_every_point_lies_inside_the_picture(specimens):
    for specimen in specimens:
        points = np.array([*specimen.landmarks_px().values(), *specimen.ruler_px().values()])
        margin = 3 / specimen.pixel_size_mm
        assert (points > margin).all()
        assert (points < np.array(specimen.size) - margin).all()


def test_the_ruler_hangs_in_front_of_the_forehead(specimens):
    for specimen in specimens:
        skin = specimen.to_px(skin_outline(specimen.face))
        for mark in specimen.ruler_px().values():
            level = skin[np.abs(skin[:, 1] - mark[1]) < 8 / specimen.pixel_size_mm, 0]
            assert mark[0] > level.max(initial=0)


def test_small_sets_see_several_devices_and_every_stage(specimens):
    assert len({specimen.device.machine for specimen in specimens}) >= 5
    assert {specimen.face.cvm_stage for specimen in specimens} == set(range(1, 7))


def test_devices_cover_all_three_file_formats_and_share_out_everything():
    assert {device.format for device in DEVICES} == {"png", "jpg", "bmp"}
    assert sum(device.share for device in DEVICES) == pytest.approx(1.0)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.machine)
def test_a_scaled_frame_shows_the_same_field(device):
    (width, height), pixel_size = device.frame(800)
    assert max(width, height) == 800
    assert pixel_size * 800 == pytest.approx(device.pixel_size_mm * max(device.width_px, device.height_px), rel=1e-3)


def test_a_specimen_depends_on_seed_and_index_alone():
    again = sample_specimen(5, 11, 640).landmarks_px()
    np.testing.assert_array_equal(again["Go"], sample_specimen(5, 11, 640).landmarks_px()["Go"])
    assert not np.allclose(again["Go"], sample_specimen(6, 11, 640).landmarks_px()["Go"])
    assert not np.allclose(again["Go"], sample_specimen(5, 12, 640).landmarks_px()["Go"])


class TestRulers:
    def test_about_a_tenth_of_films_has_none(self):
        absent = [not sample_specimen(index, 3, 640).ruler_px() for index in range(300)]
        assert 0.05 < np.mean(absent) < 0.15

    @pytest.mark.parametrize(("share", "expected"), [(0.0, False), (1.0, True)])
    def test_the_share_of_absent_rulers_is_a_setting(self, share, expected):
        variation = VariationParams(ruler_absent_share=share)
        assert all((sample_specimen(index, 3, 640, variation).ruler is None) == expected for index in range(20))

    def test_rulers_are_rotated_by_no_more_than_asked_for(self):
        variation = VariationParams(ruler_absent_share=0, ruler_tilt_deg=5)
        marks = [sample_specimen(index, 3, 640, variation).ruler_px() for index in range(200)]
        lean = [np.degrees(np.arctan2(*(mark["p1"] - mark["p2"]))) for mark in marks]
        assert 4 < np.abs(lean).max() <= 5

    def test_the_pictures_edge_cuts_the_ruler_and_leaves_both_marks(self):
        variation = VariationParams(ruler_absent_share=0, ruler_cropped_share=1)
        for index in range(40):
            specimen = sample_specimen(index, 3, 1000, variation)
            visible = specimen.size[0] - specimen.device.border_px(specimen.size)
            to_edge = [(visible - x) * specimen.pixel_size_mm for x, _ in specimen.ruler_px().values()]
            assert min(to_edge) < RULER_HALF_WIDTH_MM
            assert min(to_edge) > 0.5

    def test_faint_rulers_attenuate_less(self):
        for share, low, high in ((1.0, 0.25, 0.5), (0.0, 1.0, 1.0)):
            variation = VariationParams(ruler_absent_share=0, ruler_faint_share=share)
            for index in range(20):
                assert low <= sample_specimen(index, 3, 640, variation).ruler.strength <= high

    def test_settings_leave_face_and_frame_as_they_are(self):
        usual = sample_specimen(5, 3, 640).landmarks_px()
        varied = sample_specimen(5, 3, 640, VariationParams(ruler_absent_share=1, burnt_out_share=1, asymmetry=0)).landmarks_px()
        assert all((usual[symbol] == varied[symbol]).all() for symbol in usual)


def test_five_makes_of_device_can_be_asked_for():
    machines = {sample_specimen(index, 3, 640, VariationParams(n_devices=5)).device.machine for index in range(120)}
    assert machines == {"ART Plus", "Veraviewepocs 2D", "Hyperion X5", "ProMax with ProTouch", "Rotograph EVO"}

"""Checks on what readers agree about and on the length S–N."""

import numpy as np
import pytest
from pydantic import ValidationError

from ceph_pipeline.audit import CHECKS, AuditParams
from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.params import ReaderParams
from ceph_pipeline.audit.reader_offsets import clipped, mean_offsets


@pytest.fixture
def check(quarantine, make_duplicates):
    def check(name, images, landmarks, **params):
        evidence = Evidence(images, landmarks, quarantine, make_duplicates())
        return list(CHECKS[name].find(evidence, AuditParams(**params)))

    return check


class TestReadersApart:
    def test_a_pair_beyond_ten_millimetres_is_a_warning_with_the_distance(self, check, images, landmarks, move):
        move(landmarks, "c01", "Gonion", (400.0, 1100.0), "senior")
        move(landmarks, "c01", "Gonion", (490.0, 1220.0), "junior")  # 3-4-5: 150 px at 0.11 mm
        [finding] = check("readers_apart", images, landmarks)
        assert (finding.severity, finding.image_id) == ("warning", "c01")
        assert finding.detail == "junior and senior are more than 10 mm apart: Gonion 16.5 mm."

    def test_the_farthest_landmark_comes_first(self, check, images, landmarks, move):
        for name, distance in (("Gonion", 150.0), ("Sella", 200.0)):
            move(landmarks, "c01", name, (400.0, 700.0), "senior")
            move(landmarks, "c01", name, (400.0, 700.0 + distance), "junior")
        [finding] = check("readers_apart", images, landmarks)
        assert finding.detail.endswith("Sella 22.0 mm, Gonion 16.5 mm.")

    @pytest.mark.parametrize(("distance_px", "expected"), [(99.0, 0), (101.0, 1)])
    def test_without_a_pixel_size_the_limit_is_in_pixels(self, check, make_images, landmarks, move, distance_px, expected):
        move(landmarks, "c01", "Gonion", (400.0, 700.0), "senior")
        move(landmarks, "c01", "Gonion", (400.0, 700.0 + distance_px), "junior")
        found = check("readers_apart", make_images(pixel_size_mm=np.nan), landmarks)
        assert len(found) == expected
        assert all("101.0 px" in finding.detail for finding in found)

    def test_a_single_reader_cannot_disagree(self, check, images, make_landmarks):
        assert check("readers_apart", images, make_landmarks(images["image_id"], readers=("senior",))) == []


class TestReaderIndependence:
    def test_a_copied_landmark_is_found_and_counted(self, check, images, landmarks, move):
        for image_id in images["image_id"]:
            move(landmarks, image_id, "Porion", (200.0, 600.0))
        [finding] = check("reader_independence", images, landmarks)
        assert finding.severity == "warning"
        assert finding.image_id == ""
        assert finding.detail.startswith("junior and senior are identical on Porion in 6 of 6 images")

    def test_a_few_coincidences_are_chance(self, check, images, landmarks, move):
        for image_id in images["image_id"][:4]:
            move(landmarks, image_id, "Porion", (200.0, 600.0))
        assert check("reader_independence", images, landmarks) == []

    def test_a_large_set_needs_a_large_share(self, check, make_images, make_landmarks, move):
        images = make_images(60)
        landmarks = make_landmarks(images["image_id"])
        for image_id in images["image_id"][:6]:
            move(landmarks, image_id, "Porion", (200.0, 600.0))
        assert check("reader_independence", images, landmarks) == []


class TestReaderOffset:
    @pytest.mark.parametrize("n", [3, 4, 5, 8, 20])
    def test_readers_without_an_offset_have_none_however_few_the_images(self, n):
        """Of 20,000 landmarks 20 are beyond a chance of 0.001; 40 are more than four standard deviations off."""
        differences = np.random.default_rng(0).normal(0, 1.4, (n, 20_000, 2))
        assert (mean_offsets(clipped(differences))[1] < 0.001).sum() < 40

    def test_a_set_of_three_images_of_such_readers_is_left_in_peace(self, check, make_images, make_landmarks):
        images = make_images(3, pixel_size_mm=0.5)
        assert check("reader_offset", images, make_landmarks(images["image_id"])) == []

    def test_an_offset_is_found_beside_a_single_slip(self, check, make_images, make_landmarks, move):
        images = make_images(20)
        landmarks = make_landmarks(images["image_id"])
        at = (landmarks["landmark"] == "Gonion") & (landmarks["reader"] == "senior")
        landmarks.loc[at, "x"] += 20.0
        move(landmarks, "c03", "Gonion", (700.0, 200.0), "senior")
        [finding] = check("reader_offset", images, landmarks)
        assert finding.landmark == "Gonion"
        assert finding.detail.startswith("junior − senior, mean over the images: Gonion 2.")

    def test_the_chance_of_a_mean_is_hotellings(self):
        """n = 4, mean (2, 0), variances 8/3 and 8/3: T² = 4 · 4 / (8/3) = 6, F(2, 2) = 6 · 2 / (2 · 3) = 2, p = 1 / (1 + 2)."""
        differences = np.array([[4.0, 0.0], [0.0, 0.0], [2.0, 2.0], [2.0, -2.0]])[:, None]
        mean, chance = mean_offsets(differences)
        assert mean[0] == pytest.approx((2, 0))
        assert chance[0] == pytest.approx(1 / 3)

    def test_two_images_say_nothing(self):
        assert np.isnan(mean_offsets(np.zeros((2, 1, 2)))[1]).all()


class TestReaderDrift:
    @pytest.mark.parametrize(("limits", "least"), [({"drift_permutations": 500}, 999), ({"significance": 0.0005}, 1999)])
    def test_permutations_that_can_never_reach_the_significance_are_refused(self, limits, least):
        with pytest.raises(ValidationError, match=f"never reaches significance = .* Set at least {least}"):
            ReaderParams(**limits)
        assert ReaderParams(**limits | {"drift_permutations": least})


class TestSellaNasion:
    def test_an_impossible_pixel_size_is_an_error_of_the_device(self, check, make_images, landmarks):
        [finding] = check("device_scale", make_images(machine="Rotograph EVO", pixel_size_mm=0.2), landmarks)
        assert (finding.severity, finding.image_id) == ("error", "")
        assert finding.detail.startswith("Rotograph EVO: median S–N of 6 images is 120.")

    @pytest.mark.parametrize(("pixel_size_mm", "plausible"), [(0.085, False), (0.095, True), (0.138, True), (0.146, False)])
    def test_the_band_is_55_to_85_millimetres(self, check, make_images, landmarks, pixel_size_mm, plausible):
        found = check("device_scale", make_images(pixel_size_mm=pixel_size_mm), landmarks)  # S–N is about 600 px
        assert (found == []) is plausible

    def test_two_images_are_too_few_to_judge_a_device(self, check, make_images, make_landmarks):
        images = make_images(2, pixel_size_mm=0.3)
        assert check("device_scale", images, make_landmarks(images["image_id"])) == []

    def test_devices_without_a_pixel_size_have_no_millimetres_to_judge(self, check, make_images, landmarks):
        assert check("device_scale", make_images(pixel_size_mm=np.nan), landmarks) == []

    @pytest.mark.parametrize(("pixel_size_mm", "unit"), [(0.11, "mm"), (np.nan, "px")])
    def test_an_image_far_from_its_device_is_a_warning(self, check, make_images, landmarks, move, pixel_size_mm, unit):
        move(landmarks, "c03", "Nasion", (650.0, 390.0))
        [finding] = check("sella_nasion", make_images(pixel_size_mm=pixel_size_mm), landmarks)
        assert (finding.severity, finding.image_id) == ("warning", "c03")
        assert f" {unit}, the median of 6 images of ART Plus is " in finding.detail

    def test_the_consensus_decides_where_there_is_one(self, check, images, landmarks, make_landmarks, move):
        consensus = make_landmarks(images["image_id"], readers=("consensus",))
        move(landmarks, "c03", "Nasion", (650.0, 390.0), "junior")
        for row in consensus.itertuples(index=False):
            landmarks.loc[len(landmarks)] = list(row)
        assert check("sella_nasion", images, landmarks) == []

    def test_one_reader_is_enough_for_the_mean(self, evidence, landmarks, move):
        move(landmarks, "c00", "Sella", (np.nan, np.nan), "junior")
        senior = evidence.points["senior"][0, evidence.landmark_names.index("Sella")]
        assert evidence.reference[0, evidence.landmark_names.index("Sella")] == pytest.approx(senior)

    def test_without_nasion_there_is_nothing_to_measure(self, check, images, landmarks):
        rest = landmarks[landmarks["landmark"] != "Nasion"]
        assert check("sella_nasion", images, rest) == []
        assert check("device_scale", images, rest) == []

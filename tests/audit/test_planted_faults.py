"""Faults planted into phantoms: a small version of benchmarks/planted_faults.py, whose table is in docs/audit.md."""

import re

import numpy as np
import pandas as pd
import pytest
from planted_faults import FAULTS, score, undrawn_phantoms

from ceph_pipeline.audit import CHECKS, AuditParams, Evidence


@pytest.fixture(scope="module")
def phantoms():
    return undrawn_phantoms(120, seed=3)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_where_it_is(phantoms, name):
    check, plant = FAULTS[name]
    spoilt = phantoms.copy()
    planted = plant(spoilt, np.random.default_rng(5))
    found = score(check, spoilt, planted, AuditParams())
    assert found.recall >= 0.95
    assert found.false <= 1


SILENT = ("swapped_landmarks", "reader_offset", "reader_drift", "device_scale", "ruler_scale", "face_direction")


@pytest.mark.parametrize("check", SILENT)
def test_clean_phantoms_are_left_in_peace(phantoms, check):
    assert list(CHECKS[check].find(phantoms.evidence(), AuditParams())) == []


class TestReaderDrift:
    """Two readers with unit scatter in px, of whom one changes by (6, 8) px at an image."""

    LANDMARKS = ("Sella", "Nasion", "Gonion", "Menton")

    def evidence(self, change_at=None, landmark="Gonion", n=80, pixel_size_mm=0.5, splits=("train",)):
        rng = np.random.default_rng(0)
        ids = [f"c{i:02d}" for i in range(n)]
        split = [splits[i * len(splits) // n] for i in range(n)]
        images = pd.DataFrame({"image_id": ids, "split": split, "width": 500, "height": 500, "pixel_size_mm": pixel_size_mm})
        rows = []
        for i, image_id in enumerate(ids):
            for name in self.LANDMARKS:
                truth = rng.uniform(100, 400, 2)
                moved = (6.0, 8.0) if change_at is not None and i >= change_at and name == landmark else (0.0, 0.0)
                rows.append((image_id, "senior", name, *(truth + rng.normal(0, 0.5, 2))))
                rows.append((image_id, "junior", name, *(truth + rng.normal(0, 0.5, 2) + moved)))
        landmarks = pd.DataFrame(rows, columns=["image_id", "reader", "landmark", "x", "y"])
        quarantine = pd.DataFrame({"item": [], "reason": []}, dtype=str)
        return Evidence(images.assign(machine="A", dataset="d"), landmarks, quarantine, pd.DataFrame(columns=["split_a"]))

    def findings(self, **set_):
        return list(CHECKS["reader_drift"].find(self.evidence(**set_), AuditParams()))

    def test_the_change_is_named_with_its_place_its_landmark_and_its_millimetres(self):
        [finding] = self.findings(change_at=30)
        assert finding.landmark == "Gonion"
        assert re.search(r"most likely at c30: Gonion (4\.9|5\.[01])\d mm", finding.detail)  # 10 px of 0.5 mm

    def test_without_pixel_sizes_it_is_in_pixels(self):
        [finding] = self.findings(change_at=30, pixel_size_mm=np.nan)
        assert re.search(r"Gonion (9\.[89]|10\.[012])\d px", finding.detail)

    def test_readers_who_keep_their_convention_are_silent(self):
        assert self.findings() == []

    def test_a_change_between_splits_is_named_as_well(self):
        found = self.findings(change_at=40, splits=("train", "test"))
        assert ["most likely at c40" in finding.detail for finding in found] == [True, False]
        assert ["from train to test" in finding.detail for finding in found] == [False, True]

    def test_a_single_slip_is_no_drift(self):
        evidence = self.evidence()
        slip = (evidence.landmarks["image_id"] == "c70") & (evidence.landmarks["reader"] == "junior")
        evidence.landmarks.loc[slip, ["x", "y"]] += 300
        assert list(CHECKS["reader_drift"].find(evidence, AuditParams())) == []


class TestShapes:
    def test_an_outlier_is_named_with_how_far_it_lies_off(self, phantoms):
        spoilt = phantoms.copy()
        pixel_size = spoilt.pixel_size("p0004")
        spoilt.put("p0004", "Sella", "junior", spoilt.point("p0004", "Sella", "junior") + np.array([0, 25 / pixel_size]))
        found = [f for f in CHECKS["shape_outliers"].find(spoilt.evidence(), AuditParams()) if f.image_id == "p0004"]
        assert [f.landmark for f in found] == ["Sella"]
        assert float(found[0].detail.split("Sella ")[1].split(" mm")[0]) == pytest.approx(25, abs=4)

    def test_exchanged_landmarks_are_a_swap_and_no_outliers(self, phantoms):
        spoilt = phantoms.copy()
        sella, nasion = (spoilt.point("p0004", name, "senior") for name in ("Sella", "Nasion"))
        spoilt.put("p0004", "Sella", "senior", nasion)
        spoilt.put("p0004", "Nasion", "senior", sella)
        [swap] = CHECKS["swapped_landmarks"].find(spoilt.evidence(), AuditParams())
        assert (swap.severity, swap.image_id, set(swap.landmark.split(", "))) == ("error", "p0004", {"Sella", "Nasion"})
        assert "p0004" not in {f.image_id for f in CHECKS["shape_outliers"].find(spoilt.evidence(), AuditParams())}

    def test_nine_images_are_too_few_to_learn_a_shape_from(self):
        few = undrawn_phantoms(9, seed=1).evidence()
        assert few.shape_prior is None
        assert (
            list(CHECKS["shape_outliers"].find(few, AuditParams()))
            == list(CHECKS["swapped_landmarks"].find(few, AuditParams()))
            == []
        )


class TestRulerAndBalance:
    def test_a_ruler_names_the_factor(self, phantoms):
        spoilt = phantoms.copy()
        spoilt.images["pixel_size_mm"] *= 1.097
        found = [f for f in CHECKS["ruler_scale"].find(spoilt.evidence(), AuditParams()) if f.detail.startswith("ART Plus")]
        assert "10 mm measures 10.9" in found[0].detail
        assert "pixel size by 0.91" in found[0].detail

    def test_films_of_few_patients_do_not_make_the_splits_uneven(self, phantoms):
        """Four of six patients of one device and two of six of the other in the training split are chance; each has ten films."""
        several = phantoms.copy()
        patient = np.arange(120) // 10
        several.images["patient"] = patient.astype(str)
        several.images["machine"] = np.where(patient < 6, "one", "other")
        several.images["split"] = np.where(np.isin(patient, [0, 1, 2, 3, 6, 7]), "train", "test")
        assert list(CHECKS["device_splits"].find(several.evidence(), AuditParams())) == []
        several.images = several.images.drop(columns="patient")
        (found,) = CHECKS["device_splits"].find(several.evidence(), AuditParams())
        assert found.detail.startswith("devices differ between splits")

    def test_a_device_of_one_split_makes_the_splits_uneven(self, phantoms):
        spoilt = phantoms.copy()
        spoilt.images.loc[spoilt.images["machine"] == "ART Plus", "split"] = "test"
        details = [f.detail for f in CHECKS["device_splits"].find(spoilt.evidence(), AuditParams())]
        assert any(detail.startswith("devices differ between splits (χ²") for detail in details)
        assert any(detail.startswith("ART Plus has no training image") for detail in details)

"""Norms, analyses and classes."""

from inspect import signature
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from ceph_pipeline.cephalometry import ANALYSES, MEASUREMENTS, CephalometryParams, Norm, NormSet, judge
from ceph_pipeline.cephalometry.kinds import KINDS
from ceph_pipeline.cephalometry.measurements import VERTICAL_MEASUREMENTS

CONFIGURATION = yaml.safe_load((Path(__file__).parents[2] / "conf/base/parameters_cephalometry.yml").read_text("utf-8"))[
    "cephalometry"
]
PARAMS = CephalometryParams.model_validate(CONFIGURATION)
SET = {"population": "phantoms", "sex": "both", "age": "none", "source": "made up", "norms": {"SNA": {"mean": 82}}}


class TestTable:
    @pytest.mark.parametrize("measurement", MEASUREMENTS.values(), ids=MEASUREMENTS)
    def test_an_entry_has_the_points_its_kind_takes(self, measurement):
        parameters = ["frame"] if measurement.kind == "sum" else signature(KINDS[measurement.kind].compute).parameters
        assert len(measurement.points) == len(parameters) - 1
        assert bool(measurement.terms) == (measurement.kind == "sum")

    def test_units_follow_from_keys(self):
        for key, measurement in MEASUREMENTS.items():
            assert measurement.unit == (
                "mm" if key.endswith("_mm") or key == "Holdaway" else "%" if key.endswith("_pct") else "deg"
            )

    def test_where_a_sign_decides_it_is_said(self):
        signed = [each for each in MEASUREMENTS.values() if each.kind in {"lean", "bend", "slope", "in_front", "ahead", "below"}]
        assert all(each.sign for each in signed)

    def test_analyses_select_known_measurements_and_together_all(self):
        shown = {key for analysis in ANALYSES.values() for key in analysis.measurements}
        assert shown == set(MEASUREMENTS)
        assert ANALYSES["vertical"].measurements == VERTICAL_MEASUREMENTS
        assert len(VERTICAL_MEASUREMENTS) == 10


class TestNorms:
    def test_none_is_applied_unless_chosen(self):
        assert PARAMS.norms == {}

    def test_the_first_set_that_has_a_norm_counts(self):
        norms = PARAMS.model_copy(update={"compare_with": ("mcnamara_men", "mcnamara_women", "steiner")}).norms
        assert (norms["CoA_mm"].norm_set, norms["CoA_mm"].norm.mean) == ("mcnamara_men", 100)
        assert norms["SNA"].norm_set == "steiner"
        assert "IMPA" not in norms

    def test_deviation_is_in_standard_deviations(self):
        assert Norm(mean=32, sd=6).deviation(41) == 1.5
        assert Norm(mean=14).deviation(41) is None
        assert (Norm(low=52, high=55).within(55), Norm(low=52, high=55).within(56)) == (True, False)

    @pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
    @pytest.mark.parametrize("field", ["mean", "sd", "low"])
    def test_numbers_are_finite(self, field, number):
        norm = {"mean": 1.0, "sd": 1.0} if field != "low" else {"low": 1.0, "high": 2.0}
        with pytest.raises(ValidationError):
            Norm.model_validate(norm | {field: yaml.safe_load(number)})

    @pytest.mark.parametrize(
        "norm", [{}, {"sd": 1}, {"low": 1}, {"mean": 1, "sd": 0}, {"low": 2, "high": 1}, {"mean": 1, "low": 0, "high": 2}]
    )
    def test_half_a_norm_is_refused(self, norm):
        with pytest.raises(ValidationError):
            Norm.model_validate(norm)

    def test_a_set_names_known_measurements_and_where_it_was_checked(self):
        assert NormSet.model_validate(SET).norms["SNA"].mean == 82
        with pytest.raises(ValidationError, match="unknown measurements: SNX"):
            NormSet.model_validate(SET | {"norms": {"SNX": {"mean": 82}}})
        with pytest.raises(ValidationError, match="checked_in"):
            NormSet.model_validate(SET | {"norms": {"SNA": {"mean": 82, "checked": "mean"}}})

    def test_an_unknown_set_gets_the_nearest(self):
        with pytest.raises(ValidationError, match="Did you mean 'steiner"):
            CephalometryParams.model_validate(CONFIGURATION | {"compare_with": ["stiener"]})


class TestClasses:
    RULE = PARAMS.rules["skeletal_class"]

    @pytest.mark.parametrize(("anb", "expected"), [(-1, "III"), (0, "III"), (0.1, "I"), (4, "I"), (4.1, "II")])
    def test_skeletal_class_by_anb(self, anb, expected):
        assert judge(self.RULE, {"ANB": anb}).name == expected

    def test_wits_agrees_or_not_and_changes_no_class(self):
        assert judge(self.RULE, {"ANB": 6, "Wits_mm": 4}).agree == ("Wits_mm",)
        torn = judge(self.RULE, {"ANB": 6, "Wits_mm": 0})
        assert (torn.name, dict(torn.disagree)) == ("II", {"Wits_mm": "I"})

    def test_near_a_bound_the_class_is_uncertain(self):
        assert judge(self.RULE, {"ANB": 4.3}, {"ANB": 0.5}).uncertain is True
        assert judge(self.RULE, {"ANB": 4.6}, {"ANB": 0.5}).uncertain is False
        assert judge(self.RULE, {"ANB": 4.6}).uncertain is None

    def test_the_rule_is_shown(self):
        assert judge(self.RULE, {"ANB": 1}).rule == (
            "ANB: III up to 0°, I up to 4°, II above; compared with Wits_mm: III up to -1.5 mm, I up to 1.5 mm, II above"
        )

    def test_without_the_deciding_measurement_there_is_no_class(self):
        assert judge(self.RULE, {"Wits_mm": 1}) is None

    def test_a_long_face_has_a_high_angle_and_a_low_ratio(self):
        verdict = judge(PARAMS.rules["growth_pattern"], {"SN_GoGn": 41, "Jarabak_pct": 57})
        assert (verdict.name, verdict.agree) == ("high angle", ("Jarabak_pct",))

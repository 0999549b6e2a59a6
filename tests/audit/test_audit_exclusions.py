"""What findings and copies mean for training."""

import pandas as pd
import pytest

from ceph_pipeline.audit import AuditParams, decide_exclusions
from ceph_pipeline.audit.exclusions import UnknownExclusionError, copy_groups
from ceph_pipeline.landmarks.tables import ExclusionTable


def findings_table(*rows):
    return pd.DataFrame(rows, columns=["check", "severity", "image_id", "detail"])


@pytest.fixture
def excluded(images, make_duplicates):
    """Excluded identifiers under a policy."""

    def excluded(*pairs, findings=(), **policy):
        params = AuditParams(exclusions=policy)
        table = decide_exclusions(findings_table(*findings), make_duplicates(*pairs), images, params)
        return ExclusionTable.validate(table)["image_id"].tolist()

    return excluded


PAIRS = (
    ("c00", "train", "c01", "test"),
    ("c02", "valid", "c03", "test"),
    ("c04", "train", "c05", "valid"),
)


class TestCopiesAcrossSplits:
    @pytest.mark.parametrize(
        ("policy", "expected"),
        [("keep", []), ("exclude_train", ["c00", "c04"]), ("exclude_valid_and_train", ["c00", "c02", "c04"])],
    )
    def test_the_later_split_keeps_the_radiograph(self, excluded, policy, expected):
        assert excluded(*PAIRS, cross_split_duplicates=policy) == expected

    def test_by_default_no_radiograph_is_in_two_splits(self, excluded, make_duplicates):
        gone = set(excluded(*PAIRS))
        left = [pair for pair in PAIRS if not {pair[0], pair[2]} & gone]
        assert all(split_a == split_b for _, split_a, _, split_b in left)

    @pytest.mark.parametrize("policy", ["exclude_train", "exclude_valid_and_train"])
    def test_copies_within_a_split_stay(self, excluded, policy):
        assert excluded(("c00", "train", "c01", "train"), cross_split_duplicates=policy) == []

    def test_a_copy_of_a_copy_is_a_copy(self, excluded):
        """c00 resembles c01, and c01 the test image, though the hash never paired c00 with it."""
        assert excluded(("c00", "train", "c01", "train"), ("c01", "train", "c02", "test")) == ["c00", "c01"]

    def test_groups_that_meet_later_are_one(self, make_duplicates):
        pairs = make_duplicates(("a", "train", "b", "train"), ("c", "test", "d", "train"), ("b", "train", "c", "test"))
        assert copy_groups(pairs) == [{"a": "train", "b": "train", "c": "test", "d": "train"}]

    def test_the_reason_names_the_copy_that_stays(self, images, make_duplicates):
        table = decide_exclusions(findings_table(), make_duplicates(PAIRS[0]), images, AuditParams())
        assert table["reason"].tolist() == ["near_duplicates: the test split contains the same radiograph (c01)."]


class TestGraveFindings:
    FINDINGS = (
        ("points_outside", "error", "c02", "far out."),
        ("readers_apart", "warning", "c01", "apart."),
        ("device_scale", "error", "", "impossible."),
        ("unmatched_files", "error", "ghost", "no image."),
        ("near_duplicates", "error", "c05", "a copy."),
    )

    def test_errors_about_an_image_exclude_it(self, excluded):
        """Not the device's error, not an image that is not in the table, not a copy, which has its own policy."""
        assert excluded(findings=self.FINDINGS) == ["c02"]

    def test_errors_about_a_test_image_do_not_exclude_it(self, images, make_duplicates):
        images = images.assign(split=["test", "valid", *["train"] * (len(images) - 2)])
        findings = findings_table(*(("points_outside", "error", name, "far out.") for name in images["image_id"]))
        left_out = decide_exclusions(findings, make_duplicates(), images, AuditParams())["image_id"]
        assert left_out.tolist() == images["image_id"].tolist()[1:]

    def test_the_severities_are_a_setting(self, excluded):
        assert excluded(findings=self.FINDINGS, exclude_severities=("warning", "error")) == ["c01", "c02"]
        assert excluded(findings=self.FINDINGS, exclude_severities=()) == []

    def test_an_image_with_two_reasons_is_one_row(self, images, make_duplicates):
        findings = findings_table(("points_outside", "error", "c00", "far out."))
        table = decide_exclusions(findings, make_duplicates(PAIRS[0]), images, AuditParams())
        assert table["image_id"].tolist() == ["c00"]
        assert table["reason"].item().startswith("points_outside: far out. near_duplicates: ")


class TestOnesOwnList:
    def test_a_listed_image_is_left_out_whatever_the_checks_say(self, images, make_duplicates):
        table = decide_exclusions(findings_table(), make_duplicates(), images, AuditParams(exclude=("c03",)))
        assert table.to_numpy().tolist() == [["c03", "listed in audit.exclude."]]

    def test_a_misspelt_image_is_refused_with_the_nearest_names(self, images, make_duplicates):
        with pytest.raises(UnknownExclusionError, match=r"'c3' is not an image of the data set\. Did you mean .*'c03'.*\?"):
            decide_exclusions(findings_table(), make_duplicates(), images, AuditParams(exclude=("c3",)))

"""Checks on single points: missing, outside, placeholders."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.audit import CHECKS, AuditParams
from ceph_pipeline.audit.evidence import Evidence

NAN = (np.nan, np.nan)


@pytest.fixture
def run(images, landmarks, quarantine, make_duplicates):
    """One check on the tables as they are by now, as (severity, image_id, detail) rows."""

    def run(check, rest=None):
        evidence = Evidence(images, landmarks if rest is None else rest, quarantine, make_duplicates())
        found = CHECKS[check].find(evidence, AuditParams())
        return sorted((finding.severity, finding.image_id, finding.detail) for finding in found)

    return run


class TestCleanData:
    @pytest.mark.parametrize("check", CHECKS)
    def test_six_clean_images_give_no_finding(self, run, check):
        assert run(check) == []


class TestUnmatchedFiles:
    def test_each_quarantined_item_is_a_warning_and_names_its_image(self, run, quarantine):
        quarantine.loc[0] = ["c02/Go", "c02.json: Go: found x = 4012"]
        quarantine.loc[1] = ["stray.png", "no annotation of that name"]
        assert run("unmatched_files") == [
            ("warning", "", "stray.png: no annotation of that name"),
            ("warning", "c02", "c02/Go: c02.json: Go: found x = 4012"),
        ]

    @pytest.mark.parametrize("outcome", ["kept", "ignored"])
    def test_what_ingestion_lost_nothing_by_is_only_worth_knowing(self, images, landmarks, make_duplicates, outcome):
        kept = pd.DataFrame({"item": ["c01"], "reason": ["no CVM stage"], "outcome": [outcome]})
        evidence = Evidence(images, landmarks, kept, make_duplicates())
        assert [finding.severity for finding in CHECKS["unmatched_files"].find(evidence, AuditParams())] == ["info"]

    def test_points_without_an_image_are_an_error(self, run, landmarks):
        landmarks.loc[len(landmarks)] = ["ghost", "senior", "Sella", 1.0, 2.0]
        assert run("unmatched_files") == [("error", "ghost", "ghost has landmarks, but is not in the images table.")]


class TestMissingPoints:
    def test_missing_points_are_listed_by_reader(self, run, landmarks, move):
        move(landmarks, "c01", "Sella", NAN, "junior")
        move(landmarks, "c01", "Gonion", NAN, "junior")
        assert run("missing_points") == [("warning", "c01", "junior: Gonion, Sella missing.")]

    def test_films_that_a_reader_has_not_read_are_one_info(self, run, landmarks):
        rest = landmarks[~(landmarks["image_id"].isin(["c01", "c02"]) & (landmarks["reader"] == "junior"))]
        assert run("missing_points", rest) == [("info", "", "junior did not annotate 2 of 6 images: c01, c02.")]

    def test_an_absent_row_is_missing_too(self, run, landmarks):
        rest = landmarks[~((landmarks["image_id"] == "c03") & (landmarks["landmark"] == "Menton"))]
        assert [row[1:] for row in run("missing_points", rest)] == [
            ("c03", "junior: Menton missing."),
            ("c03", "senior: Menton missing."),
        ]

    def test_an_image_without_any_point_is_an_error(self, run, landmarks):
        rest = landmarks[~(landmarks["image_id"] == "c05")]
        assert run("missing_points", rest) == [("error", "c05", "no reader placed a single point.")]

    def test_a_data_set_without_any_point_is_checked_too(self, run, landmarks):
        assert [row[:2] for row in run("missing_points", landmarks.iloc[:0])] == [("error", f"c0{number}") for number in range(6)]
        for check in CHECKS:
            run(check, landmarks.iloc[:0])

    def test_an_image_without_any_point_is_an_answer_where_rulers_alone_are_marked(self, run, landmarks):
        marks = landmarks.replace({"landmark": {"Sella": "p1", "Menton": "p2"}})
        marks = marks[marks["landmark"].isin(["p1", "p2"]) & (marks["image_id"] != "c05")]
        assert run("missing_points", marks) == []

    def test_a_landmark_of_few_images_is_not_expected_on_the_others(self, run, landmarks):
        landmarks.loc[len(landmarks)] = ["c00", "senior", "p1", 30.0, 40.0]
        detail = "clinic: p1 is on 1 of 6 images, fewer than 50%, and is not expected on the others."
        assert run("missing_points") == [("info", "", detail)]

    def test_a_film_of_which_only_the_consensus_is_known_has_been_read(self, run, landmarks, move):
        landmarks.loc[landmarks["image_id"] == "c04", "reader"] = "consensus"
        rest = landmarks.drop_duplicates(["image_id", "reader", "landmark"])
        move(rest, "c04", "Sella", NAN)
        assert run("missing_points", rest) == [
            ("info", "", "junior did not annotate 1 of 6 images: c04."),
            ("info", "", "senior did not annotate 1 of 6 images: c04."),
            ("warning", "c04", "consensus: Sella missing."),
        ]

    def test_data_sets_are_judged_by_their_own_landmarks(self, run, images, landmarks):
        images.loc[images["image_id"].isin(["c04", "c05"]), "dataset"] = "other"
        other = landmarks["image_id"].isin(["c04", "c05"]) & (landmarks["landmark"] == "Porion")
        rest = landmarks[~other]
        assert run("missing_points", rest) == []


class TestOfTheConsensusAlone:
    """Tables that an export wrote, of the consensus and nobody else."""

    @pytest.fixture
    def alone(self, landmarks):
        return landmarks[landmarks["reader"] == "senior"].assign(reader="consensus").reset_index(drop=True)

    @pytest.mark.parametrize("check", CHECKS)
    def test_clean_images_give_no_finding(self, run, alone, check):
        assert run(check, alone) == []

    @pytest.mark.parametrize(
        ("check", "xy", "found"),
        [
            ("missing_points", NAN, "consensus: Menton missing."),
            ("points_outside", (500.0, 1510.0), "consensus: Menton at (500, 1510) lies 10.5 px outside the 1000 × 1500 image."),
            ("placeholder_points", (0.0, 0.0), "consensus: Menton at (0, 0): a placeholder of annotation tools."),
        ],
    )
    def test_its_points_are_looked_at(self, run, alone, move, check, xy, found):
        move(alone, "c02", "Menton", xy)
        assert [row[1:] for row in run(check, alone)] == [("c02", found)]

    def test_without_a_known_point_every_image_is_an_error(self, run, alone):
        assert [row[0] for row in run("missing_points", alone.assign(x=np.nan, y=np.nan))] == ["error"] * 6


class TestPointsOutside:
    @pytest.mark.parametrize("xy", [(-0.5, -0.5), (999.5, 1499.5), (0.0, 0.0)])
    def test_the_outer_edges_of_the_corner_pixels_are_inside(self, run, landmarks, move, xy):
        move(landmarks, "c00", "Menton", xy, "senior")
        assert run("points_outside") == []

    def test_a_little_outside_is_a_warning(self, run, landmarks, move):
        move(landmarks, "c00", "Menton", (500.0, 1510.0), "senior")
        [(severity, image_id, detail)] = run("points_outside")
        assert (severity, image_id) == ("warning", "c00")
        assert detail == "senior: Menton at (500, 1510) lies 10.5 px outside the 1000 × 1500 image."

    def test_beyond_two_percent_of_the_long_side_is_an_error(self, run, landmarks, move):
        move(landmarks, "c00", "Menton", (-31.0, 700.0), "junior")
        assert [row[0] for row in run("points_outside")] == ["error"]


class TestPlaceholders:
    @pytest.mark.parametrize("xy", [(0.0, 0.0), (50.0, 50.0), (-0.5, -0.5), (49.0, 49.0)])
    def test_a_listed_placeholder_is_an_error(self, run, landmarks, move, xy):
        move(landmarks, "c02", "Sella", xy, "senior")
        detail = f"senior: Sella at ({xy[0]:g}, {xy[1]:g}): a placeholder of annotation tools."
        assert run("placeholder_points") == [("error", "c02", detail)]

    def test_three_landmarks_on_one_pixel_are_an_error(self, run, landmarks, move):
        for name in ("Sella", "Nasion", "Menton"):
            move(landmarks, "c02", name, (123.0, 77.0), "senior")
        expected = "senior: Menton, Nasion, Sella at (123, 77): 3 landmarks on one pixel."
        assert run("placeholder_points") == [("error", "c02", expected)]

    def test_two_landmarks_on_one_pixel_may_be_true(self, run, landmarks, move):
        for name in ("Menton", "Gonion"):
            move(landmarks, "c02", name, (123.0, 77.0), "senior")
        assert [row[0] for row in run("placeholder_points")] == ["info"]

    def test_a_pixel_shared_by_many_images_is_an_error_in_each(self, run, landmarks, move):
        for image in range(5):
            move(landmarks, f"c{image:02d}", "Porion", (210.0, 601.0), "junior")
        found = run("placeholder_points")
        assert [row[1] for row in found] == ["c00", "c01", "c02", "c03", "c04"]
        assert found[0][2] == "junior: Porion at (210, 601): the same pixel in 5 images."

    def test_a_scale_that_is_burned_in_at_a_fixed_place_is_true(self, run, landmarks):
        marks = landmarks[landmarks["landmark"].isin(["Sella", "Nasion"])].replace({"Sella": "p1", "Nasion": "p2"})
        marks.loc[marks["landmark"] == "p1", ["x", "y"]] = (900.0, 400.0)
        marks.loc[marks["landmark"] == "p2", ["x", "y"]] = (900.0, 300.0)
        assert run("placeholder_points", pd.concat([landmarks, marks], ignore_index=True)) == []

    def test_a_pixel_shared_by_few_images_is_chance(self, run, landmarks, move):
        for image in range(4):
            move(landmarks, f"c{image:02d}", "Porion", (210.0, 601.0), "junior")
        assert run("placeholder_points") == []

    def test_the_consensus_repeats_no_finding(self, run, landmarks, move):
        consensus = landmarks[landmarks["reader"] == "senior"].assign(reader="consensus")
        for row in consensus.itertuples(index=False):
            landmarks.loc[len(landmarks)] = list(row)
        move(landmarks, "c02", "Sella", (0.0, 0.0))
        assert len(run("placeholder_points")) == 2

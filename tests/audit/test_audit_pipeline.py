"""The audit's nodes, tables and figure, on a data set with one of everything."""

import logging

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ceph_pipeline.audit import AuditParams, DuplicateTable, summary_line
from ceph_pipeline.audit.figures import overview
from ceph_pipeline.audit.film_examples import draw_example, example_ids
from ceph_pipeline.audit.report import Films, html_report, overlay
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks.tables import ExclusionTable, FindingTable
from ceph_pipeline.pipelines.audit import create_pipeline


@pytest.fixture
def inputs(tmp_path, heads, make_images, make_landmarks, move):
    """Eight images, of which c07 (test) is a darker export of c00 (train); c02 has a placeholder."""
    images = make_images(8, splits=("train", "train", "valid", "test"))
    landmarks = make_landmarks(images["image_id"])
    move(landmarks, "c02", "Sella", (0.0, 0.0))
    store = ImageStore(str(tmp_path / "cache"), format="npy")
    for seed, image_id in enumerate(images["image_id"]):
        store.write(image_id, (heads(0) * 0.7).astype(np.uint8) if image_id == "c07" else heads(seed))
    return {
        "images": images,
        "landmarks": landmarks,
        "quarantine": pd.DataFrame({"item": ["stray.png"], "reason": ["no annotation"]}),
        "cvm": pd.DataFrame({"image_id": images["image_id"], "stage": [1, 2, 1, 1, 3, 4, 5, 6]}),
        "source_cache": store,
        "source_cache_index": pd.DataFrame({"image_id": images["image_id"], "cache_width": 420, "cache_height": 520}),
        "params:audit": AuditParams(n_jobs=1),
    }


def run_nodes(inputs):
    data = dict(inputs)
    for node in create_pipeline().nodes:
        data |= node.run({name: data[name] for name in node.inputs})
    return data


@pytest.fixture
def results(inputs, caplog):
    caplog.set_level(logging.INFO, logger="ceph_pipeline")
    return run_nodes(inputs) | {"log": caplog.text}


def test_the_pipeline_finds_what_is_wrong_and_leaves_it_out(results):
    assert DuplicateTable.validate(results["duplicates"])[["image_a", "image_b"]].to_numpy().tolist() == [["c00", "c07"]]
    assert ExclusionTable.validate(results["exclusions"])["image_id"].tolist() == ["c00", "c02"]
    pd.testing.assert_frame_equal(
        results["included_images"], results["images"].query("image_id not in ['c00', 'c02']").reset_index(drop=True)
    )
    found = FindingTable.validate(results["findings"])
    assert found["check"].drop_duplicates().tolist() == [
        "unmatched_files",
        "placeholder_points",
        "sella_nasion",
        "near_duplicates",
    ]


def test_the_console_says_it_in_a_few_lines(results):
    assert "1 near-duplicate pair, 1 across splits" in results["log"]
    assert "placeholder_points 2 (2 error)" in results["log"]
    assert "excluded images: 2 of 8 (train 1, valid 1)" in results["log"]


def test_rows_have_one_order(inputs, results):
    shuffled = inputs["landmarks"].sample(frac=1, random_state=0).reset_index(drop=True)
    pd.testing.assert_frame_equal(run_nodes(inputs | {"landmarks": shuffled})["findings"], results["findings"])


def test_images_that_are_not_cached_yet_are_not_compared(inputs):
    inputs["source_cache_index"] = inputs["source_cache_index"].query("image_id != 'c07'")
    assert run_nodes(inputs)["duplicates"].empty


class TestOverview:
    def test_it_shows_every_check_device_and_landmark(self, results):
        findings, scale, readers = (
            next(axes for axes in results["audit_figure"].axes if axes.get_title(loc="left").startswith(title))
            for title in ("Findings", "Length", "Distance")
        )
        assert "near duplicates" in [label.get_text() for label in findings.get_yticklabels()]
        assert [label.get_text() for label in scale.get_yticklabels()] == ["ART Plus\n(n = 8)"]
        assert sorted(label.get_text() for label in readers.get_yticklabels())[0] == "Gonion (Go)"

    def test_it_shows_no_pixels(self, results):
        assert not any(axes.images for axes in results["audit_figure"].axes)

    def test_panels_without_data_say_why(self, make_images, make_landmarks):
        images = make_images(3, pixel_size_mm=np.nan)
        landmarks = make_landmarks(images["image_id"], readers=("senior",))
        none = pd.DataFrame(columns=["check", "severity", "image_id", "detail"])
        texts = [text.get_text() for axes in overview(none, images, landmarks, AuditParams()).axes for text in axes.texts]
        assert "one reader only" in texts
        assert any(text.startswith("no S–N length in mm") for text in texts)

    def test_readers_are_compared_in_pixels_where_no_pixel_size_is_known(self, make_images, landmarks):
        none = pd.DataFrame(columns=["check", "severity", "image_id", "detail"])
        figure = overview(none, make_images(pixel_size_mm=np.nan), landmarks, AuditParams())
        assert "distance (px); a finding above 100 px" in [axes.get_xlabel() for axes in figure.axes]


class TestParams:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"duplicate": {}},
            {"duplicates": {"min_correlation": 1.5}},
            {"exclusions": {"cross_split_duplicates": "drop"}},
            {"exclusions": {"exclude_severities": ["fatal"]}},
            {"sella_nasion": {"low_mm": 90.0}},
        ],
    )
    def test_misspelt_and_impossible_settings_are_refused(self, wrong):
        with pytest.raises(ValidationError):
            AuditParams(**wrong)


def test_a_quiet_audit_says_none():
    assert summary_line(pd.DataFrame(columns=["check", "severity", "image_id", "detail"]), ["near_duplicates"]) == "none"


class TestReport:
    def test_it_is_one_file_with_pictures_of_the_worst_cases(self, results):
        page = results["audit_html"]
        examples, worst = page.split('alt="Overview"')
        assert worst.count("data:image/jpeg;base64,") == 3  # c02 of two checks, c00 of the pair
        assert examples.count("data:image/jpeg;base64,") == 6
        assert "Exchange the two points" not in page
        assert "Left out" in page
        assert "08_reporting" not in page
        assert "http" not in page.replace("http://www.w3.org", "")
        assert "c02" in page.split('<section id="placeholder_points">')[1]

    def test_films_of_every_split_and_device_come_first(self, make_images):
        images = make_images(9, splits=("train",))
        images.loc[5, "split"], images.loc[7, "machine"] = "test", "Smart3D"
        assert example_ids(images, 4) == ["c00", "c05", "c07", "c01"]

    def test_a_named_point_of_an_example_lies_where_it_is(self):
        film = np.full((260, 200), 100, np.uint8)
        points = pd.DataFrame({"x": [100.0], "y": [100.0]}, index=["Sella"])
        [axes] = draw_example(film, (400, 520), points).axes
        assert np.ravel(axes.lines[0].get_xydata()) == pytest.approx([49.75, 49.75])
        assert [text.get_text() for text in axes.texts] == ["S"]
        assert axes.get_xlim() == (-0.5, 199.5)

    def test_where_nothing_is_left_out_there_is_no_such_table(self, results, inputs):
        films = Films(inputs["images"], inputs["landmarks"], inputs["source_cache"])
        assert "Left out" not in html_report(results["findings"], results["exclusions"][:0], films, "data:", 0)

    def test_text_from_the_data_set_is_escaped(self, inputs):
        inputs["quarantine"] = pd.DataFrame({"item": ["<b>x"], "reason": ["<script>"]})
        page = run_nodes(inputs)["audit_html"]
        assert "<script>" not in page
        assert "&lt;script&gt;" in page

    def test_a_named_point_is_ringed_where_it_lies(self):
        film = np.full((260, 200), 100, np.uint8)
        picture = overlay(film, (400, 520), np.array([[100.0, 100.0], [300.0, 400.0]]), np.array([True, False]))
        reddish = np.argwhere(picture[..., 2].astype(int) - picture[..., 0] > 100)
        factor = picture.shape[0] / 520
        assert reddish.mean(axis=0) == pytest.approx([100 * factor, 100 * factor], abs=1.5)

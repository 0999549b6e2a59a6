"""The report in every form: one content, nothing outside the file, no patient where it does not belong."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.artifacts import pseudonymised
from ceph_pipeline.evaluation import EvaluationError, EvaluationParams, evaluate
from ceph_pipeline.evaluation.error_tables import ablation_frame, subset_frame
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.render import WITHHELD, paper_table
from ceph_pipeline.evaluation.run_metrics import as_logged
from ceph_pipeline.images import RawFolder, encode_image
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes
from ceph_pipeline.pipelines.evaluation import presentation_nodes, uncertainty_nodes

PARAMS = EvaluationParams(statistics=StatisticsParams(n_resamples=200, gallery_images=1))


@pytest.fixture(scope="module")
def found(errors, images, landmarks, predictions, no_duplicates, checked):
    """What the nodes before the reports make, of a data set without copies, heads and CVM stages."""
    nothing = errors.head(0)
    outputs = pd.DataFrame({"image_id": ["test_a"], "output": ["cvm_stage"], "value": [2.0]}).head(0)
    cvm = pd.DataFrame({"image_id": ["test_a"], "stage": [2]})
    copied = images.assign(source_id=images["image_id"], kind="original", copy=0)
    judged = nodes.judge_measurements(predictions, outputs, landmarks, cvm, images, PARAMS)
    return {
        "metrics": nodes.summarise_errors(errors, images, images, no_duplicates, PARAMS),
        "landmark_errors": nodes.tabulate_landmarks(errors, images, PARAMS),
        "device_errors": nodes.tabulate_devices(errors, images, PARAMS),
        "robustness": nodes.tabulate_robustness(nothing, copied, errors, PARAMS),
        "training_gap": nodes.tabulate_training_gap(predictions.head(0), errors, landmarks, images, PARAMS),
        "uncertainty": checked["uncertainty"],
        "plausibility_summary": {},
        "run_comparison": {},
        **judged,
    }


@pytest.fixture(scope="module")
def checked(errors, predictions, images, no_duplicates):
    """One validation image is too few to learn uncertainty from."""
    return uncertainty_nodes.check_uncertainty(errors, predictions, images, no_duplicates, {})


@pytest.fixture(scope="module")
def drawn(errors, images, predictions, landmarks, found, checked):
    return presentation_nodes.draw_figures(
        errors,
        images,
        found["landmark_errors"],
        nodes.tabulate_ellipses(predictions, landmarks, images, PARAMS),
        found["robustness"],
        found["training_gap"],
        checked["reliability"],
        checked["flag_curves"],
        PARAMS,
    )


@pytest.fixture(scope="module")
def written(found, drawn):
    gallery = "data:image/jpeg;base64,R0FMTEVSWQ=="
    return presentation_nodes.write_reports(**found, embedded_figures=drawn["embedded_figures"], embedded_gallery=gallery)


class Page(HTMLParser):
    """What a page asks the browser to load, and its tables' rows."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.tags, self.rows = [], [], []
        self.feed(text)

    def handle_data(self, data):
        if self.tags[-1:] in (["th"], ["td"]) and data.strip():
            self.rows[-1].append(data)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        self.loaded += [value for key, value in attrs if key in {"src", "href"}]


class TestHtml:
    def test_nothing_is_loaded_from_anywhere_and_no_script_runs(self, written):
        page = Page(written["evaluation_html"])
        assert all(link.startswith(("data:image/", "#")) for link in page.loaded)
        assert not {"script", "link", "iframe"} & set(page.tags)
        assert not re.search(r"https?://|@import|url\(", written["evaluation_html"])

    def test_every_figure_is_inside_as_a_png(self, written, drawn):
        embedded = [link for link in Page(written["evaluation_html"]).loaded if link.startswith("data:image/png")]
        assert len(embedded) == len(drawn["embedded_figures"]) - 3  # none of copies, training images and flags
        assert all(base64.b64decode(link.partition(",")[2]).startswith(b"\x89PNG") for link in embedded)

    def test_films_are_withheld_from_the_page_that_leaves_the_machine(self, written):
        assert "R0FMTEVSWQ==" in written["evaluation_html"]
        assert "R0FMTEVSWQ==" not in written["evaluation_html_without_films"]
        assert WITHHELD in written["evaluation_html_without_films"]
        assert "image/jpeg" not in written["evaluation_html_without_films"]

    def test_names_from_data_sets_are_escaped(self, found, drawn):
        devices = found["device_errors"].replace({"machine": {"A": "<script>alert(1)</script>"}})
        written = presentation_nodes.write_reports(
            **(found | {"device_errors": devices}), embedded_figures=drawn["embedded_figures"], embedded_gallery=""
        )
        assert "<script>" not in written["evaluation_html"]
        assert "&lt;script&gt;" in written["evaluation_html"]


class TestContent:
    def test_what_there_is_nothing_to_say_of_is_said_to_be_missing(self, written):
        for part in (
            "stage 2 + TTA",
            "1.25",
            "fewer than 10 images or patients, too few for",
            "no augmented copies",
            "No CVM stages",
            "No uncertainty",
        ):
            assert part in written["evaluation_html"]

    def test_tables_name_landmarks_devices_and_readers(self, written):
        rows = Page(written["evaluation_html"]).rows
        assert next(row for row in rows if row[0] == "Sella (S)")[:3] == ["Sella (S)", "4", "1.00"]
        assert ["B", "2", "0.100", "1.40", "14.0", "0.50"] in rows
        assert next(row for row in rows if row[0] == "subset test1")[:3] == ["subset test1", "2", "3"]

    def test_what_each_step_gains(self, written):
        rows = Page(written["evaluation_html"]).rows
        assert ["stage 2", "1.25 mm", "-1.250 mm", "50.0 %"] in rows
        assert ["stage 1", "2.50 mm", "–", "–"] in rows

    def test_twelve_images_have_intervals_in_the_headline(self, found, many_report):
        written = presentation_nodes.write_reports(**(found | {"metrics": many_report}), embedded_figures={}, embedded_gallery="")
        row = next(row for row in Page(written["evaluation_html"]).rows if row[0] == "stage 1")
        assert [cell.count("[") for cell in row] == [0, 1, 0, 1, 1, 1, 1]

    def test_without_pixel_sizes_everything_is_in_pixels(self, errors, images, predictions, landmarks, no_duplicates, found):
        nameless, unsized = errors.assign(error_mm=np.nan), images.assign(pixel_size_mm=np.nan)
        in_px = {
            "metrics": nodes.summarise_errors(nameless, unsized, unsized, no_duplicates, PARAMS),
            "landmark_errors": nodes.tabulate_landmarks(nameless, unsized, PARAMS),
            "device_errors": nodes.tabulate_devices(nameless, unsized, PARAMS),
        }
        text = presentation_nodes.write_reports(**found | in_px, embedded_figures={}, embedded_gallery="")["evaluation_html"]
        assert "4 of 4 images have no pixel size and are included in px only" in text
        assert ["stage 2", "12.50 px", "-12.500 px", "50.0 %"] in Page(text).rows

    def test_one_image_has_figures_and_no_intervals(self, errors, images, predictions, landmarks, no_duplicates):
        few = images[images["image_id"].isin(["train_a", "train_b", "valid_a", "test_a"])]
        part, seen = (table[table["image_id"].isin(few["image_id"])] for table in (errors, predictions))
        no_outputs, no_cvm = pd.DataFrame(columns=["image_id", "output", "value"]), pd.DataFrame(columns=["image_id", "stage"])
        judged = nodes.judge_measurements(seen, no_outputs, landmarks, no_cvm, few, PARAMS)
        found = {
            "metrics": nodes.summarise_errors(part, few, few, no_duplicates, PARAMS),
            "landmark_errors": nodes.tabulate_landmarks(part, few, PARAMS),
            "device_errors": nodes.tabulate_devices(part, few, PARAMS),
            "robustness": pd.DataFrame(columns=["stage", "split", "kind"]),
            "training_gap": pd.DataFrame(columns=["stage", "split"]),
            "uncertainty": uncertainty_nodes.check_uncertainty(part, seen, few, no_duplicates, {})["uncertainty"],
            "plausibility_summary": {},
            "run_comparison": {},
        }
        text = presentation_nodes.write_reports(**found, **judged, embedded_figures={}, embedded_gallery="")["evaluation_html"]
        assert "fewer than 10 images or patients, too few for" in text
        assert ["stage 1", "1.00 mm", "–", "–"] in Page(text).rows

    def test_a_stage_that_answers_nan_everywhere_is_a_row_of_dashes(self, predictions, images, landmarks, no_duplicates, found):
        lost = predictions["stage"] == "stage2_tta"
        blank = predictions.assign(x=predictions["x"].mask(lost), y=predictions["y"].mask(lost))
        errors = nodes.compute_errors(blank, landmarks, images, PARAMS)
        metrics = nodes.summarise_errors(errors, images, images, no_duplicates, PARAMS)
        assert metrics["stage2_tta"]["n_missing"] == 12
        assert metrics["details"]["beats_mean_shape"]["stage2_tta"] is False
        assert "stage2_tta_vs_stage1" not in metrics["details"]["comparisons"]
        tables = {
            "metrics": metrics,
            "landmark_errors": nodes.tabulate_landmarks(errors, images, PARAMS),
            "device_errors": nodes.tabulate_devices(errors, images, PARAMS),
        }
        ellipses = nodes.tabulate_ellipses(blank, landmarks, images, PARAMS)
        checked = uncertainty_nodes.check_uncertainty(errors, blank, images, no_duplicates, {})
        assert "stage2_tta" not in set(checked["reliability"]["stage"])
        assert set(ellipses["stage"]) == {"stage2", "reader_to_truth"}
        drawn = presentation_nodes.draw_figures(
            errors, images, tables["landmark_errors"], ellipses, found["robustness"], found["training_gap"],
            checked["reliability"], checked["flag_curves"], PARAMS,
        )  # fmt: skip
        embedded = {"embedded_figures": drawn["embedded_figures"], "embedded_gallery": ""}
        text = presentation_nodes.write_reports(**found | tables, **embedded)["evaluation_html"]
        assert ["stage 2 + TTA", *["–"] * 6] in Page(text).rows
        assert "stage 2 + TTA: 12 annotated points were not predicted" in text


class TestPaperTable:
    def test_rows_are_the_headline(self, many_report):
        rows = [line for line in paper_table(many_report).splitlines() if line.endswith("\\\\")]
        assert rows[0].startswith(r"Method & MRE $\pm$ SD (mm) & 95 \% CI & Median & SDR $\leq$2 mm (\%)")
        assert re.match(r"stage 1 & 2\.50 \$\\pm\$ 1\.12 & \[1\.\d\d, 3\.\d\d\] & 2\.48", rows[1])
        assert rows[-1].startswith("reader to truth & 0.50")
        assert len({row.count(" & ") for row in rows}) == 1

    @pytest.fixture
    def three_with_a_size(self, many_errors, many_images, no_duplicates, statistics):
        with_size = many_errors["image_id"].isin(["test_a", "test_b", "test_c"])
        return evaluate(
            many_errors.assign(error_mm=many_errors["error_mm"].where(with_size)), many_images, no_duplicates, statistics
        )

    def test_the_caption_says_how_many_images_the_millimetres_are_of(self, three_with_a_size, many_report):
        assert "Test split, 3 of 12 images (those with a pixel size), 3 landmarks" in paper_table(three_with_a_size)
        assert "Test split, 12 images, 3 landmarks" in paper_table(many_report)

    def test_stages_are_compared_on_all_images_also_where_some_have_no_pixel_size(self, three_with_a_size):
        result = three_with_a_size["details"]["comparisons"]["stage2_vs_stage1"]
        assert (result["n_images"], result["unit"], result["ci95"]) == (12, "px", pytest.approx([50, 50]))
        assert ablation_frame(three_with_a_size)["MRE"].tolist()[0] == "25.00 px"
        assert subset_frame(three_with_a_size, "stage2")["images"].iloc[0] == "12 (3 in mm)"

    def test_a_row_without_a_figure_is_left_out(self, many_errors, many_images, no_duplicates, statistics):
        readers = many_errors["stage"] == "reader_to_truth"
        report = evaluate(
            many_errors.assign(error_mm=many_errors["error_mm"].mask(readers)), many_images, no_duplicates, statistics
        )
        assert "reader to truth" not in paper_table(report)

    def test_is_balanced(self, report):
        text = paper_table(report)
        assert text.count(r"\begin{") == text.count(r"\end{") == 2
        assert "–" not in text


def test_gallery_reads_the_original_pixels(errors, predictions, landmarks, images, tmp_path):
    for number, path in enumerate(images["path"]):
        (tmp_path / path).write_bytes(encode_image(np.full((1500, 1200), number, np.uint8), ".png"))
    drawn = presentation_nodes.draw_gallery(errors, predictions, landmarks, images, RawFolder(tmp_path, "aariz"), PARAMS)
    overlays = drawn["overlay_gallery"].axes[::4]  # each followed by its three details
    assert [axes.get_title() for axes in overlays] == [
        "best: test_a, 0.40 mm",
        "median: test_b, 0.80 mm",
        "worst: test_d, 1.60 mm",
    ]
    assert [int(axes.images[0].get_array()[0, 0]) for axes in overlays] == [3, 4, 6]  # their places in the images table
    assert drawn["embedded_gallery"].startswith("data:image/jpeg;base64,")


class TestEarlierRun:
    @pytest.fixture(scope="class")
    def mlflow(self, tmp_path_factory, new_runs):
        """An empty tracking store."""
        mlflow, tmp_path = pytest.importorskip("mlflow"), tmp_path_factory.mktemp("mlflow")
        mlflow.set_tracking_uri(new_runs(tmp_path))
        mlflow.create_experiment("here", artifact_location=str(tmp_path / "artifacts"))
        mlflow.set_experiment("here")
        yield mlflow
        mlflow.set_tracking_uri(None)

    def test_errors_of_a_logged_run_come_back(self, mlflow, many_errors, many_images, tmp_path):
        errors, images = many_errors, many_images
        pseudonymised(errors.assign(error_mm=2 * errors["error_mm"])).to_parquet(tmp_path / "errors.parquet")
        with mlflow.start_run() as run:
            mlflow.log_artifact(str(tmp_path / "errors.parquet"), "evaluation")
        params = PARAMS.model_copy(update={"compare_with": run.info.run_id})
        result = nodes.compare_runs(errors, images, params)
        assert result["stages"]["stage2"]["verdict"] == "smaller"
        assert result["n_images"] == 12

    def test_a_run_without_errors_and_no_run_are_refused(self, mlflow, errors, images):
        with mlflow.start_run() as run:
            pass
        for run_id in (run.info.run_id, "nonesuch"):
            with pytest.raises(EvaluationError, match=f"compare_with = '{run_id}'.*Name a run of the evaluation"):
                nodes.compare_runs(errors, images, PARAMS.model_copy(update={"compare_with": run_id}))


def test_no_earlier_run_is_compared_unless_one_is_named(errors, images):
    assert nodes.compare_runs(errors, images, PARAMS) == {}


def test_every_figure_is_collected_and_only_what_is_known_is_logged(found):
    names = ("metrics", "robustness", "training_gap", "agreement", "uncertainty", "plausibility_summary", "run_comparison")
    logged = presentation_nodes.collect_metrics(**{name: found[name] for name in names})
    assert logged["stage2_tta.mre_mm"] == {"value": pytest.approx(1.0), "step": 0}
    assert as_logged({"a b": 1.0, "unknown": float("nan"), "none": None}) == {"a_b": {"value": 1.0, "step": 0}}

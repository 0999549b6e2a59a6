import pytest

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.summary import notes
from ceph_pipeline.landmarks.tables import ErrorTable
from ceph_pipeline.pipelines.evaluation import create_pipeline
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes


@pytest.fixture
def params():
    return EvaluationParams(statistics=StatisticsParams(n_resamples=200, gallery_images=1))


@pytest.fixture
def computed(predictions, landmarks, images, params):
    return nodes.compute_errors(predictions, landmarks, images, params)


def test_errors_hold_the_stages_the_guess_and_the_readers(computed):
    assert list(computed["stage"].unique()) == [
        "stage1",
        "stage1_tta",
        "stage2",
        "stage2_tta",
        "mean_shape",
        "inter_reader",
        "reader_to_truth",
    ]
    assert set(computed["image_id"]) == {"valid_a", "test_a", "test_b", "test_c", "test_d"}
    ErrorTable.validate(computed)


def test_other_reader_as_truth_moves_the_errors(predictions, landmarks, images, params):
    senior = nodes.compute_errors(predictions, landmarks, images, params.model_copy(update={"reader": "senior"}))
    guess = senior[senior["stage"] == "mean_shape"].set_index(["image_id", "landmark"])["error_px"]
    assert guess.loc[("test_a", "Sella")] == pytest.approx(75)  # guess and truth are both the senior's
    stage1 = senior[senior["stage"] == "stage1"].set_index(["image_id", "landmark"])["error_px"]
    assert stage1.loc[("test_a", "Sella")] != pytest.approx(10)


def test_the_summary_is_of_the_test_split(computed, images, no_duplicates, params):
    assert nodes.summarise_errors(computed, images, images, no_duplicates, params)["stage1"]["mre_mm"] == pytest.approx(2.5)


def test_excluded_test_images_are_counted_and_named(computed, images, no_duplicates, params):
    included = images[~images["image_id"].isin({"test_b", "valid_a"})]
    report = nodes.summarise_errors(computed[computed["image_id"] != "test_b"], included, images, no_duplicates, params)
    assert report["details"]["n_excluded"] == 1
    assert any(line.startswith("1 test image is excluded by the audit") for line in notes(report))


def test_tables_look_at_the_test_split_only(computed, images, params):
    table = nodes.tabulate_landmarks(computed, images, params)
    assert set(table["n"]) == {4}
    devices = nodes.tabulate_devices(computed, images, params)
    assert set(devices.loc[devices["stage"] == "stage1", "n_images"]) == {2}


class TestPipeline:
    def test_hangs_on_what_the_pipelines_before_it_make(self):
        assert create_pipeline().inputs() == {
            "images",
            "included_images",
            "landmarks",
            "cvm",
            "raw_cephalograms",
            "source_cache",
            "source_cache_index",
            "augmented_images",
            "augmented_landmarks",
            "augmented_cache",
            "augmented_store",
            "duplicates",
            "stage1_checkpoint",
            "stage2_checkpoint",
            "stage1_predictions",
            "stage1_tta_predictions",
            "head_outputs",
            "predictions_folder",
            "params:evaluation",
            "params:detector",
            "params:plausibility",
        }

    def test_copies_and_training_images_never_reach_the_headline(self):
        pipeline = create_pipeline()
        headline = pipeline.to_outputs("metrics").nodes
        assert not {node.name for node in headline} & {node.name for node in pipeline.nodes if node.name.startswith("context.")}


def test_misspelt_parameter_is_refused():
    with pytest.raises(ValueError, match="view_stage1"):
        DetectorParams.model_validate({"view_stage1": "ten"})
    with pytest.raises(ValueError, match="'single', 'five', 'ten' or 'grid'"):
        DetectorParams.model_validate({"views_stage1": "eleven"})

"""Networks of one data set judged on another's landmarks, and the subsets that papers use."""

import pytest

from ceph_pipeline.evaluation import EvaluationError, EvaluationParams
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.subset import evaluated_landmarks
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes

AARIZ, ISBI, CL23 = (list(SCHEMAS[name].names) for name in ("aariz", "isbi2015", "cl_detection2023"))


def judge(predictions, landmarks, images, wanted):
    params = EvaluationParams(statistics=StatisticsParams(n_resamples=200, gallery_images=1), landmarks=wanted)
    return nodes.compute_errors(predictions, landmarks, images, params)


class TestWhichCount:
    def test_networks_of_aariz_on_isbi_and_the_other_way_round_share_19(self):
        assert evaluated_landmarks(AARIZ, ISBI, "common") == ISBI
        assert set(evaluated_landmarks(ISBI, AARIZ, "common")) == set(ISBI)
        assert evaluated_landmarks(AARIZ, CL23, "common") == ISBI

    def test_a_schema_is_its_landmarks(self):
        assert set(evaluated_landmarks(AARIZ, AARIZ, "isbi2015")) == set(ISBI)

    def test_names_symbols_and_aliases_are_looked_up(self):
        assert evaluated_landmarks(AARIZ, AARIZ, ("S", "Subspinale", "Ramus")) == ["A-point", "Ramus", "Sella"]

    def test_all_count_by_default(self):
        assert evaluated_landmarks(ISBI, AARIZ, None) == AARIZ

    @pytest.mark.parametrize(
        ("wanted", "message"),
        [
            ("comon", r"unknown landmark 'comon'.*Other values: `common`"),
            (("Sela",), r"unknown landmark 'Sela'\. Did you mean 'Sella'"),
            (("Ramus",), r"'Ramus' is not annotated in this data set"),
            ("ruler", r"none of 29 predicted landmarks .* is among the 19 annotated"),
        ],
    )
    def test_others_are_refused(self, wanted, message):
        with pytest.raises(EvaluationError, match=message):
            evaluated_landmarks(AARIZ, ISBI, wanted)


def test_a_landmark_that_only_the_networks_know_is_passed_over_on_request(predictions, landmarks, images):
    theirs = landmarks[landmarks["landmark"] != "Menton"]
    with pytest.raises(EvaluationError, match="'Menton'"):
        judge(predictions, theirs, images, None)
    errors = judge(predictions, theirs, images, "common")
    assert set(errors["landmark"]) == {"Sella", "Nasion"}
    whole = judge(predictions, landmarks, images, None)
    keys = ["stage", "image_id", "landmark"]
    both = errors.merge(whole, on=keys)
    assert len(both) == len(errors)
    assert (both["error_px_x"] - both["error_px_y"]).abs().max() < 1e-9


def test_a_landmark_that_only_the_readers_know_is_no_miss_on_request(predictions, landmarks, images):
    ours = predictions[predictions["landmark"] != "Menton"]
    strict, common = (judge(ours, landmarks, images, wanted) for wanted in (None, "common"))
    of_stage1 = strict["stage"].eq("stage1")
    assert strict.loc[of_stage1, "error_px"].isna().sum() == 5
    assert common["error_px"].notna().all()


def test_names_choose_a_papers_subset(predictions, landmarks, images):
    assert set(judge(predictions, landmarks, images, ("S", "N"))["landmark"]) == {"Sella", "Nasion"}

"""What a detector's card says."""

import pandas as pd

from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.formats import aariz, cl_detection, isbi2015
from ceph_pipeline.inference.model_card import model_card


def test_data_results_and_limits_are_in_it(dot_finder: TrainedNet) -> None:
    dot_finder.architecture["backbone"] = "resnet18"
    images = pd.DataFrame({"dataset": "made", "split": ["train", "train", "test"], "machine": ["A", "B", "B"]})
    results = {"mre_mm": 1.234, "mre_mm_ci95": [1.1, 1.4], "mre_px": 12.34, "sdr_2.0": 87.65}
    metrics = {"stage1": results, "details": {"without_near_duplicates": {"n_left_out": 3}}}
    lines = model_card([dot_finder], images, metrics).splitlines()
    assert "- stage1: resnet18, input 256 × 320 px, stride 4" in lines
    assert "- made: 2 train images" in lines
    assert "- devices: 2" in lines
    assert "| stage 1 | 1.23 [1.10, 1.40] | 12.3 | 87.7 |" in lines
    assert any("among the training or validation images: 3." in line for line in lines)
    assert any("not a medical device" in line for line in lines)


def test_intervals_and_millimetres_that_are_not_known_are_left_out(dot_finder: TrainedNet) -> None:
    dot_finder.architecture["backbone"] = "resnet18"
    images = pd.DataFrame({"dataset": "made", "split": ["test"], "machine": ["A"]})
    metrics = {
        "stage1": {"mre_mm": None, "mre_mm_ci95": None, "mre_px": 12.34, "sdr_2.0": None},
        "details": {"without_near_duplicates": {"n_left_out": 0}},
    }
    assert "| stage 1 | – | 12.3 | – |" in model_card([dot_finder], images, metrics)


def test_trainings_that_answer_together_are_counted(dot_finder: TrainedNet) -> None:
    dot_finder.architecture["backbone"] = "resnet18"
    images = pd.DataFrame({"dataset": "made", "split": ["test"], "machine": ["A"]})
    metrics = {"details": {"without_near_duplicates": {"n_left_out": 0}}}
    line = "- stage1: resnet18, input 256 × 320 px, stride 4"
    assert f"{line}; ensemble of 3 networks" in model_card([dot_finder] * 3, images, metrics).splitlines()
    assert line in model_card([dot_finder], images, metrics).splitlines()


def test_licences_of_public_data_sets_are_named_and_others_are_left_to_who_knows_them(dot_finder: TrainedNet) -> None:
    dot_finder.architecture["backbone"] = "resnet18"
    datasets = ["isbi2015", "coco", "aariz", "aariz", "cl_detection2023"]
    images = pd.DataFrame({"dataset": datasets, "split": "train", "machine": "A"})
    metrics = {"details": {"without_near_duplicates": {"n_left_out": 0}}}
    text = model_card([dot_finder], images, metrics)
    lines = text.partition("## Licence")[2].partition("##")[0].splitlines()
    assert {name: licence for line in lines if line.startswith("- ") for name, _, licence in [line[2:].partition(": ")]} == {
        "aariz": f"CC BY 4.0 (Khalid et al., {aariz.ORIGIN}); phantoms (synthetic cephalograms) in its layout: Apache-2.0",
        "cl_detection2023": f"not stated; see its source, {cl_detection.ORIGIN}",
        "coco": "unknown to this program; check the licence before you distribute the networks",
        "isbi2015": f"research use ({isbi2015.ORIGIN})",
    }

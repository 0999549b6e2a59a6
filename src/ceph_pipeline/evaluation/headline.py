"""Main results: metrics of every stage on the test split, with reference values."""

import math
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.errors import EvaluationError
from ceph_pipeline.evaluation.metrics import comparisons, landmark_subsets, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.stages import BESIDE, INTER_READER, MEAN_SHAPE, stages_in


def check_test_errors(errors: pd.DataFrame, images: pd.DataFrame) -> None:
    """Reject an `ErrorTable` without errors on the test split.

    Raises:
        EvaluationError: no stage was predicted on the test split, or no error is known there.
    """
    test = on_split(errors, images, "test")
    if not stages_in(test):
        raise EvaluationError("no predictions on the test split: the evaluation needs images whose split is 'test'.")
    if test.loc[test["stage"].isin(stages_in(test)), "error_px"].isna().all():
        raise EvaluationError(
            "no error is known on the test split: its images are not annotated, or every prediction is NaN. Check the "
            "landmarks table and the training of the networks."
        )


def evaluate(
    errors: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame, statistics: StatisticsParams, n_excluded: int = 0
) -> dict[str, Any]:
    """Evaluate the detector on the test split.

    Args:
        errors: `ErrorTable` of the stages, the mean-shape baseline and the readers, on validation and test images.
        images: `image_id, split, subset` of all images.
        duplicates: Pairs of near-duplicates, `image_a, image_b`.
        statistics: Thresholds and resamples.
        n_excluded: Test images that are excluded from the evaluation.

    Returns:
        The stages and `mean_shape` at the top level, each with the fields of `stage_metrics`. `details` contains `comparisons`,
        `beats_mean_shape` by stage (whether the whole interval or, without an interval, the mean is above 0),
        `n_images_without_truth`, `n_excluded`, `inter_reader`, `reader_to_truth`, `offset_removed`, `readers_floor`, and the
        same metrics `without_near_duplicates`, on `subsets` (e.g. test1), `landmark_subsets` and `valid`.

    Raises:
        EvaluationError: no stage was predicted on the test split, or no error is known there.
    """
    check_test_errors(errors, images)
    test = on_split(errors, images, "test")
    compared = comparisons(test, statistics)
    return _figures(test, (MEAN_SHAPE,), statistics) | {
        "details": {
            "split": "test",
            "comparisons": compared,
            "beats_mean_shape": {stage: _beats(compared.get(f"{stage}_vs_{MEAN_SHAPE}")) for stage in stages_in(test)},
            "n_images_without_truth": _without_truth(test),
            "n_excluded": n_excluded,
            **{
                name: stage_metrics(test, name, statistics) if name in set(test["stage"]) else None
                for name in (INTER_READER, *BESIDE)
            },
            "without_near_duplicates": _without_near_duplicates(test, images, duplicates, statistics),
            "subsets": _subsets(test, images, statistics),
            "landmark_subsets": {
                name: _with_readers(test[test["landmark"].isin(names)], statistics)
                for name, names in landmark_subsets(test).items()
            },
            "valid": _with_readers(on_split(errors, images, "valid"), statistics),
        }
    }


def on_split(errors: pd.DataFrame, images: pd.DataFrame, split: str) -> pd.DataFrame:
    """The errors on one split's images."""
    return errors[errors["image_id"].isin(images.loc[images["split"] == split, "image_id"])]


def leaked_images(duplicates: pd.DataFrame, images: pd.DataFrame) -> set[str]:
    """Test images with a near-duplicate among the training or validation images, on either side of a pair."""
    split = images.set_index("image_id")["split"]
    pairs = duplicates[["image_a", "image_b"]]
    both_ways = pd.concat([pairs, pairs.rename(columns={"image_a": "image_b", "image_b": "image_a"})])
    leaked = (both_ways["image_a"].map(split) == "test") & both_ways["image_b"].map(split).isin(["train", "valid"])
    return set(both_ways.loc[leaked, "image_a"])


def flat_metrics(report: dict[str, Any]) -> dict[str, float]:
    """Scalar metrics for comparing runs, by dotted names such as `stage2_tta.mre_mm`; unknown values are omitted."""
    flat: dict[str, float] = {}
    for stage, fields in report.items():
        if stage != "details":
            flat |= {f"{stage}.{key}": value for key, value in fields.items() if _is_number(value)}
    for name, result in report["details"]["comparisons"].items():
        flat[f"{name}.improvement_percent"] = result["improvement_percent"]
    for split in ("valid", "without_near_duplicates"):
        for stage, fields in report["details"][split].items():
            if isinstance(fields, dict) and _is_number(fields.get("mre_mm")):
                flat[f"{split}.{stage}.mre_mm"] = fields["mre_mm"]
    return flat


def _beats(result: dict[str, Any] | None) -> bool:
    """Whether an improvement is significant; without an interval, whether its mean is above 0."""
    if result is None:
        return False
    return bool((result["ci95"][0] if result["ci95"] else result["improvement_percent"]) > 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _with_readers(errors: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Metrics of every stage and of the references: mean-shape baseline, readers, and errors without constant offsets."""
    return _figures(errors, (MEAN_SHAPE, INTER_READER, *BESIDE), statistics)


def _figures(errors: pd.DataFrame, beside: tuple[str, ...], statistics: StatisticsParams) -> dict[str, Any]:
    present = set(errors["stage"])
    return {
        stage: stage_metrics(errors, stage, statistics)
        for stage in [*stages_in(errors), *(name for name in beside if name in present)]
    }


def _without_truth(errors: pd.DataFrame) -> int:
    """Number of predicted images without any annotated point."""
    rows = errors[errors["stage"].isin(stages_in(errors))]
    return int((~rows.groupby("image_id")["has_truth"].any()).sum())


def _without_near_duplicates(
    test: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame, statistics: StatisticsParams
) -> dict[str, Any]:
    leaked = leaked_images(duplicates, images) & set(test["image_id"])
    return {"n_left_out": len(leaked)} | _with_readers(test[~test["image_id"].isin(leaked)], statistics)


def _subsets(test: pd.DataFrame, images: pd.DataFrame, statistics: StatisticsParams) -> dict[str, Any]:
    """Metrics of each subset, if the split has more than one."""
    subset = test["image_id"].map(images.set_index("image_id")["subset"])
    names = sorted(subset.unique())
    return {name: _with_readers(test[subset == name], statistics) for name in names} if len(names) > 1 else {}

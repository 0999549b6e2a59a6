"""Selection of the images that the following pipelines leave out."""

from collections import defaultdict

import pandas as pd

from ceph_pipeline.audit.params import AuditParams, DuplicatePolicy
from ceph_pipeline.errors import CephError, did_you_mean
from ceph_pipeline.landmarks.tables import SPLITS

NEAR_DUPLICATES = "near_duplicates"
_RANK = {split: rank for rank, split in enumerate(SPLITS)}
"""Precedence of splits: of near-duplicates, the image in the latest split is kept (test, then valid, then train)."""


class UnknownExclusionError(CephError, ValueError):
    """`audit.exclude` lists an unknown image."""


def decide_exclusions(
    findings: pd.DataFrame, duplicates: pd.DataFrame, images: pd.DataFrame, params: AuditParams
) -> pd.DataFrame:
    """The images to leave out, each with its reasons.

    A test image is left out only by name: which images are evaluated is a decision of people.

    Args:
        findings: Rows of `FindingTable`; those about devices or the data set exclude nothing.
        duplicates: Rows of `DuplicateTable`; near-duplicates have a separate policy, independent of severity.
        images: Rows of `ImageTable`.
        params: The policies, and the user's list of exclusions.

    Returns:
        Rows of `ExclusionTable`, sorted by image.

    Raises:
        UnknownExclusionError: an image of the list is not in the data set.
    """
    reasons: dict[str, list[str]] = defaultdict(list)
    policy = params.exclusions
    grave = findings[findings["severity"].isin(policy.exclude_severities) & (findings["check"] != NEAR_DUPLICATES)]
    known = set(images["image_id"])
    learned = set(images.loc[images["split"] != "test", "image_id"])
    for check, image_id, detail in grave[["check", "image_id", "detail"]].itertuples(index=False):
        if image_id in learned:
            reasons[image_id].append(f"{check}: {detail}")
    for image_id, reason in excluded_copies(duplicates, policy.cross_split_duplicates).items():
        reasons[image_id].append(reason)
    for image_id in params.exclude:
        if image_id not in known:
            raise UnknownExclusionError(
                f"audit.exclude: {image_id!r} is not an image of the data set.{did_you_mean(image_id, known)} Correct or remove "
                "the name."
            )
        reasons[image_id].append("listed in audit.exclude.")
    rows = [(image_id, " ".join(reasons[image_id])) for image_id in sorted(reasons)]
    return pd.DataFrame(rows, columns=["image_id", "reason"], dtype=object)


def excluded_copies(duplicates: pd.DataFrame, policy: DuplicatePolicy) -> dict[str, str]:
    """The near-duplicates that are left out, with the reasons.

    Near-duplicates form connected groups. In a group that crosses splits, images of the latest split are kept. `exclude_train`
    leaves out the other images of the training split only, `exclude_valid_and_train` those of both other splits.
    """
    dropped_splits = {"keep": (), "exclude_train": ("train",), "exclude_valid_and_train": ("train", "valid")}[policy]
    excluded = {}
    for group in copy_groups(duplicates):
        kept = max(group.values(), key=_RANK.__getitem__)
        keepers = ", ".join(sorted(image_id for image_id, split in group.items() if split == kept))
        for image_id, split in group.items():
            if split != kept and split in dropped_splits:
                excluded[image_id] = f"{NEAR_DUPLICATES}: the {kept} split contains the same radiograph ({keepers})."
    return excluded


def copy_groups(duplicates: pd.DataFrame) -> list[dict[str, str]]:
    """Connected groups of near-duplicates, each as a mapping from image to split."""
    group_of: dict[str, dict[str, str]] = {}
    for a, b, split_a, split_b in duplicates[["image_a", "image_b", "split_a", "split_b"]].itertuples(index=False):
        merged = group_of.get(a, {a: split_a}) | group_of.get(b, {b: split_b})
        group_of.update(dict.fromkeys(merged, merged))
    return list({id(group): group for group in group_of.values()}.values())

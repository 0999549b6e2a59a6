"""Images of the same radiograph."""

from collections.abc import Iterator

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_near_duplicates(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One finding per pair: an error across splits, since test images would be used in training; otherwise a warning."""
    del params
    for pair in evidence.duplicates.to_dict("records"):
        crossing = pair["split_a"] != pair["split_b"]
        where = f"{pair['split_a']} and {pair['split_b']}" if crossing else f"both {pair['split_a']}"
        mirrored = ", mirrored" if pair["mirrored"] else ""
        yield Finding(
            "error" if crossing else "warning",
            f"{pair['image_a']} and {pair['image_b']} show the same radiograph ({where}{mirrored}): "
            f"correlation {pair['correlation']:.3f}, grey difference {pair['grey_difference']:.1f}.",
            pair["image_a"],
        )
    for pair in evidence.foreign_duplicates.to_dict("records"):
        yield Finding(
            "warning",
            f"{pair['image_id']} shows the same radiograph as {pair['other_image']} of {pair['other_dataset']}: correlation "
            f"{pair['correlation']:.3f}, grey difference {pair['grey_difference']:.1f}.",
            pair["image_id"],
        )

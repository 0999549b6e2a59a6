"""Negatives: films with dark bone and bright air."""

from collections.abc import Iterator

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams


def check_inverted_films(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One error for each film that is the negative of the data set's median film or of its mirror image."""
    films = evidence.films
    if len(films) < params.films.min_images:
        return
    either_way = films[["likeness", "mirrored_likeness"]]
    least = params.films.negative_likeness
    negative = (either_way.min(axis=1) < -least) & (either_way.max(axis=1) < least)
    for image_id, likeness in films.loc[negative, ["image_id", "likeness"]].itertuples(index=False):
        yield Finding("error", f"a negative: likeness to the data set's median film {likeness:.2f}.", image_id)

"""Artefacts on disk: written whole or not at all, and skipped when what they were made from has not changed."""

from ceph_pipeline.artifacts.atomic import atomic_path, write_atomically
from ceph_pipeline.artifacts.fingerprint import fingerprint
from ceph_pipeline.artifacts.ledger import Ledger

__all__ = ["Ledger", "atomic_path", "fingerprint", "write_atomically"]

"""Files and folders that are written atomically, computed by workers, and reused if their inputs have not changed."""

from ceph_pipeline.artifacts.atomic import atomic_path, sweep, write_atomically
from ceph_pipeline.artifacts.disk import DiskError, make_folder, obstruction, readable_size, refusal
from ceph_pipeline.artifacts.figure import data_uri, plain_label, save_figure
from ceph_pipeline.artifacts.fingerprint import dotted, fingerprint
from ceph_pipeline.artifacts.folder import Folder, FolderError
from ceph_pipeline.artifacts.ledger import Ledger
from ceph_pipeline.artifacts.leftovers import alone_at, recover, refilled, replace_folder, scratch_beside
from ceph_pipeline.artifacts.params import Params
from ceph_pipeline.artifacts.pseudonyms import pseudonym, pseudonym_table, pseudonymised, without_names
from ceph_pipeline.artifacts.secret_key import SecretKeyError, use_key
from ceph_pipeline.artifacts.workers import WorkerParams, WorkersError, check_cluster, run_unordered

__all__ = [
    "DiskError",
    "Folder",
    "FolderError",
    "Ledger",
    "Params",
    "SecretKeyError",
    "WorkerParams",
    "WorkersError",
    "alone_at",
    "atomic_path",
    "check_cluster",
    "data_uri",
    "dotted",
    "fingerprint",
    "make_folder",
    "obstruction",
    "plain_label",
    "pseudonym",
    "pseudonym_table",
    "pseudonymised",
    "readable_size",
    "recover",
    "refilled",
    "refusal",
    "replace_folder",
    "run_unordered",
    "save_figure",
    "scratch_beside",
    "sweep",
    "use_key",
    "without_names",
    "write_atomically",
]

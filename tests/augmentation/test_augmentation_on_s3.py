"""The engine and its pipeline on object storage: an S3 server, started here, that is spoken to over HTTP."""

import os
import pickle
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from typing import Any, NamedTuple

import boto3
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from ceph_pipeline.artifacts import Folder, FolderError
from ceph_pipeline.images import ImageStore

RUN = """
import pickle, sys
from ceph_pipeline.augmentation.engine import augment
if __name__ == "__main__":
    augment(*pickle.load(open(sys.argv[1], "rb")))
"""


class Pair(NamedTuple):
    """The same sources with stores on disk and in a bucket."""

    disk: Any
    s3: Any


@pytest.fixture(scope="module")
def server():
    """Its address; endpoint and keys are in the environment, as they would be on a cluster's machines."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    settings = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        S3FileSystem.clear_instance_cache()  # a client keeps the endpoint that it was made for
        get_reusable_executor(kill_workers=True).shutdown()  # and workers the environment of their start
        yield url
    server.stop()


def new_bucket():
    name = f"bucket-{uuid.uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


@pytest.fixture
def bucket(server):
    """An empty bucket."""
    return new_bucket()


def in_bucket(study, bucket):
    """A study whose stores are in a bucket."""
    stores = ImageStore(f"{bucket}/augmented", format="png"), ImageStore(f"{bucket}/augmented_cache", format="npy")
    return replace(study, store=stores[0], cache=stores[1])


@pytest.fixture
def pair(tmp_path, new_study, bucket):
    """Before anything has been made."""
    disk = new_study(tmp_path, {"train": 8, "valid": 1, "test": 1})
    return Pair(disk, in_bucket(disk, bucket))


@pytest.fixture(scope="module")
def made(tmp_path_factory, new_study, server):
    """A pair whose copies have been made, and the tables of both."""
    disk = new_study(tmp_path_factory.mktemp("s3"), {"train": 8, "valid": 1, "test": 1})
    pair = Pair(disk, in_bucket(disk, new_bucket()))
    return pair, Pair(disk.augment(), pair.s3.augment(n_jobs=1))


def objects(study):
    """Every object of both stores with its bytes."""
    folders = study.store.folder, study.cache.folder
    return {f"{folder.url.rsplit('/')[-1]}/{name}": folder.read(name) for folder in folders for name in sorted(folder.names())}


def test_the_bytes_are_those_on_disk(made):
    pair, tables = made
    assert objects(pair.s3) == pair.disk.files()
    assert all(table.equals(tables.s3[name]) for name, table in tables.disk.items())


def test_processes_write_the_same_bytes(made, bucket):
    pair, tables = made
    again = in_bucket(pair.disk, bucket)
    found = again.augment(n_jobs=2, backend="loky")
    assert objects(again) == pair.disk.files()
    assert all(table.equals(found[name]) for name, table in tables.disk.items())


def test_a_second_run_writes_no_image(made, monkeypatch):
    pair, _ = made
    monkeypatch.setattr(ImageStore, "write", None)
    pair.s3.augment()


@pytest.mark.slow
def test_killed_with_two_workers_it_continues(pair, tmp_path, params_of):
    disk, s3 = pair
    disk.augment()
    inputs, script = tmp_path / "inputs.pickle", tmp_path / "run.py"
    inputs.write_bytes(pickle.dumps((s3.tables, s3.raw, s3.source_cache, s3.store, s3.cache, params_of(n_jobs=2))))
    script.write_text(RUN)
    run = subprocess.Popen([sys.executable, str(script), str(inputs)], start_new_session=True, stderr=subprocess.DEVNULL)
    while len(s3.store.ids()) < 5 and run.poll() is None:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert 5 <= len(s3.store.ids()) < 65
    s3.augment()
    assert objects(s3) == disk.files()


def test_images_and_training_copies_read_back(made):
    (disk, s3), _ = made
    for image_id in ("train_0003__rotation_1", "test_0000__original_0"):
        assert (s3.store.read(image_id) == disk.store.read(image_id)).all()
        assert (s3.cache.read(image_id) == disk.cache.read(image_id)).all()


def test_a_bucket_that_is_not_there_is_named_before_work(pair):
    _, s3 = pair
    s3.store = ImageStore("s3://no-such-bucket/augmented")
    with pytest.raises(FolderError, match=r"s3://no-such-bucket/augmented cannot be written to: .*bucket does not exist"):
        s3.augment()


def test_endpoint_and_keys_may_come_from_the_catalog_s_credentials(bucket, server, monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    folder = Folder(f"{bucket}/x", {"endpoint_url": server, "key": "key", "secret": "secret"})
    folder.write("a", b"1")
    assert folder.names() == ["a"]


def test_tables_figures_and_reports_of_the_catalog_lie_there_too(bucket):
    import matplotlib.pyplot as plt

    from ceph_pipeline.stores import FigureDataset, JSONReportDataset, TableDataset

    table = TableDataset(filepath=f"{bucket}/03_primary/images.parquet")
    assert not table.exists()
    table.save(pd.DataFrame({"x": [1.5, None]}))
    assert table.exists()
    assert table.load()["x"].isna().tolist() == [False, True]
    report = JSONReportDataset(filepath=f"{bucket}/metrics.json")
    report.save({"mre_mm": 1.0})
    assert report.load() == {"mre_mm": 1.0}
    figure = FigureDataset(filepath=f"{bucket}/curve.png", dpi=20)
    figure.save(plt.figure())
    assert figure.exists()
    assert len(figure.preview()) > 100
    assert sorted(Folder(bucket).names()) == ["03_primary", "curve.png", "metrics.json"]

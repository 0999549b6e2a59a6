"""The engine and its pipeline on object storage: an S3 server, started here, that is spoken to over HTTP."""

import os
import pickle
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import replace

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


@pytest.fixture(scope="module")
def server():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """An empty bucket; endpoint and keys are in the environment, as they would be on a cluster's machines."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # a client keeps the endpoint of the test that it was made in
    get_reusable_executor(kill_workers=True).shutdown()  # workers of earlier tests have the environment of their start
    name = f"bucket-{uuid.uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


@pytest.fixture
def pair(tmp_path, new_study, bucket):
    """The same sources with stores on disk and in the bucket."""
    disk = new_study(tmp_path, {"train": 8, "valid": 1, "test": 1})
    stores = ImageStore(f"{bucket}/augmented", format="png"), ImageStore(f"{bucket}/augmented_cache", format="npy")
    return disk, replace(disk, store=stores[0], cache=stores[1])


def objects(study):
    """Every object of both stores with its bytes."""
    folders = study.store.folder, study.cache.folder
    return {f"{folder.url.rsplit('/')[-1]}/{name}": folder.read(name) for folder in folders for name in sorted(folder.names())}


@pytest.mark.parametrize("workers", [{"n_jobs": 1}, {"n_jobs": 2, "backend": "loky"}], ids=["this process", "processes"])
def test_the_bytes_are_those_on_disk(pair, workers):
    disk, s3 = pair
    expected = disk.augment()
    tables = s3.augment(**workers)
    assert objects(s3) == disk.files()
    assert all(table.equals(tables[name]) for name, table in expected.items())


def test_a_second_run_writes_no_image(pair, monkeypatch):
    _, s3 = pair
    s3.augment()
    monkeypatch.setattr(ImageStore, "write", None)
    s3.augment()


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


def test_images_and_training_copies_read_back(pair):
    disk, s3 = pair
    disk.augment()
    s3.augment()
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

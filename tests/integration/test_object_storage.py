"""The pipelines up to augmentation with `data_root` in a bucket of an S3 server that is started here."""

import shutil

import boto3
import pandas as pd
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from ceph_pipeline.archive import ArchiveSettings
from ceph_pipeline.archive.processing import Archive, process_archive
from ceph_pipeline.artifacts import Folder, WorkerParams

pytestmark = pytest.mark.slow

LAYERS = ("02_intermediate/cache", "03_primary", "05_model_input", "05_model_input/augmented", "05_model_input/augmented_cache")
CHAIN = ("ingestion", "audit", "augmentation")


@pytest.fixture
def bucket(monkeypatch):
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    S3FileSystem.clear_instance_cache()  # a client keeps the endpoint of the test that it was made in
    boto3.client("s3").create_bucket(Bucket="cephalograms")
    yield "s3://cephalograms/demo"
    server.stop()


def test_images_and_tables_have_the_bytes_of_a_run_on_disk(tmp_path, bucket, new_project):
    disk, s3 = (new_project(tmp_path / name) for name in ("disk", "s3"))
    disk.set_globals(n_jobs=1)
    for pipeline in ("phantom", *CHAIN):
        disk.run(pipeline)
    raw = disk.data / "01_raw"
    machine = {
        "data_root": bucket,
        "raw_folder": raw / "aariz",  # films are read from a folder
        "ruler_export": raw / "ruler" / "label_studio.json",
        "pseudonym_key": disk.data / "pseudonym.key",
        "cache_long_side": 256,
        "n_jobs": 1,
    }
    lines = [f"{key}: {value}" for key, value in machine.items()]
    (s3.root / "conf" / "demo" / "globals.yml").write_text("\n".join(lines), encoding="utf-8")
    for pipeline in (*CHAIN, "augmentation"):
        s3.run(pipeline)

    for layer in LAYERS:
        there = Folder(f"{bucket}/{layer}")
        here = {path.name: path.read_bytes() for path in (disk.data / layer).iterdir() if path.is_file()}
        assert here, layer
        assert {name: there.read(name) for name in here} == here
    assert Folder(f"{bucket}/08_reporting/augmentation").exists("contact_sheet.png")
    assert not list(s3.root.glob("s3:*"))
    assert not (s3.root / "data").exists()


def test_an_archive_in_a_bucket_gives_what_its_films_on_a_disk_give(finished, bucket):
    films = finished.data / "01_raw" / "aariz" / "test" / "Cephalograms"
    source = Folder(f"{bucket}/films")
    for film in films.iterdir():
        source.write(f"patient/{film.name}", film.read_bytes())
    for key in ("demo/films/", "demo/films/patient/"):  # as consoles make folders
        boto3.client("s3").put_object(Bucket="cephalograms", Key=key, Body=b"")
    output = finished.data / "07_model_output" / "archive"
    tables = []
    for folder in (films, source.url):
        finished.run("archive", inference_folder=str(folder), archive={"part_size": 1})
        tables.append(pd.read_parquet(output / "points").sort_values("x", ignore_index=True))
        assert pd.read_parquet(output / "quarantine").empty
        shutil.rmtree(output)
    assert tables[1]["image_id"].str.startswith("patient_").all()
    assert len(tables[0]) == len(tables[1]) > 0
    pd.testing.assert_frame_equal(*(table.drop(columns="image_id") for table in tables), atol=1e-3)


def test_an_archive_writes_to_a_bucket_once(finished, bucket):
    films = finished.data / "01_raw" / "aariz" / "test" / "Cephalograms"
    output = Folder(f"{bucket}/results")
    job = Archive(Folder(str(films)), output, finished.data / "06_models", ArchiveSettings())
    alone = WorkerParams(n_jobs=1)
    located = process_archive(job, 1, alone)["n_located"].sum()
    assert located == pd.read_parquet(f"{output.url}/points")["image_id"].nunique() == len(list(films.iterdir()))
    before = output.stamps()
    process_archive(job, 1, alone)
    after = output.stamps()
    assert {name: stamp for name, stamp in after.items() if name.endswith(".parquet")} == {
        name: stamp for name, stamp in before.items() if name.endswith(".parquet")
    }

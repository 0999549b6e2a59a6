"""The processes of a training on several devices, one at a time: launcher, agent, rank."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import mlflow
import pandas as pd
import pytest
import torch
from torch import distributed, nn
from torch.distributed import run as torchrun
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from ceph_pipeline.training import TrainingError, run, worker
from ceph_pipeline.training.distributed import Rank, agent, join_node, launch
from ceph_pipeline.training.distributed.lock import PROCESS
from ceph_pipeline.training.distributed.rank import ALONE, OWNER
from ceph_pipeline.training.distributed.spec import spec_path, write_spec
from ceph_pipeline.training.distributed.strategy import SharedBuffers
from ceph_pipeline.training.params import LoopParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.run import spec_of
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables
from ceph_pipeline.training.tracking import rank_logger


@pytest.fixture
def job(spots):
    pixels = spots.images[["image_id"]].assign(digest="as drawn")
    params = Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64),
        optim=OptimParams(epochs=1, batch_size=4, precision="float32"),
        loop=LoopParams(workers=0, devices=2),
    )
    return Stage1Job(Stage1Tables(spots.images, spots.landmarks, spots.cvm, pixels), spots.cache, params)


def written(job, folder, run_id=None, splits=0):
    """The spec of a job, on disk."""
    spec = spec_of(job, run_id).model_copy(update={"splits": splits})
    return write_spec(spec, vars(job.tables), folder)


class TestLauncher:
    @pytest.fixture
    def agent_that(self, monkeypatch):
        """Puts a Python program in the agent's place."""

        def replace(program):
            monkeypatch.setattr(launch, "agent_command", lambda *_, **__: [sys.executable, "-c", program])

        return replace

    def test_it_waits_for_the_ranks_and_clears_up(self, job, agent_that, tmp_path, caplog):
        agent_that("""print('{"level": 20, "logger": "ceph_pipeline.ranks", "message": "trained"}')""")
        with caplog.at_level(logging.INFO):
            run.train_on_ranks(job, tmp_path, None)
        assert "trained" in caplog.messages
        assert not (tmp_path / "ranks").exists()

    def test_more_processes_than_validation_images_are_refused_before_one_starts(self, job, monkeypatch, tmp_path):
        """The set has four, and a copy of one of them, which does not count."""
        copies = pd.concat([job.tables.images, job.tables.images.iloc[[-1]].assign(kind="flip", image_id="copy")])
        loop = job.params.loop.model_copy(update={"devices": 5})
        crowded = replace(job, tables=replace(job.tables, images=copies), params=job.params.model_copy(update={"loop": loop}))
        monkeypatch.setattr(run, "launch", lambda *_: pytest.fail("a rank was started"))
        with pytest.raises(
            TrainingError, match=r"the validation split has 4 images, fewer than the 5 processes: lower loop\.dev"
        ):
            run.train_on_ranks(crowded, tmp_path, None)

    def test_a_failure_keeps_the_logs_and_nothing_else(self, job, agent_that, tmp_path):
        agent_that(f"""
import json, pathlib, sys
pathlib.Path({str(tmp_path)!r}, "ranks", "rank_1.log").write_text("said")
print(json.dumps({{"exits": {{"1": [-9, 10]}}}}))
sys.exit(1)
""")
        with pytest.raises(TrainingError, match="rank 1 of 2 was killed by SIGKILL"):
            run.train_on_ranks(job, tmp_path, None)
        assert [file.name for file in (tmp_path / "ranks").iterdir()] == ["rank_1.log"]

    def test_where_memory_is_full_the_ranks_start_again_with_smaller_batches(self, job, agent_that, tmp_path, caplog):
        agent_that(f"""
import json, pathlib, sys
ranks = pathlib.Path({str(tmp_path)!r}, "ranks")
splits = json.loads((ranks / "spec.json").read_text())["splits"]
if splits < 2:
    (ranks / "rank_1.json").write_text(json.dumps({{"time": 1, "message": "CUDA out of memory", "out_of_memory": True}}))
    sys.exit(1)
""")
        run.train_on_ranks(job, tmp_path, None)
        assert sum("a device's memory is full" in message for message in caplog.messages) == 2

    def test_an_interrupted_launcher_ends_its_agent(self, job, agent_that, tmp_path, monkeypatch):
        agent_that("import time; print('{}', flush=True); time.sleep(60)")
        started = []

        def interrupt(lines):
            started.append(lines)
            raise KeyboardInterrupt

        monkeypatch.setattr(launch, "relay", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.train_on_ranks(job, tmp_path, None)
        assert started
        assert not spec_path(tmp_path).exists()

    def test_an_agent_that_does_not_listen_is_killed(self, monkeypatch):
        monkeypatch.setattr(launch, "PATIENCE_S", 0.2)
        program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as deaf:
            deaf.stdout.readline()
            launch._end(deaf)
            assert deaf.returncode == -9


class TestAgent:
    @pytest.fixture
    def owned(self, monkeypatch):
        monkeypatch.setenv(OWNER, str(os.getppid()))

    def test_it_reports_the_ranks_that_failed(self, owned, tmp_path, monkeypatch, capsys):
        def fail(options):
            assert options == ["--standalone"]
            assert os.environ[OWNER] == str(os.getpid()), "ranks end with their agent"
            failures = {index: ProcessFailure(index, 1, code, str(tmp_path / "none")) for index, code in ((0, 1), (1, -9))}
            raise ChildFailedError("worker", failures)

        monkeypatch.setattr(torchrun, "main", fail)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit):
            agent.main(tmp_path / "agent_0.log", ["--standalone"])
        exits = json.loads(capsys.readouterr().out)["exits"]
        assert {rank: code for rank, (code, _) in exits.items()} == {"0": 1, "1": -9}


class TestRank:
    def test_its_error_is_recorded_and_ends_it(self, tmp_path, monkeypatch):
        for name, value in {OWNER: str(os.getppid()), "RANK": "1", "WORLD_SIZE": "2"}.items():
            monkeypatch.setenv(name, value)
        said = []
        monkeypatch.setattr(worker, "redirect", lambda log, *, relays: said.append((log.name, relays)))
        with pytest.raises(SystemExit):
            worker.main(tmp_path / "spec.json")
        assert said == [("rank_1.log", False)]
        assert "FileNotFoundError" in json.loads((tmp_path / "rank_1.json").read_text())["message"]

    def test_it_trains_what_its_spec_says(self, job, tmp_path):
        alone = job.params.model_copy(update={"loop": job.params.loop.model_copy(update={"devices": 1})})
        path = written(Stage1Job(job.tables, job.store, alone), tmp_path)
        worker.train_spec(path, ALONE)
        assert (tmp_path / "best.ckpt").is_file()

    def test_it_divides_its_batches_as_often_as_its_spec_says(self, job, tmp_path):
        alone = job.params.model_copy(update={"loop": job.params.loop.model_copy(update={"devices": 1})})
        path = written(Stage1Job(job.tables, job.store, alone), tmp_path, splits=3)
        with pytest.raises(TrainingError, match="a batch of one item does not fit"):
            worker.train_spec(path, ALONE)

    def test_rank_0_speaks_and_everything_is_in_its_log(self, tmp_path):
        program = f"""
import logging, os, sys
from pathlib import Path
from ceph_pipeline.training.distributed.output import redirect
redirect(Path({str(tmp_path / "rank_0.log")!r}), relays=True)
print("progress bar")
os.write(1, b"a library speaks\\n")
logging.getLogger("ceph_pipeline.training.fit").info("epoch %d", 1)
logging.getLogger("lightning").info("tip of the day")
logging.getLogger("lightning").warning("beware")
"""
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        sent = [json.loads(line) for line in ended.stdout.splitlines()]
        assert [(line["logger"], line["message"]) for line in sent] == [
            ("ceph_pipeline.training.fit", "epoch 1"),
            ("lightning", "beware"),
        ]
        assert ended.stderr == "progress bar\n"
        log = (tmp_path / "rank_0.log").read_text()
        assert "a library speaks" in log
        assert "epoch 1" in log

    def test_buffers_become_the_mean_over_the_ranks_and_weights_stay(self, monkeypatch):
        net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
        before = net[0].weight.clone()
        net[1].running_mean.fill_(1.0)
        monkeypatch.setattr(distributed, "all_reduce", lambda flat: flat.add_(3.0))  # the other rank's are 3
        SharedBuffers(2).on_train_batch_end(None, net, None, None, 0)
        assert net[1].running_mean.tolist() == [2.0, 2.0]
        assert net[1].running_var.tolist() == [2.0, 2.0]
        assert torch.equal(net[0].weight, before)

    def test_a_net_without_running_statistics_has_nothing_to_share(self, monkeypatch):
        monkeypatch.setattr(distributed, "all_reduce", lambda flat: pytest.fail("nothing to reduce"))
        SharedBuffers(2).on_train_batch_end(None, nn.GroupNorm(1, 2), None, None, 0)

    def test_only_rank_0_writes_to_the_run(self, runs_uri):
        mlflow.set_tracking_uri(runs_uri)
        client = mlflow.MlflowClient()
        run_id = client.create_run(client.create_experiment("ranks")).info.run_id
        with rank_logger(run_id, Rank(1, 2)) as logger:
            assert mlflow.active_run() is None
            assert logger.run_id == run_id
        assert client.get_run(run_id).info.status == "RUNNING"
        with rank_logger(run_id, Rank(0, 2)):
            assert mlflow.active_run().info.run_id == run_id
        assert client.get_run(run_id).info.status == "FINISHED"
        mlflow.set_tracking_uri(None)


class TestJoining:
    @pytest.fixture
    def holder(self, monkeypatch):
        """Who trains in the folder, at one look after another."""

        def replace(*looks):
            steps = iter(looks)
            monkeypatch.setattr(join_node, "holder", lambda folder: next(steps))
            monkeypatch.setattr(join_node, "INTERVAL_S", 0.01)

        return replace

    def test_its_ranks_start_when_the_training_runs(self, job, holder, tmp_path, monkeypatch):
        written(job, tmp_path)
        holder(None, PROCESS)
        started = []
        monkeypatch.setattr(subprocess, "run", lambda command, **_: started.append(command) or SimpleNamespace(returncode=0))
        assert join_node.main([str(tmp_path), "--node", "1"]) == 0
        assert "--nproc-per-node=2" in started[0]

    def test_the_spec_that_a_killed_training_left_is_not_taken_for_that_of_the_next(self, job, holder, tmp_path):
        path = written(job, tmp_path, "killed")
        holder("the next one", "the next one", "the next one")
        assert join_node.spec_in_force(tmp_path) is None
        path.unlink()
        assert join_node.spec_in_force(tmp_path) is None
        written(job, tmp_path, "next")
        path.write_text(path.read_text().replace(PROCESS, "the next one"))
        assert join_node.spec_in_force(tmp_path).run_id == "next"

    def test_a_spec_of_another_version_is_refused(self, holder, tmp_path):
        spec_path(tmp_path).parent.mkdir()
        spec_path(tmp_path).write_text('{"process": "gpu01"}')
        holder("gpu01")
        with pytest.raises(
            TrainingError, match=r"spec\.json: not readable by .* version \(Field required .*Install the same version"
        ):
            join_node.spec_in_force(tmp_path)

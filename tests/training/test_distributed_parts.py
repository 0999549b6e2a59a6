"""Shares of an order, the folder's lock, what ranks are told and how their failures are explained."""

import errno
import io
import json
import logging
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from pydantic import ValidationError

from ceph_pipeline.artifacts import DiskError
from ceph_pipeline.crops import CropParams
from ceph_pipeline.images import ImageStore
from ceph_pipeline.training import TrainingError, worker
from ceph_pipeline.training.distributed import Rank, join_node, lock
from ceph_pipeline.training.distributed.failure import Exit, first_failure
from ceph_pipeline.training.distributed.launch import agent_command, rank_environment, require_devices
from ceph_pipeline.training.distributed.lock import PROCESS, locked
from ceph_pipeline.training.distributed.output import JsonLines, record_error, relay
from ceph_pipeline.training.distributed.rank import ALONE
from ceph_pipeline.training.distributed.rank_sampler import sampler_of
from ceph_pipeline.training.distributed.spec import CREDENTIALS, discard_spec, read_spec, spec_path, write_spec
from ceph_pipeline.training.distributed.strategy import shared_buffers, strategy
from ceph_pipeline.training.params import LoopParams, Stage1Params, Stage2Params
from ceph_pipeline.training.run import spec_of, train
from ceph_pipeline.training.sampling import EpochSampler
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables
from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables
from ceph_pipeline.training.tracking import rank_logger


def shares(order, world):
    return [sampler_of(order, Rank(index, world)) for index in range(world)]


class TestShares:
    @pytest.mark.parametrize(("draws", "world", "batch"), [(24, 2, 3), (25, 2, 3), (31, 3, 2)])
    def test_batches_of_the_ranks_together_are_those_of_one_process(self, draws, world, batch):
        order = EpochSampler(draws, draws, seed=3)
        order.set_epoch(2)
        whole = list(order)
        dealt = [list(share) for share in shares(order, world)]
        for step in range(len(dealt[0]) // batch):
            together = {draw for share in dealt for draw in share[step * batch : (step + 1) * batch]}
            assert together == set(whole[step * batch * world : (step + 1) * batch * world])

    def test_training_shares_are_equally_long_since_ranks_step_together(self):
        assert [len(list(share)) for share in shares(EpochSampler(11, 11, seed=0), 4)] == [2, 2, 2, 2]

    def test_each_validation_image_is_in_one_share(self):
        dealt = shares(EpochSampler(11, 11, seed=0, shuffle=False), 4)
        assert [len(share) for share in dealt] == [len(list(share)) for share in dealt] == [3, 3, 3, 2]
        assert sorted(item for share in dealt for _, item in share) == list(range(11))

    def test_a_share_follows_the_epoch(self):
        first, second = shares(EpochSampler(8, 8, seed=0), 2)
        second.set_epoch(5)
        assert {epoch for epoch, _ in second} == {5}
        assert first.shuffle

    def test_one_rank_has_the_order_itself(self):
        order = EpochSampler(4, 4, seed=0)
        assert sampler_of(order, ALONE) is order

    def test_fewer_images_than_ranks_are_refused(self):
        with pytest.raises(TrainingError, match="the validation split has 2 images, fewer than the 3 processes"):
            sampler_of(EpochSampler(2, 2, seed=0, shuffle=False), Rank(0, 3))


class TestLock:
    HOLDER = """
import sys; from pathlib import Path; from ceph_pipeline.training.distributed.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

    ASKER = """
import sys, time; from pathlib import Path; from ceph_pipeline.training.distributed.lock import holder
print("asking", flush=True)
while True:
    holder(Path(sys.argv[1]))
    time.sleep(0.002)
"""
    FORKING = """
import os, sys; from pathlib import Path; from ceph_pipeline.training.distributed.lock import locked
with locked(Path(sys.argv[1])):
    if os.fork():
        print("forked", flush=True)
    sys.stdin.read()
"""

    @pytest.fixture
    def holder(self, tmp_path):
        """Another process that trains into the folder."""
        with subprocess.Popen(
            [sys.executable, "-c", self.HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    def test_a_second_training_is_refused_and_told_who_works_there(self, holder, tmp_path):
        assert lock.holder(tmp_path) == json.loads((tmp_path / lock.RECORD).read_text())["process"]
        with (
            pytest.raises(TrainingError, match=rf"another training \(process {holder.pid} on .+\) uses this folder"),
            locked(tmp_path),
        ):
            pass

    def test_a_refused_training_touches_nothing_even_by_force_and_the_first_goes_on(self, holder, stage1, tmp_path):
        (tmp_path / "last.ckpt").write_bytes(b"state of the first")
        files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        loop = LoopParams(force=True)
        second = replace(stage1, params=stage1.params.model_copy(update={"loop": loop}))
        with pytest.raises(TrainingError, match=r"another training .* uses this folder\. Wait for it, or stop it\."):
            train(second, tmp_path)
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files
        assert lock.holder(tmp_path) is not None, "the first still has its lock"
        assert holder.poll() is None

    def test_the_lock_of_a_killed_training_is_taken_over(self, holder, tmp_path):
        holder.kill()
        holder.wait()
        assert lock.holder(tmp_path) is None
        with locked(tmp_path):
            record = json.loads((tmp_path / lock.RECORD).read_text())
            assert (record["pid"], record["process"]) == (os.getpid(), PROCESS)

    def test_no_training_is_refused_for_those_who_ask_whether_there_is_one(self, tmp_path):
        """They ask again and again, two at a time, while trainings begin and end."""
        with locked(tmp_path):
            pass
        command = [sys.executable, "-c", self.ASKER, str(tmp_path)]
        with ExitStack() as stack:
            askers = [stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE)) for _ in range(2)]
            for asker in askers:
                stack.callback(asker.kill)
                assert asker.stdout.readline() == b"asking\n"
            for _ in range(5):
                with locked(tmp_path):
                    pass
            assert [asker.poll() for asker in askers] == [None, None]

    def test_who_asks_leaves_the_lock_alone_that_a_training_is_refused_for(self, tmp_path, monkeypatch):
        with locked(tmp_path):
            pass
        tried = []
        monkeypatch.setattr(lock, "FileLock", lambda path, **options: tried.append(path.name) or FileLock(path, **options))
        assert lock.holder(tmp_path) is None
        assert tried == [lock.PROBE]

    def test_where_nobody_may_try_for_the_lock_the_record_answers(self, tmp_path, monkeypatch):
        with locked(tmp_path):
            pass
        monkeypatch.setattr(os, "open", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EACCES, "Permission denied")))
        assert lock.holder(tmp_path) == PROCESS

    def test_a_training_does_not_wait_forever_for_one_who_asks(self, tmp_path, monkeypatch):
        monkeypatch.setattr(lock, "PATIENCE_S", 0.1)
        with (
            FileLock(tmp_path / lock.PROBE),
            pytest.raises(TrainingError, match=r"has held \.lock\.probe for 0\.1 s and is probably suspended\. End that process"),
            locked(tmp_path),
        ):
            pass
        with locked(tmp_path):
            pass

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows forks no processes")
    def test_the_lock_dies_with_a_training_whose_forked_loaders_live_on(self, tmp_path):
        command = [sys.executable, "-c", self.FORKING, str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "forked\n"
            assert lock.holder(tmp_path) is not None
            process.kill()
            process.wait()
            with locked(tmp_path):
                assert lock.holder(tmp_path) == PROCESS
            process.stdin.close()  # the child's end of it, too: it ends

    def test_a_folder_that_may_not_be_written_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "open", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only file system")))
        with pytest.raises(DiskError, match=rf"{tmp_path} cannot be written: Read-only file system"), locked(tmp_path):
            pass

    @pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
    def test_a_file_system_without_locks_is_named(self, tmp_path, monkeypatch, number):
        fcntl = pytest.importorskip("fcntl", reason="Windows locks otherwise")

        def without_locks(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", without_locks)
        expected = rf"{tmp_path}: cannot be locked against a second training \({os.strerror(number)}\)\. Set data_root"
        with pytest.raises(TrainingError, match=expected), locked(tmp_path):
            pass

    def test_a_folder_that_does_not_exist_is_free(self, tmp_path):
        assert lock.holder(tmp_path / "stage1") is None
        assert not (tmp_path / "stage1").exists()


@pytest.fixture
def stage1(spots):
    pixels = spots.images[["image_id"]].assign(digest="as drawn")
    store = ImageStore(spots.cache.path, format="npy", credentials={"key": "secret"})
    params = Stage1Params(loop=LoopParams(devices=4, nodes=2))
    return Stage1Job(Stage1Tables(spots.images, spots.landmarks, spots.cvm, pixels), store, params)


def written(job, folder, run_id=None):
    """The spec of a job, on disk."""
    return write_spec(spec_of(job, run_id), vars(job.tables), folder)


class TestSpec:
    def test_stage1_comes_back_as_it_was(self, stage1, tmp_path, monkeypatch):
        monkeypatch.setenv("MASTER_ADDR", "host")
        monkeypatch.delenv("MASTER_PORT", raising=False)
        path = written(stage1, tmp_path, "run")
        monkeypatch.setenv(CREDENTIALS, json.dumps({"key": "secret"}))
        spec, tables = read_spec(path)
        again = worker.load_job(spec, tables)
        assert again.params == stage1.params
        assert (spec.devices, spec.nodes, spec.run_id, spec.master) == (4, 2, "run", "host:29500")
        assert (again.store.path, again.store.format, dict(again.store.folder.options)) == (
            stage1.store.path,
            "npy",
            {"key": "secret"},
        )
        for name, table in vars(stage1.tables).items():
            assert getattr(again.tables, name).equals(table.reset_index(drop=True))

    def test_stage2_comes_back_with_its_crops(self, spots, crop_table, tmp_path):
        pixels = spots.images[["image_id"]].assign(digest="as drawn")
        tables = Stage2Tables(crop_table(2.0), spots.images, spots.landmarks, pixels)
        job = Stage2Job(tables, spots.store, CropParams(crop_px=64), Stage2Params())
        again = worker.load_job(*read_spec(written(job, tmp_path)))
        assert (again.stage, again.crop_params, again.params) == ("stage2", job.crop_params, job.params)
        assert again.tables.crops.equals(tables.crops)

    def test_it_is_json_and_parquet_without_secrets(self, stage1, tmp_path):
        path = written(stage1, tmp_path)
        assert json.loads(path.read_text())["stage"] == "stage1"
        assert {file.suffix for file in path.parent.iterdir()} == {".json", ".parquet"}
        assert all(file.read_bytes()[:4] == b"PAR1" for file in path.parent.glob("*.parquet"))
        assert all(b"secret" not in file.read_bytes() for file in path.parent.iterdir())

    def test_an_unknown_entry_is_refused(self, stage1, tmp_path):
        path = written(stage1, tmp_path)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"code": "print()"}))
        with pytest.raises(ValidationError, match="code"):
            read_spec(path)

    def test_what_remains_are_logs(self, stage1, tmp_path):
        path = written(stage1, tmp_path)
        path.with_name("rank_0.log").write_text("said")
        discard_spec(path)
        assert [file.name for file in path.parent.iterdir()] == ["rank_0.log"]


class TestLaunch:
    def test_one_machine_meets_itself(self, tmp_path):
        command = agent_command(spec_path(tmp_path), 2, 1, "host:29500", node=0)
        assert "--standalone" in command
        assert "--nproc-per-node=2" in command
        assert command[-2:] == ["ceph_pipeline.training.worker", str(tmp_path / "ranks" / "spec.json")]

    def test_several_machines_meet_at_the_first(self, tmp_path):
        command = agent_command(spec_path(tmp_path), 4, 2, "gpu01:29500", node=1)
        assert {"--nnodes=2", "--node-rank=1", "--master-addr=gpu01", "--master-port=29500"} <= set(command)

    def test_cores_are_shared_out_unless_someone_has_said_how(self, monkeypatch):
        monkeypatch.setattr(os, "cpu_count", lambda: 8)
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        assert rank_environment(2)["OMP_NUM_THREADS"] == "4"
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert rank_environment(2)["OMP_NUM_THREADS"] == "3"

    def test_more_gpus_than_there_are_and_syncbn_without_are_refused(self, monkeypatch):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        with pytest.raises(TrainingError, match=r"stage1\.loop\.devices = 4, but this machine has 2 GPU"):
            require_devices(LoopParams(devices=4), "stage1")
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
        with pytest.raises(TrainingError, match=r"sync_batchnorm = true, but SyncBN requires GPUs"):
            require_devices(LoopParams(devices=2, sync_batchnorm=True), "stage1")

    def test_searches_take_one_device(self):
        with pytest.raises(ValidationError, match="find runs on one device only"):
            LoopParams(devices=2, find="learning_rate")

    def test_ddp_looks_for_resting_weights_only_where_some_frozen(self):
        assert strategy(ALONE, some_frozen=True) == "auto"
        assert shared_buffers(ALONE) == []
        pair = Rank(0, 2)
        assert strategy(pair, some_frozen=True)._ddp_kwargs["find_unused_parameters"]
        assert not strategy(pair, some_frozen=False)._ddp_kwargs["find_unused_parameters"]
        assert not strategy(pair, some_frozen=False)._ddp_kwargs["broadcast_buffers"]

    def test_a_machine_that_joins_is_not_the_first(self, tmp_path, monkeypatch, capsys):
        monkeypatch.delenv("SLURM_PROCID", raising=False)
        for arguments in ([str(tmp_path)], [str(tmp_path), "--node", "0"]):
            with pytest.raises(SystemExit):
                join_node.main(arguments)
        assert "0 is the machine that runs Kedro" in capsys.readouterr().err

    def test_a_rank_without_a_run_logs_nowhere(self):
        with rank_logger(None, Rank(0, 2)) as logger:
            assert logger is None


class TestFailures:
    @pytest.fixture
    def ranks(self, tmp_path):
        """Rank 1 met an error ten seconds after 1970 began, rank 0 a tenth of a second later."""
        for index, when in ((0, 10.1), (1, 10.0)):
            record = {"time": when, "message": f"what rank {index} met", "out_of_memory": index == 1}
            (tmp_path / f"rank_{index}.json").write_text(json.dumps(record))
        return tmp_path

    def test_a_killed_rank_is_the_cause_of_the_others_errors(self, ranks):
        message = first_failure("stage1", ranks, {0: Exit(1, 10), 1: Exit(1, 10), 2: Exit(-9, 11)}, 3).message
        assert message.startswith("stage1: rank 2 of 3 was killed by SIGKILL, as the system does when memory runs out")
        assert str(ranks / "rank_2.log") in message

    @pytest.mark.parametrize("ended", [Exit(-15, 10), Exit(-9, 20)])
    def test_the_first_error_is_the_cause_of_the_agent_s_kills(self, ranks, ended):
        failure = first_failure("stage1", ranks, {1: Exit(1, 10), 2: ended}, 3)
        assert failure.message.startswith("stage1: rank 1 of 3 failed:\nwhat rank 1 met\n")
        assert failure.message.endswith("Run the same command again to resume from the last complete epoch.")
        assert failure.out_of_memory

    def test_ranks_that_never_spoke_point_to_the_agent_s_log(self, tmp_path):
        assert "agent_0.log" in first_failure("stage2", tmp_path, {}, 2).message

    def test_an_error_of_ours_is_recorded_as_its_message_and_a_bug_with_its_last_lines(self, tmp_path, capsys):
        record_error(tmp_path / "rank_0.json", TrainingError("lower it."), out_of_memory=False)
        assert json.loads((tmp_path / "rank_0.json").read_text())["message"] == "lower it."
        try:
            {}["missing"]
        except KeyError as error:
            record_error(tmp_path / "rank_0.json", error, out_of_memory=False)
        message = json.loads((tmp_path / "rank_0.json").read_text())["message"]
        assert message.endswith("KeyError: 'missing'")
        assert "test_distributed_parts.py" in message
        assert "KeyError" in capsys.readouterr().err, "the whole traceback is in the rank's log"

    def test_this_project_speaks_and_others_warn(self):
        stream = io.StringIO()
        lines = JsonLines(stream)
        for name, level in (("ceph_pipeline.training", logging.INFO), ("timm", logging.INFO), ("timm", logging.WARNING)):
            lines.handle(logging.LogRecord(name, level, "file", 1, "%d px", (3,), None))
        sent = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert [(line["logger"], line["level"]) for line in sent] == [("ceph_pipeline.training", 20), ("timm", 30)]
        assert sent[0]["message"] == "3 px"

    def test_lines_are_logged_under_the_names_they_came_with(self, caplog):
        line = json.dumps({"level": logging.WARNING, "logger": "ceph_pipeline.training.fit", "message": "100 % done"})
        with caplog.at_level(logging.INFO):
            exits = relay([f"{line}\n", "a library's own line\n", '{"exits": {"1": [-9, 10]}}\n'])
        assert exits == {1: Exit(-9, 10)}
        assert ("ceph_pipeline.training.fit", logging.WARNING, "100 % done") in caplog.record_tuples
        assert "a library's own line" in caplog.text

    @pytest.mark.parametrize("line", ["5", "null", '"exits"', '["exits"]', '{"loss": 0.1}'])
    def test_a_line_of_json_that_is_not_ours_is_logged_as_it_is(self, caplog, line):
        with caplog.at_level(logging.INFO):
            assert relay([f"{line}\n"]) == {}
        assert caplog.messages == [line]

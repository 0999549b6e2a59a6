import pytest

from ceph_pipeline.artifacts import Ledger


def test_work_is_complete_only_after_it_was_finished(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin("f1", {"seed": 1})
    assert ledger.is_continuation("f1")
    assert not ledger.is_complete("f1")

    ledger.finish(n_images=4)
    assert ledger.is_complete("f1")
    assert ledger.read()["n_images"] == 4


def test_other_inputs_are_neither_complete_nor_a_continuation(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin("f1", {})
    ledger.finish()

    assert not ledger.is_complete("f2")
    assert not ledger.is_continuation("f2")


def test_work_that_another_process_has_begun_meanwhile_is_not_what_is_complete(tmp_path):
    ours, theirs = Ledger(tmp_path), Ledger(tmp_path)
    ours.begin("f1", {"views": "ten"})
    theirs.begin("f2", {"views": "five"})
    ours.finish()
    assert ours.is_complete("f1")
    assert not theirs.is_complete("f2")


def test_beginning_again_makes_finished_work_unfinished(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin("f1", {})
    ledger.finish()
    ledger.begin("f1", {})

    assert not ledger.is_complete("f1")


def test_the_difference_names_what_changed(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.begin("f1", {"seed": 1, "total": 10, "gone": True})

    assert ledger.difference({"seed": 2, "total": 10, "new": 3}) == {"gone": (True, None), "new": (None, 3), "seed": (1, 2)}


def test_an_empty_folder_has_no_record(tmp_path):
    assert Ledger(tmp_path / "absent").read() == {}


def test_a_damaged_record_counts_as_none(tmp_path):
    ledger = Ledger(tmp_path)
    for content in ('{"fingerprint": "f1", "comp', '["f1"]'):
        (tmp_path / ".ledger.json").write_text(content)
        assert ledger.read() == {}
        assert not ledger.is_continuation("f1")


@pytest.mark.parametrize("content", ["", "[1]", '{"summary": 1, "complete": true}', "[" * 100_000])
def test_a_record_that_is_none_is_as_if_there_were_none(tmp_path, content):
    (tmp_path / ".ledger.json").write_text(content)
    ledger = Ledger(tmp_path)
    assert ledger.read() == {}
    assert ledger.difference({"seed": 1}) == {"seed": (None, 1)}

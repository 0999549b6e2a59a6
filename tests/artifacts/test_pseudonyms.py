"""Pseudonyms: the same wherever the secret is the same, and no use to those who do not have it."""

import shutil
import stat
import subprocess
import sys

import pytest

from ceph_pipeline.artifacts import FolderError, SecretKeyError, pseudonym, use_key, without_names
from ceph_pipeline.artifacts import secret_key as module

NAME = "Cooper_Jane"


@pytest.fixture(autouse=True)
def _own_key(monkeypatch):
    monkeypatch.setattr(module, "_place", [])


def of_key(file):
    use_key(str(file))
    return pseudonym(NAME)


def test_they_last_as_long_as_the_secret(tmp_path):
    first = of_key(tmp_path / "one" / "pseudonym.key")
    other = of_key(tmp_path / "two" / "pseudonym.key")
    module._of_file.cache_clear()  # as in a later process
    assert of_key(tmp_path / "one" / "pseudonym.key") == first
    assert other != first


def test_a_place_that_has_been_emptied_gets_a_new_one_in_the_same_process(tmp_path):
    file = tmp_path / "data" / "pseudonym.key"
    first = of_key(file)
    shutil.rmtree(file.parent)
    assert of_key(file) != first
    assert file.is_file()


def test_another_process_has_the_same(tmp_path):
    file = tmp_path / "pseudonym.key"
    code = f"from ceph_pipeline.artifacts import pseudonym, use_key; use_key({str(file)!r}); print(pseudonym({NAME!r}))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == of_key(file)


def test_the_secret_is_made_when_it_is_needed_and_its_owner_s_alone(tmp_path):
    file = tmp_path / "data" / "pseudonym.key"
    use_key(str(file))
    assert not file.parent.exists()
    pseudonym(NAME)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == [".pseudonym.key.lock", "pseudonym.key"]


def test_of_two_first_runs_one_makes_the_secret_and_both_use_it(tmp_path, monkeypatch):
    file = tmp_path / "pseudonym.key"
    make = module._make

    def overtaken(place, name):
        file.write_text("ab" * 32)
        make(place, name)

    monkeypatch.setattr(module, "_make", overtaken)
    use_key(str(file))
    assert module.secret_key() == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize(
    ("file", "folder"), [("/pseudonym.key", "/"), ("pseudonym.key", "."), ("a/b.key", "a"), ("s3://bucket/b.key", "s3://bucket")]
)
def test_it_lies_in_the_folder_that_its_path_names(monkeypatch, file, folder):
    asked = []
    monkeypatch.setattr(module.Folder, "exists", lambda place, name: asked.append((place.url, name)) or True)
    monkeypatch.setattr(module.Folder, "read", lambda place, name: b"ab" * 32)
    use_key(file)
    module._of_file.cache_clear()
    assert module.secret_key() == bytes.fromhex("ab" * 32)
    module._of_file.cache_clear()
    assert asked == [(folder, file.rpartition("/")[2])]


def test_a_bucket_can_hold_it():
    first = of_key("memory://bucket/pseudonym.key")
    module._of_file.cache_clear()
    assert of_key("memory://bucket/pseudonym.key") == first


def test_parameters_name_no_film_and_no_path(tmp_path):
    use_key(str(tmp_path / "pseudonym.key"))
    film, path, number = pseudonym(NAME), pseudonym(f"{NAME}.csv", "path"), pseudonym("2024", "path")
    kept = {"pretrained": True, "films": {"sheet": None, "image": "image"}, "seed": 2024, "second": None}
    assert without_names(kept) == kept
    assert without_names({"first": NAME, "second": 7, "exclude": [NAME]}) == {
        "first": film,
        "second": pseudonym("7"),
        "exclude": [film],
    }
    named = {"films": {"sheet": f"{NAME}.csv"}, "ruler_models": 2024, "pretrained": f"{NAME}.csv", "other_data_roots": [2024]}
    assert without_names(named) == {
        "films": {"sheet": path},
        "ruler_models": number,
        "pretrained": path,
        "other_data_roots": [number],
    }


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, b"0" * 63])
def test_a_damaged_secret_is_named_with_the_way_out(tmp_path, content):
    (tmp_path / "pseudonym.key").write_bytes(content)
    with pytest.raises(SecretKeyError, match=r"pseudonym\.key: expected .* 64 hex digits\. Restore a copy of the file"):
        of_key(tmp_path / "pseudonym.key")


def test_a_place_where_none_can_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match=r"pseudonym\.key: the key .* cannot be read or created \(File exists\)"):
        of_key(tmp_path / "file" / "pseudonym.key")

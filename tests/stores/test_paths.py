"""Paths from the command line: each that cannot be used is said by name."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.inference import InferenceParams
from ceph_pipeline.stores import FolderDataset, RawFolderDataset


def path_of(loaded):
    return loaded if isinstance(loaded, Path) else loaded.root


@pytest.mark.parametrize("make", [FolderDataset, lambda **where: RawFolderDataset(**where, format="aariz")])
class TestPaths:
    @pytest.mark.parametrize(("value", "kind"), [(2024, "int"), (1.5, "float"), (True, "bool"), (None, "NoneType")])
    def test_what_was_read_as_a_number_is_named(self, make, value, kind):
        with pytest.raises(DatasetError, match=rf"{value}: expected a path, but the value is a {kind}"):
            make(filepath=value).load()

    def test_a_folder_whose_name_is_a_number_is_found(self, make, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "2024").mkdir()
        loaded = make(filepath=2024).load()
        assert path_of(loaded) == Path("2024")

    def test_a_tilde_is_the_user_s_folder(self, make, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        loaded = make(filepath="~/films, new").load()
        assert path_of(loaded) == tmp_path / "films, new"

    def test_nobody_s_tilde_is_named(self, make):
        with pytest.raises(DatasetError, match="~nobody-at-all/x: there is no such user"):
            make(filepath="~nobody-at-all/x").load()


@pytest.mark.parametrize("text", ["~nobody-at-all/x", "~/x", 2024])
def test_paths_of_parameters_are_as_those_of_the_catalog(monkeypatch, tmp_path, text):
    monkeypatch.setenv("HOME", str(tmp_path))
    params = InferenceParams(ruler_models=text)
    if text == "~nobody-at-all/x":
        with pytest.raises(InvalidValueError, match="~nobody-at-all/x: there is no such user"):
            _ = params.ruler_folder
    else:
        assert params.ruler_folder == {"~/x": tmp_path / "x", 2024: Path("2024")}[text]


def test_an_export_file_is_a_raw_data_set_too(tmp_path):
    (tmp_path / "export.json").write_text("[]")
    dataset = RawFolderDataset(filepath=str(tmp_path / "export.json"), format="label_studio")
    assert dataset.exists()
    assert dataset.load().films == tmp_path

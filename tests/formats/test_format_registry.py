"""Which format a path is in, and what is said when it is in none."""

import json

import pytest

from ceph_pipeline.formats import FORMATS, AnnotationError, files, read


def test_formats_are_recognised_by_their_content(aariz, isbi):
    assert set(read(aariz.root).images["dataset"]) == {"aariz"}
    assert set(read(isbi.root).images["dataset"]) == {"isbi2015"}


@pytest.mark.parametrize(("wrong", "near"), [("isbi", "isbi2015"), ("Aariz", "aariz"), ("labelstudio", "label_studio")])
def test_an_unknown_format_gets_the_nearest_name(tmp_path, wrong, near):
    with pytest.raises(AnnotationError, match=f"unknown format '{wrong}'.* Did you mean '{near}'"):
        read(tmp_path, wrong)


@pytest.mark.parametrize("format", FORMATS)
class TestNothingThere:
    def test_a_missing_folder_is_refused_with_layout_and_origin(self, tmp_path, format):
        with pytest.raises(AnnotationError) as refusal:
            read(tmp_path / "absent", format)
        message = str(refusal.value)
        assert message.startswith(f"{tmp_path / 'absent'}: no such file or folder.")
        assert FORMATS[format].layout in message
        assert FORMATS[format].origin in message
        assert "--params raw_folder=" in message
        assert "kedro run --env demo" in message

    def test_an_empty_folder_is_refused(self, tmp_path, format):
        with pytest.raises(AnnotationError, match="the folder is empty"):
            read(tmp_path, format)

    def test_another_layout_is_refused(self, tmp_path, format):
        (tmp_path / "notes.txt").write_text("nothing")
        with pytest.raises(AnnotationError, match=f"not in the layout of {format}"):
            read(tmp_path, format)


def test_a_folder_one_level_too_high_gets_the_right_one(aariz):
    with pytest.raises(AnnotationError, match=f"Did you mean {aariz.root}"):
        read(aariz.root.parent, "aariz")


def test_a_folder_in_no_format_lists_all_layouts(tmp_path):
    with pytest.raises(AnnotationError) as refusal:
        read(tmp_path)
    assert all(reader.layout in str(refusal.value) for reader in FORMATS.values())


def test_a_missing_path_without_format_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match="no such file or folder"):
        read(tmp_path / "absent")


def test_folders_without_images_are_refused(tmp_path):
    (tmp_path / "train" / "Cephalograms").mkdir(parents=True)
    (tmp_path / "cephalogram_machine_mappings.csv").write_text("cephalogram_id,machine,pixel_size,image_format,mode\n")
    with pytest.raises(AnnotationError, match="no cephalograms"):
        read(tmp_path, "aariz")


def test_images_apart_are_for_formats_that_have_them_apart(aariz, tmp_path):
    with pytest.raises(AnnotationError, match="requires its images in its own folder"):
        read(aariz.root, "aariz", images=tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "because"),
    [
        ("export.json", b"[]", "export.json: empty content, []"),
        ("export.json", b"", "export.json: invalid JSON (Expecting value"),
        ("export.json", b'[{"a": "M\xfcller"}]', "cp1252"),
        ("export.zip", b"PK\x03\x04", "export.zip: an archive. Unpack it"),
        ("export.csv", b"", "export.csv: an empty file"),
    ],
)
def test_a_file_that_is_none_is_told_apart_from_another_layout(tmp_path, name, content, because):
    (tmp_path / name).write_bytes(content)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(AnnotationError, match=r"not in the layout of label_studio \(") as caught:
            read(path, "label_studio")
        assert because in str(caught.value)


def test_a_label_studio_export_is_parsed_once_and_not_kept(tmp_path, monkeypatch):
    results = [{"type": "keypointlabels", "value": {"x": 50, "y": 50, "keypointlabels": ["S"]}}]
    sized = [result | {"original_width": 100, "original_height": 100} for result in results]
    task = {"data": {"image": "a.png"}, "annotations": [{"completed_by": 1, "result": sized}]}
    (tmp_path / "export.json").write_text(json.dumps([task]))
    parsed = []
    monkeypatch.setattr(files, "read_text", lambda path, root=None: parsed.append(path) or path.read_text())
    assert read(tmp_path / "export.json", "label_studio").landmarks["x"].tolist() == [49.5]
    assert len(parsed) == 1
    read(tmp_path / "export.json", "label_studio")
    assert len(parsed) == 2

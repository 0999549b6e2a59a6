"""The Aariz layout: what is read, and what is said about what cannot be."""

import json
import os

import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, read
from ceph_pipeline.landmarks.tables import CvmTable, ImageTable, LandmarkTable, QuarantineTable


def point(annotations, image_id, reader, landmark):
    rows = annotations.landmarks.query("image_id == @image_id and reader == @reader and landmark == @landmark")
    assert len(rows) == 1
    return tuple(rows[["x", "y"]].iloc[0])


class TestReading:
    def test_images_have_split_size_machine_and_pixel_size(self, aariz):
        images = read(aariz.root).images
        assert list(images["image_id"]) == ["ceph-a", "ceph-b", "ceph-c"]
        assert list(images["split"]) == ["train", "valid", "test"]
        assert set(zip(images["width"], images["height"], strict=True)) == {(120, 100)}
        assert set(images["machine"]) == {"ART Plus"}
        assert set(images["pixel_size_mm"]) == {0.1}
        assert images["path"][1] == "valid/Cephalograms/ceph-b.bmp"

    def test_both_readers_have_29_points_each_under_full_names(self, aariz):
        found = read(aariz.root, "aariz")
        assert found.landmarks.groupby(["image_id", "reader"]).size().eq(29).all()
        assert set(found.landmarks["reader"]) == {"senior", "junior"}
        assert point(found, "ceph-a", "senior", "Nasion") == (18.0, 24.0)
        assert point(found, "ceph-a", "junior", "Soft Tissue Nasion") == (63.0, 46.0)

    def test_tables_fit_their_schemas(self, aariz):
        found = read(aariz.root)
        for schema, table in (
            (ImageTable, found.images),
            (LandmarkTable, found.landmarks),
            (CvmTable, found.cvm),
            (QuarantineTable, found.quarantine),
        ):
            schema.validate(table)

    def test_cvm_stages_are_read(self, aariz):
        assert dict(read(aariz.root).cvm.itertuples(index=False)) == {"ceph-a": 3, "ceph-b": 3, "ceph-c": 3}

    def test_split_folders_may_be_capitalised_and_the_csv_may_carry_a_bom(self, aariz):
        (aariz.root / "train").rename(aariz.root / "Train")
        (aariz.root / "valid").rename(aariz.root / "VALIDATION")
        aariz.write_rows(encoding="utf-8-sig")
        images = read(aariz.root).images
        assert list(images["split"]) == ["train", "valid", "test"]
        assert images["machine"].eq("ART Plus").all()

    def test_a_missing_point_is_nan_and_keeps_its_row(self, aariz):
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"].pop(4))
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][0].update(value=None))
        found = read(aariz.root)
        assert np.isnan(point(found, "ceph-a", "senior", "Nasion")).all()
        assert np.isnan(point(found, "ceph-a", "senior", "A-point")).all()
        assert found.landmarks.groupby(["image_id", "reader"]).size().eq(29).all()

    def test_coordinates_written_as_nan_are_missing(self, aariz):
        path = aariz.landmark_file("ceph-a")
        path.write_text(path.read_text().replace('"x": 10.0', '"x": NaN', 1))
        assert np.isnan(point(read(aariz.root), "ceph-a", "senior", "A-point")).all()

    def test_one_reader_alone_is_enough_and_the_other_is_remarked_on(self, aariz):
        aariz.landmark_file("ceph-a", "Junior").unlink()
        found = read(aariz.root)
        assert np.isnan(point(found, "ceph-a", "junior", "Nasion")).all()
        assert list(found.quarantine["outcome"]) == ["kept"]

    def test_an_image_without_a_row_in_the_csv_has_no_pixel_size(self, aariz):
        aariz.rows.pop()
        aariz.write_rows()
        images = read(aariz.root).images.set_index("image_id")
        assert np.isnan(images.loc["ceph-c", "pixel_size_mm"])
        assert images.loc["ceph-c", "machine"] == "unknown"

    def test_missing_points_are_counted_in_one_remark_a_file(self, aariz):
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"].pop(4))
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][0].update(value=None))
        assert read(aariz.root).quarantine["reason"].str.contains("found 2 of 29 missing: A, N, expected").tolist() == [True]

    @pytest.mark.parametrize("extra", [{}, {"landmark_id": "my-own-id"}])
    def test_ruler_marks_may_be_merged_into_a_landmark_file(self, aariz, extra):
        marks = [{"symbol": symbol, "value": {"x": 5.5, "y": y}, **extra} for symbol, y in (("p1", 9), ("p2", 30))]
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"].extend(marks))
        found = read(aariz.root)
        assert point(found, "ceph-a", "senior", "p2") == (5.5, 30)
        assert len(found.landmarks.query("image_id == 'ceph-a' and reader == 'senior'")) == 31

    def test_of_wanted_marks_alone_a_film_without_any_is_quarantined(self, aariz):
        marks = [{"symbol": symbol, "value": {"x": 5.5, "y": y}} for symbol, y in (("p1", 9), ("p2", 30))]
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"].extend(marks))
        aariz.edit(aariz.landmark_file("ceph-b", split="valid"), lambda content: content["landmarks"].append(marks[0]))
        options = ReadOptions(landmarks="ruler", only_landmarks=True)
        found = read(aariz.root, on_bad_item="quarantine", options=options)
        assert found.images["image_id"].tolist() == ["ceph-a", "ceph-b"]
        assert set(found.landmarks["landmark"]) == {"p1", "p2"}
        assert point(found, "ceph-a", "senior", "p2") == (5.5, 30)
        reasons = found.quarantine.set_index("item")["reason"]
        assert "found 1 of 2 missing: p2" in reasons["ceph-b"]
        assert "no usable file of any reader, expected p1, p2 in a JSON" in reasons["ceph-c"]

    def test_the_csv_may_be_saved_by_excel(self, aariz):
        aariz.rows = [row.replace(",", ";").replace("0.1", "0,1") for row in aariz.rows]
        aariz.write_rows(encoding="utf-16")
        assert set(read(aariz.root).images["pixel_size_mm"]) == {0.1}

    @pytest.mark.parametrize("size", ["", "0", "0.0"])
    def test_a_pixel_size_of_0_or_none_is_unknown(self, aariz, size):
        aariz.rows[1] = aariz.rows[1].replace(",0.1,", f",{size},")
        aariz.write_rows()
        assert np.isnan(read(aariz.root).images["pixel_size_mm"][0])

    def test_without_the_csv_images_are_read_with_a_remark(self, aariz):
        (aariz.root / "cephalogram_machine_mappings.csv").unlink()
        found = read(aariz.root)
        assert found.images["pixel_size_mm"].isna().all()
        assert found.quarantine["reason"].str.contains("errors in mm need them").any()

    def test_rows_of_images_that_are_not_there_are_counted_once(self, aariz):
        aariz.rows += ["gone-1,ART Plus,0.1,png,Train", "gone-2,ART Plus,0.1,png,Train"]
        aariz.write_rows()
        quarantine = read(aariz.root).quarantine
        assert len(quarantine) == 1
        assert "2 without an image: gone-1, gone-2" in quarantine["reason"][0]

    def test_a_row_of_another_split_is_remarked_on_and_the_folder_counts(self, aariz):
        aariz.rows[1] = aariz.rows[1].replace("Train", "Test")
        aariz.write_rows()
        found = read(aariz.root)
        assert found.images["split"][0] == "train"
        assert "'test' in the CSV" in found.quarantine["reason"][0]

    def test_without_cvm_stages_the_rest_is_read(self, aariz):
        aariz.cvm_file("ceph-a").unlink()
        found = read(aariz.root)
        assert set(found.cvm["image_id"]) == {"ceph-b", "ceph-c"}
        assert len(found.images) == 3

    def test_a_landmark_without_id_is_known_by_its_symbol(self, aariz):
        aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].pop("landmark_id"))
        assert point(read(aariz.root), "ceph-a", "senior", "Nasion") == (18.0, 24.0)


def _no_landmarks(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content.pop("landmarks"))


def _no_json(aariz):
    aariz.landmark_file("ceph-a").write_text('{"landmarks": [')


def _no_utf8(aariz):
    aariz.landmark_file("ceph-a").write_bytes('{"ceph_id": "Müller"}'.encode("cp1252"))


def _endless_nesting(aariz):
    aariz.landmark_file("ceph-a").write_text("[" * 100_000)


def _another_image(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content.update(ceph_id="ceph-b"))


def _twice(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"].append(content["landmarks"][4]))


def _text_for_a_number(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].update(value={"x": "12", "y": 3}))


def _value_is_a_list(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].update(value=[1, 2]))


def _astronomical(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].update(value={"x": 10**400, "y": 3}))


def _id_and_symbol_disagree(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].update(symbol="N`"))


def _entry_is_text(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"].append("Nasion"))


def _outside(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].update(value={"x": 4012, "y": 3}))


def _above(aariz):
    aariz.edit(aariz.landmark_file("ceph-a"), lambda content: content["landmarks"][4].update(value={"x": 12, "y": -3}))


def _unknown_mode(aariz):
    aariz.rows[1] = aariz.rows[1].replace("Train", "Tset")
    aariz.write_rows()


def _negative_pixel_size(aariz):
    aariz.rows[1] = aariz.rows[1].replace("0.1", "-0.1")
    aariz.write_rows()


def _pixel_size_is_text(aariz):
    aariz.rows[1] = aariz.rows[1].replace("0.1", "small")
    aariz.write_rows()


def _two_rows(aariz):
    aariz.rows.append(aariz.rows[1].replace("0.1", "0.2"))
    aariz.write_rows()


def _no_image(aariz):
    (aariz.root / "train/Cephalograms/ceph-a.png").write_bytes(b"this is no image")


def _image_is_a_link_out(aariz):
    path = aariz.root / "train/Cephalograms/ceph-a.png"
    path.rename(aariz.root.parent / "elsewhere.png")
    path.symlink_to(aariz.root.parent / "elsewhere.png")


def _annotation_without_image(aariz):
    (aariz.root / "train/Cephalograms/ceph-a.png").unlink()


def _image_without_annotation(aariz):
    for reader in ("Senior", "Junior"):
        aariz.landmark_file("ceph-a", reader).unlink()


def _two_files(aariz):
    path = aariz.root / "train/Cephalograms/ceph-a.png"
    path.with_suffix(".jpg").write_bytes(path.read_bytes())


def _in_two_splits(aariz):
    aariz.add("ceph-a", "test")
    aariz.rows.pop()
    aariz.write_rows()


def _stage_seven(aariz):
    aariz.cvm_file("ceph-a").write_text(json.dumps({"cvm_stage": {"title": "CVM-S7", "value": 7}}))


def _stage_contradicts_its_title(aariz):
    aariz.cvm_file("ceph-a").write_text(json.dumps({"cvm_stage": {"title": "CVM-S2", "value": 3}}))


def _no_stage(aariz):
    aariz.cvm_file("ceph-a").write_text(json.dumps({"ceph_id": "ceph-a"}))


def _stage_no_json(aariz):
    aariz.cvm_file("ceph-a").write_text("CS3")


BAD = {
    _no_landmarks: ("Senior Orthodontists/ceph-a.json", "landmarks", "ceph-a"),
    _no_json: ("Senior Orthodontists/ceph-a.json", "line 1, column", "ceph-a"),
    _no_utf8: ("Senior Orthodontists/ceph-a.json", "is not valid UTF-8; the file looks like cp1252", "ceph-a"),
    _endless_nesting: ("Senior Orthodontists/ceph-a.json", "nested too deeply", "ceph-a"),
    _another_image: ("Senior Orthodontists/ceph-a.json", "ceph_id", "ceph-a"),
    _twice: ("Senior Orthodontists/ceph-a.json", "landmark 'N': found a second entry", "ceph-a/N"),
    _text_for_a_number: ("Senior Orthodontists/ceph-a.json", "landmark 'N'", "ceph-a/N"),
    _value_is_a_list: ("Senior Orthodontists/ceph-a.json", "[1, 2]", "ceph-a/N"),
    _astronomical: ("Senior Orthodontists/ceph-a.json", "landmark 'N'", "ceph-a/N"),
    _id_and_symbol_disagree: ("Senior Orthodontists/ceph-a.json", "landmarks[4]", "ceph-a"),
    _entry_is_text: ("Senior Orthodontists/ceph-a.json", "landmarks[29]", "ceph-a"),
    _outside: ("Senior Orthodontists/ceph-a.json", "found x = 4012, expected -0.5 to 119.5", "ceph-a/N"),
    _above: ("Senior Orthodontists/ceph-a.json", "found y = -3, expected -0.5 to 99.5", "ceph-a/N"),
    _unknown_mode: ("cephalogram_machine_mappings.csv", "line 2, mode: found 'Tset', expected Train, Valid or Test", "ceph-a"),
    _negative_pixel_size: ("cephalogram_machine_mappings.csv", "line 2, pixel_size: found '-0.1'", "ceph-a"),
    _pixel_size_is_text: ("cephalogram_machine_mappings.csv", "line 2, pixel_size: found 'small'", "ceph-a"),
    _two_rows: ("cephalogram_machine_mappings.csv", "line 5: found a second row", "ceph-a"),
    _no_image: ("train/Cephalograms/ceph-a.png", "unreadable", "ceph-a"),
    _image_is_a_link_out: ("train/Cephalograms/ceph-a.png", "a link to", "ceph-a"),
    _annotation_without_image: ("Senior Orthodontists/ceph-a.json", "none for this senior file", "ceph-a"),
    _image_without_annotation: ("train/Cephalograms/ceph-a.png", "no usable file of any reader", "ceph-a"),
    _two_files: ("train/Cephalograms/ceph-a.jpg", "again in train/Cephalograms/ceph-a.png", "ceph-a"),
    _in_two_splits: ("train/Cephalograms/ceph-a.png", "in another split as well", "ceph-a"),
    _stage_seven: ("CVM Stages/ceph-a.json", "value 7", "ceph-a"),
    _stage_contradicts_its_title: ("CVM Stages/ceph-a.json", "title 'CVM-S2'", "ceph-a"),
    _no_stage: ("CVM Stages/ceph-a.json", "no such field", "ceph-a"),
    _stage_no_json: ("CVM Stages/ceph-a.json", "invalid JSON", "ceph-a"),
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__.strip("_"))
class TestBadItems:
    def test_is_refused_with_file_field_and_way_out(self, aariz, spoil):
        spoil(aariz)
        file, field, item = BAD[spoil]
        with pytest.raises(AnnotationError) as refusal:
            read(aariz.root)
        message = str(refusal.value)
        assert file in message
        assert field in message
        assert f"`ingestion.exclude: [{item}" in message
        assert "ingestion.on_bad_item: quarantine" in message

    def test_is_quarantined_on_request_and_the_rest_is_read(self, aariz, spoil):
        spoil(aariz)
        found = read(aariz.root, on_bad_item="quarantine")
        assert BAD[spoil][2] in set(found.quarantine["item"])
        assert {"ceph-b", "ceph-c"} <= set(found.images["image_id"])
        assert found.landmarks["x"].dropna().between(-0.5, 119.5).all()
        assert set(found.landmarks["image_id"]) == set(found.images["image_id"])

    def test_can_be_excluded_by_the_name_that_the_error_gives(self, aariz, spoil):
        spoil(aariz)
        item = BAD[spoil][2]
        found = read(aariz.root, exclude=[item])
        assert ("/" in item) == ("ceph-a" in set(found.images["image_id"]))


class TestWholeFolder:
    def test_an_unknown_split_folder_is_refused(self, aariz):
        (aariz.root / "valid").rename(aariz.root / "tuning")
        with pytest.raises(AnnotationError, match=r"tuning: unknown split 'tuning', expected train, valid or test"):
            read(aariz.root)

    def test_a_csv_without_a_column_is_refused(self, aariz):
        aariz.rows[0] = aariz.rows[0].replace("pixel_size", "spacing")
        aariz.write_rows()
        with pytest.raises(AnnotationError, match=r"mappings\.csv: no column pixel_size; found \['cephalogram_id'"):
            read(aariz.root)

    def test_an_empty_csv_is_refused(self, aariz):
        (aariz.root / "cephalogram_machine_mappings.csv").write_text("")
        with pytest.raises(AnnotationError, match="an empty file"):
            read(aariz.root)

    def test_ten_bad_items_are_spelled_out_and_the_rest_counted(self, aariz):
        for number in range(13):
            aariz.add(f"more-{number}")
            aariz.landmark_file(f"more-{number}").write_text("{}")
        with pytest.raises(AnnotationError, match="13 bad items") as refusal:
            read(aariz.root)
        assert str(refusal.value).count("Senior Orthodontists") == 10
        assert "… and 3 more" in str(refusal.value)


class TestExclusion:
    def test_an_excluded_point_is_missing_for_every_reader_and_on_record(self, aariz):
        found = read(aariz.root, exclude=["ceph-a/Go"])
        assert np.isnan(point(found, "ceph-a", "senior", "Gonion")).all()
        assert np.isnan(point(found, "ceph-a", "junior", "Gonion")).all()
        assert not np.isnan(point(found, "ceph-b", "senior", "Gonion")).any()
        assert list(found.quarantine["item"]) == ["ceph-a/Go"]

    def test_full_names_exclude_as_well_as_symbols(self, aariz):
        assert np.isnan(point(read(aariz.root, exclude=["ceph-a/Gonion"]), "ceph-a", "senior", "Gonion")).all()

    @pytest.mark.parametrize(
        ("item", "hint"),
        [("ceph-x", "Did you mean 'ceph-"), ("ceph-a/Gonium", "Did you mean 'Gonion'"), ("nowhere", "is not an image")],
    )
    def test_an_exclusion_that_names_nothing_is_refused(self, aariz, item, hint):
        with pytest.raises(AnnotationError, match=hint):
            read(aariz.root, exclude=[item])


@pytest.mark.parametrize("film", ["m\u00fcller", "ceph-x"])
def test_the_device_of_a_film_is_found_by_its_file_s_name(aariz, film):
    aariz.add(film)
    aariz.rows = [row.replace("ceph-x", "ceph-x.png") for row in aariz.rows]
    aariz.write_rows()
    images = read(aariz.root).images.set_index("path")
    assert images.loc[f"train/Cephalograms/{film}.png", "pixel_size_mm"] == 0.1


def test_a_film_whose_name_no_table_can_hold_is_quarantined(aariz):
    for file in aariz.root.rglob("ceph-a.*"):
        file.rename(os.fsdecode(os.fsencode(file.parent) + b"/caf\xe9" + os.fsencode(file.suffix)))
    found = read(aariz.root, on_bad_item="quarantine")
    assert set(found.images["image_id"]) == {"ceph-b", "ceph-c"}
    assert any(r"caf\udce9.png" in reason and "expected UTF-8" in reason for reason in found.quarantine["reason"])


def test_a_film_of_a_name_with_blanks_is_left_out_under_the_identifier_that_the_error_gives(aariz):
    aariz.add("Anna B 1")
    for path, content in ((aariz.landmark_file("Anna B 1", "Junior"), "{"), (aariz.cvm_file("Anna B 1"), "[]")):
        path.write_text(content)
    with pytest.raises(AnnotationError, match=r"`ingestion\.exclude: \[Anna_B_1-f8bfe4bc\]`"):
        read(aariz.root)
    found = read(aariz.root, exclude=["Anna_B_1-f8bfe4bc"])
    assert found.images["image_id"].tolist() == ["ceph-a", "ceph-b", "ceph-c"]


def test_the_device_of_a_film_with_two_suffixes_is_found(aariz):
    aariz.add("I1.dcm")
    images = read(aariz.root).images.set_index("image_id")
    assert images.loc["I1.dcm", "pixel_size_mm"] == 0.1


@pytest.mark.parametrize("split", ["test", "valid"])
def test_a_stray_file_of_another_split_costs_no_film(aariz, split):
    stray = aariz.landmark_file("ceph-a", split=split)
    stray.write_text(aariz.landmark_file("ceph-a").read_text())
    name = stray.relative_to(aariz.root).as_posix()
    with pytest.raises(AnnotationError, match="none for this senior file") as refusal:
        read(aariz.root)
    assert f"[{name}]" in str(refusal.value)
    for chosen in ({"on_bad_item": "quarantine"}, {"exclude": [name]}):
        assert set(read(aariz.root, **chosen).images["image_id"]) == {"ceph-a", "ceph-b", "ceph-c"}
    quarantine = read(aariz.root, on_bad_item="quarantine").quarantine
    assert quarantine[["item", "outcome"]].to_numpy().tolist() == [[name, "file quarantined"]]

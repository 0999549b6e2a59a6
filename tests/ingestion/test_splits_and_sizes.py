"""What a data set does not bring: splits, patients, pixel sizes."""

import numpy as np
import pandas as pd
import pytest
from film_samples import dicom, pillow, tiff, wedge, write

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.images import RawFolder
from ceph_pipeline.ingestion import (
    FilmSheetError,
    FilmSheetParams,
    PixelSizeParams,
    SplitError,
    SplitParams,
    read_film_sheet,
    with_machines,
    with_pixel_sizes,
    with_splits,
)


def image_table(train, valid=0, test=2, patients=0):
    splits = ["train"] * train + ["valid"] * valid + ["test"] * test
    ids = [f"{split}-{number}" for number, split in enumerate(splits)]
    paths = [f"p{number % patients}/{image_id}.png" if patients else f"{image_id}.png" for number, image_id in enumerate(ids)]
    return pd.DataFrame(
        {"image_id": ids, "path": paths, "split": splits, "subset": splits, "pixel_size_mm": np.nan, "machine": "unknown"}
    )


def facts_of(images, **columns):
    return read_film_sheet(images, FilmSheetParams()).assign(**columns)


def split(images, seed=42, facts=None, **params):
    return with_splits(images, facts_of(images) if facts is None else facts, SplitParams(**params), seed)


def ids_of(images, split):
    return set(images.loc[images["split"] == split, "image_id"])


class TestHoldingOut:
    def test_takes_its_share_from_the_training_images_alone(self):
        images = split(image_table(150, test=150))
        assert dict(images["split"].value_counts()) == {"test": 150, "train": 135, "valid": 15}
        assert all(image_id.startswith("train") for image_id in ids_of(images, "valid"))
        assert (images["split"] == images["subset"]).all()
        assert images["split"].drop_duplicates().tolist() == ["train", "valid", "test"]

    def test_gives_a_test_and_a_validation_split_where_there_is_none(self):
        images = split(image_table(200, test=0), test_fraction=0.15, valid_fraction=0.1)
        assert dict(images["split"].value_counts()) == {"train": 153, "test": 30, "valid": 17}

    def test_leaves_out_the_test_split_on_request(self):
        assert ids_of(split(image_table(20, test=0), test_fraction=0), "test") == set()

    def test_is_the_same_for_the_same_seed_in_any_order(self):
        table = image_table(40, test=0)
        shuffled = table.sample(frac=1, random_state=1)
        for name in ("test", "valid"):
            assert ids_of(split(table, 1), name) == ids_of(split(shuffled, 1), name)
            assert ids_of(split(table, 1), name) != ids_of(split(table, 2), name)

    def test_leaving_one_image_out_moves_at_most_one_other(self):
        table = image_table(40)
        before, after = (ids_of(split(rows, 1, valid_fraction=0.2), "valid") for rows in (table, table.iloc[1:]))
        assert len(before ^ after) <= 2

    def test_a_data_set_with_both_splits_keeps_them(self):
        table = image_table(10, valid=3)
        pd.testing.assert_frame_equal(split(table), table)

    @pytest.mark.parametrize(("train", "fraction"), [(10, 0.0), (3, 0.1), (1, 0.9)])
    def test_a_share_that_leaves_one_side_empty_is_refused(self, train, fraction):
        with pytest.raises(SplitError, match=r"ingestion\.splits\.valid_fraction"):
            split(image_table(train), valid_fraction=fraction)

    def test_a_test_share_of_too_few_is_refused(self):
        with pytest.raises(SplitError, match=r"splits\.test_fraction = 0\.15 of 2 training images of 2 patients holds out 0"):
            split(image_table(2, test=0))

    def test_one_film_is_told_to_find_others(self):
        with pytest.raises(SplitError, match="All films are of one patient"):
            split(image_table(1, test=0))

    def test_a_data_set_without_training_images_is_refused(self):
        with pytest.raises(SplitError, match=r"no training images \(found 2 test\)"):
            split(image_table(0))


class TestPatients:
    def test_of_the_path_never_cross_splits(self):
        images = split(image_table(60, test=0, patients=20), patient_pattern="^([^/]+)/")
        assert images.groupby(images["path"].str.partition("/")[0])["split"].nunique().max() == 1
        assert images["split"].value_counts().to_dict() == {"train": 45, "test": 9, "valid": 6}

    def test_of_several_films_are_told_by_a_pseudonym(self):
        images = split(image_table(20, test=0, patients=10), patient_pattern="^([^/]+)/")
        assert images.groupby(images["path"].str.partition("/")[0])["patient"].nunique().max() == 1
        assert images["patient"].nunique() == 10
        assert images["patient"].str.fullmatch("patient-[0-9a-f]{12}").all()
        assert "patient" not in split(image_table(20, test=0, patients=20), patient_pattern="^([^/]+)/")

    def test_of_the_sheet_count_before_those_of_the_path(self):
        table = image_table(20, test=0, patients=20)
        facts = facts_of(table, patient=[str(number // 4) for number in range(20)])
        images = split(table, facts=facts, patient_pattern="^([^/]+)/", test_fraction=0.2, valid_fraction=0.25)
        assert sorted(images["split"].value_counts()) == [4, 4, 12]
        assert images.groupby(images["image_id"].map(facts["patient"]))["split"].nunique().max() == 1

    def test_of_most_films_do_not_take_the_whole_draw(self, caplog):
        table = image_table(100, test=0)
        facts = facts_of(table, patient=[f"p{max(0, number - 79)}" for number in range(100)])
        for seed in range(10):
            counts = split(table, seed, facts=facts, test_fraction=0.15, valid_fraction=0.05)["split"].value_counts()
            assert counts.to_dict() == {"train": 81, "test": 15, "valid": 4}
        assert not caplog.records

    def test_that_cannot_be_of_the_share_are_warned_of(self, caplog):
        table = image_table(90, test=0, patients=3)
        assert split(table, patient_pattern="^([^/]+)/")["split"].value_counts().to_dict() == dict.fromkeys(
            ("train", "test", "valid"), 30
        )
        assert (
            "the test split has 30 of 90 training images, but ingestion.splits.test_fraction = 0.15 corresponds to 14"
            in caplog.text
        )

    def test_are_one_however_a_name_is_written(self):
        table = image_table(20, test=0)
        names = [
            f"{name} {number // 4}"
            for number in range(20)
            for name in [("Müller", "Mu\u0308ller", " MÜLLER ", "müller ")[number % 4]]
        ]
        images = split(table, facts=facts_of(table, patient=names), test_fraction=0.2, valid_fraction=0.25)
        assert images["split"].value_counts().to_dict() == {"train": 12, "test": 4, "valid": 4}
        assert images.groupby(images["image_id"].str.extract(r"(\d+)")[0].astype(int) // 4)["split"].nunique().max() == 1

    def test_are_one_however_a_number_is_written(self):
        names = [name for number in range(10) for name in (f"{number}", f"00{number}", f"{number}.0", f"p{number}")]
        facts = facts_of(image_table(40, test=0), patient=names)
        images = split(image_table(40, test=0), facts=facts, test_fraction=0.2, valid_fraction=0.25)
        numbers = images["image_id"].str.removeprefix("train-").astype(int)
        whose = numbers.where(numbers % 4 == 3, -1 - numbers // 4)  # the fourth of each is another patient, p0, p1, …
        assert images.groupby(whose)["split"].nunique().max() == 1
        assert images.groupby(whose)["patient"].nunique().max() == 1

    def test_that_an_optional_group_does_not_tell_are_one_a_film(self):
        images = split(image_table(20, test=0), patient_pattern=r"^(?:([^/]+)/)?", test_fraction=0.2, valid_fraction=0.25)
        assert images["split"].value_counts().to_dict() == {"train": 12, "test": 4, "valid": 4}

    def test_of_some_films_only_are_refused_where_films_are_drawn(self):
        table = image_table(20, test=0)
        facts = facts_of(table, patient=["7", *[None] * 19])
        with pytest.raises(SplitError, match=r"the patient is known for only 1 of 20 training images \(not for train-1\.png\)"):
            split(table, facts=facts)
        assert len(split(table, facts=facts, patient_pattern=r"^(?:([^/]+)/)?")) == 20
        drawn = image_table(10, valid=3)
        pd.testing.assert_frame_equal(split(drawn, facts=facts_of(drawn, patient=["7", *[None] * 14])), drawn)

    def test_that_the_pattern_misses_for_some_paths_are_refused_where_films_are_drawn(self):
        table = image_table(30, test=0, patients=10)
        table["path"] = [path.replace("p", "P", 1) if number % 3 else path for number, path in enumerate(table["path"])]
        with pytest.raises(SplitError, match=r"the patient is known for only 20 of 30 training images \(not for p\d/.*\)"):
            split(table, patient_pattern="^(P[^/]+)/")
        given = table.assign(split=["test" if "0/" in path else "valid" if "1/" in path else "train" for path in table["path"]])
        assert len(split(given, patient_pattern="^(P[^/]+)/")) == 30  # nothing is drawn

    @pytest.mark.parametrize("drawn", [True, False])
    def test_that_the_pattern_tells_of_no_path_are_refused(self, drawn):
        table = image_table(30, test=0 if drawn else 3, valid=0 if drawn else 3)
        with pytest.raises(
            SplitError, match=r"patient_pattern = '\^\(X\\\\d\+\)/' matches none of the 3\d paths, such as train-0\.png"
        ):
            split(table, facts=facts_of(table, patient=["7", *[None] * (len(table) - 1)]), patient_pattern=r"^(X\d+)/")

    def test_that_the_sheet_tells_of_some_films_of_a_folder_are_the_folder_s(self):
        """One film of each folder has a number in the sheet, two numbers of one patient."""
        table = image_table(90, test=0, patients=30)
        folder = table["path"].str.partition("/")[0]
        first = ~folder.duplicated()
        numbers = [str(number) if is_first else None for number, is_first in enumerate(first)]
        images = split(table, facts=facts_of(table, patient=numbers), patient_pattern="^([^/]+)/")
        assert images["patient"].nunique() == 30
        assert images.groupby(images["path"].str.partition("/")[0])["split"].nunique().max() == 1
        same = [None if number is None else "one" if int(number) < 2 else number for number in numbers]
        assert split(table, facts=facts_of(table, patient=same), patient_pattern="^([^/]+)/")["patient"].nunique() == 29

    def test_that_a_data_set_has_in_two_splits_are_refused(self):
        table = image_table(4, test=4, patients=4)
        with pytest.raises(SplitError, match=r"one patient are in several splits: train-0 \(train\), test-4 \(test\)"):
            split(table, patient_pattern="^([^/]+)/")


@pytest.fixture
def sheet(tmp_path):
    def written(text, name="films.csv", encoding="utf-8", **columns):
        (tmp_path / name).write_text(text, encoding=encoding)
        return FilmSheetParams(sheet=str(tmp_path / name), **columns)

    return written


class TestSheet:
    images = image_table(3, test=0)

    def test_names_films_by_identifier_path_or_file(self, sheet):
        images = self.images.assign(path=["a/x.png", "b/y.png", "c/z.png"])
        params = sheet("image;split;pixel_size_mm;machine\ntrain-0;TEST;0,1;EVO\nb/y.png;valid;;\nz;;0,2;\nother.png;train;1;\n")
        facts = read_film_sheet(images, params)
        assert [facts.loc[i, "split"] for i in images["image_id"]] == ["test", "valid", None]
        np.testing.assert_array_equal(facts["pixel_size_mm"], [0.1, np.nan, 0.2])
        assert list(with_machines(images, facts)["machine"]) == ["EVO", "unknown", "unknown"]
        moved = split(images, facts=facts)
        assert dict(zip(moved["image_id"], moved["split"], strict=True)) == {
            "train-2": "train",
            "train-1": "valid",
            "train-0": "test",
        }

    def test_words_for_an_unknown_value_are_no_value(self, sheet):
        params = sheet("image,split,patient,pixel_size_mm,machine\ntrain-0,NA,nan,-,None\ntrain-1,test,Anna,0.1,EVO\n")
        facts = read_film_sheet(self.images, params)
        assert facts.loc["train-0", ["split", "patient", "pixel_size_mm", "machine"]].isna().all()
        assert facts.loc["train-1", ["split", "patient", "pixel_size_mm", "machine"]].tolist() == ["test", "Anna", 0.1, "EVO"]

    @pytest.mark.parametrize(
        "name", ["anna/ceph.png", "anna/ceph", "images\\anna\\ceph.png", "images/anna/ceph", "https://host/anna/ceph.png"]
    )
    def test_a_path_may_begin_at_any_of_its_folders(self, sheet, name):
        images = self.images.assign(path=["images/anna/ceph.png", "images/bea/ceph.png", "images/joanna/ceph.png"])
        assert read_film_sheet(images, sheet(f"image,split\n{name},test\n"))["split"].tolist() == ["test", None, None]

    def test_a_whole_path_is_no_other_film_whose_path_ends_so(self, sheet):
        images = self.images.assign(path=["anna/ceph.png", "left/anna/ceph.png", "right/anna/ceph.png"])
        assert read_film_sheet(images, sheet("image,split\nanna/ceph.png,test\n"))["split"].tolist() == ["test", None, None]
        with pytest.raises(FilmSheetError, match="is the name of 2 images; use their paths"):
            read_film_sheet(images.assign(path=["ceph.png", *images["path"][1:]]), sheet("image,split\nanna/ceph.png,test\n"))

    @pytest.mark.parametrize("name", ["7/1.png", "7/1", "p/12.png", "bea/ceph.png"])
    def test_a_path_is_never_a_file_s_name_without_its_folders(self, sheet, name, caplog):
        images = self.images.assign(path=["071.png", "p12.png", "images/anna/ceph.png"])
        facts = read_film_sheet(images, sheet(f"image,split\n{name},test\ntrain-1,valid\n"))
        assert facts["split"].tolist() == [None, "valid", None]
        assert "1 of 2 rows match no image" in caplog.text

    def test_columns_may_have_any_names(self, sheet):
        params = sheet("Datei,Fold\ntrain-0.png,test\n", image="Datei", split="Fold")
        assert read_film_sheet(self.images, params).loc["train-0", "split"] == "test"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("image,fold\n", r"found the columns \['image', 'fold'\], expected 'image', and of 'split', .* Name them in"),
            ("image,split\ntrain-0,dev\n", r"line 2, split: found .dev., expected train, valid or test"),
            (
                "image,pixel_size_mm\ntrain-0,-1\n",
                r"line 2, pixel_size_mm: found .*-1.*, expected millimetres per pixel from 0.02 to 2",
            ),
            ("image,pixel_size_mm\ntrain-0,wide\n", r"expected millimetres per pixel from 0.02 to 2, or 0 for unknown"),
            ("image;pixel_size_mm\ntrain-0;1.234\nz;0,1\n", r"line 2, pixel_size_mm: found .*1\.234"),
            ("image,split\ntrain-0,test\ntrain-0.png,train\n", "lines 2 and 3 contradict each other on one film"),
            ("", "an empty file"),
            (
                "image,split\n0,test\n1,train\n",
                "none of its 2 rows matches one of the 3 images: found '0', '1', .* 'train-0'",
            ),
        ],
    )
    def test_nonsense_is_refused(self, sheet, text, message):
        with pytest.raises(FilmSheetError, match=message):
            read_film_sheet(self.images, sheet(text))

    def test_a_name_that_several_images_have_is_refused(self, sheet):
        images = self.images.assign(path=["a/1.png", "b/1.png", "c/2.png"])
        with pytest.raises(FilmSheetError, match="is the name of 2 images; use their paths"):
            read_film_sheet(images, sheet("image,split\n1.png,test\n"))

    @pytest.mark.parametrize("name", ["Mu\u0308ller Anna (1).PNG", "Müller_Anna_1.png", "b\\Müller Anna (1).png"])
    def test_names_may_be_written_as_other_systems_do(self, sheet, name):
        images = self.images.assign(path=["a.png", "b/Müller Anna (1).png", "c.png"])
        assert read_film_sheet(images, sheet(f"image,split\n{name},test\n")).loc["train-1", "split"] == "test"

    def test_numbers_may_have_lost_their_leading_zeros(self, sheet, caplog):
        images = self.images.assign(path=["a/001.png", "a/000.png", "a/100.png"])
        with caplog.at_level("INFO"):
            facts = read_film_sheet(images, sheet("image,patient\n1,anna\n0,ben\n100.png,carl\n10,dora\n"))
        assert facts["patient"].tolist() == ["anna", "ben", "carl"]
        assert "ingestion.films.sheet: 1 of 4 rows match no image and are ignored: lines 5" in caplog.text
        assert "dora" not in caplog.text

    def test_a_number_that_several_films_could_be_is_refused(self, sheet):
        images = self.images.assign(path=["a/01.png", "b/001.png", "c/2.png"])
        with pytest.raises(FilmSheetError, match="is the name of 2 images"):
            read_film_sheet(images, sheet("image,split\n1,test\n"))
        assert read_film_sheet(images, sheet("image,split\n01,test\n"))["split"].tolist() == ["test", None, None]

    def test_a_guessed_encoding_is_said(self, sheet, caplog):
        images = self.images.assign(path=["Müller.png", "b.png", "c.png"])
        facts = read_film_sheet(images, sheet("image,split\nMüller,test\n", encoding="cp1252"))
        assert facts["split"].tolist() == ["test", None, None]
        assert "ingestion.films.sheet: encoding: using cp1252" in caplog.text
        assert "films.csv" not in caplog.text

    def test_of_nobody_s_folder_is_refused(self):
        with pytest.raises(InvalidValueError, match="there is no such user"):
            read_film_sheet(self.images, FilmSheetParams(sheet="~nobody-at-all/films.csv"))

    def test_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(FilmSheetError, match=r"ingestion\.films\.sheet = .*none\.csv"):
            read_film_sheet(self.images, FilmSheetParams(sheet=str(tmp_path / "none.csv")))


NO_POINTS = pd.DataFrame({"image_id": [], "reader": [], "landmark": [], "x": [], "y": []})


class TestPixelSize:
    @pytest.fixture
    def raw(self, tmp_path):
        """A DICOM file of 0.12 mm, a TIFF of 254 dpi, one of other steps in x than in y, and a PNG that says nothing."""
        write(tmp_path / "d.dcm", dicom(wedge(np.uint16), ImagerPixelSpacing=[0.12, 0.12]))
        write(tmp_path / "t.tif", tiff(wedge(), resolution=(254, 254), resolutionunit=2))
        write(tmp_path / "o.tif", tiff(wedge(), resolution=(254, 200), resolutionunit=2))
        write(tmp_path / "p.png", pillow(wedge(), "PNG"))
        return RawFolder(tmp_path, "table")

    images = pd.DataFrame({"image_id": list("dtop"), "path": ["d.dcm", "t.tif", "o.tif", "p.png"], "pixel_size_mm": np.nan})

    def sizes(self, raw, *order, images=images, landmarks=NO_POINTS, facts=None, **params):
        facts = facts_of(images) if facts is None else facts
        found = with_pixel_sizes(images, landmarks, facts, raw, PixelSizeParams(order=order, **params))
        return list(zip(found["pixel_size_mm"].round(6).fillna(0), found["pixel_size_source"], strict=True))

    def test_is_of_the_first_source_that_has_one_and_says_which(self, raw):
        found = self.sizes(raw, "annotations", "dicom", "file", "number", number_mm=0.2)
        assert found == [(0.12, "dicom_imager_pixel_spacing"), (0.1, "tiff_resolution"), (0.2, "number"), (0.2, "number")]

    def test_order_decides(self, raw):
        assert self.sizes(raw, "number", "dicom", number_mm=0.2) == [(0.2, "number")] * 4
        annotated = self.images.assign(pixel_size_mm=[0.5, np.nan, np.nan, np.nan])
        assert self.sizes(raw, "annotations", "dicom", images=annotated)[0] == (0.5, "annotations")
        assert self.sizes(raw, "dicom", "annotations", images=annotated)[0] == (0.12, "dicom_imager_pixel_spacing")

    def test_a_printers_resolution_is_not_believed_unless_asked(self, raw):
        usual = with_pixel_sizes(self.images, NO_POINTS, facts_of(self.images), raw, PixelSizeParams())
        assert list(usual["pixel_size_source"]) == ["dicom_imager_pixel_spacing", "unknown", "unknown", "unknown"]

    def test_of_the_sheet_overrules(self, raw):
        facts = facts_of(self.images, pixel_size_mm=[0.3, np.nan, np.nan, np.nan])
        assert self.sizes(raw, "sheet", "dicom", facts=facts)[0] == (0.3, "sheet")

    def test_of_the_ruler_is_its_length_by_the_median_distance(self, raw):
        rows = [("p", reader, mark, x, 5.0) for reader, far in (("a", 90), ("b", 110)) for mark, x in (("p1", 0.0), ("p2", far))]
        rows += [("d", "a", "p1", 3.0, 3.0), ("d", "a", "p2", 3.0, 3.0), ("t", "a", "p1", 3.0, 3.0)]
        landmarks = pd.DataFrame(rows, columns=NO_POINTS.columns)
        found = self.sizes(raw, "ruler", landmarks=landmarks)
        assert found == [(0, "unknown"), (0, "unknown"), (0, "unknown"), (0.1, "ruler")]

    def test_of_the_ruler_of_the_consensus_counts_where_nobody_else_has_the_marks(self, raw):
        rows = [("p", "consensus", "p1", 0.0, 5.0), ("p", "consensus", "p2", 100.0, 5.0)]
        rows += [
            ("t", reader, mark, x, 5.0)
            for reader, far in (("a", 50), ("consensus", 90))
            for mark, x in (("p1", 0.0), ("p2", far))
        ]
        found = self.sizes(raw, "ruler", landmarks=pd.DataFrame(rows, columns=NO_POINTS.columns))
        assert found == [(0, "unknown"), (0.2, "ruler"), (0, "unknown"), (0.1, "ruler")]

    def test_of_a_ruler_of_one_pixel_is_unknown_and_said(self, raw, caplog):
        rows = [("p", "a", "p1", 3.0, 3.0), ("p", "a", "p2", 4.0, 3.0)]
        found = self.sizes(raw, "ruler", "number", landmarks=pd.DataFrame(rows, columns=NO_POINTS.columns), number_mm=0.2)
        assert found[3] == (0.2, "number")
        assert "the pixel size from p1 and p2 is 10 mm, which is implausible; expected millimetres per pixel" in caplog.text

    def test_of_a_film_that_is_not_at_hand_is_unknown(self, raw):
        assert self.sizes(raw, "dicom", images=self.images.assign(path="none.png")) == [(0, "unknown")] * 4

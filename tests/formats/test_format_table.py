"""Sheets whose columns the user names, however they were saved."""

import cv2
import film_samples as samples
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ceph_pipeline.formats import AnnotationError, ReadOptions, TableOptions, read

WIDE = "image,Sella_x,Sella_y,Nasion_x,Nasion_y\na.png,10.5,20,30,40.25\n"


@pytest.fixture
def sheet(tmp_path):
    def write(content, name="points.csv", size=(100, 80)):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        for film in ("a", "b"):
            cv2.imwrite(str(tmp_path / f"{film}.png"), np.zeros(size[::-1], np.uint8))
        return tmp_path / name

    return write


def points(path, **options):
    first_pixel = options.pop("first_pixel", 0)
    landmarks = options.pop("landmarks", None)
    chosen = ReadOptions(table=TableOptions(**options), first_pixel=first_pixel, landmarks=landmarks)
    return read(path, options=chosen).landmarks.set_index("landmark")[["x", "y"]].T.to_dict("list")


EXPECTED = {"Sella": [10.5, 20], "Nasion": [30, 40.25]}
EXCEL = WIDE.replace(",", ";").replace(".5", ",5").replace(".25", ",25")


class TestWaysToSaveASheet:
    @pytest.mark.parametrize(
        "content",
        [
            WIDE.encode(),
            b"\xef\xbb\xbf" + WIDE.encode(),
            EXCEL.encode(),
            EXCEL.encode("utf-16"),
            ("sep=;\r\n" + EXCEL.replace("\n", "\r\n")).encode(),
            EXCEL.replace(";", "\t").encode("utf-16"),
            ("\u00a0 image" + WIDE[5:]).encode(),
        ],
        ids=["utf-8", "mark", "semicolon", "utf-16", "sep", "unicode text", "no-break space"],
    )
    def test_is_found_out(self, sheet, content):
        assert points(sheet(content)) == EXPECTED

    def test_cp1252_is_read_and_said(self, sheet, tmp_path):
        path = sheet(EXCEL.replace("a.png", "M\u00fcller.png").encode("cp1252"))
        (tmp_path / "a.png").rename(tmp_path / "M\u00fcller.png")
        found = read(path, options=ReadOptions(table=TableOptions()))
        assert found.images["path"][0] == "M\u00fcller.png"
        assert "cp1252, as written by Excel" in found.quarantine["reason"][0]

    def test_excel_workbooks_are_read(self, sheet, tmp_path):
        pytest.importorskip("openpyxl")
        sheet(WIDE)
        path = tmp_path / "points.xlsx"
        frame = pd.read_csv(tmp_path / "points.csv")
        with pd.ExcelWriter(path) as book:
            pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="notes", index=False)
            frame.to_excel(book, sheet_name="points", index=False)
        assert points(path, sheet="points") == EXPECTED
        with pytest.raises(AnnotationError, match="no sheet 'absent'; the workbook has notes, points"):
            points(path, sheet="absent")

    def test_a_damaged_workbook_is_refused(self, sheet):
        pytest.importorskip("openpyxl")
        with pytest.raises(AnnotationError, match="invalid Excel workbook"):
            points(sheet("PK no zip", name="points.xlsx"))

    def test_grouped_thousands_are_no_numbers(self, sheet):
        with pytest.raises(AnnotationError, match=r"'1\.234,5'"):
            points(sheet("image;Sella_x;Sella_y\na;1.234,5;3\n"))


class TestColumns:
    def test_a_wide_sheet_has_the_landmark_in_its_columns(self, sheet):
        assert points(sheet("film,x of S,y of S\na,1,2\n"), image="film", x="x of {landmark}", y="y of {landmark}") == {
            "Sella": [1, 2]
        }

    def test_a_long_sheet_has_it_in_one_column(self, sheet):
        content = "film,point,who,x,y,set\na,Sella,B.,1,2,test\na,Nasion,B.,3,4,test\na,Sella,C.,5,6,test\n"
        table = TableOptions(image="film", x="x", y="y", landmark="point", reader="who", split="set")
        found = read(sheet(content), options=ReadOptions(table=table))
        assert set(found.landmarks["reader"]) == {"B.", "C."}
        assert found.landmarks.set_index(["reader", "landmark"]).loc[("C.", "Nasion")].isna()["x"]
        assert found.images["split"][0] == "test"

    def test_a_long_sheet_with_a_point_twice_is_reported(self, sheet):
        with pytest.raises(AnnotationError, match="a second key point"):
            points(sheet("image,l,x,y\na,S,1,2\na,S,1,2\n"), x="x", y="y", landmark="l")

    def test_a_wide_sheet_with_an_image_twice_is_reported(self, sheet):
        path = sheet(WIDE + "a.png,1,2,3,4\n")
        with pytest.raises(AnnotationError, match="'a' again"):
            points(path)
        found = read(path, options=ReadOptions(table=TableOptions()), on_bad_item="quarantine")
        assert found.landmarks["x"].tolist() == [10.5, 30]
        assert found.quarantine["outcome"].tolist() == ["kept", "file quarantined"]

    def test_numbered_columns_have_the_user_s_names(self, sheet):
        path = sheet("image,p1x,p1y,p2x,p2y\na,1,2,3,4\n")
        how = {"x": "p{landmark}x", "y": "p{landmark}y"}
        assert points(path, **how, landmarks=("N", "S")) == {"Nasion": [1, 2], "Sella": [3, 4]}
        with pytest.raises(AnnotationError, match="Name the numbered landmarks"):
            points(path, **how)

    def test_a_missing_column_is_named_with_those_that_are_there(self, sheet):
        with pytest.raises(AnnotationError, match="no column 'film'; found 'image', 'Sella_x'"):
            points(sheet(WIDE), image="film")

    def test_a_column_twice_is_refused(self, sheet):
        with pytest.raises(AnnotationError, match="column 'Sella_x' occurs 2 times"):
            points(sheet("image,Sella_x,Sella_y,Sella_x\na,1,2,3\n"))

    def test_a_sheet_in_no_known_format_says_what_to_configure(self, sheet):
        with pytest.raises(AnnotationError, match=r"a sheet with the columns 'image'.*ingestion\.reading\.table"):
            read(sheet(WIDE))

    def test_empty_cells_are_missing_points_and_half_ones_are_not(self, sheet):
        assert np.isnan(points(sheet("image,Sella_x,Sella_y,Nasion_x,Nasion_y\na,,NA,3,4\n"))["Sella"]).all()
        with pytest.raises(AnnotationError, match="'Sella': found"):
            points(sheet("image,Sella_x,Sella_y\na,,4\n"))

    @pytest.mark.parametrize(
        "wrong",
        [{"x": "x"}, {"landmark": "l"}, {"unit": "mm"}, {"pixel_size_mm": -1}, {"pixel_size_mm": float("inf")}, {"colour": 1}],
    )
    def test_options_that_contradict_each_other_are_refused(self, wrong):
        with pytest.raises(ValidationError):
            TableOptions(**wrong)


class TestUnits:
    def test_pixels_may_count_from_one(self, sheet):
        assert points(sheet(WIDE), first_pixel=1)["Sella"] == [9.5, 19]

    def test_y_may_count_from_below(self, sheet):
        assert points(sheet(WIDE), y_up=True)["Sella"] == [10.5, 60]

    def test_millimetres_need_an_origin_and_a_pixel_size(self, sheet):
        content = "image,mm,Sella_x,Sella_y,Nasion_x,Nasion_y\na,0.5,0,0,10,-5\n"
        found = points(sheet(content), unit="mm", origin_px=(20, 30), pixel_size_mm="mm", y_up=True)
        assert found == {"Sella": [20, 30], "Nasion": [40, 40]}
        with pytest.raises(AnnotationError, match="no pixel size, expected a pixel size"):
            points(sheet(content.replace("0.5", "0")), unit="mm", pixel_size_mm="mm")

    @pytest.mark.parametrize(("cell", "size"), [("0.1", 0.1), ("0", np.nan), ("", np.nan)])
    def test_a_pixel_size_of_0_or_none_is_unknown(self, sheet, cell, size):
        path = sheet(f"image,mm,Sella_x,Sella_y\na,{cell},1,2\n")
        found = read(path, options=ReadOptions(table=TableOptions(pixel_size_mm="mm"))).images["pixel_size_mm"][0]
        np.testing.assert_equal(found, size)

    def test_a_negative_pixel_size_is_refused(self, sheet):
        with pytest.raises(AnnotationError, match="pixel size '-1'"):
            points(sheet("image,mm,Sella_x,Sella_y\na,-1,1,2\n"), pixel_size_mm="mm")

    @pytest.mark.parametrize("size", ["100", "300", "9.8", "0.0001"], ids=["um", "dpi", "pixels per mm", "metres"])
    def test_a_pixel_size_in_another_unit_is_refused(self, sheet, size):
        with pytest.raises(AnnotationError, match=f"found pixel size '{size}', expected millimetres per pixel from 0.02 to 2"):
            points(sheet(f"image,mm,Sella_x,Sella_y\na,{size},1,2\n"), pixel_size_mm="mm")
        with pytest.raises(ValidationError, match=r"expected 0\.02 to 2"):
            TableOptions(pixel_size_mm=float(size))

    def test_fractions_of_the_image_are_not_taken_for_pixels(self, sheet):
        with pytest.raises(AnnotationError, match=r"found 3 points within one pixel, .* are these fractions of the image"):
            points(sheet("image,Sella_x,Sella_y,Nasion_x,Nasion_y,Menton_x,Menton_y\na,0.4,0.3,0.8,0.25,0.7,0.9\n"))


class TestWhatWouldBeReadWronglyWithoutAWord:
    @pytest.mark.parametrize("content", ["image,Sella_x,Sella_y\na.png,10,5,20,5\n", "image,Sella_x,Sella_y\n1,a.png,10,20\n"])
    def test_a_row_with_more_cells_than_the_header_is_refused(self, sheet, content):
        with pytest.raises(AnnotationError, match=r"line 2 has \d cells, the header 3; possible causes are decimal commas"):
            points(sheet(content))
        assert points(sheet("image,Sella_x,Sella_y\na.png,10,20,,\n")) == {"Sella": [10, 20]}

    @pytest.mark.parametrize("number", ["1.234", "1.234.567", "-1.234"])
    def test_thousands_are_told_from_decimals_or_refused(self, sheet, number):
        content = f"image;Sella_x;Sella_y;Nasion_x;Nasion_y\na.png;{number};20;30,5;40\n"
        with pytest.raises(AnnotationError, match="expected finite numbers x and y, without points that could be thousands"):
            points(sheet(content))
        points_are_decimal = sheet("image;Sella_x;Sella_y\na.png;1.234;20.5\n")
        assert points(points_are_decimal) == {"Sella": [1.234, 20.5]}
        with pytest.raises(AnnotationError, match="without points"):
            points(points_are_decimal, decimal_comma=True)

    def test_commas_that_may_separate_thousands_make_no_decimals(self, sheet):
        ambiguous = sheet("image;Sella_x;Sella_y\na.png;1,234;56\n")
        with pytest.raises(AnnotationError, match=r"'1,234'.*decimal points; set `ingestion.reading.table.decimal_comma: true`"):
            points(ambiguous)
        assert points(ambiguous, decimal_comma=True) == {"Sella": [1.234, 56]}

    @pytest.mark.parametrize("decisive", ["0,5", "0,125", "1234,567", "-1,25"])
    def test_one_comma_that_cannot_tells_of_the_others(self, sheet, decisive):
        content = f"image;Sella_x;Sella_y;note\na.png;1,234;56;{decisive}\n"
        assert points(sheet(content)) == {"Sella": [1.234, 56]}

    def test_rows_of_one_image_that_contradict_each_other_are_refused(self, sheet):
        head = "image,landmark,x,y,set,w,h\na.png,Sella,1,2,train,100,80\n"
        long = {"x": "x", "y": "y", "landmark": "landmark", "split": "set", "width": "w", "height": "h"}
        with pytest.raises(AnnotationError, match="line 3: found split train and test, expected one size"):
            points(sheet(f"{head}a.png,Nasion,3,4,test,100,80\n"), **long)
        with pytest.raises(AnnotationError, match="line 3: found size 100 × 80 and 80 × 100, expected one size"):
            points(sheet(f"{head}a.png,Nasion,3,4,train,80,100\n"), **long)
        assert points(sheet(f"{head}a.png,Nasion,3,4,,,\n"), **long) == {"Sella": [1, 2], "Nasion": [3, 4]}

    def test_what_the_first_row_of_an_image_leaves_empty_a_later_one_may_say(self, sheet):
        path = sheet("image,landmark,x,y,set,w,h,mm\nz.png,Sella,1,2,,,,\nz.png,Nasion,3,4,test,100,80,0.1\n")
        columns = {"split": "set", "width": "w", "height": "h", "pixel_size_mm": "mm"}
        found = read(path, options=ReadOptions(table=TableOptions(x="x", y="y", landmark="landmark", **columns)))
        facts = found.images[["split", "width", "height", "pixel_size_mm"]]
        assert facts.to_numpy().tolist() == [["test", 100, 80, 0.1]]
        assert found.landmarks["x"].tolist() == [1, 3]

    def test_a_point_s_problem_names_its_own_row(self, sheet):
        long = sheet("image,landmark,x,y\na,Sella,1,2\na,Nasion,3,4\nb,Sella,1,2\na,Menton,5,?\n")
        with pytest.raises(AnnotationError, match=r"line 5, 'Menton': found \['5', '\?'\]"):
            points(long, x="x", y="y", landmark="landmark")
        wide = sheet("image,who,Sella_x,Sella_y\na,anna,1,2\na,ben,5,?\n")
        with pytest.raises(AnnotationError, match=r"line 3, 'Sella': found \['5', '\?'\]"):
            points(wide, reader="who")

    def test_a_size_in_thousands_is_no_size(self, sheet):
        content = "image;Sella_x;Sella_y;width;height\nabsent.png;1,5;1;{};{}\n"
        assert points(sheet(content.format("2000", "3000")), width="width", height="height") == {"Sella": [1.5, 1]}
        with pytest.raises(AnnotationError, match=r"absent\.png"):
            points(sheet(content.format("2.000", "3.000")), width="width", height="height")

    def test_a_split_of_another_name_is_no_training_image(self, sheet):
        content = "image,Sella_x,Sella_y,fold\na.png,10,20,holdout\nb.png,10,20,Test\n"
        options = ReadOptions(table=TableOptions(split="fold"))
        with pytest.raises(AnnotationError, match="line 2: found split 'holdout', expected train, valid or test"):
            read(sheet(content), options=options)
        found = read(sheet(content), options=options, on_bad_item="quarantine")
        assert found.images[["image_id", "split"]].to_numpy().tolist() == [["b", "test"]]

    def test_readers_with_mail_addresses_stay_apart(self, sheet):
        content = "image,who,landmark,x,y\na,one@x.org,Sella,1,2\na,two@x.org,Sella,3,4\n"
        options = ReadOptions(table=TableOptions(x="x", y="y", landmark="landmark", reader="who"))
        found = read(sheet(content), options=options).landmarks
        assert found[["reader", "x"]].to_numpy().tolist() == [["annotator_x1", 1], ["annotator_x2", 3]]

    def test_films_without_an_annotation_are_counted(self, sheet):
        found = read(sheet(WIDE), options=ReadOptions(table=TableOptions())).quarantine
        assert found["reason"].tolist() == [
            ".: images: found 1 of 2 without an annotation: 'b.png', expected an annotation for each image."
        ]
        assert found["outcome"].tolist() == ["kept"]

    def test_an_image_that_is_not_there_is_named_with_those_that_are(self, sheet):
        with pytest.raises(AnnotationError, match=r"line 2, size: found neither the image '1' nor .* \(there are a, b, …\)"):
            points(sheet("image,Sella_x,Sella_y\n1,10,20\n"))


def test_what_an_error_offers_to_leave_out_can_be_left_out(sheet):
    path = sheet("image,Glabella_x,Glabella_y,1_x,1_y,Sella_x,Sella_y\na,500,1,2,3,4,5\nb,50,1,,,4,5\n")
    with pytest.raises(AnnotationError, match=r"`ingestion\.exclude: \[a/'1', a/Glabella, b/'1'\]`"):
        points(path)
    found = read(path, options=ReadOptions(table=TableOptions()), exclude=["a/'1'", "a/Glabella", "b/'1'"]).landmarks
    assert found[found["x"].notna()][["image_id", "landmark"]].to_numpy().tolist() == [
        ["a", "Sella"],
        ["b", "Glabella"],
        ["b", "Sella"],
    ]


class TestWorkbooks:
    def test_of_the_old_kind_are_named(self, sheet):
        for name in ("points.xls", "points.csv"):
            with pytest.raises(AnnotationError, match=r"an Excel workbook in the old format \(\.xls\)\. Save it as \.xlsx"):
                read(sheet(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), name), "table")

    def test_are_read_whatever_their_name_says(self, sheet, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        book.active.append(["image", "Sella_x", "Sella_y"])
        book.active.append(["a.png", 10, 20])
        book.save(tmp_path / "book.xlsx")
        assert points(sheet((tmp_path / "book.xlsx").read_bytes(), "points.csv")) == {"Sella": [10, 20]}

    def test_sheets_that_are_not_read_are_named(self, sheet, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        sheet(WIDE)
        book = openpyxl.Workbook()
        book.active.title = "first reader"
        for place in (book.active, book.create_sheet("second reader")):
            place.append(["image", "Sella_x", "Sella_y"])
            place.append(["a.png", 10, 20])
        book.save(tmp_path / "book.xlsx")
        reasons = read(tmp_path / "book.xlsx", "table").quarantine["reason"]
        assert reasons.str.contains("'first reader', the first of 2 sheets: 'first reader', 'second reader'").any()
        assert (
            not read(tmp_path / "book.xlsx", options=ReadOptions(table=TableOptions(sheet="second reader")))
            .quarantine["reason"]
            .str.contains("sheets")
            .any()
        )

    def test_a_title_above_the_header_is_told_with_its_line_and_sheet(self, sheet, tmp_path):
        openpyxl = pytest.importorskip("openpyxl")
        sheet(WIDE)
        book = openpyxl.Workbook()
        book.active.append([])
        book.active.append(["Points of the study"])
        book.create_sheet("points")
        book.save(tmp_path / "book.xlsx")
        with pytest.raises(AnnotationError, match=r"found 'Points of the study' in line 2 of 'Sheet', the first of 2 sheets"):
            read(tmp_path / "book.xlsx", "table")


@pytest.mark.parametrize("name", ["IM0001", "1.2.840.7"])
def test_a_dicom_film_is_found_whatever_its_suffix(sheet, tmp_path, name):
    pytest.importorskip("pydicom")
    (tmp_path / "films").mkdir()
    samples.write(tmp_path / "films" / name, samples.dicom(np.full((80, 100), 90, np.uint8)))
    (tmp_path / "films/notes").write_text("no film")
    found = read(sheet(f"image,Sella_x,Sella_y\n{name},10,20\n"), "table", images=tmp_path / "films")
    assert found.images[["path", "width", "height"]].to_numpy().tolist() == [[name, 100, 80]]


def test_a_film_whose_rows_contradict_each_other_is_left_out_under_the_name_that_the_error_gives(sheet, tmp_path):
    path = sheet("image,landmark,x,y,mm\nf/b/a.png,Sella,1,2,0.1\nf/b/a.png,Nasion,1,2,0.2\nb.png,Sella,1,2,0.1\n")
    options = ReadOptions(table=TableOptions(x="x", y="y", landmark="landmark", pixel_size_mm="mm"))
    with pytest.raises(AnnotationError, match=r"`ingestion\.exclude: \[a\]`"):
        read(path, options=options)
    assert read(path, options=options, exclude=["a"]).images["image_id"].tolist() == ["b"]


def test_readers_of_two_patients_are_not_put_together(sheet, tmp_path):
    path = sheet("image,who,Sella_x,Sella_y\nC:\\f\\anna\\a.png,one,1,2\nC:\\f\\bea\\a.png,two,30,40\n")
    options = ReadOptions(table=TableOptions(reader="who"))
    with pytest.raises(AnnotationError, match=r"'anna/a\.png' and 'bea/a\.png', which may be several films"):
        read(path, options=options)


def test_readers_may_name_a_film_from_roots_of_their_own(sheet, tmp_path):
    path = sheet("image,who,Sella_x,Sella_y\n/home/one/f/anna/c.png,one,1,2\nD:\\anna\\c.png,two,3,4\n")
    (tmp_path / "anna").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "anna" / "c.png")
    found = read(path, options=ReadOptions(table=TableOptions(reader="who"))).landmarks
    assert found[["image_id", "x"]].to_numpy().tolist() == [["c", 1], ["c", 3]]


def two_sheets(sheet, tmp_path, first, second):
    """Sheets in the folders A and B, each with an image 1.png beside it."""
    for folder, content in (("A", first), ("B", second)):
        (tmp_path / folder).mkdir()
        sheet(content).rename(tmp_path / folder / "s.csv")
        (tmp_path / "a.png").rename(tmp_path / folder / "1.png")
    (tmp_path / "b.png").unlink()
    return tmp_path


def test_of_films_of_one_name_in_two_sheets_the_bad_one_is_named(sheet, tmp_path):
    head = "image,landmark,x,y,mm\n1.png,Sella,1,2,0.1\n1.png,Nasion,3,4,"
    root = two_sheets(sheet, tmp_path, f"{head}100\n", f"{head}0.1\n")
    options = ReadOptions(table=TableOptions(x="x", y="y", landmark="landmark", pixel_size_mm="mm"))
    with pytest.raises(AnnotationError, match=r"`ingestion\.exclude: \[A_1\]`"):
        read(root, options=options)
    found = read(root, options=options, exclude=["A_1"]).landmarks
    assert found[["image_id", "x"]].to_numpy().tolist() == [["B_1", 1], ["B_1", 3]]


def test_sheets_of_one_film_with_two_pixel_sizes_are_refused(sheet, tmp_path):
    for name, reader, mm in (("one", "anna", 0.2), ("two", "ben", 0.1)):
        sheet(f"image,who,mm,Sella_x,Sella_y\na,{reader},{mm},3,4\n", f"{name}.csv")
    options = ReadOptions(table=TableOptions(reader="who", pixel_size_mm="mm", unit="mm"))
    with pytest.raises(AnnotationError, match=r"two\.csv: line 2: found pixel size 0\.2 and 0\.1, expected one size"):
        read(tmp_path, options=options)


def test_the_image_beside_the_sheet_counts_before_one_deeper(sheet, tmp_path):
    path = sheet(WIDE)
    (tmp_path / "thumbs").mkdir()
    cv2.imwrite(str(tmp_path / "thumbs/a.png"), np.zeros((8, 10), np.uint8))
    assert read(path, options=ReadOptions(table=TableOptions())).images["path"].tolist() == ["a.png"]


def test_a_folder_called_data_makes_no_address_of_a_path(sheet, tmp_path):
    path = sheet("image,Sella_x,Sella_y\ndata/film#1.png,10,20\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "data/film#1.png")
    (tmp_path / "b.png").rename(tmp_path / "data/film.png")
    assert read(path, options=ReadOptions(table=TableOptions())).images["path"].tolist() == ["data/film#1.png"]

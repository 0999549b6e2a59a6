"""Files that nobody vouches for: what is read of them, and what is said of the others."""

import os
import re
import sys

import pytest

from ceph_pipeline.formats import Problem
from ceph_pipeline.formats.entries import as_pixel_size, as_size, key_of, number
from ceph_pipeline.formats.files import UnreadableFileError, decode, read_bytes, read_json, read_yaml, shown
from ceph_pipeline.formats.film_names import file_path, stem, without_prefix
from ceph_pipeline.formats.films import split_of, split_of_folders
from ceph_pipeline.images.identifiers import safe_identifier


class TestBytes:
    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
    def test_a_pipe_a_folder_and_a_device_are_refused_without_waiting(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
            with pytest.raises(UnreadableFileError, match="not a regular file"):
                read_bytes(tmp_path / path)

    def test_links_that_leave_the_folder_are_refused(self, tmp_path):
        root = tmp_path / "set"
        root.mkdir()
        (tmp_path / "secret").write_text("x")
        (root / "link").symlink_to(tmp_path / "secret")
        (root / "loop").symlink_to(root / "loop")
        with pytest.raises(UnreadableFileError, match="leaves the data set's folder"):
            read_bytes(root / "link", root)
        with pytest.raises(UnreadableFileError):
            read_bytes(root / "loop", root)

    def test_a_file_beyond_the_limit_is_refused_unread(self, tmp_path):
        with (tmp_path / "huge").open("wb") as stream:
            stream.truncate(2**40)
        with pytest.raises(UnreadableFileError, match="but the limit is"):
            read_bytes(tmp_path / "huge")


class TestText:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_unicode_is_recognised(self, encoding):
        assert decode('{"a": "é"}'.encode(encoding))[0] == '{"a": "é"}'

    def test_cp1252_is_named_or_read_on_request(self):
        content = "Müller".encode("cp1252")
        with pytest.raises(UnreadableFileError, match=r"byte 0xfc at position 1 is not valid UTF-8; the file looks like cp1252"):
            decode(content)
        assert decode(content, fallback="cp1252") == ("Müller", "cp1252")


class TestJSON:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('{"a": 1, "b": 2, "a": 3}', "the key 'a' occurs twice"),
            ("[" * 100_000, "nested too deeply"),
            ("9" * 5000, "4300 digits"),
            ('{"a": }', "line 1, column 7"),
            ("", "line 1, column 1"),
        ],
    )
    def test_is_refused_with_the_place(self, tmp_path, content, message):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(UnreadableFileError, match=message):
            read_json(tmp_path / "a.json")

    def test_nan_is_null_and_infinity_is_not(self, tmp_path):
        (tmp_path / "a.json").write_text("[NaN, Infinity, -Infinity]")
        assert read_json(tmp_path / "a.json") == [None, float("inf"), float("-inf")]

    def test_yaml_constructs_nothing(self, tmp_path):
        (tmp_path / "a.yaml").write_text("kpt_shape: !!python/object/apply:os.system ['true']")
        with pytest.raises(UnreadableFileError, match="invalid YAML"):
            read_yaml(tmp_path / "a.yaml")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("a/b/film.1.2.png", "film.1.2"),
            ("film_png.rf.0123abc.jpg", "film"),
            ("film.rf.0123abc.jpg", "film"),
            ("x\\y\\film.JPEG", "film"),
            ("patient.2021", "patient.2021"),
        ],
    )
    def test_a_film_s_name_is_without_folder_suffix_and_hash(self, name, expected):
        assert stem(name) == expected

    @pytest.mark.parametrize(
        ("name", "bare"), [("0a1b2c3d-a.png", "a.png"), ("0A1B2C3D-a.png", "0A1B2C3D-a.png"), ("0a1b2c3d-", "0a1b2c3d-")]
    )
    def test_only_eight_hexadecimal_digits_are_an_upload_s(self, name, bare):
        assert without_prefix(name) == bare

    def test_identifiers_are_file_names_and_stay_apart(self):
        names = ["a.b", "Müller Anna", "Muller Anna", "Müller\u00a0Anna", "x" * 300, "صورة", "..", "a\nb", "\udcff"]
        made = [safe_identifier(name) for name in names]
        assert made[0] == "a.b"
        assert len(set(made)) == len(made)
        assert all(Problem(entry, "f", "f", "x", "y").item == entry and len(entry) <= 128 for entry in made)

    def test_one_name_in_two_unicode_forms_is_one_film(self):
        assert safe_identifier("é") == safe_identifier("e\u0301")

    def test_a_name_that_windows_keeps_for_devices_gets_a_digest(self):
        made = [safe_identifier(name) for name in ("nul", "AUX", "com1.left", "null", "com", "a.aux")]
        assert made == ["nul-5bc585ee", made[1], made[2], "null", "com", "a.aux"]
        assert re.fullmatch(r"AUX-[0-9a-f]{8}", made[1])
        assert re.fullmatch(r"film-com1\.left-[0-9a-f]{8}", made[2])

    def test_a_path_keeps_its_folders(self):
        assert file_path("anna\\a b.png") == "anna/a b.png"

    @pytest.mark.parametrize("path", ["data/film#1.png", "/data/anna/50%25 film.png", "tasks/7#2.png"])
    def test_only_label_studio_s_own_addresses_are_taken_apart(self, path):
        assert file_path(path) == path
        assert file_path("/data/upload/6/a%20b.png") == "/data/upload/6/a b.png"
        assert file_path("s3://films/7%232#1.png") == "/7#2#1.png"

    @pytest.mark.parametrize(
        ("path", "split"),
        [
            ("train/labels/a.txt", "train"),
            ("keypoints_val2017.json", "valid"),
            ("Testing/x", "test"),
            ("latest/contest.json", None),
            ("Val-de-Grace/x.json", None),
            ("Test1Data/001.json", "test"),
            ("train-images/x.json", "train"),
            ("TRAIN/x.json", "train"),
            ("test_set_2/x.json", "test"),
            ("Train 01/x.json", "train"),
        ],
    )
    def test_splits_are_whole_words_of_a_path(self, path, split):
        assert split_of(path) == split

    def test_a_folder_is_a_split_s_by_its_whole_name_alone(self):
        assert [split_of_folders(name) for name in ("val2017", "Validation Set", "val-de-loire", "a/test/anna", "")] == [
            "valid",
            "valid",
            None,
            "test",
            None,
        ]


class TestValues:
    @pytest.mark.parametrize(
        ("text", "value"), [("290.", 290), (" -1e2 ", -100), ("\u22125", -5), ("nan", None), ("1e999", None), ("1_0", None)]
    )
    def test_numbers(self, text, value):
        assert number(text) == value

    def test_sizes(self):
        assert as_size("20", 30.0) == (20, 30)
        assert as_size(20.5, 30) is as_size(-1, 30) is as_size(10**30, 30) is as_size(True, 30) is None

    def test_a_negative_pixel_size_is_an_error(self):
        with pytest.raises(ValueError, match="-1"):
            as_pixel_size(-1)

    def test_identifiers_of_any_type(self):
        assert key_of(7) == key_of("7") == key_of(7.0) == "7"
        assert key_of(True) is key_of(None) is key_of(10**30) is None

    def test_what_is_shown_is_short_and_harmless(self):
        assert "\x1b" not in shown("\x1b[31m")
        assert len(shown("a" * 10_000)) <= 80
        assert shown(10**5000) == "a int too large to show"

    def test_problems_reach_no_terminal_raw(self):
        text = str(Problem("a\nb", "f\x1b[31m.json", "\udcff", "x\u2028y", "z"))
        assert text.isprintable()
        text.encode("utf-8")

"""Which files of a folder are films, and under which identifiers they go."""

import os
import re
import sys
from pathlib import Path

import film_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceph_pipeline.images import ImageReadError, read_image
from ceph_pipeline.images.film_files import list_films, why_no_film
from ceph_pipeline.images.identifiers import identifiers_of, safe_identifier
from ceph_pipeline.landmarks.tables import IDENTIFIER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Films, and what viewers, servers and people leave beside them."""
    film = samples.SOUND["png"](samples.wedge())
    for name in (
        "film1.png", "anna/ceph.png", "ben/ceph.png", ".film1.png", "._film1.png", ".preview.png", "Thumbs.db", ".DS_Store",
        "@eaDir/film1.png/SYNOPHOTO_THUMB_M.jpg", "ben/@eaDir/ceph.png/thumb.png", "__MACOSX/film1.png", "#recycle/old.png",
        "$Recycle.Bin/old.png",
    ):  # fmt: skip
        samples.write(tmp_path / name, film)
    return tmp_path


def test_hidden_files_and_thumbnails_are_no_films(folder: Path) -> None:
    found = list_films(folder)
    assert found.films == ("anna/ceph.png", "ben/ceph.png", "film1.png")
    assert found.skipped == ()
    assert found.n_hidden == 10


def test_names_that_only_begin_as_those_of_file_servers_are_films(tmp_path: Path) -> None:
    names = ("#1/ceph.png", "#12.png", "$3.png", "@anna.png")
    for name in names:
        samples.write(tmp_path / name, samples.SOUND["png"](samples.wedge()))
    found = list_films(tmp_path)
    assert (found.films, found.skipped, found.n_hidden) == (names, (), 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
def test_every_other_file_is_named_with_its_reason(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    for name in ("film.gif", "film.svg", "notes", "scan.pdf"):
        samples.write(folder / name, b"x")
    samples.write(folder / "points.json", b"{}")
    (folder / "folder.png").mkdir()
    (folder / "out.png").symlink_to("/etc/hostname")
    (folder / "broken.png").symlink_to(folder / "nowhere.png")
    reasons = {file.path: file.reason for file in list_films(folder).skipped}
    assert set(reasons) == {"pipe.png", "film.gif", "film.svg", "notes", "scan.pdf", "out.png", "broken.png"}
    assert "a pipe" in reasons["pipe.png"]
    assert ".gif: not a supported kind of film" in reasons["film.gif"]
    assert "a link out of the folder" in reasons["out.png"]
    assert "No such file" in reasons["broken.png"]


def test_a_link_to_a_folder_is_named(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    samples.write(elsewhere / "film.png", samples.SOUND["png"](samples.wedge()))
    (folder / "anna" / "linked").symlink_to(elsewhere, target_is_directory=True)
    [skipped] = list_films(folder).skipped
    assert skipped.path == "anna/linked"
    assert skipped.reason.startswith("a link to a folder, which is not followed")
    assert why_no_film(folder / "anna" / "linked", folder) == skipped.reason
    assert list_films(folder, deep=False).skipped == ()


@pytest.mark.parametrize("name", ["IM0001", "1.2.840.113619", "film.dcm"])
def test_dicom_files_are_films_whatever_their_names(tmp_path: Path, name: str) -> None:
    samples.write(tmp_path / name, samples.dicom(samples.wedge()))
    assert list_films(tmp_path).films == (name,)


def test_names_with_control_characters_reach_no_terminal(tmp_path: Path) -> None:
    samples.write(tmp_path / "a\n\x1b[31m.gif", b"x")
    skipped = list_films(tmp_path).skipped[0]
    assert skipped.path.isprintable()
    assert "\\x1b" in skipped.path


class TestIdentifiers:
    @pytest.mark.parametrize("name", ["film1", "cks2ip8fq2a0j0yufdfssbc09", "a.b-c_d", "001"])
    def test_a_name_that_can_be_one_stays(self, name: str) -> None:
        assert safe_identifier(name) == name

    def test_folders_are_part_of_it(self) -> None:
        found = identifiers_of(["anna/ceph.png", "ben/ceph.png", "film.tar.png", "1.2.840.113619"])
        assert found == {
            "anna_ceph": "anna/ceph.png",
            "ben_ceph": "ben/ceph.png",
            "film.tar": "film.tar.png",
            "1.2.840.113619": "1.2.840.113619",
        }

    @pytest.mark.parametrize("name", ["Müller Anna 2021-03-04", "film (1)", "x" * 200, "日本", "-rf", "a\nb", "..", ""])
    def test_any_other_is_made_safe_and_told_apart(self, name: str) -> None:
        assert re.fullmatch(IDENTIFIER, safe_identifier(name))
        assert safe_identifier(name) != safe_identifier(name + "2")

    @pytest.mark.parametrize("paths", [["a.png", "a.jpg"], ["a/b.png", "a_b.png"], ["A.png", "a.png"], ["a b.png", "a_b.png"]])
    def test_names_that_would_be_mistaken_for_each_other_get_digests(self, paths: list[str]) -> None:
        found = identifiers_of(paths)
        assert sorted(found.values()) == sorted(paths)
        assert len({name.casefold() for name in found}) == len(paths)

    @given(st.lists(st.text(min_size=1, max_size=250), unique=True, max_size=20))
    def test_whatever_the_names_each_file_has_one_of_its_own(self, names: list[str]) -> None:
        found = identifiers_of(names)
        assert list(found.values()) == names
        assert all(re.fullmatch(IDENTIFIER, name) for name in found)
        assert len(found) == len(names)

    @pytest.mark.parametrize(
        "name", ["con.2024", "aux.1.2.840", "com1.scan", "nul", "COM¹.a", "lpt9. x", "Müller", "..", "", "x" * 200, "con." * 60]
    )
    def test_one_that_is_made_safe_is_safe_and_stays(self, name: str) -> None:
        made = safe_identifier(name)
        assert safe_identifier(made) == made

    @given(st.text(max_size=150))
    def test_whatever_the_name_a_safe_one_stays(self, name: str) -> None:
        assert safe_identifier(safe_identifier(name)) == safe_identifier(name)

    def test_a_device_s_name_in_two_folders_stays_safe(self) -> None:
        found = list(identifiers_of(["con.1.png", "con.1.jpg"]))
        assert [safe_identifier(name) for name in found] == found

    def test_a_name_that_is_no_text_has_one_too(self) -> None:
        assert re.fullmatch(IDENTIFIER, safe_identifier(os.fsdecode(b"film-\xff")))


def test_a_name_in_an_error_is_one_printable_line(tmp_path):
    with pytest.raises(ImageReadError) as caught:
        read_image(tmp_path / "a\x1b[31m\nERROR forged.png")
    assert str(caught.value).endswith(r"a\x1b[31m\nERROR forged.png: no such image file.")

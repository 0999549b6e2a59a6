"""Parts of an archive change where their films do, and nowhere else."""

import pytest

from ceph_pipeline.archive.parts import FilmFile, parts_of

FILMS = [FilmFile(f"film_{number:04d}", f"films/film_{number:04d}.png", "1") for number in range(2000)]


def names(films, size=50, made_by="networks"):
    return [part.name for part in parts_of(films, size, made_by)]


def test_every_film_is_in_one_part_in_order():
    assert [film for part in parts_of(FILMS, 50, "networks") for film in part.films] == FILMS


def test_parts_have_the_size_asked_for_on_average_at_least_half_and_at_most_twice_that():
    sizes = [len(part.films) for part in parts_of(FILMS, 50, "networks")]
    assert sum(sizes) / len(sizes) == pytest.approx(50, rel=0.2)
    assert min(sizes[:-1]) >= 25
    assert max(sizes) <= 100
    assert [len(part.films) for part in parts_of(FILMS[:3], 1, "networks")] == [1, 1, 1]


@pytest.mark.parametrize("number", range(0, 2000, 100))
def test_a_film_more_changes_its_part_and_few_others(number):
    more = sorted([*FILMS, FilmFile("new", f"films/film_{number:04d}a.png", "1")], key=lambda film: film.path)
    assert 1 <= len(set(names(more)) - set(names(FILMS))) <= 4


def test_a_changed_film_and_a_size_by_the_sheet_change_the_part():
    changed = [film._replace(stamp="2") if film.image_id == "film_1000" else film for film in FILMS]
    sized = [film._replace(sheet_mm=0.1) if film.image_id == "film_1000" else film for film in FILMS]
    assert len(set(names(changed)) - set(names(FILMS))) == 1
    assert len(set(names(sized)) - set(names(FILMS))) == 1


def test_other_networks_change_every_part():
    assert not set(names(FILMS)) & set(names(FILMS, made_by="others"))


def test_no_films_are_no_parts():
    assert names([]) == []

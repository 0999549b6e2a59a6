"""Grey levels, negatives and mirrored pixels of drawn heads."""

import numpy as np
import pytest

from ceph_pipeline.audit import CHECKS, AuditParams, Evidence
from ceph_pipeline.audit.films import film_table, film_tone
from ceph_pipeline.audit.tables import FilmTable


@pytest.fixture
def check(heads, make_images, make_landmarks, quarantine, make_duplicates):
    """What a check says about fourteen heads, of which c03 is changed."""
    images = make_images(14)
    ramp = np.linspace(1, 0.1, 420)  # these heads are darker in front, which says where that is
    films = {image_id: (heads(seed) * ramp).astype(np.uint8) for seed, image_id in enumerate(images["image_id"])}

    def check(name, change=lambda film: film, mirror_points=False, stored=lambda film: film, likeness=None):
        changed = {i: stored(film) for i, film in (films | {"c03": np.ascontiguousarray(change(films["c03"]))}).items()}
        table = film_table(list(changed), [film_tone(film) for film in changed.values()])
        if likeness:
            table.loc[table["image_id"] == "c03", ["likeness", "mirrored_likeness"]] = likeness
        landmarks = make_landmarks(images["image_id"])
        if mirror_points:
            at = landmarks["image_id"] == "c03"
            landmarks.loc[at, "x"] = 999 - landmarks.loc[at, "x"]
        evidence = Evidence(images, landmarks, quarantine, make_duplicates(), films=FilmTable.validate(table))
        return list(CHECKS[name].find(evidence, AuditParams()))

    return check


def mirrored(film):
    return film[:, ::-1]


def test_levels_are_known_values():
    film = np.zeros((100, 100), np.uint8)
    film[:, 30:] = 100
    film[:, 90:] = 255
    tone = film_tone(film).levels()
    assert (tone.median, tone.contrast, tone.black_share, tone.white_share) == (100, 255, 0.3, pytest.approx(0.1))


def test_depth_does_not_matter(heads):
    assert film_tone(heads(0).astype(np.uint16) * 257).levels() == film_tone(heads(0)).levels()


@pytest.mark.parametrize("name", ["exposure", "inverted_films", "face_direction"])
def test_usual_films_are_left_in_peace(check, name):
    assert check(name) == []


@pytest.mark.parametrize(
    ("change", "severity", "says"),
    [
        (lambda film: (film * 0.3).astype(np.uint8), "warning", "contrast"),
        (lambda film: np.clip(film * 2.5, 0, 255).astype(np.uint8), "warning", "median grey level"),
        (lambda film: (100 + film * 0.05).astype(np.uint8), "error", "hardly any contrast"),
    ],
)
def test_a_badly_exposed_film_is_named(check, change, severity, says):
    [finding] = check("exposure", change)
    assert (finding.image_id, finding.severity) == ("c03", severity)
    assert says in finding.detail


def bits(count):
    """Stored in 16 bits, of which so many are used."""
    return lambda film: film.astype(np.uint16) << (count - 8)


@pytest.mark.parametrize("count", [10, 12, 16])
def test_films_of_a_detector_of_fewer_bits_than_their_files_are_left_in_peace(check, count):
    for name in ("exposure", "inverted_films", "face_direction"):
        assert check(name, stored=bits(count)) == []


@pytest.mark.parametrize("count", [12, 16])
@pytest.mark.parametrize("change", [lambda film: film // 24, lambda film: (100 + film * 0.05).astype(np.uint8)])
def test_a_black_or_flat_film_among_them_is_found(check, count, change):
    [finding] = check("exposure", change, stored=bits(count))
    assert (finding.image_id, finding.severity) == ("c03", "error")
    assert "hardly any contrast" in finding.detail


def test_each_detector_of_a_data_set_has_its_own_depth(heads):
    films = [heads(seed).astype(np.uint16) << shift for seed, shift in enumerate([4, 4, 4, 8, 8, 8])]
    films += [heads(6), heads(7) // 24, (heads(8) // 24).astype(np.uint16) << 4]
    table = film_table(list("abcdefghi"), [film_tone(film) for film in films])
    assert (table["contrast"] > 100).tolist() == [True] * 7 + [False] * 2
    assert table["contrast"][0] == film_tone(heads(0)).levels().contrast


@pytest.mark.parametrize("change", [lambda film: 255 - film, lambda film: 255 - film[:, ::-1]])
def test_a_negative_is_an_error_whichever_way_it_faces(check, change):
    [finding] = check("inverted_films", change)
    assert (finding.image_id, finding.severity) == ("c03", "error")


def test_a_turned_film_with_its_points_is_a_warning(check):
    [finding] = check("face_direction", mirrored, mirror_points=True)
    assert (finding.image_id, finding.severity) == ("c03", "warning")
    assert "looks to the left" in finding.detail


def test_pixels_that_are_turned_without_their_points_are_an_error(check):
    [finding] = check("face_direction", mirrored)
    assert (finding.image_id, finding.severity) == ("c03", "error")
    assert "by its points the face looks to the right, by its pixels to the left" in finding.detail


@pytest.mark.parametrize(
    ("likeness", "mirror_points", "severity"),
    [
        ((0.30, 0.38), True, "warning"),
        ((0.38, 0.30), True, "warning"),
        ((0.45, 0.30), True, "error"),
        ((0.30, 0.45), False, "error"),
        ((0.30, 0.38), False, None),
    ],
)
def test_pixels_that_decide_nothing_contradict_nothing(check, likeness, mirror_points, severity):
    found = check("face_direction", mirror_points=mirror_points, likeness=likeness)
    assert [finding.severity for finding in found] == [severity] * (severity is not None)


class TestUpright:
    @pytest.fixture
    def found(self, make_images, make_landmarks, quarantine, make_duplicates):
        """What the check says if points are changed, and the images it says it of."""

        def found(change, films=slice(None)):
            images = make_images(12)
            landmarks = make_landmarks(images["image_id"])
            at = landmarks["image_id"].isin(images["image_id"][films])
            landmarks.loc[at, ["x", "y"]] = np.array(change(landmarks.loc[at, ["x", "y"]].to_numpy()))
            return list(CHECKS["face_direction"].find(Evidence(images, landmarks, quarantine, make_duplicates()), AuditParams()))

        return found

    def test_a_data_set_with_y_upwards_is_one_error_with_the_way_out(self, found):
        [finding] = found(lambda points: points * (1, -1) + (0, 1500))
        assert (finding.severity, finding.image_id) == ("error", "")
        assert finding.detail.startswith("Menton is above Nasion on 12 of 12 films: y is measured upwards")
        assert "ingestion.reading.table.y_up: true" in finding.detail

    def test_exchanged_coordinates_are_one_error(self, found):
        [finding] = found(lambda points: points[:, ::-1])
        assert finding.detail.startswith("Menton is beside Nasion on 12 of 12 films: x and y are exchanged")

    def test_a_single_film_upside_down_is_a_warning(self, found):
        [finding] = found(lambda points: points * (1, -1) + (0, 1500), slice(3, 4))
        assert (finding.severity, finding.image_id, finding.landmark) == ("warning", "c03", "Nasion, Menton")

    def test_faces_that_are_bent_are_upright(self, found):
        turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
        assert found(lambda points: points @ turn.T) == []
        assert found(lambda points: points @ turn) == []

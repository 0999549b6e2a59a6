"""Lines of a tracing go through the landmarks that the field draws them through."""

import pytest
from matplotlib.colors import to_hex

from ceph_pipeline.inference.overlay import LINE, draw_overlay
from ceph_pipeline.inference.tracing import traced

from .test_reports import FILM, points_of

PLACES = {
    "S": (100.0, 100.0),
    "N": (300.0, 100.0),
    "Ar": (60.0, 200.0),
    "Po": (40.0, 150.0),
    "Or": (240.0, 150.0),
    "ANS": (310.0, 240.0),
    "PNS": (180.0, 240.0),
    "Go": (80.0, 340.0),
    "Me": (280.0, 440.0),
    "A": (300.0, 260.0),
}


def line(name: str) -> tuple[tuple[float, float], ...]:
    return {each.name: each.xy for each in traced(PLACES)}[name]


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("S–N", ((84.0, 100.0), (316.0, 100.0))),  # 200 px, drawn on by 8 % at both ends
        ("palatal plane", ((167.0, 240.0), (323.0, 240.0))),  # 130 px, by 10 %
        ("mandibular plane", ((60.0, 330.0), (300.0, 450.0))),  # Go–Me, by 10 % of (200, 100)
        ("N–A", ((300.0, 100.0), (300.0, 260.0))),
        ("Frankfort horizontal", ((24.0, 150.0), (256.0, 150.0))),
    ],
)
def test_planes_go_through_their_landmarks_and_beyond(name: str, ends: tuple[tuple[float, float], ...]) -> None:
    found = sorted(line(name))
    assert found == [pytest.approx(end) for end in ends]


def test_a_contour_leaves_out_what_is_missing_and_a_plane_needs_both_ends() -> None:
    assert line("mandible") == (PLACES["Ar"], PLACES["Go"], PLACES["Me"])
    names = {each.name for each in traced(PLACES)}
    assert not names & {"N–B", "E line", "upper incisor", "lower incisor", "soft-tissue profile"}


def test_the_overlay_has_the_tracings_lines_at_their_places() -> None:
    figure = draw_overlay(FILM, points_of(PLACES), "a")
    (lines,) = figure.axes[0].collections
    assert [tuple(map(tuple, segment)) for segment in lines.get_segments()] == [each.xy for each in traced(PLACES)]
    assert to_hex(lines.get_colors()[0]) == LINE

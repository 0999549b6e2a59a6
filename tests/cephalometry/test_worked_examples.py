"""Values that others have published for the points of a face."""

import pytest

from ceph_pipeline.cephalometry import measure

FACE = {
    "S": (623, 661), "N": (1377, 473), "A": (1365, 1147), "B": (1231, 1654), "Ar": (494, 955), "Go": (569, 1403),
    "Me": (1130, 1855), "Po": (435, 825), "Or": (1235, 833), "Pog": (1222, 1780), "Gn": (1193, 1855),
    "PNS": (892, 1093), "ANS": (1377, 1055), "UIT": (1382, 1386), "UIA": (1302, 1147), "LIT": (1336, 1403), "LIA": (1189, 1633),
}  # fmt: skip
"""px; the face by which WebCeph, an open tracing program, tests its basic analysis (github.com/forabi/WebCeph, basic.test.ts)."""


@pytest.mark.parametrize(
    ("key", "whole_degrees"),
    [
        ("SNA", 74),
        ("SNB", 68),
        ("ANB", 6),
        ("BjorkSum", 412),
        ("PP_MP", 43),
        ("YAxis", 63),
        ("Convexity", 11),
        ("FMA", 38),
    ],
)
def test_webceph_s_basic_analysis(key, whole_degrees):
    """It states its values rounded down."""
    value = measure(FACE, pixel_size_mm=None)[key]
    assert whole_degrees <= value < whole_degrees + 1

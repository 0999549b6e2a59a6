"""Two films of a folder: the table of changes, the picture, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ceph_pipeline.cephalometry import SuperimpositionError
from ceph_pipeline.inference.params import SuperimpositionParams
from ceph_pipeline.landmarks import Affine, find
from ceph_pipeline.pipelines.superimposition.nodes import compare_films
from tests.cephalometry.test_measurement_invariance import BASE, NAMES

TURNED = Affine.similarity((0, 0), angle_deg=10).then(Affine.translation(900, 400))
PARAMS = SuperimpositionParams(first="t1", second="t2")
MM = pd.DataFrame(
    {"image_id": ["t1", "t2"], "mm_per_pixel": 0.1, "mm_per_pixel_se": np.nan, "source": "file", "is_suspect": False}
)
UNKNOWN = MM.assign(mm_per_pixel=np.nan, source="unknown")


def films(sigma: float) -> pd.DataFrame:
    """A face, and the same one 3 mm longer below in a film that lies askew."""
    grown = BASE.copy()
    grown[[NAMES.index(name) for name in ("Me", "Gn")]] += (0, 30)
    tables = [
        pd.DataFrame(
            {
                "image_id": name,
                "stage": "stage2",
                "landmark": [find(symbol).name for symbol in NAMES],
                "x": xy[:, 0],
                "y": xy[:, 1],
            }
        )
        for name, xy in (("t1", BASE), ("t2", TURNED(grown)))
    ]
    return pd.concat(tables, ignore_index=True).assign(sigma_px=sigma)


@pytest.mark.parametrize(("sigma", "verdict"), [(1.0, "larger than its error"), (30.0, "smaller than its error")])
def test_a_change_says_whether_it_is_more_than_its_error(sigma: float, verdict: str) -> None:
    table, _ = compare_films(films(sigma), MM, PARAMS)
    rows = table.set_index("measurement")
    assert rows.loc["N_Me_mm", "change"] == pytest.approx(3.0, abs=0.01)
    assert rows.loc["N_Me_mm", "verdict"] == verdict
    # Both ends scatter by sigma in both films: 2 · sigma px along the distance.
    assert rows.loc["N_Me_mm", "error"] == pytest.approx(1.96 * 2 * sigma * 0.1, rel=1e-3)
    assert rows.loc["SNA", "change"] == pytest.approx(0, abs=1e-6)
    assert rows.loc["SNA", "verdict"] == "smaller than its error"


@pytest.mark.parametrize("registration", ["sella_nasion", "cranial_base"])
def test_both_tracings_are_drawn_in_the_first_films_pixels(registration: str) -> None:
    _, figure = compare_films(films(1.0), MM, PARAMS.model_copy(update={"registration": registration}))
    first, second = figure.axes[0].lines
    assert [line.get_label() for line in (first, second)] == ["t1", "t2"]
    assert first.get_color() != second.get_color()
    apart = second.get_xydata() - first.get_xydata()
    assert apart[NAMES.index("Me")] == pytest.approx([0, 30], abs=1e-6)
    assert np.abs(apart[NAMES.index("A")]).max() < 1e-6


def test_a_name_of_digits_is_no_number() -> None:
    named = films(1.0).replace({"image_id": {"t1": "010", "t2": "8"}})
    sizes = MM.assign(image_id=["010", "8"])
    _, figure = compare_films(named, sizes, SuperimpositionParams(first="010", second="8"))
    assert [line.get_label() for line in figure.axes[0].lines] == ["010", "8"]
    with pytest.raises(SuperimpositionError, match=r"first = '10': inference has located no film of this name"):
        compare_films(named, sizes, SuperimpositionParams(first="10", second="8"))
    with pytest.raises(ValidationError, match="valid string"):
        SuperimpositionParams.model_validate({"first": 0o10})


def test_a_landmark_of_the_users_own_is_drawn_and_measured_nowhere() -> None:
    own = films(1.0).replace({"landmark": {"Menton": "Glabella"}})
    table, figure = compare_films(own, MM, PARAMS)
    assert "N_Me_mm" not in set(table["measurement"])
    assert table.set_index("measurement").loc["SNA", "change"] == pytest.approx(0, abs=1e-6)
    assert "Glabella" in {text.get_text() for text in figure.axes[0].texts}


def test_films_of_different_pixel_sizes_are_brought_to_one() -> None:
    table = films(1.0)
    later = table["image_id"] == "t2"
    table.loc[later, ["x", "y"]] *= 2
    params = PARAMS.model_copy(update={"pixel_sizes_mm": (0.1, 0.05)})
    found, figure = compare_films(table, UNKNOWN, params)
    assert found.set_index("measurement").loc["SN_mm", "change"] == pytest.approx(0, abs=1e-6)
    first, second = figure.axes[0].lines
    assert np.abs((second.get_xydata() - first.get_xydata())[NAMES.index("A")]).max() < 1e-6


def test_a_suspect_pixel_size_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    suspect = MM.assign(is_suspect=[False, True])
    compare_films(films(1.0), suspect, PARAMS)
    assert caplog.text.count("is suspect (see its report)") == 1
    caplog.clear()
    compare_films(films(1.0), suspect, PARAMS.model_copy(update={"pixel_sizes_mm": (0.1, 0.1)}))
    assert "suspect" not in caplog.text
    with pytest.raises(ValueError, match="less than or equal to 2"):
        SuperimpositionParams(pixel_sizes_mm=(100, 0.1))


@pytest.mark.parametrize(
    ("params", "sizes", "message"),
    [
        (SuperimpositionParams(), MM, "superimposition.first = None.*Name one of t1, t2"),
        (SuperimpositionParams(first="t1", second="t3"), MM, "superimposition.second = 't3'"),
        (SuperimpositionParams(first="t1", second="t1"), MM, "both 't1'"),
        (PARAMS, UNKNOWN, "inference.pixel_size_mm"),
        (PARAMS, MM.iloc[:1], "'t2' has landmarks, but no pixel size.*Run inference again"),
    ],
)
def test_what_is_no_pair_is_refused(params: SuperimpositionParams, sizes: pd.DataFrame, message: str) -> None:
    with pytest.raises(SuperimpositionError, match=message):
        compare_films(films(1.0), sizes, params)

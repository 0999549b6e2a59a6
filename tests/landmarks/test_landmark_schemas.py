import pytest

from ceph_pipeline.landmarks import SCHEMAS, UnknownLandmarkError, find


def test_aariz_has_29_points_of_three_tissues():
    tissues = [landmark.tissue for landmark in SCHEMAS["aariz"]]

    assert len(SCHEMAS["aariz"]) == 29
    assert {tissue: tissues.count(tissue) for tissue in set(tissues)} == {"skeletal": 15, "dental": 8, "soft": 6}


def test_isbi_lists_its_19_points_in_the_order_of_the_challenge():
    names = SCHEMAS["isbi2015"].names

    assert len(names) == 19
    assert names[0] == "Sella"
    assert names[4] == "A-point", "Subspinale is the A-point"
    assert names[11] == "Upper Incisor Tip"
    assert names[18] == "Articulare"


def test_every_isbi_point_is_one_of_aariz():
    assert set(SCHEMAS["isbi2015"].names) < set(SCHEMAS["aariz"].names)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_names_and_symbols_are_unique(schema):
    assert len(set(schema.names)) == len(set(schema.symbols)) == len(schema)


def test_identifiers_of_aariz_are_unique():
    assert len({landmark.aariz_id for landmark in SCHEMAS["aariz"]}) == 29


def test_the_backtick_tells_soft_tissue_nasion_from_nasion():
    assert find("N").name == "Nasion"
    assert find("N`").name == "Soft Tissue Nasion"


def test_name_and_symbol_find_the_same_point():
    assert find("Gonion") is find("Go")


def test_an_unknown_landmark_suggests_the_nearest():
    with pytest.raises(UnknownLandmarkError, match=r"unknown landmark 'Nasoin'\. Did you mean 'Nasion'"):
        find("Nasoin")


def test_an_unknown_landmark_without_neighbours_suggests_none():
    with pytest.raises(UnknownLandmarkError) as caught:
        find("zzzzzzzz")

    assert str(caught.value) == "unknown landmark 'zzzzzzzz'."

import pytest

from ceph_pipeline.landmarks import SCHEMAS, UnknownLandmarkError, common_landmarks, find, known_or_own, own_schema
from ceph_pipeline.landmarks.aliases import ALIASES, spelling
from ceph_pipeline.landmarks.schemas import tidy


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


def test_sizes_are_those_of_the_public_sets():
    assert {name: len(schema) for name, schema in SCHEMAS.items()} == {
        "aariz": 29,
        "isbi2015": 19,
        "cl_detection2023": 38,
        "cl_detection2024": 53,
        "ruler": 2,
    }


def test_sets_meet_in_isbi_2015_s_landmarks():
    for name in ("aariz", "cl_detection2023", "cl_detection2024"):
        assert set(common_landmarks(SCHEMAS[name], SCHEMAS["isbi2015"])) == set(SCHEMAS["isbi2015"].names)
    assert common_landmarks(SCHEMAS["aariz"], SCHEMAS["cl_detection2023"])[:3] == ("A-point", "Anterior Nasal Spine", "B-point")
    assert common_landmarks(SCHEMAS["cl_detection2023"], SCHEMAS["cl_detection2024"]) == SCHEMAS["isbi2015"].names


def test_aliases_lead_to_the_same_landmark():
    assert find("Subspinale") is find("A")
    assert find("Upper lip") is find("Ls")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("SELLA", "Sella"),
        ("GO", "Gonion"),
        ("a_point", "A-point"),
        ("B Punkt", "B-point"),
        ("anterior-nasal-spine", "Anterior Nasal Spine"),
        ("spina nasalis posterior", "Posterior Nasal Spine"),
        ("Spp", "Posterior Nasal Spine"),
        ("Weichteil-Pogonion", "Soft Tissue Pogonion"),
        ("pog`", "Soft Tissue Pogonion"),
        ("Nasion`", "Soft Tissue Nasion"),
        ("U1 Tip", "Upper Incisor Tip"),
        ("L1-apex", "Lower Incisor Apex"),
    ],
)
def test_other_spellings_and_languages_lead_to_the_same_landmark(label, name):
    assert find(label).name == name


@pytest.mark.parametrize("label", ["a", "n", "s", "P1", "P2", "U1", "SNA"])
def test_ambiguous_abbreviations_are_no_landmark(label):
    with pytest.raises(UnknownLandmarkError):
        find(label)


def test_a_name_in_a_table_has_one_spelling():
    assert known_or_own("Pog").name == "Pogonion"
    assert known_or_own("pog").symbol == "pog"


def test_no_spelling_belongs_to_two_landmarks():
    landmarks = {landmark for schema in SCHEMAS.values() for landmark in schema}
    keys = [
        {spelling(key) for key in (landmark.name, landmark.symbol, *ALIASES.get(landmark.name, ()))} for landmark in landmarks
    ]
    assert set(ALIASES) <= {landmark.name for landmark in landmarks}
    assert sum(map(len, keys)) == len(set().union(*keys))


class TestOwnSchemas:
    def test_known_landmarks_are_named_by_symbol_and_new_ones_described(self):
        schema = own_schema("mine", ("S", {"name": "Basion", "symbol": "Ba", "group": "skeletal"}, "Glabella"))
        assert schema.names == ("Sella", "Basion", "Glabella")
        assert schema.symbols == ("S", "Ba", "Glabella")
        assert schema.landmarks[1].tissue == "skeletal"

    @pytest.mark.parametrize("entries", [("S", "Sella"), ("S", {"name": "Own", "symbol": "S"})])
    def test_one_name_or_symbol_for_two_landmarks_is_refused(self, entries):
        with pytest.raises(ValueError, match="more than once"):
            own_schema("mine", entries)

    def test_unknown_keys_are_refused(self):
        with pytest.raises(ValueError, match="expected `name`"):
            own_schema("mine", ({"name": "Basion", "tissue": "skeletal"},))


@pytest.mark.parametrize("label", ["Sella\u200b", "\ufeffSella", "Se\u00adlla", "\u00a0Sella "])
def test_invisible_letters_of_a_label_count_for_nothing(label):
    assert tidy(label) == "Sella"

"""CVAT for images: points, skeletons, and what has no identity."""

import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, read

SKELETON = (
    '<skeleton label="face"><points label="Sella" outside="0" points="10.5,20.25"/>'
    '<points label="Nasion" outside="1" points="30,8"/></skeleton>'
)


@pytest.fixture
def cvat(tmp_path):
    def write(*images, meta="<meta><task><owner><email>someone@example.org</email></owner></task></meta>"):
        inside = "".join(
            f'<image id="{number}" name="{name}" width="100" height="80">{content}</image>'
            for number, (name, content) in enumerate(images)
        )
        path = tmp_path / "annotations.xml"
        path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{meta}{inside}</annotations>')
        return path

    return write


def pair(label, *points):
    return f'<points label="{label}" points="{";".join(points)}"/>'


def test_points_and_skeletons_are_read_and_outside_is_missing(cvat):
    found = read(cvat(("set/1.jpg", SKELETON + pair("Orbitale", "1,2"))))
    points = found.landmarks.set_index("landmark")["x"]
    assert points["Sella"] == 10.5
    assert points["Orbitale"] == 1
    assert points.isna()["Nasion"]
    assert found.images["image_id"][0] == "1"


def test_mail_addresses_are_never_echoed(cvat):
    found = read(cvat(("1.jpg", SKELETON)))
    assert "example.org" not in str([table.to_dict() for table in (found.images, found.landmarks, found.quarantine)])


@pytest.mark.parametrize("points", [pair("key_point", "1,2", "3,4"), pair("key_point", "1,2") + pair("key_point", "3,4")])
def test_one_label_for_all_points_is_an_order_for_which_the_user_has_names(cvat, points):
    path = cvat(("1.jpg", points))
    with pytest.raises(AnnotationError, match="Name the numbered landmarks"):
        read(path)
    assert read(path, options=ReadOptions(landmarks="ruler")).landmarks["x"].tolist() == [1, 3]


def test_an_order_needs_all_its_points(cvat):
    path = cvat(("1.jpg", pair("key_point", "1,2", "3,4")), ("2.jpg", pair("key_point", "1,2", "3,4", "5,6")))
    with pytest.raises(AnnotationError, match="found 2 numbered points without names, expected 3"):
        read(path, options=ReadOptions(landmarks=("S", "N", "Or")))


def test_an_export_for_video_is_refused_with_the_way_out(cvat, tmp_path):
    (tmp_path / "annotations.xml").write_text("<annotations><track id='0'/></annotations>")
    with pytest.raises(AnnotationError, match=r"Export as 'CVAT for images 1\.1'"):
        read(tmp_path)


def test_entities_are_never_expanded(tmp_path):
    (tmp_path / "annotations.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotations><image name="&b;"/></annotations>')
    with pytest.raises(AnnotationError, match="a document type or entities"):
        read(tmp_path, "cvat")

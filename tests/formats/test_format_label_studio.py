"""Label Studio exports of the ruler marks."""

import json
import re

import cv2
import numpy as np
import pytest

from ceph_pipeline.formats import AnnotationError, ReadOptions, read


def key_point(label, x, y, **extra):
    return {"type": "keypointlabels", "value": {"x": x, "y": y, "width": 0.3, "keypointlabels": [label]}} | extra


def task(name="4b650e6e-ceph-a.png", *annotations, size=(2000, 1000)):
    sized = {"original_width": size[0], "original_height": size[1], "image_rotation": 0} if size else {}
    annotations = annotations or ({"completed_by": 1, "result": [key_point("p1", 75, 10), key_point("p2", 74.5, 5)]},)
    for annotation in annotations:
        for result in annotation["result"]:
            result.update({key: value for key, value in sized.items() if key not in result})
    return {"data": {"image": f"/data/upload/6/{name}"}, "annotations": list(annotations), "file_upload": name}


@pytest.fixture
def export(tmp_path):
    def write(*tasks):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(list(tasks)))
        return path

    return write


class TestReading:
    def test_percent_from_the_edge_become_pixel_centres(self, export):
        found = read(export(task()))
        points = found.landmarks.set_index("landmark")[["x", "y"]]
        assert tuple(points.loc["p1"]) == (1499.5, 99.5)
        assert tuple(points.loc["p2"]) == (1489.5, 49.5)
        assert tuple(found.images[["width", "height"]].iloc[0]) == (2000, 1000)
        assert np.isnan(found.images["pixel_size_mm"][0])

    def test_the_upload_prefix_is_taken_off(self, export):
        assert list(read(export(task())).images["image_id"]) == ["ceph-a"]

    @pytest.mark.parametrize(
        "source",
        [
            "s3://bucket/x/ceph-a.png",
            "gs://bucket/films%20old/ceph-a.png",
            "https://bucket.s3.amazonaws.com/films/ceph-a.png?X-Amz-Signature=abc%2Fdef&X-Amz-Date=1",
            "/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvZmlsbXMvY2VwaC1hLnBuZw==",
            "/data/local-files/?d=xrays%2Fceph-a.png",
            "/data/local-files/?d=films/ceph-a.png",
            "..\\..\\ceph-a.png",
            "../../etc/ceph-a.png",
        ],
    )
    def test_only_the_file_name_counts(self, export, source):
        entry = task()
        entry["data"]["image"] = source
        assert list(read(export(entry)).images["path"]) == ["ceph-a.png"]

    def test_without_recorded_size_the_image_says_it(self, export, tmp_path):
        (tmp_path / "xrays" / "deep").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "xrays/deep/ceph-a.png"), np.zeros((400, 200), np.uint8))
        found = read(export(task(size=None)), "label_studio", images=tmp_path / "xrays")
        assert found.images["path"][0] == "deep/ceph-a.png"
        assert tuple(found.landmarks[["x", "y"]].iloc[0]) == (149.5, 39.5)

    def test_an_identifier_that_looks_like_an_upload_prefix_is_kept_where_its_image_exists(self, export, tmp_path):
        cv2.imwrite(str(tmp_path / "4b650e6e-ceph-a.png"), np.zeros((1000, 2000), np.uint8))
        assert list(read(export(task())).images["image_id"]) == ["4b650e6e-ceph-a"]

    def test_annotators_are_readers_and_their_latest_annotation_counts(self, export):
        first = {"completed_by": 1, "updated_at": "2025-11-07T04:00:00Z", "result": [key_point("p1", 10, 10)]}
        later = {"completed_by": 1, "updated_at": "2025-11-08T04:00:00Z", "result": [key_point("p1", 20, 10)]}
        other = {"completed_by": {"id": 7, "email": "someone@example.org"}, "result": [key_point("p1", 30, 10)]}
        landmarks = read(export(task("ceph-a.png", later, first, other))).landmarks.set_index("reader")
        assert landmarks.loc["annotator_1", "x"] == 399.5
        assert landmarks.loc["annotator_7", "x"] == 599.5
        assert len(landmarks) == 2

    def test_cancelled_annotations_and_other_kinds_of_result_are_passed_over(self, export):
        cancelled = {"completed_by": 2, "was_cancelled": True, "result": [key_point("p1", 10, 10)]}
        mixed = {"completed_by": 1, "result": [{"type": "choices", "value": {"choices": ["good"]}}, key_point("p1", 50, 50)]}
        assert list(read(export(task("ceph-a.png", cancelled, mixed))).landmarks["reader"]) == ["annotator_1"]

    def test_a_label_that_no_schema_has_is_kept_and_remarked_on(self, export):
        found = read(export(task("ceph-a.png", {"completed_by": 1, "result": [key_point("PT", 50, 50)]})))
        assert list(found.landmarks["landmark"]) == ["PT"]
        assert "'PT' in 1 of 1, expected a landmark's name or symbol" in found.quarantine["reason"][0]
        assert found.quarantine["outcome"][0] == "kept"

    def test_the_task_s_own_field_names_the_device(self, export):
        entry = task()
        entry["data"]["machine"] = "ART Plus"
        assert read(export(entry)).images["machine"].tolist() == ["ART Plus"]

    def test_symbols_become_full_names(self, export):
        found = read(export(task("ceph-a.png", {"completed_by": 1, "result": [key_point("N`", 50, 50)]})))
        assert list(found.landmarks["landmark"]) == ["Soft Tissue Nasion"]

    def test_a_folder_with_one_export_is_enough(self, export):
        assert len(read(export(task()).parent, "label_studio").images) == 1


BAD = {
    "no size": (task(size=None), "original_width and original_height, or the image itself", "ceph-a"),
    "no point": (
        task("ceph-a.png", {"completed_by": 1, "was_cancelled": True, "result": [key_point("p1", 1, 1)]}),
        "task[1] (annotations cancelled: 1), size: found neither",
        "ceph-a",
    ),
    "drafts": (
        {"data": {"image": "ceph-a.png"}, "annotations": [], "drafts": [{}], "predictions": [{}, {}]},
        "task[1] (drafts not submitted: 1, predictions not accepted: 2), size: found neither",
        "ceph-a",
    ),
    "empty": (task("ceph-a.png", {"completed_by": 1, "result": [{"type": "choices", "value": {}}]}), "no key point", "ceph-a"),
    "twice": (
        task("ceph-a.png", {"completed_by": 1, "result": [key_point("p1", 1, 1), key_point("p1", 2, 1)]}),
        "a second key point",
        "ceph-a/p1",
    ),
    "turned": (
        task("ceph-a.png", {"completed_by": 1, "result": [key_point("p1", 1, 1, image_rotation=90)]}),
        "image_rotation 90",
        "ceph-a/p1",
    ),
    "text": (task("ceph-a.png", {"completed_by": 1, "result": [key_point("p1", "1", 1)]}), "x and y in percent", "ceph-a/p1"),
    "outside": (
        task("ceph-a.png", {"completed_by": 1, "result": [key_point("p1", 101, 1)]}),
        "landmark 'p1': found x = 2019.5",
        "ceph-a/p1",
    ),
    "outside, unknown": (
        task("ceph-a.png", {"completed_by": 1, "result": [key_point("PT", 1, 101)]}),
        "landmark 'PT': found y = 1009.5",
        "ceph-a/PT",
    ),
    "no task": ({"id": 1}, "task[1]: found no image or no annotations", "export.json"),
    "no name": ({"annotations": [], "data": {}}, "task[1]: found no image or no annotations", "export.json"),
    "again": (task("ceph-b.png"), "'ceph-b' again", "ceph-b"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_tasks_are_refused_or_quarantined(export, kind):
    entry, message, item = BAD[kind]
    path = export(task("ceph-b.png"), entry)
    with pytest.raises(AnnotationError, match=re.escape(message)):
        read(path, "label_studio")
    found = read(path, "label_studio", on_bad_item="quarantine")
    assert item in set(found.quarantine["item"])
    assert "ceph-b" in set(found.images["image_id"])


class TestFilmsWithoutTheLandmarks:
    SHOWS_NONE = ReadOptions(blank_shows_none=True)

    @pytest.fixture
    def both(self, export, tmp_path):
        for name in ("blank", "ceph-a"):
            cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((1000, 2000), np.uint8))
        return export(task("ceph-a.png"), task("blank.png", {"completed_by": 1, "result": []}))

    def test_a_submission_without_a_point_says_that_the_film_shows_none(self, both):
        found = read(both, options=self.SHOWS_NONE)
        assert found.quarantine.empty
        rows = found.landmarks[found.landmarks["image_id"] == "blank"]
        assert set(rows["landmark"]) == set(found.landmarks["landmark"])
        assert rows[["x", "y"]].isna().all(axis=None)

    def test_unless_it_is_said_to_the_film_is_quarantined(self, both):
        assert "no key point" in read(both, on_bad_item="quarantine").quarantine["reason"].iloc[0]

    def test_one_that_nobody_submitted_is_quarantined_in_any_case(self, both, export):
        open_task = task("blank.png") | {"annotations": []}
        found = read(export(task("ceph-a.png"), open_task), on_bad_item="quarantine", options=self.SHOWS_NONE)
        assert found.images["image_id"].tolist() == ["ceph-a"]


SPOILT = {
    "turned": [key_point("p1", 75, 10, image_rotation=90), key_point("p2", 74.5, 5, image_rotation=90)],
    "outside": [key_point("p1", 175, 10), key_point("p2", 74.5, 5)],
    "twice": [key_point("p1", 75, 10), key_point("p1", 76, 10), key_point("p2", 74.5, 5)],
    "other names": [key_point("ruler 0", 75, 10), key_point("ruler 1", 74.5, 5)],
    "the face alone": [key_point("Sella", 40, 40), key_point("Nasion", 60, 35)],
    "boxes": [{"type": "rectanglelabels", "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rectanglelabels": ["p1"]}}],
    "one spot": [key_point("p1", 75, 10), key_point("p2", 75.001, 10)],
}


class TestARulerThatIsNotRead:
    """A mark that cannot be used must not say that the film shows no ruler."""

    RULER = ReadOptions(landmarks="ruler", only_landmarks=True, blank_shows_none=True)

    @pytest.mark.parametrize("kind", SPOILT)
    def test_its_film_is_quarantined(self, export, kind):
        spoilt = task("ceph-b.png", {"completed_by": 1, "result": [dict(point) for point in SPOILT[kind]]})
        found = read(export(task(), spoilt), on_bad_item="quarantine", options=self.RULER)
        assert found.images["image_id"].tolist() == ["ceph-a"]
        assert "ceph-b" in set(found.quarantine["item"])
        assert set(found.quarantine["outcome"]) >= {"image quarantined"}

    def test_without_p1_the_film_stays_and_the_mark_is_missing_not_absent(self, export):
        half = task("ceph-b.png", {"completed_by": 1, "result": [key_point("p2", 74.5, 5)]})
        found = read(export(task(), half), options=self.RULER)
        points = found.landmarks[found.landmarks["image_id"] == "ceph-b"].set_index("landmark")["x"]
        assert np.isnan(points["p1"])
        assert points["p2"] == 1489.5
        assert found.quarantine[["item", "outcome"]].to_numpy().tolist() == [["ceph-b", "kept"]]
        assert "1 of 2 landmarks missing: p1" in found.quarantine["reason"].iloc[0]

    def test_other_names_are_told_with_the_way_out(self, export):
        spoilt = task("ceph-b.png", {"completed_by": 1, "result": [dict(point) for point in SPOILT["other names"]]})
        with pytest.raises(AnnotationError, match=r"key points of 'ruler 0', 'ruler 1' only.*ingestion\.reading\.labels"):
            read(export(task(), spoilt), options=self.RULER)

    def test_the_face_s_points_beside_it_are_left_out_with_one_remark(self, export):
        points = [key_point("p1", 75, 10), key_point("p2", 74.5, 5), key_point("Sella", 40, 40), key_point("Nasion", 60, 35)]
        found = read(export(task("ceph-a.png", {"completed_by": 1, "result": points})), options=self.RULER)
        assert found.landmarks["landmark"].tolist() == ["p1", "p2"]
        assert found.quarantine["reason"].str.contains("2 others, left out: 'Nasion', 'Sella'").tolist() == [True]

    def test_a_mark_that_another_reader_has_keeps_the_film(self, export):
        outside = {"completed_by": 1, "result": [key_point("p1", 175, 10), key_point("p2", 74.5, 5)]}
        inside = {"completed_by": 2, "result": [key_point("p1", 75, 10), key_point("p2", 74.5, 5)]}
        found = read(export(task("ceph-a.png", outside, inside)), on_bad_item="quarantine", options=self.RULER)
        assert found.images["image_id"].tolist() == ["ceph-a"]

    def test_a_mark_left_out_on_request_takes_its_film_along(self, export):
        found = read(export(task(), task("ceph-b.png")), options=self.RULER, exclude=["ceph-b/p1"])
        assert found.images["image_id"].tolist() == ["ceph-a"]

    def test_the_choice_of_landmarks_needs_landmarks(self):
        with pytest.raises(ValueError, match="only_landmarks requires `landmarks`"):
            ReadOptions(only_landmarks=True)


class TestFramesThatContradictEachOther:
    def test_in_one_task(self, export):
        entry = task()
        entry["annotations"].append(
            {"completed_by": 2, "result": [key_point("p1", 10, 75, original_width=1000, original_height=2000)]}
        )
        with pytest.raises(AnnotationError, match="2000 × 1000 and 1000 × 2000 recorded for one image"):
            read(export(entry))

    def test_in_rows_of_json_min(self, export):
        rows = [minimal(ruler=[P1, P2]), minimal(annotator=7, ruler=[P1 | {"original_width": 1000, "original_height": 2000}])]
        with pytest.raises(AnnotationError, match="found size 2000 × 1000 and 1000 × 2000, expected one size"):
            read(export(*rows))

    def test_in_two_tasks_of_one_film(self, export):
        tasks = [by(1, "ceph.png"), task("x.png", {"completed_by": 2, "result": [key_point("p1", 10, 75)]}, size=(1000, 2000))]
        tasks[1]["data"] = dict(tasks[0]["data"])
        with pytest.raises(AnnotationError, match="found size 2000 × 1000 and 1000 × 2000, expected one size"):
            read(export(*tasks))

    @pytest.mark.parametrize("rows", ["tasks", "json_min"])
    def test_a_fact_that_one_of_them_lacks_is_the_other_s(self, export, rows):
        facts = {"split": "test", "pixel_size_mm": 0.1, "machine": "ART Plus"}
        pair = [minimal(ruler=[P1, P2]), minimal(annotator=7, ruler=[P1]) | facts]
        if rows == "tasks":
            pair = [by(1, "ceph.png"), by(7, "ceph.png")]
            pair[1]["data"] |= facts
        found = read(export(*pair))
        assert found.images[["split", "pixel_size_mm", "machine"]].to_numpy().tolist() == [["test", 0.1, "ART Plus"]]
        assert set(found.landmarks["reader"]) == {"annotator_1", "annotator_7"}

    def test_devices_and_splits(self, export):
        tasks = [by(1, "ceph.png"), by(2, "ceph.png")]
        for entry, split, machine in zip(tasks, ("train", "test"), ("A", "B"), strict=True):
            entry["data"] |= {"split": split, "machine": machine}
        with pytest.raises(AnnotationError, match="found split train and test, device 'A' and 'B', expected one size, split"):
            read(export(*tasks))


def test_pixels_in_a_data_address_are_no_name(export):
    entry = task()
    entry["data"] = {"image": "data:image/png;base64,iVBORw0KGgo="}
    found = read(export(entry))
    assert found.images["image_id"].tolist() == ["ceph-a"]
    del entry["file_upload"]
    with pytest.raises(AnnotationError, match="no image or no annotations"):
        read(export(entry))


def test_a_rotation_of_0_may_be_text(export):
    result = [key_point("p1", 75, 10, image_rotation="0")]
    assert read(export(task("ceph-a.png", {"completed_by": 1, "result": result}))).landmarks["x"].tolist() == [1499.5]


def test_an_unreadable_image_is_refused(export, tmp_path):
    (tmp_path / "ceph-a.png").write_bytes(b"no image")
    with pytest.raises(AnnotationError, match="unreadable"):
        read(export(task("ceph-a.png")))


@pytest.mark.parametrize(("content", "message"), [("{}", "found a JSON dict, expected a list of tasks"), ("[", "invalid JSON")])
def test_a_file_that_is_no_export_is_refused(tmp_path, content, message):
    from ceph_pipeline.formats.label_studio import read_label_studio

    (tmp_path / "export.json").write_text(content)
    with pytest.raises(AnnotationError, match=message):
        read_label_studio(tmp_path / "export.json", None, ReadOptions())
    with pytest.raises(AnnotationError, match="not in the layout of label_studio"):
        read(tmp_path / "export.json", "label_studio")


def minimal(image="/data/upload/6/4b650e6e-ceph-a.png", annotator=1, updated="2025-01-01", **controls):
    row = {
        "image": image,
        "id": 1,
        "annotator": annotator,
        "annotation_id": 2,
        "created_at": "",
        "updated_at": updated,
        "lead_time": 1,
    }
    return row | {control: [dict(point) for point in points] for control, points in controls.items()}


P1 = {"x": 75, "y": 10, "width": 0.3, "keypointlabels": ["p1"], "original_width": 2000, "original_height": 1000}
P2 = P1 | {"x": 50, "keypointlabels": ["p2"]}


class TestOtherExports:
    def test_json_min_has_the_results_under_their_control_s_name(self, export):
        found = read(export(minimal(ruler=[P1], other=[P2], boxes=[P1 | {"height": 3, "rectanglelabels": ["face"]}])))
        assert found.landmarks.set_index("landmark")["x"].to_dict() == {"p1": 1499.5, "p2": 999.5}
        assert list(found.images["image_id"]) == ["ceph-a"]

    def test_json_min_has_a_row_for_each_annotation_and_the_latest_of_an_annotator_counts(self, export):
        rows = [
            minimal(updated="2025-02-02", ruler=[P1 | {"x": 20}]),
            minimal(updated="2025-01-01", ruler=[P1]),
            minimal(annotator=7, ruler=[P1]),
        ]
        landmarks = read(export(*rows)).landmarks.set_index("reader")["x"]
        assert landmarks.to_dict() == {"annotator_1": 399.5, "annotator_7": 1499.5}

    def test_the_csv_export_has_json_in_its_cells(self, tmp_path):
        cell = json.dumps([P1, P2]).replace('"', '""')
        head = '"annotation_id","annotator","created_at","id","image","lead_time","ruler","updated_at"'
        (tmp_path / "a.csv").write_text(f'{head}\n22,"1","2025",37,"/data/upload/6/4b650e6e-ceph-a.png",10.9,"{cell}","2025"\n')
        assert read(tmp_path).landmarks["x"].tolist() == [1499.5, 999.5]

    @pytest.mark.parametrize(("separator", "encoding"), [(";", "utf-8"), ("\t", "utf-16")])
    def test_the_csv_export_may_have_been_saved_by_excel(self, tmp_path, separator, encoding):
        head = ("annotation_id", "annotator", "created_at", "id", "image", "lead_time", "ruler", "updated_at")
        row = ("22", "1", "2025", "37", "ceph-a.png", "10,9", '"' + json.dumps([P1, P2]).replace('"', '""') + '"', "2025")
        (tmp_path / "A.CSV").write_text("\n".join(separator.join(cells) for cells in (head, row)), encoding=encoding)
        assert read(tmp_path).landmarks["x"].tolist() == [1499.5, 999.5]

    def test_a_key_point_and_its_labels_are_two_results_in_any_order(self, export):
        value = {"x": 75, "y": 10, "width": 0.3}
        bare = {"id": "r1", "type": "keypoint", "value": value}
        labels = {"id": "r1", "type": "labels", "value": value | {"labels": ["p1"]}}
        for results in ([bare, labels], [labels, bare]):
            found = read(export(task("ceph-a.png", {"completed_by": 1, "result": [dict(entry) for entry in results]})))
            assert found.landmarks[["landmark", "x"]].to_numpy().tolist() == [["p1", 1499.5]]

    def test_a_key_point_without_labels_is_reported(self, export):
        bare = {"id": "r1", "type": "keypoint", "value": {"x": 75, "y": 10, "width": 0.3}}
        with pytest.raises(AnnotationError, match="the label ''"):
            read(export(task("ceph-a.png", {"completed_by": 1, "result": [bare, key_point("p1", 1, 1)]})))

    @pytest.mark.parametrize("size", [(2000.0, 1000.0), ("2000", "1000")])
    def test_sizes_may_be_floats_or_text(self, export, size):
        assert tuple(read(export(task(size=size))).images[["width", "height"]].iloc[0]) == (2000, 1000)

    @pytest.mark.parametrize("key", ["image", "img", "xray", "bild"])
    def test_the_image_may_have_any_key(self, export, key):
        entry = task("ceph-a.png")
        entry["data"] = {"patient": "17", key: "https://x.org/films/ceph-a.png"}
        del entry["file_upload"]
        assert list(read(export(entry)).images["image_id"]) == ["ceph-a"]

    def test_mail_addresses_of_annotators_become_numbers(self, export):
        found = read(export(task("a.png", {"completed_by": {"email": "a@example.org"}, "result": [key_point("p1", 1, 1)]})))
        assert list(found.landmarks["reader"]) == ["annotator_x1"]

    def test_points_of_a_turned_image_are_refused(self, export, tmp_path):
        cv2.imwrite(str(tmp_path / "ceph-a.png"), np.zeros((2000, 1000), np.uint8))
        with pytest.raises(AnnotationError, match="2000 × 1000 recorded, the image has 1000 × 2000"):
            read(export(task()))

    def test_percent_fit_a_smaller_copy_of_the_image(self, export, tmp_path):
        cv2.imwrite(str(tmp_path / "ceph-a.png"), np.zeros((500, 1000), np.uint8))
        assert read(export(task())).landmarks["x"].tolist() == [749.5, 744.5]

    def test_a_result_that_is_no_list_is_quarantined(self, export):
        found = read(export(task("b.png"), task("a.png") | {"annotations": [{"result": 5}]}), on_bad_item="quarantine")
        assert list(found.images["image_id"]) == ["b"]
        assert any("result: found 5, expected a list" in reason for reason in found.quarantine["reason"])

    def test_absent_images_are_counted_in_one_remark_where_others_are_there(self, export, tmp_path):
        path = export(task("a.png"), task("b.png"), task("c.png"))
        assert read(path).quarantine.empty
        cv2.imwrite(str(tmp_path / "c.png"), np.zeros((1000, 2000), np.uint8))
        assert read(path).quarantine["reason"].str.contains("2 of 3 not in the folder of images: 'a.png', 'b.png'").tolist() == [
            True
        ]


class TestNamesThatToolsAndSystemsChange:
    @pytest.mark.parametrize(
        ("upload", "film"), [("4b650e6e-M%C3%BCller_Anna_1.png", "M\u00fcller Anna (1).png"), ("4b650e6e-FILM.PNG", "film.png")]
    )
    def test_an_uploaded_film_is_found_under_its_own_name(self, export, tmp_path, upload, film):
        cv2.imwrite(str(tmp_path / "x.png"), np.zeros((1000, 2000), np.uint8))
        (tmp_path / "x.png").rename(tmp_path / film)
        assert read(export(task(upload))).images["path"].tolist() == [film]

    def test_a_film_in_the_file_server_s_bin_is_no_second_one(self, export, tmp_path):
        for folder in (".", "#recycle", "@eaDir"):
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / "ceph-a.png"), np.zeros((1000, 2000), np.uint8))
        assert read(export(task())).images["path"].tolist() == ["ceph-a.png"]


def test_a_split_of_another_name_is_no_training_image(export):
    held_out = task()
    held_out["data"]["split"] = "holdout"
    with pytest.raises(AnnotationError, match=re.escape("task[0], split: found 'holdout', expected train, valid or test")):
        read(export(held_out))


def film(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / path), np.zeros((1000, 2000), np.uint8))


def by(annotator, name):
    """A task on a film in local storage, with p1 at as many percent as the annotator's number."""
    entry = task("x.png", {"completed_by": annotator, "result": [key_point("p1", annotator, 10)]})
    return {"data": {"image": f"/data/local-files/?d=films/{name}"}, "annotations": entry["annotations"]}


class TestFilmsOfOneName:
    def test_readers_of_two_patients_are_not_put_together(self, export, tmp_path):
        film(tmp_path, "anna/ceph.png")
        for tasks in ([by(1, "anna/ceph.png"), by(2, "bea/ceph.png")], [by(2, "bea/ceph.png"), by(1, "anna/ceph.png")]):
            with pytest.raises(AnnotationError, match=r"'bea/ceph\.png', whose only image 'anna/ceph\.png' belongs to another"):
                read(export(*tasks))
            for chosen in ({"on_bad_item": "quarantine"}, {"exclude": ["bea_ceph"]}):
                found = read(export(*tasks), **chosen)
                assert found.landmarks[["image_id", "reader", "x"]].to_numpy().tolist() == [["ceph", "annotator_1", 19.5]]

    @pytest.mark.parametrize(
        ("names", "at_hand"),
        [
            (("anna/ceph.png", "bea/ceph.png"), "ceph.png"),
            (("anna/ceph.png", "bea/ceph.png"), None),
            (("aaaaaaaa-ceph.png", "bbbbbbbb-ceph.png"), None),
        ],
    )
    def test_where_nothing_tells_whose_the_image_is_no_film_is_read(self, export, tmp_path, names, at_hand):
        if at_hand:
            film(tmp_path, at_hand)
        path = export(by(1, names[0]), by(2, names[1]))
        with pytest.raises(AnnotationError, match=r"which may be several films, for one image 'ceph\.png'"):
            read(path)
        found = read(path, on_bad_item="quarantine")
        assert found.images.empty
        assert found.quarantine["item"].tolist()[:2] == ["ceph", "ceph"]

    def test_a_name_that_the_server_may_have_changed_counts_after_the_image_s_own(self, export, tmp_path):
        film(tmp_path, "ceph_1.png")
        found = read(export(by(1, "ceph (1).png"), by(2, "ceph_1.png")), on_bad_item="quarantine")
        assert found.landmarks[["image_id", "reader"]].to_numpy().tolist() == [["ceph_1", "annotator_2"]]

    def test_readers_of_one_path_are_put_together(self, export, tmp_path):
        film(tmp_path, "anna/ceph.png")
        found = read(export(by(1, "anna/ceph.png"), by(2, "anna/ceph.png")))
        assert found.landmarks[["image_id", "x"]].to_numpy().tolist() == [["ceph", 19.5], ["ceph", 39.5]]
        assert found.quarantine.empty

    def test_an_image_found_in_another_folder_is_remarked_on(self, export, tmp_path):
        film(tmp_path, "anna/ceph.png")
        reasons = read(export(by(2, "bea/ceph.png"))).quarantine["reason"]
        assert "1 of 1 in another folder than annotated: 'bea/ceph.png' is 'anna/ceph.png'" in reasons[0]

    def test_the_folders_that_paths_have_in_common_decide(self, export, tmp_path):
        film(tmp_path, "data/anna/ceph.png", "data/bea/ceph.png")
        found = read(export(by(1, "anna/ceph.png"), by(2, "bea/ceph.png"), by(3, "anna/ceph.png")))
        assert found.images["path"].tolist() == ["data/anna/ceph.png", "data/bea/ceph.png"]
        assert found.landmarks[["image_id", "x"]].to_numpy().tolist() == [
            ["data_anna_ceph", 19.5],
            ["data_anna_ceph", 59.5],
            ["data_bea_ceph", 39.5],
        ]


TWO_IMAGES = {"lat": "?d=f/lat.png", "pa": "?d=f/pa.png"}


class TestTasksWithTwoImages:
    def test_points_belong_to_the_image_they_were_set_on(self, export, tmp_path):
        film(tmp_path, "lat.png", "pa.png")
        entry = task("x.png", {"completed_by": 1, "result": [key_point("p1", 75, 10, to_name="pa")]})
        found = read(export({"data": TWO_IMAGES, "annotations": entry["annotations"]}))
        assert found.images["path"].tolist() == ["pa.png"]

    def test_points_on_both_are_refused(self, export):
        results = [key_point("p1", 75, 10, to_name="lat"), key_point("p2", 75, 20, to_name="pa")]
        entry = task("x.png", {"completed_by": 1, "result": results})
        with pytest.raises(AnnotationError, match=r"to_name: found points on several images of one task: 'lat', 'pa'"):
            read(export({"data": TWO_IMAGES, "annotations": entry["annotations"]}))


def test_a_result_that_is_no_list_is_left_out_under_its_film_s_identifier(export, tmp_path):
    film(tmp_path, "anna/ceph.png", "bea/ceph.png")
    spoilt = by(1, "bea/ceph.png")
    spoilt["annotations"].append({"completed_by": 2, "result": 5})
    path = export(by(1, "anna/ceph.png"), spoilt)
    with pytest.raises(AnnotationError, match=r"`ingestion\.exclude: \[bea_ceph\]`"):
        read(path)
    assert read(path, exclude=["bea_ceph"]).images["path"].tolist() == ["anna/ceph.png"]

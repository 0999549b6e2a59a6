"""A data set on disk: whole, repeatable, resumable, and never over somebody's data."""

import hashlib
import json
import logging

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ceph_pipeline import formats
from ceph_pipeline.images import RawFolder, read_image
from ceph_pipeline.landmarks.tables import points_array, reader_points
from ceph_pipeline.phantom import PhantomParams, data_set
from ceph_pipeline.phantom.data_set import ForeignDataError, draw_data_set
from ceph_pipeline.phantom.params import VariationParams
from ceph_pipeline.phantom.sheet import contact_sheet
from ceph_pipeline.phantom.specimen import sample_specimen

PARAMS = PhantomParams(n_images=5, long_side_px=256, seed=1, n_jobs=1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A finished data set that tests only look at."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_data_set(folder / "aariz", folder / "ruler" / "label_studio.json", PARAMS)
    return folder


@pytest.fixture
def fresh(tmp_path):
    """An empty place: (folder, ruler export)."""
    return tmp_path / "aariz", tmp_path / "ruler.json"


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class TestWhatIsDrawn:
    def test_the_aariz_parser_reads_it(self, drawn):
        annotations = formats.read(drawn / "aariz", "aariz")
        assert annotations.images["split"].value_counts().to_dict() == {"train": 3, "valid": 1, "test": 1}
        assert annotations.landmarks.groupby("reader").size().to_dict() == {"junior": 5 * 29, "senior": 5 * 29}
        assert len(annotations.cvm) == 5
        assert annotations.quarantine.empty

    def test_sella_nasion_is_plausible_on_every_device(self, drawn):
        annotations = formats.read(drawn / "aariz", "aariz")
        ids = annotations.images["image_id"].tolist()
        points = points_array(reader_points(annotations.landmarks, "senior"), ids, ["Sella", "Nasion"])
        sn_mm = np.linalg.norm(points[:, 0] - points[:, 1], axis=1) * annotations.images["pixel_size_mm"]
        assert sn_mm.between(60, 85).all()

    def test_the_label_studio_parser_reads_the_ruler(self, drawn):
        marks = formats.read(drawn / "ruler" / "label_studio.json", "label_studio").landmarks
        sizes = pd.read_csv(drawn / "aariz" / "cephalogram_machine_mappings.csv").set_index("cephalogram_id")["pixel_size"]
        assert len(marks) == 10
        for image_id, rows in marks.groupby("image_id"):
            p1, p2 = rows.set_index("landmark").loc[["p1", "p2"], ["x", "y"]].to_numpy()
            assert np.linalg.norm(p1 - p2) * sizes[image_id] == pytest.approx(10.0)

    def test_films_without_a_ruler_have_no_marks_and_the_others_are_read(self, tmp_path):
        params = PARAMS.model_copy(update={"seed": 3, "variation": VariationParams(ruler_absent_share=0.5)})
        draw_data_set(tmp_path / "aariz", tmp_path / "ruler.json", params)
        options = formats.ReadOptions(blank_shows_none=True)
        found = formats.read(tmp_path / "ruler.json", "label_studio", options=options)
        expected = {f"phantom_{index + 1:04d}" for index in range(5) if sample_specimen(index, 3, 256, params.variation).ruler}
        assert 0 < len(expected) < 5
        assert len(found.images) == 5
        assert set(found.landmarks.dropna(subset=["x"])["image_id"]) == expected
        assert found.quarantine.empty

    def test_pictures_have_the_size_that_was_asked_for(self, drawn):
        for file in drawn.rglob("Cephalograms/*"):
            assert max(read_image(file).shape) == 256

    def test_two_workers_draw_the_same_bytes_as_one(self, drawn, fresh):
        draw_data_set(*fresh, PARAMS.model_copy(update={"n_jobs": 2, "backend": "threading"}))
        assert digests(fresh[0]) == digests(drawn / "aariz")
        assert fresh[1].read_bytes() == (drawn / "ruler" / "label_studio.json").read_bytes()

    def test_a_picture_does_not_depend_on_how_many_there_are(self, drawn, fresh):
        draw_data_set(*fresh, PARAMS.model_copy(update={"n_images": 4}))
        first, second = ({path.name: path.read_bytes() for path in root.rglob("Cephalograms/*")} for root in (drawn, fresh[0]))
        assert set(second) < set(first)
        assert all(first[name] == content for name, content in second.items())


class TestDrawingAgain:
    def test_a_finished_set_is_left_alone(self, fresh, caplog):
        draw_data_set(*fresh, PARAMS)
        before = {path: path.stat().st_mtime_ns for path in fresh[0].rglob("*")}
        with caplog.at_level(logging.INFO):
            draw_data_set(*fresh, PARAMS.model_copy(update={"n_jobs": 2}))
        assert "complete and up to date" in caplog.text
        assert {path: path.stat().st_mtime_ns for path in fresh[0].rglob("*")} == before

    def test_an_interrupted_set_is_completed_with_the_same_bytes(self, fresh, drawn, caplog):
        draw_data_set(*fresh, PARAMS)
        record = json.loads((fresh[0] / ".ledger.json").read_text())
        (fresh[0] / ".ledger.json").write_text(json.dumps(record | {"complete": False}))
        (fresh[0] / "cephalogram_machine_mappings.csv").unlink()
        lost = sorted(fresh[0].rglob("Cephalograms/*"))[:2]
        kept = sorted(fresh[0].rglob("Cephalograms/*"))[2]
        written = kept.stat().st_mtime_ns
        for file in lost:
            file.rename(file.with_name(f".{file.stem}.part-0badcafe{file.suffix}"))
        with caplog.at_level(logging.INFO):
            draw_data_set(*fresh, PARAMS)
        assert "2 phantoms drawn" in caplog.text
        assert kept.stat().st_mtime_ns == written
        assert digests(fresh[0]) == digests(drawn / "aariz")
        assert not list(fresh[0].rglob(".phantom_*"))

    def test_another_seed_replaces_the_set_and_says_why(self, fresh, caplog):
        draw_data_set(*fresh, PARAMS)
        before = digests(fresh[0])
        with caplog.at_level(logging.INFO):
            draw_data_set(*fresh, PARAMS.model_copy(update={"seed": 2, "n_images": 4}))
        assert "'seed': (1, 2)" in caplog.text
        after = digests(fresh[0])
        assert len(list(fresh[0].rglob("Cephalograms/*"))) == 4
        assert not set(before.values()) & set(after.values())

    def test_an_interruption_between_clearing_and_drawing_leaves_the_folder_known(self, fresh, monkeypatch):
        draw_data_set(*fresh, PARAMS)
        other = PARAMS.model_copy(update={"seed": 2, "n_images": 4})

        def interrupt(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(data_set, "_is_drawn", interrupt)
            with pytest.raises(KeyboardInterrupt):
                draw_data_set(*fresh, other)
        assert not list(fresh[0].rglob("Cephalograms/*"))
        draw_data_set(*fresh, other)
        assert len(list(fresh[0].rglob("Cephalograms/*"))) == 4

    def test_force_draws_again(self, fresh):
        draw_data_set(*fresh, PARAMS)
        picture = next(fresh[0].rglob("Cephalograms/*"))
        picture.write_bytes(b"spoilt")
        draw_data_set(*fresh, PARAMS.model_copy(update={"force": True}))
        assert picture.read_bytes() != b"spoilt"


class TestForeignData:
    def test_somebodys_folder_is_not_touched(self, fresh):
        image = fresh[0] / "train" / "Cephalograms" / "patient.png"
        image.parent.mkdir(parents=True)
        image.write_bytes(b"somebody's")
        with pytest.raises(ForeignDataError, match="was not written by the phantom pipeline"):
            draw_data_set(*fresh, PARAMS.model_copy(update={"force": True}))
        assert image.read_bytes() == b"somebody's"
        assert not fresh[1].exists()

    def test_somebodys_ruler_export_is_not_touched(self, fresh):
        fresh[1].write_text("[]")
        with pytest.raises(ForeignDataError, match=r"ruler\.json"):
            draw_data_set(*fresh, PARAMS)
        assert fresh[1].read_text() == "[]"

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("train/Cephalograms/patient.png", "a film"),
            ("train/notes.txt", "notes"),
            ("cephalogram_machine_mappings.csv", "cephalogram_id,machine\npatient_1,ART Plus\n"),
            ("../ruler.json", '[{"data": {"image": "/data/upload/1/1a2b3c4d-patient.png"}}]'),
            ("../ruler.json", "no export"),
        ],
    )
    @pytest.mark.parametrize("seed", [1, 7], ids=["the same parameters", "others"])
    def test_somebodys_file_among_phantoms_is_not_touched(self, fresh, name, content, seed):
        params = PARAMS.model_copy(update={"n_images": 2})
        draw_data_set(*fresh, params)
        file = fresh[0] / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        with pytest.raises(ForeignDataError, match="was not written by the phantom pipeline"):
            draw_data_set(*fresh, params.model_copy(update={"seed": seed}))
        assert file.read_text() == content
        assert len(list(fresh[0].glob("*/Cephalograms/phantom_*"))) == 2

    def test_an_edited_export_is_never_replaced(self, fresh):
        params = PARAMS.model_copy(update={"n_images": 2})
        draw_data_set(*fresh, params)
        tasks = json.loads(fresh[1].read_text())
        edited = json.dumps([tasks[0] | {"id": 77}, *tasks[1:]])
        fresh[1].write_text(edited)
        next(fresh[0].rglob("Cephalograms/*")).unlink()
        draw_data_set(*fresh, params)
        assert fresh[1].read_text() == edited, "kept when phantoms of the same parameters are completed"
        for other in ({"seed": 7}, {"force": True}):
            with pytest.raises(ForeignDataError, match=r"ruler\.json is not as the phantom pipeline wrote it.* Move the file"):
                draw_data_set(*fresh, params.model_copy(update=other))
            assert fresh[1].read_text() == edited
        assert len(list(fresh[0].glob("*/Cephalograms/phantom_*"))) == 2
        fresh[1].unlink()
        draw_data_set(*fresh, params.model_copy(update={"seed": 7}))
        assert fresh[1].exists()

    def test_own_files_are_drawn_again_without_a_question(self, fresh):
        params = PARAMS.model_copy(update={"n_images": 2})
        draw_data_set(*fresh, params)
        before = digests(fresh[0])
        draw_data_set(*fresh, params.model_copy(update={"seed": 7}))
        assert len(list(fresh[0].glob("*/Cephalograms/phantom_*"))) == 2
        assert digests(fresh[0]) != before


class TestParameters:
    @pytest.mark.parametrize(("field", "value"), [("n_images", 3), ("long_side_px", 100), ("grain", -1), ("n_image", 10)])
    def test_values_out_of_range_and_misspelt_names_are_refused(self, field, value):
        with pytest.raises(ValidationError, match=field):
            PhantomParams(**{field: value})


def test_the_contact_sheet_shows_pictures_and_points(drawn):
    figure = contact_sheet(RawFolder(drawn / "aariz", "aariz"), PARAMS)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 5
    assert {len(axis.lines) for axis in shown} == {0, 31}

"""Whatever the files hold, reading them ends in tables and quarantine rows, or in the project's own error."""

import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ceph_pipeline.formats import FORMATS, AnnotationError, ReadOptions, TableOptions, read
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import CvmTable, ImageTable, LandmarkTable

WIDTH, HEIGHT = 60, 50
NAMES = ("Sella", "Nasion", "Orbitale")
POINTS = ((10.5, 20.25), (40.0, 5.0), (33.0, 30.0))


def picture(path: Path, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full(size[::-1], 90, np.uint8))


def _json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_aariz(root: Path) -> None:
    for split in ("train", "test"):
        picture(root / split / "Cephalograms" / f"{split}1.png")
        place = root / split / "Annotations"
        entries = [
            {"landmark_id": mark.aariz_id, "symbol": mark.symbol, "value": {"x": i, "y": 2 * i % 7}}
            for i, mark in enumerate(SCHEMAS["aariz"])
        ]
        for reader in ("Senior", "Junior"):
            _json(
                place / "Cephalometric Landmarks" / f"{reader} Orthodontists" / f"{split}1.json",
                {"ceph_id": f"{split}1", "landmarks": entries},
            )
        _json(place / "CVM Stages" / f"{split}1.json", {"cvm_stage": {"value": 3, "title": "CVM-S3"}})
    rows = "cephalogram_id,machine,pixel_size,image_format,mode\ntrain1,X,0.1,png,Train\ntest1,X,0,png,Test\n"
    (root / "cephalogram_machine_mappings.csv").write_text(rows)


def make_isbi(root: Path) -> None:
    for number, folder in (("001", "TrainingData"), ("151", "Test1Data")):
        picture(root / folder / f"{number}.bmp")
        for reader in ("400_senior", "400_junior"):
            place = root / "AnnotationsByMD" / reader
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.txt").write_text("".join(f"{2 * i},{i * i % 40}\n" for i in range(19)) + "1\n2\n")


def make_isbi_csv(root: Path) -> None:
    picture(root / "001.png")
    header = ",".join(["image_path", *(f"{n}_{axis}" for n in range(1, 20) for axis in "xy")])
    (root / "train_senior.csv").write_text(header + "\n001.jpg," + ",".join(str(n) for n in range(38)) + "\n")


def make_cl_detection(root: Path) -> None:
    picture(root / "images" / "0.png")
    points = [{"name": n, "point": [n, n * n % 40, 1], "scale": "0.1"} for n in range(1, 39)]
    _json(root / "train-gt.json", {"name": "Orthodontic landmarks", "points": points})


def make_label_studio(root: Path) -> None:
    picture(root / "a.png")
    result = [
        {
            "type": "keypointlabels",
            "original_width": WIDTH,
            "original_height": HEIGHT,
            "image_rotation": 0,
            "value": {"x": 20 * i + 3, "y": 30 - 5 * i, "keypointlabels": [name]},
        }
        for i, name in enumerate(NAMES)
    ]
    annotation = {"completed_by": {"id": 1}, "updated_at": "2025-01-01", "was_cancelled": False, "result": result}
    _json(root / "export.json", [{"data": {"image": "/data/upload/1/0a1b2c3d-a.png"}, "annotations": [annotation]}])


def make_minimal(root: Path) -> None:
    picture(root / "a.png")
    points = [
        {"x": 20 * i + 3, "y": 30 - 5 * i, "keypointlabels": [name], "original_width": 60.0, "original_height": "50"}
        for i, name in enumerate(NAMES)
    ]
    row = {"image": "a.png", "id": 1, "points": points, "annotator": "x@example.org", "annotation_id": 2}
    _json(root / "export.json", [row | {"created_at": "1", "updated_at": "2", "lead_time": 1.5}])


def make_coco(root: Path) -> None:
    picture(root / "a.png")
    keypoints = [value for x, y in POINTS for value in (x, y, 2)]
    _json(
        root / "train.json",
        {
            "images": [{"id": 0, "file_name": "a.png", "width": WIDTH, "height": HEIGHT, "extra": {"name": "a.png"}}],
            "categories": [{"id": 1, "name": "face", "keypoints": list(NAMES)}],
            "annotations": [
                {"id": 1, "image_id": 0, "category_id": 1, "keypoints": keypoints, "attributes": {"reader": "senior"}}
            ],
        },
    )


def make_yolo(root: Path) -> None:
    picture(root / "images" / "train" / "a.png")
    (root / "labels" / "train").mkdir(parents=True)
    (root / "data.yaml").write_text("kpt_shape: [3, 3]\nnames:\n  0: face\nkpt_names:\n  0: [Sella, Nasion, Orbitale]\n")
    points = " ".join(f"{x / WIDTH} {y / HEIGHT} 2" for x, y in POINTS)
    (root / "labels" / "train" / "a.txt").write_text(f"0 0.5 0.5 1 1 {points}\n")


def make_labelme(root: Path) -> None:
    picture(root / "a.png")
    shapes = [{"label": name, "points": [list(point)], "shape_type": "point"} for name, point in zip(NAMES, POINTS, strict=True)]
    _json(root / "a.json", {"shapes": shapes, "imagePath": "b.png", "imageWidth": WIDTH, "imageHeight": HEIGHT})


def make_cvat(root: Path) -> None:
    picture(root / "images" / "a.png")
    points = "".join(f'<points label="{n}" points="{p[0]},{p[1]}"/>' for n, p in zip(NAMES, POINTS, strict=True))
    image = f'<image id="0" name="images/a.png" width="{WIDTH}" height="{HEIGHT}">{points}</image>'
    (root / "annotations.xml").write_text(f'<?xml version="1.0" encoding="utf-8"?><annotations>{image}</annotations>')


def make_table(root: Path) -> None:
    picture(root / "a.png")
    (root / "points.csv").write_text("image;Sella_x;Sella_y;Nasion_x;Nasion_y\na.png;10,5;20,25;40;5\n")


MAKERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "aariz": ("aariz", make_aariz),
    "isbi2015": ("isbi2015", make_isbi),
    "isbi2015_csv": ("isbi2015_csv", make_isbi_csv),
    "cl_detection": ("cl_detection", make_cl_detection),
    "label_studio": ("label_studio", make_label_studio),
    "label_studio, minimal": ("label_studio", make_minimal),
    "coco": ("coco", make_coco),
    "yolo_pose": ("yolo_pose", make_yolo),
    "labelme": ("labelme", make_labelme),
    "cvat": ("cvat", make_cvat),
    "table": ("table", make_table),
}

HOSTILE = (
    None, True, 5, -1, 0, 0.0, -0.0, 1e308, 10**30, -(10**30), "", " ", "\x00", "\ud800", "../../../etc/passwd", "/etc/passwd",
    "a" * 5000, "\x1b[31m\n", "ä\u00a0ö", "NaN", "1e999", [], [[]], [1], {}, {"x": {}}, {"": None}, float("nan"), float("inf"),
    "a/../b.png", "C:\\x\\a.png", "http://[", "?d=", "s3://x/?fileuri=%%%", "2", "-", "\u202e", [1, 2, 3], 1e-320, 2**63,
)  # fmt: skip


def _nodes(value: object, path: tuple = ()) -> Iterator[tuple]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from _nodes(value[key], (*path, key))


def spoil_json(content: object, chance: random.Random) -> object:
    """Replace, remove, repeat or rename one value anywhere in a document."""
    path = chance.choice(list(_nodes(content)))
    if not path:
        return chance.choice(HOSTILE)
    parent = content
    for key in path[:-1]:
        parent = parent[key]
    action = chance.randrange(4)
    if action == 0:
        del parent[path[-1]]
    elif action == 1 and isinstance(parent, list):
        parent.append(parent[path[-1]])
    elif action == 2 and isinstance(parent, dict):
        parent[chance.choice([str(value) for value in HOSTILE if isinstance(value, str)])] = parent.pop(path[-1])
    else:
        parent[path[-1]] = chance.choice(HOSTILE)
    return content


def spoil_text(content: bytes, chance: random.Random) -> bytes:
    """Damage the bytes of a file as disks, editors and people do."""
    at = chance.randrange(len(content) + 1)
    token = chance.choice(
        [
            b"\xff",
            b"\x00",
            b"Infinity",
            b"NaN",
            b"9" * 5000,
            b'"',
            b"[" * 3000,
            b"\r",
            b",",
            b";",
            b"\xc3",
            b"<!ENTITY a 'b'>",
            b"&lt;",
        ]
    )
    return chance.choice(
        [
            content[:at],
            content[:at] + token + content[at:],
            content[:at] + token + content[at + len(token) :],
            b"\xef\xbb\xbf" + content,
            content.decode("latin-1").encode("utf-16"),
            content.decode("latin-1").encode("utf-16-le"),
            b"",
            content * 2,
            token,
            token * 3 + content,
        ]
    )


def spoil_place(file: Path, chance: random.Random) -> None:
    """Put something else where a file should be, or rename it."""
    outside = file.parents[len(file.parents) - 1] / "etc" / "passwd"
    action = chance.randrange(8)
    if action == 7:
        name = chance.choice(
            [b"\xff\xfe.png", "é\u00a0.json".encode(), b"a\nb.png", b"-rf.txt", b"a.b.c.png", "Mü ller.png".encode()]
        )
        file.rename(file.parent / os.fsdecode(name))
        return
    if action == 6:
        shutil.copy(file, file.with_name("copy" + file.suffix))
        return
    file.unlink()
    if action == 0:
        file.mkdir()
    elif action == 1:
        os.mkfifo(file)
    elif action == 2:
        file.symlink_to(outside)
    elif action == 3:
        file.symlink_to(file)
    elif action == 4:
        file.write_bytes(b"")


def spoil(root: Path, chance: random.Random) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    if not files:
        return
    file = chance.choice(files)
    kind = chance.randrange(5)
    if kind == 0:
        spoil_place(file, chance)
    elif kind < 4 and file.suffix == ".json":
        try:
            content = spoil_json(json.loads(file.read_text()), chance)
        except (ValueError, RecursionError):  # spoilt before
            return
        file.write_text(json.dumps(content), encoding="utf-8", errors="surrogatepass")
    else:
        file.write_bytes(spoil_text(file.read_bytes(), chance))


def read_and_check(root: Path, name: str | None, on_bad_item: str) -> None:
    options = ReadOptions(table=TableOptions()) if name == "table" else None
    try:
        found = read(root, name, on_bad_item=on_bad_item, options=options)
    except AnnotationError as error:
        str(error).encode("utf-8")
        return
    ImageTable.validate(found.images)
    LandmarkTable.validate(found.landmarks)
    CvmTable.validate(found.cvm)
    assert not np.isinf(found.landmarks[["x", "y"]].to_numpy()).any()
    for table in (found.images, found.landmarks, found.cvm, found.quarantine):
        table.to_parquet(root.parent / "table.parquet")


def attack(kind: str, seed: int, place: Path) -> None:
    name, make = MAKERS[kind]
    chance = random.Random(seed)
    root = place / "set"
    shutil.rmtree(place, ignore_errors=True)
    root.mkdir(parents=True)
    make(root)
    for _ in range(chance.choice([1, 1, 2, 4])):
        spoil(root, chance)
    read_and_check(root, name, "quarantine")
    read_and_check(root, None, "error")


def test_the_makers_cover_every_format():
    assert {name for name, _ in MAKERS.values()} == set(FORMATS)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_sound_set_is_read_without_loss(kind, tmp_path):
    name, make = MAKERS[kind]
    make(tmp_path)
    found = read(tmp_path, name, options=ReadOptions(table=TableOptions()) if name == "table" else None)
    assert len(found.images) >= 1
    assert found.landmarks[["x", "y"]].notna().all(axis=None)
    assert set(found.quarantine["outcome"]) <= {"kept"}


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_spoilt_set_ends_in_tables_or_in_our_own_error(kind, seed, tmp_path):
    attack(kind, seed, tmp_path / "attack")


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAKERS)
def test_two_thousand_spoilt_sets(kind, tmp_path):
    for seed in range(2000 // len(MAKERS) + 1):
        try:
            attack(kind, seed, tmp_path / "attack")
        except Exception as error:
            error.add_note(f"{kind}, seed {seed}")
            raise


@pytest.mark.parametrize("depth", [800, 950, 990])
@pytest.mark.parametrize("kind", ["aariz", "cl_detection", "label_studio", "label_studio, minimal", "coco", "labelme"])
def test_values_nested_just_deep_enough_to_be_parsed(kind, depth, tmp_path):
    name, make = MAKERS[kind]
    (tmp_path / "set").mkdir()
    make(tmp_path / "set")
    file = next(path for path in sorted((tmp_path / "set").rglob("*.json")) if "CVM" not in path.parts)
    content = json.loads(file.read_text())
    for path in list(_nodes(content))[1:40:4]:
        spoilt = json.loads(file.read_text())
        parent = spoilt
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = "DEEP"
        deep = json.dumps(spoilt).replace('"DEEP"', "[" * depth + "]" * depth)
        original = file.read_text()
        file.write_text(deep)
        read_and_check(tmp_path / "set", name, "quarantine")
        file.write_text(original)

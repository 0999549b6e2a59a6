"""Turned films: header, pixels and points agree for all eight values of the tag, or the film is refused by name."""

import json
from pathlib import Path

import film_samples as samples
import numpy as np
import pytest
from PIL import Image, ImageOps

from ceph_pipeline.formats import AnnotationError, read
from ceph_pipeline.formats.layout import sizes_of
from ceph_pipeline.images import read_header, read_image

TAGS = range(1, 9)
ENCODERS = {
    "png": lambda image, tag: samples.pillow(image, "PNG", exif=samples.exif(tag)),
    "jpg": lambda image, tag: samples.pillow(image, "JPEG", quality=95, exif=samples.exif(tag)),
    "webp": lambda image, tag: samples.pillow(image, "WEBP", lossless=True, exif=samples.exif(tag)),
    "tif": lambda image, tag: samples.tiff(image, extratags=[(274, "H", 1, tag, True)]),
    "tif-lzw": lambda image, tag: samples.tiff(image, compression="lzw", extratags=[(274, "H", 1, tag, True)]),
}


def film() -> np.ndarray:
    """Other grey levels in each corner."""
    image = samples.wedge(size=(120, 96))
    image[:20, :20], image[:20, -20:], image[-20:, :20] = 250, 5, 128
    return image


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("kind", ENCODERS)
def test_header_and_pixels_agree_and_are_upright(tmp_path: Path, kind: str, tag: int) -> None:
    path = samples.write(tmp_path / "a", ENCODERS[kind](film(), tag))
    with Image.open(samples.write(tmp_path / "b", ENCODERS["png"](film(), tag))) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    found, header = read_image(path), read_header(path)
    assert header.size == (found.shape[1], found.shape[0])
    assert header.orientation == tag
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 3


def test_a_png_may_have_its_tag_behind_the_pixels(tmp_path: Path) -> None:
    content = ENCODERS["png"](film(), 6)
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    iend = content.index(b"IEND") - 4
    moved = content[:start] + content[end:iend] + content[start:end] + content[iend:]
    assert read_header(samples.write(tmp_path / "a.png", moved)).orientation == 6


def test_a_tag_out_of_range_is_none(tmp_path: Path) -> None:
    assert read_header(samples.write(tmp_path / "a.png", ENCODERS["png"](film(), 9))).orientation == 1


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("kind", ["png", "jpg"])
class TestPoints:
    def test_of_aariz(self, aariz, kind: str, tag: int) -> None:
        aariz.add("ceph-d", "train", f".{kind}")
        samples.write(aariz.root / "train/Cephalograms" / f"ceph-d.{kind}", ENCODERS[kind](film(), tag))
        if tag == 1:
            assert "ceph-d" in set(read(aariz.root).images["image_id"])
            return
        with pytest.raises(AnnotationError, match=rf"ceph-d\.{kind}: orientation: found tag {tag}"):
            read(aariz.root)
        found = read(aariz.root, on_bad_item="quarantine")
        assert "ceph-d" not in set(found.images["image_id"])
        assert found.quarantine.set_index("item").loc["ceph-d", "outcome"] == "image quarantined"

    def test_of_isbi(self, isbi, kind: str, tag: int) -> None:
        path = next(path for path in sorted(isbi.root.rglob("001.*")) if path.suffix != ".txt")
        path.unlink()
        samples.write(path.with_suffix(f".{kind}"), ENCODERS[kind](film(), tag))
        if tag == 1:
            assert "001" in set(read(isbi.root).images["image_id"])
            return
        with pytest.raises(AnnotationError, match=rf"001\.{kind}: orientation: found tag {tag}"):
            read(isbi.root)

    @pytest.mark.parametrize("recorded", ["stored", "upright", None])
    def test_of_label_studio(self, tmp_path: Path, kind: str, tag: int, recorded: str | None) -> None:
        path = samples.write(tmp_path / f"a.{kind}", ENCODERS[kind](film(), tag))
        header = read_header(path)
        size = {"stored": header.stored_size, "upright": header.size, None: None}[recorded]
        result = {"type": "keypointlabels", "value": {"x": 10, "y": 20, "keypointlabels": ["S"]}}
        if size:
            result |= {"original_width": size[0], "original_height": size[1]}
        task = {"data": {"image": path.name}, "annotations": [{"completed_by": 1, "result": [result]}]}
        (tmp_path / "export.json").write_text(json.dumps([task]))
        if tag == 1 or (tag >= 5 and recorded == "upright"):
            found = read(tmp_path / "export.json", "label_studio")
            assert tuple(found.images.loc[0, ["width", "height"]]) == header.size
            point = found.landmarks.iloc[0]
            assert (point["x"], point["y"]) == (header.size[0] * 0.1 - 0.5, header.size[1] * 0.2 - 0.5)
            return
        with pytest.raises(AnnotationError, match=rf"a\.{kind}: orientation: found tag {tag}"):
            read(tmp_path / "export.json", "label_studio")


@pytest.mark.parametrize(
    ("tag", "recorded", "reason"),
    [
        (6, (120, 96), "points were recorded on 120 × 96 px"),
        (6, None, "does not record which one"),
        (3, (120, 96), "the recorded size fits both"),
    ],
)
def test_the_refusal_says_which_frame(tmp_path: Path, tag: int, recorded: tuple[int, int] | None, reason: str) -> None:
    path = samples.write(tmp_path / "a.png", ENCODERS["png"](film(), tag))
    sizes, problems = sizes_of({"a": path}, tmp_path, {"a": recorded} if recorded else {})
    assert not sizes
    assert reason in str(problems[0])


def test_points_recorded_on_the_upright_film_are_its_own(tmp_path: Path) -> None:
    path = samples.write(tmp_path / "a.png", ENCODERS["png"](film(), 6))
    assert sizes_of({"a": path}, tmp_path, {"a": (96, 120)}) == ({"a": (96, 120)}, [])

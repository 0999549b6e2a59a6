"""The page in a real browser: a film is dropped, a point is dragged, measurements follow, what is downloaded is read again."""

import asyncio
import re
import socket
import threading
import zipfile
from types import SimpleNamespace

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from ceph_pipeline.formats import read
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.inference.report import NOTICE
from ceph_pipeline.ingestion import IngestionParams
from ceph_pipeline.page.downloads import ANNOTATIONS
from ceph_pipeline.pipelines.ingestion import create_pipeline as ingestion_pipeline
from ceph_pipeline.stores import TableDataset

from .conftest import FACE

pytestmark = pytest.mark.slow
PLACE = """(name) => {
    const {data} = Bokeh.documents[0].get_model_by_name("film").renderers.at(-1).data_source;
    const at = Array.from(data.landmark).indexOf(name);
    return [data.x[at], data.y[at]];
}"""
ON_SCREEN = """([x, y]) => {
    const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name("film"));
    const box = view.el.getBoundingClientRect();
    return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
}"""
SHOWN = """() => {
    const {x_range, y_range, renderers} = Bokeh.documents[0].get_model_by_name("film");
    return {x: [x_range.start, x_range.end], y: [y_range.start, y_range.end], films: renderers[0].data_source.data.image.length};
}"""


@pytest.fixture
def address(settings):
    """The page's server, in a thread with a loop of its own."""
    from ceph_pipeline.page.server import page_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started, kept = threading.Event(), {}

    def answer():
        asyncio.set_event_loop(asyncio.new_event_loop())
        kept["server"] = page_server(settings, port)
        kept["server"].start()
        started.set()
        kept["server"].io_loop.start()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    assert started.wait(60)
    yield f"http://127.0.0.1:{port}/"
    loop = kept["server"].io_loop
    loop.add_callback(lambda: (kept["server"].stop(), loop.stop()))
    thread.join(10)


@pytest.fixture
def tab(chromium, address):
    """A tab of Chromium, and the addresses outside this machine that it asked for."""
    page = chromium.new_page(viewport={"width": 1440, "height": 950})
    outside, errors = [], []
    page.on(
        "request",
        lambda request: outside.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None,
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_text("Choose an X-ray to start.").wait_for()
    return SimpleNamespace(page=page, outside=outside, errors=errors)


def upload(page, name, content):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def drop(page, file):
    """Let a file go over the field, as the browser gets it from a file manager."""
    box = page.locator("input[type=file]").bounding_box()
    held = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    devtools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **place, "data": held})


def drag(page, start, end):
    """Take what lies at a place of the film to another one, and say where its A-point is then."""
    page.mouse.move(*on_screen(page, start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, end), steps=5)
    page.mouse.up()
    shows(page, "Placed or removed by a person:")
    page.wait_for_timeout(500)
    return page.evaluate(PLACE, "A-point")


def download(page, button, folder):
    """Save what a button gives; an archive's files, too."""
    with page.expect_download() as started:
        page.get_by_role("button", name=button).click()
    file = folder / started.value.suggested_filename
    started.value.save_as(file)
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
        file.unlink()
    return file


def ingested(folder, cache):
    """The landmarks table that the pipeline `ingestion` makes of a film with its labelme file, and of two others like it."""
    for name in ("b", "c"):  # a single film makes no splits
        (folder / f"{name}.png").write_bytes((folder / "a.png").read_bytes())
        (folder / f"{name}.json").write_text((folder / "a.json").read_text().replace("a.png", f"{name}.png"))
    params = {"splits": {"test_fraction": 0.34, "valid_fraction": 0.5}, "cache_long_side_px": 60, "n_jobs": 1}
    tables = {
        "raw_cephalograms": MemoryDataset(RawFolder(folder, "labelme"), copy_mode="assign"),
        "source_cache": MemoryDataset(ImageStore(str(cache), format="npy"), copy_mode="assign"),
        "params:ingestion": MemoryDataset(IngestionParams.model_validate(params)),
        "landmarks": TableDataset(filepath=str(cache / "landmarks.parquet")),
    }
    SequentialRunner().run(ingestion_pipeline(), DataCatalog(tables))
    return tables["landmarks"].load()


def on_screen(page, place):
    return page.evaluate(ON_SCREEN, list(place))


def shows(page, text):
    page.get_by_text(text).first.wait_for(timeout=10_000)


def sna(page):
    """∠S-N-A as the page shows it, degrees."""
    row = page.locator("tr", has_text="Maxilla to cranial base SNA").first
    return float(row.locator("td").nth(1).inner_text().split("°")[0].split("±")[0])


def test_a_point_is_dragged_undone_calibrated_and_downloaded(tab, film_bytes, tmp_path):
    page = tab.page
    upload(page, "a.png", film_bytes)
    shows(page, "87.7 ± ")  # ∠S-N-A = 90° − atan(20 / 500)
    page.wait_for_timeout(300)  # the film is fitted to its frame

    x, y = on_screen(page, FACE["A-point"])
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(600)  # a hand that aims before it moves
    x, y = on_screen(page, (800.0, 600.0))
    page.mouse.move(x, y, steps=8)
    page.wait_for_timeout(1000)
    page.mouse.move(x, y)
    shows(page, "Placed or removed by a person:")
    for _ in range(50):  # a loaded machine computes the last of the moves later
        if sna(page) == pytest.approx(90, abs=0.3):
            break
        page.wait_for_timeout(200)
    assert sna(page) == pytest.approx(90, abs=0.3), "while the button is still down"
    page.mouse.up()
    page.wait_for_timeout(1000)
    assert sna(page) == pytest.approx(90, abs=0.3)
    moved = page.evaluate(PLACE, "A-point")
    assert moved == pytest.approx([800, 600], abs=2.5), "a screen's pixel is 1.6 of the film's"

    page.get_by_role("button", name="Undo").click()
    shows(page, "87.7 ± ")
    assert page.evaluate(PLACE, "A-point") == pytest.approx(list(FACE["A-point"]))
    page.get_by_role("button", name="Redo").click()
    shows(page, "Placed or removed by a person:")

    page.get_by_role("button", name="Click two ruler marks").click()
    for place in ((300.0, 300.0), (300.0, 400.0)):  # 100 px, said to be 10 mm
        page.mouse.click(*on_screen(page, place))
        page.wait_for_timeout(400)  # else it is a double click
    shows(page, "mm per pixel, from two marks 10 mm apart, set by a person.")

    assert download(page, "Annotation", tmp_path).name == "a_coco.json"
    (tmp_path / "a.png").write_bytes(film_bytes)
    found = read(tmp_path, "coco").landmarks.set_index("landmark")
    assert list(found.loc["A-point", ["x", "y"]]) == pytest.approx(moved, abs=0.01)
    assert tuple(found.loc["Sella", ["x", "y"]]) == FACE["Sella"]
    assert (tab.outside, tab.errors) == ([], [])


@pytest.mark.parametrize("width", [1100, 1400])
def test_controls_do_not_overlap_in_a_narrow_window(tab, width):
    tab.page.set_viewport_size({"width": width, "height": 900})
    tab.page.wait_for_timeout(500)
    boxes = [each.bounding_box() for each in tab.page.locator("button, input, select, label").all() if each.is_visible()]
    places = [(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in boxes if box["width"] > 1]
    assert len(places) > 10
    left = [place for place in places if place[0] < width - 720]
    assert all(place[2] <= width - 690 for place in left), "the left column ends where the right one begins"


def test_a_click_on_one_point_does_not_drag_it_with_another(tab, film_bytes):
    page = tab.page
    upload(page, "a.png", film_bytes)
    shows(page, "87.7 ± ")
    page.wait_for_timeout(300)
    page.mouse.click(*on_screen(page, FACE["B-point"]))
    page.wait_for_timeout(400)
    assert drag(page, FACE["A-point"], (700.0, 600.0))[0] == pytest.approx(700, abs=2.5)
    assert page.evaluate(PLACE, "B-point") == list(FACE["B-point"])

    page.mouse.click(*on_screen(page, FACE["B-point"]))
    page.wait_for_timeout(400)
    page.keyboard.press("Backspace")
    shows(page, "A-point, B-point")
    assert page.evaluate(PLACE, "Sella") == list(FACE["Sella"])
    assert tab.errors == []


def test_what_is_no_film_is_said_and_the_next_one_opens(tab, film_bytes):
    upload(tab.page, "<img src=x onerror=alert(1)>.png", b"hello")
    shows(tab.page, "damaged or not an image")
    shows(tab.page, "<img src=x onerror=alert(1)>.png")
    upload(tab.page, "a.png", film_bytes)
    shows(tab.page, "87.7 ± ")
    assert tab.errors == []


def test_a_film_is_dropped_and_the_wheel_zooms_around_the_pointer(tab, film_bytes, tmp_path):
    page = tab.page
    (tmp_path / "a.png").write_bytes(film_bytes)
    drop(page, tmp_path / "a.png")
    shows(page, "87.7 ± ")
    shows(page, "a.png: ")
    page.wait_for_timeout(300)
    whole = page.evaluate(SHOWN)

    nasion = on_screen(page, FACE["Nasion"])
    page.mouse.move(*nasion)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(500)
    near = page.evaluate(SHOWN)
    shares = [(near[axis][1] - near[axis][0]) / (whole[axis][1] - whole[axis][0]) for axis in "xy"]
    assert 0.2 < shares[0] < 0.95
    assert shares[1] == pytest.approx(shares[0]), "pixels stay square"
    assert on_screen(page, FACE["Nasion"]) == pytest.approx(nasion, abs=1)
    assert near["films"] == 1

    moved = drag(page, FACE["Nasion"], (790.0, 130.0))
    assert moved == list(FACE["A-point"])
    assert page.evaluate(PLACE, "Nasion") == pytest.approx([790, 130], abs=1.7)
    assert page.evaluate(SHOWN) == near, "what is looked at stays when a point is placed"
    assert (tab.outside, tab.errors) == ([], [])


def test_the_downloaded_report_and_results_have_the_moved_point(tab, film_bytes, tmp_path):
    page = tab.page
    upload(page, "a.png", film_bytes)
    shows(page, "87.7 ± ")
    page.wait_for_timeout(300)
    drag(page, FACE["A-point"], (800.0, 600.0))

    report = download(page, "Report", tmp_path)
    results = pd.read_csv(download(page, "Results", tmp_path)).set_index("measurement")
    assert results.loc["SNA", "value"] == pytest.approx(90, abs=0.3)
    assert results.loc["SNA", "value"] == pytest.approx(sna(page), abs=0.05)

    printed, asked = page.context.browser.new_page(offline=True), []
    printed.on("request", lambda request: asked.append(request.url) if not request.url.startswith("data:") else None)
    printed.goto(report.as_uri())
    assert asked == [report.as_uri()]
    assert printed.get_by_text(NOTICE).is_visible()
    assert re.search(r"by a person: A-point\.", printed.inner_text("body"))
    assert sna(printed) == sna(page)
    assert printed.evaluate("document.querySelector('svg image').getBoundingClientRect().width > 100")
    assert tab.errors == []


def test_every_annotation_that_is_downloaded_gives_the_moved_point_back(tab, film_bytes, tmp_path):
    page = tab.page
    upload(page, "a.png", film_bytes)
    shows(page, "87.7 ± ")
    page.wait_for_timeout(300)
    moved = drag(page, FACE["A-point"], (800.0, 600.0))
    for name, label in ANNOTATIONS.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.png").write_bytes(film_bytes)
        page.locator("select[name=format]").select_option(label)
        page.wait_for_timeout(200)  # the choice reaches the server before the click does
        download(page, "Annotation", folder)
        found = read(folder, name, images=folder).landmarks.set_index("landmark")
        assert list(found.loc["A-point", ["x", "y"]]) == pytest.approx(moved, abs=0.01), name

    landmarks = ingested(tmp_path / "labelme", tmp_path / "cache").set_index(["image_id", "reader", "landmark"])
    assert list(landmarks.loc[("a", "consensus", "A-point"), ["x", "y"]]) == pytest.approx(moved, abs=0.01)
    assert tab.errors == []

"""The page in a real browser: a point is dragged, measurements follow, and what is downloaded is read again."""

import asyncio
import socket
import threading
from types import SimpleNamespace

import pytest

from ceph_pipeline.formats import read

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
    page.get_by_text("Open an X-ray to begin.").wait_for()
    return SimpleNamespace(page=page, outside=outside, errors=errors)


def upload(page, name, content):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


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
    shows(page, "Placed or taken away by a person:")
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
    shows(page, "Placed or taken away by a person:")

    page.get_by_role("button", name="Click two ruler marks").click()
    for place in ((300.0, 300.0), (300.0, 400.0)):  # 100 px, said to be 10 mm
        page.mouse.click(*on_screen(page, place))
        page.wait_for_timeout(400)  # else it is a double click
    shows(page, "mm per pixel, from two marks 10 mm apart, set by a person.")

    with page.expect_download() as download:
        page.get_by_role("button", name="Annotation").click()
    assert download.value.suggested_filename == "a.json"
    download.value.save_as(tmp_path / "a.json")
    (tmp_path / "a.png").write_bytes(film_bytes)
    found = read(tmp_path, "labelme").landmarks.set_index("landmark")
    assert list(found.loc["A-point", ["x", "y"]]) == pytest.approx(moved, abs=0.01)
    assert tuple(found.loc["Sella", ["x", "y"]]) == FACE["Sella"]
    assert (tab.outside, tab.errors) == ([], [])


def test_a_click_on_one_point_does_not_drag_it_with_another(tab, film_bytes):
    page = tab.page
    upload(page, "a.png", film_bytes)
    shows(page, "87.7 ± ")
    page.wait_for_timeout(300)
    page.mouse.click(*on_screen(page, FACE["B-point"]))
    page.wait_for_timeout(400)
    page.mouse.move(*on_screen(page, FACE["A-point"]))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (700.0, 600.0)), steps=5)
    page.mouse.up()
    shows(page, "Placed or taken away by a person:")
    page.wait_for_timeout(500)
    assert page.evaluate(PLACE, "A-point")[0] == pytest.approx(700, abs=2.5)
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

"""What the page's controls do with a film, without a browser."""

import base64

import pytest
from bokeh.document import Document

from ceph_pipeline.page.page import Page


@pytest.fixture
def page(settings, film_bytes):
    page = Page(Document(), settings)
    open_on(page, "a.png", film_bytes)
    return page


def open_on(page, name, content):
    page._file.set_from_json("filename", name)
    page._file.set_from_json("value", base64.b64encode(content).decode())
    page._open()


def drawn_marks(page):
    return list(zip(page._view._marks.data["x"], page._view._marks.data["y"], strict=True))


def test_two_clicks_calibrate_and_are_shown(page):
    page._mark.active = True
    page._on_tap(10, 10)
    assert drawn_marks(page) == [(10, 10)]
    page._on_tap(110, 10)
    assert page._correction.calibration.pixel_size_mm == 0.1
    assert drawn_marks(page) == [(10, 10), (110, 10)]


def test_a_mark_of_one_film_does_not_count_on_the_next(page, film_bytes):
    page._mark.active = True
    page._on_tap(10, 10)
    open_on(page, "b.png", film_bytes)
    page._on_tap(110, 10)
    assert page._correction.now.marks == ()
    assert drawn_marks(page) == []


def test_points_of_the_former_film_that_arrive_late_do_not_count_on_the_next(page, film_bytes):
    late = {name: list(values) for name, values in page._view._points.data.items()}
    late["x"] = [x + 5 for x in late["x"]]
    open_on(page, "b.png", film_bytes)
    drawn = dict(page._view._points.data)
    for source in (page._view._held, page._view._points):
        source.data = {name: late[name] for name in source.data}
    assert not page._correction.points().predictions["corrected"].any()
    assert page._view._points.data == drawn


def test_a_drag_on_a_page_without_film_removes_no_point_of_the_first(settings, film_bytes):
    page = Page(Document(), settings)
    nothing = {name: list(values) for name, values in page._view._points.data.items()}
    open_on(page, "a.png", film_bytes)
    page._view._points.data = nothing
    assert page._correction.points().predictions["x"].notna().all()


def test_a_moved_point_counts(page):
    moved = {name: list(values) for name, values in page._view._points.data.items()}
    moved["x"][0] += 5
    page._view._points.data = moved
    assert page._correction.points().predictions["corrected"].sum() == 1


def test_a_mark_that_was_given_up_is_not_shown_any_more(page):
    page._mark.active = True
    page._on_tap(10, 10)
    page._mark.active = False
    assert drawn_marks(page) == []


def test_without_a_distance_the_second_mark_is_waited_for(page):
    page._mark.active = True
    page._on_tap(10, 10)
    page._length.value = None
    page._on_tap(110, 10)
    assert "distance of the marks" in page._status.text
    page._length.value = 20
    page._on_tap(110, 10)
    assert page._correction.calibration.pixel_size_mm == 0.2


def test_a_number_that_no_x_ray_has_is_refused_in_words(page):
    page._size.value = 3.0
    assert "pixel size 3: expected millimetres per pixel" in page._status.text
    assert page._correction.calibration.pixel_size_mm is None


def test_what_goes_wrong_while_a_point_is_dragged_is_said_without_its_message(page, monkeypatch, caplog):
    def fails(*_):
        raise ValueError("Müller Anna")

    monkeypatch.setattr(page._correction, "report", fails)
    page._on_drag({"Sella": (120.0, 100.0)})
    assert page._status.text == "This film could not be processed (ValueError)."
    assert "Anna" not in caplog.text


def test_nothing_is_saved_while_the_next_film_is_located(page, film_bytes):
    open_on(page, "a.png", film_bytes)
    assert not any(button.disabled for button in page._saves)
    page._on_file()
    assert all(button.disabled for button in page._saves)
    page._open()
    assert not any(button.disabled for button in page._saves)

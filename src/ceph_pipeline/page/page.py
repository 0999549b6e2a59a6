"""The page: controls around the film, and their effect on its correction."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from bokeh.events import DocumentReady
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColumnDataSource,
    CustomJS,
    Div,
    FileInput,
    InlineStyleSheet,
    MultiChoice,
    NumericInput,
    Row,
    Select,
    Spinner,
    Toggle,
    UIElement,
)

from ceph_pipeline.cephalometry import ANALYSES
from ceph_pipeline.errors import CephError
from ceph_pipeline.images.kinds import IMAGE_SUFFIXES
from ceph_pipeline.inference.report import NOTICE, values_fragment
from ceph_pipeline.page.correction import Correction, RulerMark
from ceph_pipeline.page.downloads import ANNOTATIONS, Download, annotation_file, report_file, results_file
from ceph_pipeline.page.film_view import FilmView, Points, follow
from ceph_pipeline.page.opening import open_film

if TYPE_CHECKING:
    from bokeh.document import Document

    from ceph_pipeline.page.settings import PageSettings

logger = logging.getLogger(__name__)

ALL = "all"
_SAVE = """
const bytes = Uint8Array.from(atob(outbox.data.content[0]), (letter) => letter.charCodeAt(0));
const link = document.createElement("a");
link.href = URL.createObjectURL(new Blob([bytes]));
link.download = outbox.data.name[0];
link.click();
setTimeout(() => URL.revokeObjectURL(link.href), 10000);
"""
HOW_TO = (
    "Drag a point to correct it. Zoom with the mouse wheel. Hover over a landmark to see its name. Click a point and press "
    "Backspace to remove it. Red: located by the detector. Purple: check this point. Green: corrected. Rings: two standard "
    "deviations."
)


class Page:
    """One browser tab.

    Args:
        document: The Bokeh document of the tab.
        settings: The detector and the parameters.
    """

    def __init__(self, document: Document, settings: PageSettings) -> None:
        self._document, self._settings = document, settings
        self._correction: Correction | None = None
        self._pending: RulerMark | None = None
        self._view = FilmView(self._on_drag, self._on_place, self._on_tap)
        self._file = FileInput(accept=list(IMAGE_SUFFIXES), title="X-ray: choose a file, or drop it here", name="file", width=300)
        follow(self._file, "value", self._on_file)
        self._status = Div(name="status", sizing_mode="stretch_width")
        self._values = Div(name="values", sizing_mode="stretch_width", stylesheets=[_stylesheet()])
        self._undo, self._redo, self._reset = map(_step_button, ("Undo", "Redo", "Reset"))
        self._mark = Toggle(label="Click two ruler marks", name="mark", width=170, margin=(21, 5, 5, 5))
        self._length = Spinner(
            title="Distance of the marks, mm",
            value=settings.sizing.calibration.ruler_mm,
            low=0.1,
            high=200,
            step=1,
            width=160,
            name="length",
        )
        self._size = NumericInput(title="Or: mm per pixel", mode="float", width=120, name="pixel_size")
        titles = [(ALL, "all analyses"), *((analysis.title, analysis.title) for analysis in ANALYSES.values())]
        self._analysis = Select(title="Analysis", options=titles, value=ALL, width=200, name="analysis")
        self._norms = MultiChoice(
            title="Compare with norms (default: none)",
            options=list(settings.cephalometry.norm_sets),
            width=280,
            name="norms",
        )
        self._outbox = ColumnDataSource({"name": [], "content": []})
        self._status.tags = [self._outbox]  # the browser receives only sources that an element refers to
        self._outbox.js_on_change("data", CustomJS(args={"outbox": self._outbox}, code=_SAVE))
        self._format = Select(options=list(ANNOTATIONS.items()), value="coco", width=150, name="format")
        self._saves = [
            self._saving("Report", lambda film: report_file(film, self._norm_sets)),
            self._saving("Results", lambda film: results_file(film, settings.cephalometry, self._norm_sets)),
            self._saving("Annotation", lambda film: annotation_file(film, str(self._format.value))),
        ]
        self._connect()
        self._lay_out()

    def _connect(self) -> None:
        """Connect the controls that change the correction, and those that only change the display."""
        self._undo.on_click(partial(self._change, Correction.undo))
        self._redo.on_click(partial(self._change, Correction.redo))
        self._reset.on_click(partial(self._change, Correction.reset))
        follow(self._size, "value", self._on_size)
        follow(self._mark, "active", self._forget_mark)
        for choice in (self._analysis, self._norms):
            follow(choice, "value", partial(self._change, lambda _: None))

    def _lay_out(self) -> None:
        learned = escape(self._settings.learned_from)
        head = Div(
            text=f"<p class='notice'>{escape(NOTICE)}<br>{f'<b>{learned}</b>' if self._settings.is_of_phantoms else learned}</p>",
            sizing_mode="stretch_width",
            stylesheets=[_stylesheet()],
        )
        left = column(
            _wrapped(self._file, self._undo, self._redo, self._reset),
            _wrapped(self._mark, self._length, self._size, self._view.contrast),
            self._view.figure,
            Div(text=HOW_TO, sizing_mode="stretch_width"),
            sizing_mode="stretch_both",
        )
        right = column(
            _wrapped(*self._saves, self._format),
            _wrapped(self._analysis, self._norms),
            self._values,
            width=690,
            sizing_mode="stretch_height",
            styles={"overflow-y": "auto", "overflow-x": "hidden", "padding-left": "1rem"},
        )
        both = row(left, right, sizing_mode="stretch_both")
        self._document.add_root(column(head, self._status, both, sizing_mode="stretch_both", styles={"padding": "0 1rem"}))
        self._document.js_on_event(DocumentReady, self._view.patience)
        self._document.title = "Try the detector"
        self._tell("Choose an X-ray to start.")

    def _saving(self, label: str, made: Callable[[Correction], Download]) -> Button:
        button = Button(label=f"{label} ↓", width=110, name=label.lower(), disabled=True)
        button.on_click(lambda: self._save(made))
        return button

    @property
    def _norm_sets(self) -> tuple[str, ...]:
        return tuple(map(str, self._norms.value))

    def _on_file(self) -> None:
        self._tell("Locating the landmarks …")
        self._allow_saving(allowed=False)  # nothing of the former film under the new film's name
        self._document.add_timeout_callback(self._open, 100)  # the message is shown before the work starts

    def _open(self) -> None:
        with self._in_words():
            film = open_film(base64.b64decode(str(self._file.value)), str(self._file.filename), self._settings)
            self._correction = Correction(film, self._settings)
            self._mark.active, self._pending = False, None
            self._view.open(film)
            self._show()
        self._allow_saving(allowed=self._correction is not None)

    def _allow_saving(self, *, allowed: bool) -> None:
        for button in self._saves:
            button.disabled = not allowed

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Show errors as messages on the page, which stays usable."""
        try:
            yield
        except CephError as error:
            self._tell(str(error), is_error=True)
        except Exception as error:
            logger.warning("a film could not be processed: %s", type(error).__name__)  # the message may contain the film's name
            self._tell(f"This film could not be processed ({type(error).__name__}).", is_error=True)

    def _on_drag(self, points: Points) -> None:
        if self._correction is not None:
            with self._in_words():
                self._correction.hold(points)
                self._show(with_points=False)

    def _on_place(self, points: Points) -> None:
        self._change(lambda film: film.place(points))

    def _on_tap(self, x: float, y: float) -> None:
        if self._correction is None or not self._mark.active:
            return
        mark, first, length = RulerMark(x, y), self._pending, self._length.value
        if length is None:
            self._tell("Enter the distance of the marks in mm, then click the second mark.", is_error=True)
            return
        if first is None:
            self._pending = mark
            self._view.draw_marks([mark])
            return
        self._mark.active = False
        self._change(lambda film: film.calibrate_by_marks(first, mark, float(length)))

    def _on_size(self) -> None:
        size = self._size.value
        if size is not None:
            self._size.value = None  # the status line shows the valid value, also after an undo
            self._change(lambda film: film.calibrate_by_size(float(size)))

    def _forget_mark(self) -> None:
        self._pending = None
        if self._correction is not None:
            self._view.draw_marks(self._correction.now.marks)

    def _change(self, step: Callable[[Correction], None]) -> None:
        if self._correction is not None:
            with self._in_words():
                step(self._correction)
                self._show()

    def _save(self, made: Callable[[Correction], Download]) -> None:
        if self._correction is not None:
            with self._in_words():
                name, content = made(self._correction)
                self._outbox.data = {"name": [name], "content": [base64.b64encode(content).decode()]}

    def _show(self, *, with_points: bool = True) -> None:
        """Show everything that depends on the points and the pixel size."""
        film = self._correction
        if film is None:
            return
        report = film.report(self._norm_sets)
        self._view.draw(film.points().predictions, with_points=with_points)
        self._view.draw_marks(film.now.marks if self._pending is None else [self._pending])
        self._undo.disabled, self._redo.disabled, self._reset.disabled = not film.can_undo, not film.can_redo, not film.can_undo
        if self._analysis.value != ALL:
            report = replace(report, analyses=tuple(table for table in report.analyses if table.title == self._analysis.value))
        self._values.text = values_fragment(report)
        self._tell(f"{report.file}: {report.calibration}")

    def _tell(self, message: str, *, is_error: bool = False) -> None:
        self._status.text = escape(message)
        self._status.styles = {"font-weight": "bold", "color": "#a33" if is_error else "#1c1c1c"}


def _wrapped(*controls: UIElement) -> Row:
    """Controls side by side, and in further lines where the window is narrow."""
    return row(*controls, sizing_mode="stretch_width", styles={"flex-wrap": "wrap"})


def _step_button(label: str) -> Button:
    """A button that is aligned with the input next to it."""
    return Button(label=label, name=label.lower(), width=70, disabled=True, margin=(21, 5, 5, 5))


def _stylesheet() -> InlineStyleSheet:
    """The style sheet of the reports."""
    style = files("ceph_pipeline.inference.report").joinpath("style.css").read_text(encoding="utf-8")
    return InlineStyleSheet(css=f"{style}\n.bk-clearfix {{ display: block; width: 100%; }}")

"""The film in the browser: pixels, draggable points, the tracing and the ruler marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from bokeh.events import Pan, PanStart, Tap
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    HoverTool,
    LinearColorMapper,
    Model,
    PanTool,
    PointDrawTool,
    Range1d,
    RangeSlider,
    WheelZoomTool,
)
from bokeh.palettes import gray
from bokeh.plotting import figure

from ceph_pipeline.inference.overlay import FLAG, LINE, POINT, RING
from ceph_pipeline.inference.points import is_flagged, places_of
from ceph_pipeline.inference.report.picture import reduced
from ceph_pipeline.inference.tracing import traced
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.uncertainty.points import sigma_px

if TYPE_CHECKING:
    from ceph_pipeline.page.correction import RulerMark
    from ceph_pipeline.page.opening import OpenedFilm

Points = Mapping[str, tuple[float, float]]

LONG_SIDE_PX = 3000
"""Long side of the picture that the browser receives; coordinates are those of the original film."""
REACH_PX = 10
"""Largest distance in screen pixels between the pointer and a point that it selects."""
CORRECTED, NAME = "#5dff8f", "#ffe066"
_PATIENT = """
const gestures = Bokeh.index.find_one(film)?.canvas_view?.ui_event_bus?.ui_gestures?.constructor;
if (gestures !== undefined) [gestures.press_threshold, gestures.move_threshold] = [1e9, 2];
"""
"""Disables Bokeh's press gesture, which starts after 0.3 s without movement and prevents dragging, because people need longer to
aim. Also reduces the smallest movement of a drag from 5 px to 2 px, because corrections can be smaller."""
_ONE_POINT = """
const {x, y, drawn_x, drawn_y} = points.data;
const away = (index) => Math.hypot(drawn_x[index] - cb_obj.x, drawn_y[index] - cb_obj.y);
const taken = points.selected.indices.slice().sort((a, b) => away(a) - away(b));
const reach = reach_px * Math.abs(film.x_range.end - film.x_range.start) / film.inner_width;
const others = taken.slice(taken.length > 0 && away(taken[0]) <= reach ? 1 : 0);
for (const index of others) [x[index], y[index]] = [drawn_x[index], drawn_y[index]];
points.selected.indices = taken.filter((index) => !others.includes(index));
"""
"""Bokeh's tool drags all points under the pointer, and points that were clicked before. This script keeps only the nearest point
and moves the other points back."""
_DRAGGED = """
const now = performance.now();
if (now - (points.told_at ?? -Infinity) < 1000) return;
points.told_at = now;
const {landmark, x, y, film} = points.data;
held.data = {landmark: Array.from(landmark), x: Array.from(x), y: Array.from(y), film: Array.from(film)};
"""
_ANSWERED = "points.told_at = -Infinity;"
"""While a point is dragged, the browser sends its position again when the server has redrawn the tracing, or after one second."""


class FilmView:
    """The film's picture.

    Attributes:
        figure: The figure, for the layout.
        contrast: The slider for grey levels, for the layout.
        patience: Script that the browser must run when the document is ready.

    Args:
        on_drag: Called while points are dragged.
        on_place: Called when points are released, or a point was removed.
        on_tap: Called with the position of a click.
    """

    def __init__(
        self, on_drag: Callable[[Points], None], on_place: Callable[[Points], None], on_tap: Callable[[float, float], None]
    ) -> None:
        self._size: tuple[int, int] | None = None
        self._inner = {"inner_width": 0, "inner_height": 0}  # unset until the browser has laid the page out
        self._drawing = False
        self._number = 0  # of the film
        self._drawn = _no_points()
        self._pixels = ColumnDataSource({"image": [], "width": [], "height": []})
        self._points = ColumnDataSource(_no_points())
        self._held = ColumnDataSource({"landmark": [], "x": [], "y": [], "film": []})
        self._lines = ColumnDataSource({"xs": [], "ys": []})
        self._marks = ColumnDataSource({"x": [], "y": []})
        self.figure = self._empty_figure()
        self.contrast = self._draw_pixels()
        self._draw_marks()
        follow(self._held, "data", lambda: on_drag(_by_name(self._held)) if self._is_of_this_film(self._held) else None)
        follow(self._points, "data", lambda: None if self._drawing else self._on_points(on_place))
        self.figure.on_event(Tap, lambda event: on_tap(event.x, event.y))
        self.figure.js_on_event(Pan, CustomJS(args={"points": self._points, "held": self._held}, code=_DRAGGED))
        self._lines.js_on_change("data", CustomJS(args={"points": self._points}, code=_ANSWERED))
        self.patience = CustomJS(args={"film": self.figure}, code=_PATIENT)
        nearest = {"points": self._points, "film": self.figure, "reach_px": REACH_PX}
        for event in (PanStart, Tap):
            self.figure.js_on_event(event, CustomJS(args=nearest, code=_ONE_POINT))
        for side in self._inner:
            self.figure.on_change(side, self._on_resize)

    def open(self, film: OpenedFilm) -> None:
        """Show another film, scaled to fit. Points of the former film that the browser still sends are ignored."""
        self._number += 1
        self._size = width, height = film.size
        self._pixels.data = {"image": [reduced(film.pixels, LONG_SIDE_PX)], "width": [width], "height": [height]}
        self.fit()

    def draw(self, points: pd.DataFrame, *, with_points: bool = True) -> None:
        """Draw the tracing and, unless a point is being dragged, the points.

        Args:
            points: Rows of a `PredictionTable` with `corrected`.
            with_points: False while a point is dragged, because the browser has its latest position.
        """
        lines = traced(places_of(points))
        self._lines.data = {f"{axis}s": [[corner[a] for corner in line.xy] for line in lines] for a, axis in enumerate("xy")}
        if with_points:
            self._drawn = _shown(points, self._number)
            self._redraw()

    def _redraw(self) -> None:
        self._drawing = True
        self._points.data = dict(self._drawn)
        self._points.selected.indices = []
        self._drawing = False

    def _on_points(self, on_place: Callable[[Points], None]) -> None:
        if self._is_of_this_film(self._points):
            on_place(_by_name(self._points))
        else:
            self._redraw()

    def _is_of_this_film(self, source: ColumnDataSource) -> bool:
        """Whether the browser's points are of the present film. It sends empty points if a page without film is dragged."""
        films = set(source.data["film"])
        return films == {self._number} or (not films and len(self._drawn["film"]) == 1)

    def draw_marks(self, marks: Sequence[RulerMark]) -> None:
        """Draw the ruler marks."""
        self._marks.data = {"x": [mark.x for mark in marks], "y": [mark.y for mark in marks]}

    def fit(self) -> None:
        """Show the whole film, as large as its proportions allow."""
        if self._size is None or not all(self._inner.values()):
            return
        (width, height), (across, down) = self._size, self._inner.values()
        scale = max(width / across, height / down)  # film px per screen px
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        self.figure.x_range.update(start=middle_x - scale * across / 2, end=middle_x + scale * across / 2)
        self.figure.y_range.update(start=middle_y + scale * down / 2, end=middle_y - scale * down / 2)

    def _on_resize(self, side: str, _old: int, pixels: int) -> None:
        self._inner[side] = pixels
        self.fit()

    def _empty_figure(self) -> figure:
        shown = figure(
            x_range=Range1d(0, 1), y_range=Range1d(1, 0), tools=[], toolbar_location="above", sizing_mode="stretch_both",
            min_width=320, min_height=300, background_fill_color="#000000", border_fill_color=None, outline_line_color=None,
            min_border=0, name="film",
        )  # fmt: skip
        shown.axis.visible = False
        shown.grid.visible = False
        shown.toolbar.logo = None
        return shown

    def _draw_pixels(self) -> RangeSlider:
        levels = LinearColorMapper(palette=gray(256), low=0, high=255)
        self.figure.image("image", x=-0.5, y=-0.5, dw="width", dh="height", source=self._pixels, color_mapper=levels)
        slider = RangeSlider(start=0, end=255, value=(0, 255), step=1, title="Grey levels", width=200, name="contrast")
        slider.js_on_change("value", CustomJS(args={"levels": levels}, code="[levels.low, levels.high] = cb_obj.value"))
        return slider

    def _draw_marks(self) -> None:
        self.figure.multi_line("xs", "ys", source=self._lines, line_color=LINE, line_width=1.1, line_alpha=0.8)
        self.figure.circle(
            "x", "y", radius="ring", source=self._points, fill_color=None, line_color=RING, line_width=0.9, line_alpha=0.8
        )
        self.figure.text(
            "x", "y", text="symbol", source=self._points, x_offset=8, y_offset=-5, text_color=NAME, text_font_size="11px",
            background_fill_color="#000000", background_fill_alpha=0.35, padding=1,
        )  # fmt: skip
        self.figure.line("x", "y", source=self._marks, line_color=RING, line_dash="dashed")
        self.figure.scatter("x", "y", source=self._marks, marker="cross", size=18, line_color=RING, line_width=2)
        dots = self.figure.scatter(
            "x", "y", source=self._points, marker="circle_dot", size=13, line_color="colour", fill_color="colour", fill_alpha=0.0,
            hover_line_color="#ffffff", line_width=1.6,
        )  # fmt: skip
        for drawn in self.figure.renderers:  # selecting a point must not fade the others
            drawn.nonselection_glyph = drawn.selection_glyph = None
        drag, wheel, pan = PointDrawTool(renderers=[dots], add=False), WheelZoomTool(), PanTool()
        drag.description, pan.description, wheel.description = "Move points", "Move the film", "Zoom with the wheel"
        self.figure.add_tools(drag, pan, wheel, HoverTool(renderers=[dots], tooltips="@landmark"))
        self.figure.toolbar.active_drag, self.figure.toolbar.active_scroll = drag, wheel


def follow(model: Model, name: str, do: Callable[[], None]) -> None:
    """Call `do` whenever a property of a model changes."""
    model.on_change(name, lambda _attribute, _old, _new: do())


def _no_points() -> dict[str, list[Any]]:
    return {name: [] for name in ("landmark", "symbol", "x", "y", "drawn_x", "drawn_y", "ring", "colour", "film")}


def _shown(points: pd.DataFrame, film: int) -> dict[str, list[Any]]:
    """Columns of the points that have coordinates, with the number of the film."""
    points = points[points["x"].notna()]
    x, y, names = points["x"].tolist(), points["y"].tolist(), points["landmark"].astype(str).tolist()
    return {
        "landmark": names,
        "symbol": [known_or_own(name).symbol for name in names],
        "x": x,
        "y": y,
        "drawn_x": list(x),
        "drawn_y": list(y),
        "ring": (2 * np.nan_to_num(sigma_px(points))).tolist(),
        "colour": np.where(points["corrected"], CORRECTED, np.where(is_flagged(points), FLAG, POINT)).tolist(),
        "film": [film] * len(names),
    }


def _by_name(source: ColumnDataSource) -> dict[str, tuple[float, float]]:
    columns = (source.data[name] for name in ("landmark", "x", "y"))
    return {str(name): (float(x), float(y)) for name, x, y in zip(*columns, strict=True)}

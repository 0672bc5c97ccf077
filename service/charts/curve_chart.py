"""Chart of learning curves: a job's metrics by epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from service.charts import legend as legends
from service.charts import lines, panels, scales, text_format
from service.charts.chart_style import PADDING, ChartStyle, Document, build_document
from service.charts.colors import Hue, Palette
from service.charts.legend import Legend
from service.charts.lines import NonFiniteMark
from service.charts.panels import Panel
from service.charts.scales import Scale
from service.history.metric_history import History

_MAX_POINTS = 1000
"""Maximum number of epochs of a panel; more would fall on the same pixels."""
_SINGLE_HEIGHT, _SHARED_HEIGHT, _MIN_HEIGHT = 300, 190, 60
"""Height of a panel in pixels: of a single panel, of one among others, and the minimum."""
_AXIS_WIDTH = lines.LABEL_WIDTH + 21
_HEADER_HEIGHT = 40
_AXIS_HEIGHT = 22
_AXIS_TITLE_HEIGHT = 20
_SPACING = 14
"""Pixels around the panels: the vertical axis, the titles, the horizontal axis and its title, between two panels."""


@dataclass(frozen=True)
class _PanelLayout:
    """A panel with its metrics, its legend and its width in pixels."""

    panel: Panel
    history: History
    legend: Legend
    mark: NonFiniteMark | None
    width: int

    @property
    def header_height(self) -> int:
        """Pixels of the legend and the mark's text."""
        return self.legend.height + (lines.MARK_HEIGHT if self.mark else 0)


def compute_min_height(history: History, width: int) -> int:
    """Return the minimum height in pixels at which the curves of a chart of this width are legible."""
    layouts = _lay_out_panels(history, width)
    return _compute_fixed_height(layouts) + _MIN_HEIGHT * len(layouts)


def build_curve_chart(history: History, title: str, subtitle: str, style: ChartStyle, scale: Scale) -> Document:
    """Build the chart of a history that has at least one epoch.

    Args:
        history: the metrics to draw, of any number of epochs.
        title: title of the chart.
        subtitle: one line below the title.
        style: theme and size; the height must be `compute_min_height` or more.
        scale: scale of the values; `auto` decides for each panel.

    """
    layouts = _lay_out_panels(history, style.width)
    height = _compute_panel_height(layouts, style.height)
    hues = _assign_hues(history, style.palette)
    charts = [_build_panel(layout, hues, style.palette, height, scale) for layout in layouts]
    charts[-1]["encoding"]["x"]["axis"]["title"] = "Epoch"
    content: Document = {
        "spacing": _SPACING,
        "resolve": {"scale": dict.fromkeys(("x", "y", "color", "strokeDash"), "independent")},
        "vconcat": charts,
    }
    return build_document(content, title, subtitle, style)


def _lay_out_panels(history: History, chart_width: int) -> list[_PanelLayout]:
    width = chart_width - 2 * PADDING - _AXIS_WIDTH
    layouts: list[_PanelLayout] = []
    for panel in panels.group_metrics(history.metrics, history.maximized):
        panel_history = history.select_metrics(panel.columns)
        legend = legends.build_legend(panel, width)
        layouts.append(
            _PanelLayout(panel, panel_history, legend, lines.find_nonfinite_mark(panel_history, legend), width)
        )
    return layouts


def _assign_hues(history: History, palette: Palette) -> dict[str, Hue]:
    """Return a hue for each metric. If there are more metrics than hues, metrics of different panels share one."""
    metrics = dict.fromkeys(text_format.get_base_metric(name) for name in history.metrics)
    return dict(zip(metrics, cycle(palette.hues), strict=False))


def _build_panel(
    layout: _PanelLayout, hues: Mapping[str, Hue], palette: Palette, height: float, scale: Scale
) -> Document:
    history = layout.history.thinned(_MAX_POINTS)
    values = (number for column in history.metrics.values() for number in column)
    axis = scales.build_axis(values, scale, lines.count_ticks(height))
    series = lines.build_series(layout.legend, hues)
    title = ", ".join(text_format.format_metric_name(names[0]) for names in layout.panel.names)
    legend = lines.build_legend_properties(layout.legend.columns, has_mark=layout.mark is not None)
    medians = lines.build_median_rows(layout.history, series, axis)
    mark_layers = lines.build_mark(layout.mark, history, palette, layout.width)
    return {
        "width": layout.width,
        "height": height,
        "data": {"values": lines.build_rows(history, series, axis)},
        "encoding": {"x": lines.build_epoch_axis(history.epochs), "y": lines.build_value_axis(title, axis, height)},
        "layer": lines.build_layers(series, medians, mark_layers, legend),
    }


def _compute_panel_height(layouts: Sequence[_PanelLayout], chart_height: int | None) -> float:
    if chart_height is None:
        return _SINGLE_HEIGHT if len(layouts) == 1 else _SHARED_HEIGHT
    return (chart_height - _compute_fixed_height(layouts)) / len(layouts)


def _compute_fixed_height(layouts: Sequence[_PanelLayout]) -> int:
    """Return the pixels of the chart's height outside the panels."""
    headers = sum(layout.header_height for layout in layouts)
    axes = len(layouts) * (_AXIS_HEIGHT + _SPACING) - _SPACING
    return 2 * PADDING + _HEADER_HEIGHT + headers + axes + _AXIS_TITLE_HEIGHT

"""Value axes: their domain, linear or logarithmic scale, ticks and labels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Scale = Literal["auto", "linear", "log"]

_LOG_RATIO = 100
"""`auto` is logarithmic if the maximum is at least this multiple of the minimum; a linear scale would show the minimum
as zero."""
_MARGIN = 0.05
_MAX_TICKS = 6
_MIN_TICKS = 2
"""With at most this number of powers of ten, values between them are labelled too. With fewer labels than that, the
renderer chooses the ticks."""
_PLAIN_RANGE = (1e-4, 1e5)
"""Numbers in this range are written without an exponent."""
_MAX_DIGITS = 6


@dataclass(frozen=True)
class Axis:
    """A value axis.

    `ticks` are the values with labels; None for evenly spaced ticks. `number_format` is d3's format of the labels;
    None for d3's own choice.
    """

    is_log: bool
    domain: tuple[float, float]
    ticks: list[float] | None = None
    number_format: str | None = None

    @property
    def scale(self) -> dict[str, Any]:
        """Return Vega-Lite's scale of the axis."""
        return {"type": "log" if self.is_log else "linear", "domain": list(self.domain), "zero": False, "nice": False}

    @property
    def labels(self) -> dict[str, Any]:
        """Return Vega-Lite's properties of the axis's labels."""
        ticks = {} if self.ticks is None else {"values": self.ticks}
        if self.number_format is None:
            return ticks
        return ticks | {"labelExpr": f"datum.value ? format(datum.value, '{self.number_format}') : '0'"}

    def can_show(self, value: float) -> bool:
        """Return whether the axis has a position for the value."""
        return math.isfinite(value) and (value > 0 or not self.is_log)


def build_axis(values: Iterable[float], scale: Scale) -> Axis:
    """Return an axis for the finite values among `values`.

    `auto` is logarithmic if all values are positive and span two decades or more.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    positive = [value for value in finite if value > 0]
    is_wide = bool(positive) and positive[0] <= positive[-1] / _LOG_RATIO
    if positive and (scale == "log" or (scale == "auto" and is_wide and len(positive) == len(finite))):
        return _build_log_axis(positive[0], positive[-1])
    return _build_linear_axis(finite[0], finite[-1]) if finite else Axis(is_log=False, domain=(0.0, 1.0), ticks=[])


def _build_linear_axis(low: float, high: float) -> Axis:
    margin = high * _MARGIN - low * _MARGIN or abs(high) * _MARGIN or 0.5
    size = max(abs(low), abs(high))
    is_plain = size == 0 or _PLAIN_RANGE[0] <= size < _PLAIN_RANGE[1]
    number_format = None if is_plain else _format_exponent(size, margin)
    return Axis(is_log=False, domain=(low - margin, high + margin), number_format=number_format)


def _format_exponent(size: float, margin: float) -> str:
    """Return d3's exponent format with enough digits to distinguish neighboring ticks."""
    digits = math.ceil(math.log10(size / margin))
    return f".{min(_MAX_DIGITS, max(1, digits))}~e"


def _build_log_axis(low: float, high: float) -> Axis:
    margin = max((high / low) ** _MARGIN, 1 + _MARGIN)
    low, high = low / margin, high * margin
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = max(1, math.ceil((last - first + 1) / _MAX_TICKS))
    ticks = [10.0**power for power in range(first, last + 1, step)]
    if len(ticks) <= _MIN_TICKS:
        candidates = [digit * 10.0**power for power in range(first - 1, last + 1) for digit in (1, 2, 5)]
        ticks = [tick for tick in candidates if low <= tick <= high]
    number_format = ",~g" if _PLAIN_RANGE[0] <= low and high <= _PLAIN_RANGE[1] else "~e"
    has_ticks = len(ticks) >= _MIN_TICKS
    return Axis(is_log=True, domain=(low, high), ticks=ticks if has_ticks else None, number_format=number_format)

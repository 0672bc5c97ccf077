"""Value axes: their domain, linear or logarithmic scale, ticks and labels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Literal

Scale = Literal["auto", "linear", "log"]

_LOG_RATIO = 100
"""`auto` is logarithmic if the maximum is at least this multiple of the minimum; a linear scale would show the minimum
as zero."""
_MARGIN = 0.05
"""Share of the span of logarithmic and of equal values by which the axis extends beyond them."""
_LINEAR_MARGIN = 0.03
"""Minimum share of the span of the values by which a linear axis extends beyond them."""
_MAX_TICKS = 6
_MIN_TICKS = 2
"""With at most this number of powers of ten, values between them are labelled too. With fewer labels than that, the
renderer chooses the ticks."""
_STEP_DIGITS = (1, 2, 5, 10)
"""Steps between ticks are powers of ten, multiplied by one of these."""
_MAX_DECIMALS = 20
"""Maximum number of decimals that d3 writes."""
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


def build_axis(values: Iterable[float], scale: Scale, max_ticks: int = _MAX_TICKS) -> Axis:
    """Return an axis for the finite values among `values`. It ends beyond them.

    `auto` is logarithmic if all values are positive and span two decades or more.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    positive = [value for value in finite if value > 0]
    is_wide = bool(positive) and positive[0] <= positive[-1] / _LOG_RATIO
    if positive and (scale == "log" or (scale == "auto" and is_wide and len(positive) == len(finite))):
        return _build_log_axis(positive[0], positive[-1])
    if not finite:
        return Axis(is_log=False, domain=(0.0, 1.0), ticks=[])
    return _build_linear_axis(finite[0], finite[-1], max_ticks)


def choose_integer_ticks(first: int, last: int, max_ticks: int) -> list[int]:
    """Return evenly spaced integers from `first` to `last`, and `first` itself if there is room for its label."""
    step = max(1, int(_choose_step(Decimal(last - first), max_ticks))) if last > first else 1
    ticks = list(range(math.ceil(first / step) * step, last + 1, step))
    has_room = not ticks or 2 * (ticks[0] - first) > step
    return [first, *ticks] if has_room else ticks


def _build_linear_axis(low: float, high: float, max_ticks: int) -> Axis:
    """Return an axis that ends at ticks; 0 may be an end even if it is a value, because no value is beyond it."""
    if low == high:
        margin = abs(high) * _MARGIN or 0.5
        low, high = low - margin, high + margin
    span = Decimal(repr(high)) - Decimal(repr(low))
    step = _choose_step(span, max_ticks)
    first = (Decimal(repr(low)) / step).to_integral_value(ROUND_FLOOR)
    last = (Decimal(repr(high)) / step).to_integral_value(ROUND_CEILING)
    ticks = [float((first + index) * step) for index in range(int(last - first) + 1)]
    margin = float(span) * _LINEAR_MARGIN
    domain = (
        0.0 if ticks[0] == 0 else min(ticks[0], low - margin),
        0.0 if ticks[-1] == 0 else max(ticks[-1], high + margin),
    )
    if not all(map(math.isfinite, (*ticks, *domain))) or len(set(ticks)) < len(ticks):
        return Axis(is_log=False, domain=(low, high))  # at the limits of floats, ticks overflow or coincide
    return Axis(is_log=False, domain=domain, ticks=ticks, number_format=_choose_format(ticks, step))


def _choose_step(span: Decimal, max_ticks: int) -> Decimal:
    """Return the smallest step that divides the span into fewer parts than there may be ticks."""
    smallest = span / max(1, max_ticks - 1)
    power = smallest.adjusted()
    return next(step for step in (Decimal(digit).scaleb(power) for digit in _STEP_DIGITS) if step >= smallest)


def _choose_format(ticks: list[float], step: Decimal) -> str:
    """Return d3's number format with enough digits to distinguish neighboring ticks."""
    size = max(abs(ticks[0]), abs(ticks[-1]))
    decimals = max(0, -step.normalize().adjusted())
    if _PLAIN_RANGE[0] <= size < _PLAIN_RANGE[1] and decimals <= _MAX_DECIMALS:
        return f",.{decimals}f"
    digits = Decimal(repr(size)).adjusted() - step.adjusted()
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

"""Where an axis begins and ends, whether it counts in powers of ten, and what stands beside its ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Scale = Literal["auto", "linear", "log"]

_DECADES = 100
"""Two decades: where the least value is under a hundredth of the greatest, a linear scale would show it as nothing."""
_MARGIN = 0.05
_MOST_TICKS = 6
_FEW_TICKS = 2
"""With no more, what lies between powers of ten is labelled too; with fewer, it is left to the renderer."""
_PLAIN = (1e-4, 1e5)
"""Between these, numbers are written out."""
_MOST_DIGITS = 6


@dataclass(frozen=True)
class Axis:
    """A value axis.

    `ticks` are where labels stand, None where an even spacing will do; `form` is d3's name for how numbers are
    written, None for its own choice.
    """

    log: bool
    domain: tuple[float, float]
    ticks: list[float] | None = None
    form: str | None = None

    @property
    def scale(self) -> dict[str, Any]:
        """The same in Vega-Lite, but for the labels."""
        return {"type": "log" if self.log else "linear", "domain": list(self.domain), "zero": False, "nice": False}

    @property
    def labels(self) -> dict[str, Any]:
        """What Vega-Lite's axis says of the numbers beside its ticks."""
        ticks = {} if self.ticks is None else {"values": self.ticks}
        if self.form is None:
            return ticks
        return ticks | {"labelExpr": f"datum.value ? format(datum.value, '{self.form}') : '0'"}

    def shows(self, value: float) -> bool:
        """Whether a value has a place on it."""
        return math.isfinite(value) and (value > 0 or not self.log)


def fit(values: Iterable[float], scale: Scale) -> Axis:
    """The axis on which values are legible; those that are not finite count for nothing.

    `auto` is logarithmic where all values are positive and span two decades or more.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    positive = [value for value in finite if value > 0]
    spans = bool(positive) and positive[0] <= positive[-1] / _DECADES
    if positive and (scale == "log" or (scale == "auto" and spans and len(positive) == len(finite))):
        return _log(positive[0], positive[-1])
    return _linear(finite[0], finite[-1]) if finite else Axis(log=False, domain=(0.0, 1.0), ticks=[])


def _linear(low: float, high: float) -> Axis:
    margin = high * _MARGIN - low * _MARGIN or abs(high) * _MARGIN or 0.5
    size = max(abs(low), abs(high))
    plain = size == 0 or _PLAIN[0] <= size < _PLAIN[1]
    return Axis(log=False, domain=(low - margin, high + margin), form=None if plain else _powers(size, margin))


def _powers(size: float, margin: float) -> str:
    """With so many digits that neighbouring ticks differ."""
    digits = math.ceil(math.log10(size / margin))
    return f".{min(_MOST_DIGITS, max(1, digits))}~e"


def _log(low: float, high: float) -> Axis:
    margin = max((high / low) ** _MARGIN, 1 + _MARGIN)
    low, high = low / margin, high * margin
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = max(1, math.ceil((last - first + 1) / _MOST_TICKS))
    ticks = [10.0**power for power in range(first, last + 1, step)]
    if len(ticks) <= _FEW_TICKS:
        between = [digit * 10.0**power for power in range(first - 1, last + 1) for digit in (1, 2, 5)]
        ticks = [tick for tick in between if low <= tick <= high]
    form = ",~g" if _PLAIN[0] <= low and high <= _PLAIN[1] else "~e"
    return Axis(log=True, domain=(low, high), ticks=ticks if len(ticks) >= _FEW_TICKS else None, form=form)

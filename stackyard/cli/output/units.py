"""Numbers with a unit that suits their size, for people."""

_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_FACTOR = 1000


def format_bytes(size: int) -> str:
    """Format a number of bytes: `12.3 kB`."""
    return _format_quantity(size, "B")


def format_operations(count: int) -> str:
    """Format a number of floating-point operations: `1.2 MFLOP`."""
    return _format_quantity(count, "FLOP")


def _format_quantity(value: float, unit: str) -> str:
    prefixes = iter(_PREFIXES)
    prefix = next(prefixes)
    while round(value, 1) >= _FACTOR and prefix != _PREFIXES[-1]:
        value, prefix = value / _FACTOR, next(prefixes)
    return f"{value:.1f} {prefix}{unit}" if prefix else f"{value:,.0f} {unit}"

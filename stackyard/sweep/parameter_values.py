"""The values of one parameter: how many there are, how to draw one, and whether it has a value.

A *code* stands for a value: the index of a listed value or of an option, or else the number itself.
"""

import math
from decimal import Decimal

from pydantic import JsonValue

from stackyard.sweep.json_values import encode_canonically
from stackyard.sweep.space import Choice, IntRange, LogUniform, Parameter, Uniform, Values

Code = int | float


def count_values(parameter: Parameter) -> int | None:
    """Return the number of different values, or of options; None for a continuous parameter."""
    match parameter:
        case Uniform(step=None) | LogUniform():
            return None
        case Uniform(uniform=(low, high), step=step):
            return int((_to_decimal(high) - _to_decimal(low)) / _to_decimal(step or 1.0)) + 1
        case IntRange(int=(low, high), step=step):
            return (high - low) // step + 1
        case Values(values=values):
            return len(values)
        case Choice(choice=options):
            return len(options)
        case _:
            raise TypeError(f"expected a parameter, received {type(parameter)}")


def get_code(parameter: Parameter, index: int) -> Code:
    """Return the code of a value of a parameter that is not continuous, in ascending order or in that of the spec."""
    match parameter:
        case Uniform(uniform=(low, _), step=float(step)):
            return float(_to_decimal(low) + index * _to_decimal(step))
        case IntRange(int=(low, _), step=step):
            return low + index * step
        case _:
            return index


def draw_code(parameter: Parameter, quantile: float) -> Code:
    """Return the code at a quantile from 0 to 1 of the parameter's distribution."""
    match parameter:
        case Uniform(uniform=(low, high), step=None):
            return min(high, low + quantile * (high - low))
        case LogUniform(log_uniform=(low, high)):
            return _interpolate_log(low, high, quantile, low, high)
        case IntRange(int=(low, high), log=True):
            return round(_interpolate_log(low - 0.5, high + 0.5, quantile, low, high))
        case _:
            count = count_values(parameter) or 1
            return get_code(parameter, min(count - 1, int(quantile * count)))


def _interpolate_log(low: float, high: float, quantile: float, smallest: float, largest: float) -> float:
    value = math.exp(math.log(low) + quantile * (math.log(high) - math.log(low)))
    return min(largest, max(smallest, value))


def decode_value(parameter: Parameter, code: Code) -> JsonValue:
    """Return the value of a code. A number with a step becomes the nearest multiple of it. No value for a choice."""
    match parameter:
        case Values(values=values):
            return values[int(code)]
        case Uniform():
            return _snap_number(parameter, code)
        case _:
            return code


def _snap_number(parameter: Parameter, number: float) -> float:
    """Return the nearest number of a parameter with a step; any other number as it is."""
    match parameter:
        case Uniform(uniform=(low, _), step=float(step)):
            return get_code(parameter, round((number - low) / step))
        case _:
            return number


def _read_number(value: JsonValue) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def encode_value(parameter: Parameter, value: JsonValue) -> Code | None:
    """Return the code of a value, or None if the parameter does not have it. Of choices, options have no value."""
    match parameter:
        case Values(indices=indices):
            return indices.get(encode_canonically(value))
        case IntRange(int=(low, high), step=step):
            number = _read_number(value)
            if number is None or not low <= number <= high or int(number) != number:
                return None
            return int(number) if (int(number) - low) % step == 0 else None
        case Uniform(uniform=(low, high)) | LogUniform(log_uniform=(low, high)):
            number = _read_number(value)
            if number is None or not low <= number <= high:
                return None
            return number if math.isclose(number, _snap_number(parameter, number), rel_tol=1e-9) else None
        case _:
            return None


def describe_values(parameter: Parameter) -> str:
    """Return what a message calls the values of a parameter: `a number from 0.1 to 0.5`."""
    match parameter:
        case Uniform(uniform=(low, high), step=step):
            return f"a number from {low} to {high}" + ("" if step is None else f" in steps of {step}")
        case LogUniform(log_uniform=(low, high)):
            return f"a number from {low} to {high}"
        case IntRange(int=(low, high), step=step):
            return f"an integer from {low} to {high}" + ("" if step == 1 else f" in steps of {step}")
        case _:
            return "one of the values of the space"


def _to_decimal(number: float) -> Decimal:
    """Return the number as its shortest text writes it, so that 3 steps of 0.1 are 0.3."""
    return Decimal(repr(number))

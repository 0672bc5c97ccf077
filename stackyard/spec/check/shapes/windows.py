"""Windows that slide along axes: how many steps they make."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import Fault


def slide(places: Shape, window: Shape, strides: Shape, padding: str, at: str) -> Shape | Fault:
    """Return how many steps a window makes along each axis.

    The formulas are those of https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.

    Args:
        places: the sizes of the axes.
        window: its sizes, the gaps of a dilation included.
        strides: how far each step goes.
        padding: `valid` keeps the window within; anything else lets it begin at every place.
        at: the argument to blame where the window is too large.
    """
    if padding != "valid":
        return tuple(-(-size // stride) for size, stride in zip(places, strides, strict=True))
    for size, width in zip(places, window, strict=True):
        if width > size:
            message = f'expected at most {size}, the size of an axis of {list(places)}, or the padding "same"'
            return Fault(f"{message}; received {width}", (at,))
    return tuple((size - width) // stride + 1 for size, width, stride in zip(places, window, strides, strict=True))

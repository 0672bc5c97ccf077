"""Count the steps of windows that slide along axes."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import LayerFault


def count_window_steps(sizes: Shape, window: Shape, strides: Shape, padding: str, argument: str) -> Shape | LayerFault:
    """Return the number of steps of a window along each axis, or the fault of a window that is too large.

    The formulas are from https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.

    Args:
        sizes: The sizes of the axes.
        window: The sizes of the window, including the gaps of a dilation.
        strides: The length of a step along each axis.
        padding: `valid` keeps the window inside the axes; with any other value it may start at each index.
        argument: The argument of the layer that sets the window, for the fault.
    """
    if padding != "valid":
        return tuple(-(-size // stride) for size, stride in zip(sizes, strides, strict=True))
    for size, width in zip(sizes, window, strict=True):
        if width > size:
            message = f'expected at most {size}, the size of an axis of {list(sizes)}, or the padding "same"'
            return LayerFault(f"{message}; received {width}", (argument,))
    return tuple((size - width) // stride + 1 for size, width, stride in zip(sizes, window, strides, strict=True))

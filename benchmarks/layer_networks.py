"""Small and large networks of one kind of layer each, which are trained on both backends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LAYER = Mapping[str, Any]
SIZES = ("small", "large")


@dataclass(frozen=True)
class LayerNetwork:
    """A network to train, and the rows that it trains on.

    Args:
        kind: of its layers, for tables.
        size: one of `SIZES`.
        shape: of an input row.
        layers: of the network, without the last Dense with one unit.
        rows: the number of training rows.
        input_dim: the number of integers that may occur as inputs; 0 for inputs that are any numbers.

    """

    kind: str
    size: str
    shape: Sequence[int]
    layers: Sequence[_LAYER]
    rows: int
    input_dim: int = 0

    def build_spec(self) -> dict[str, Any]:
        """Return a spec with the network, by which the backend of `auto` is chosen."""
        return {
            "data": {"dataset": self.kind, "x": "x", "y": "y"},
            "network": {"layers": [*map(dict, self.layers), {"type": "Dense", "units": 1}]},
            "training": {"loss": "mse"},
        }


def _dense(units: int) -> _LAYER:
    return {"type": "Dense", "units": units, "activation": "relu"}


def _convolve(kind: str, filters: int) -> _LAYER:
    return {"type": kind, "filters": filters, "kernel_size": 3, "padding": "same", "activation": "relu"}


def _recur(kind: str, units: int) -> _LAYER:
    return {"type": kind, "units": units}


_FLATTEN = {"type": "Flatten"}
_DEPTHWISE = {"type": "DepthwiseConv2D", "kernel_size": 3, "padding": "same"}
_AVERAGE = {"type": "GlobalAveragePooling1D"}
_SMALL_IMAGE, _LARGE_IMAGE = (8, 8, 4), (28, 28, 16)
_SHORT_SEQUENCE, _LONG_SEQUENCE = (10, 4), (28, 28)


def _build_pair(
    kind: str,
    small: tuple[Sequence[int], Sequence[_LAYER], int],
    large: tuple[Sequence[int], Sequence[_LAYER], int],
    input_dims: tuple[int, int] = (0, 0),
) -> list[LayerNetwork]:
    """Return the small and the large network of a kind, each given by its shape, its layers and its rows."""
    return [
        LayerNetwork(kind, size, *parts, input_dim)
        for size, parts, input_dim in zip(SIZES, (small, large), input_dims, strict=True)
    ]


def _normalize(kind: str) -> list[LayerNetwork]:
    layers = [[_dense(units), {"type": kind}] * 2 for units in (32, 256)]
    return _build_pair(kind, ((16,), layers[0], 8192), ((64,), layers[1], 8192))


def _convolve_images(kind: str) -> list[LayerNetwork]:
    layers = [[_convolve(kind, filters), _convolve(kind, filters), _FLATTEN] for filters in (4, 16)]
    return _build_pair(kind, (_SMALL_IMAGE, layers[0], 2048), (_LARGE_IMAGE, layers[1], 256))


def _recur_over_sequences(kind: str) -> list[LayerNetwork]:
    return _build_pair(kind, (_SHORT_SEQUENCE, [_recur(kind, 8)], 4096), (_LONG_SEQUENCE, [_recur(kind, 64)], 4096))


NETWORKS: Sequence[LayerNetwork] = (
    *_build_pair("Dense", ((16,), [_dense(32)] * 2, 8192), ((128,), [_dense(512)] * 3, 8192)),
    *_normalize("BatchNormalization"),
    *_normalize("LayerNormalization"),
    *_build_pair(
        "Conv1D",
        ((32, 4), [_convolve("Conv1D", 8), _FLATTEN], 4096),
        ((128, 16), [_convolve("Conv1D", 64)] * 2 + [_FLATTEN], 256),
    ),
    *_convolve_images("Conv2D"),
    *_convolve_images("SeparableConv2D"),
    *_build_pair(
        "DepthwiseConv2D",
        (_SMALL_IMAGE, [_DEPTHWISE, _FLATTEN], 2048),
        (_LARGE_IMAGE, [_DEPTHWISE] * 2 + [_FLATTEN], 256),
    ),
    *_recur_over_sequences("LSTM"),
    *_recur_over_sequences("GRU"),
    *_build_pair(
        "Bidirectional",
        (_SHORT_SEQUENCE, [{"type": "Bidirectional", "layer": _recur("LSTM", 8)}], 4096),
        (_LONG_SEQUENCE, [{"type": "Bidirectional", "layer": _recur("LSTM", 64)}], 4096),
    ),
    *_build_pair(
        "Embedding",
        ((20,), [{"type": "Embedding", "input_dim": 1000, "output_dim": 8}, _AVERAGE], 8192),
        ((100,), [{"type": "Embedding", "input_dim": 20_000, "output_dim": 64}, _AVERAGE], 4096),
        (1000, 20_000),
    ),
)

"""Thirty networks whose memory is measured and compared with the estimate of the check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_LAYER = dict[str, Any]
_TRAIN_SHARE = 0.5


@dataclass(frozen=True)
class Subject:
    """A network to measure, and the arrays that it trains on.

    Args:
        name: for tables.
        shape: of an input row.
        layers: of the network, without the last Dense.
        outputs: the units of the last Dense.
        optimizer: of the training.
        batch_size: rows in a step; there are two steps of training rows, and as many validation rows.
        input_dim: the number of integers that may occur as inputs; 0 for inputs that are any numbers.

    """

    name: str
    shape: tuple[int, ...]
    layers: Sequence[_LAYER]
    outputs: int = 1
    optimizer: str = "Adam"
    batch_size: int = 32
    input_dim: int = 0

    def build_arrays(self) -> dict[str, Any]:
        """Return the inputs `x` and the targets `y`."""
        generator = np.random.default_rng(0)
        rows = 4 * self.batch_size
        size = (rows, *self.shape)
        x = generator.integers(0, self.input_dim, size) if self.input_dim else generator.random(size, "float32")
        return {"x": x, "y": generator.random((rows, self.outputs), "float32")}

    def build_spec(self) -> dict[str, Any]:
        """Return the job's spec."""
        return {
            "data": {
                "dataset": self.name,
                "x": "x",
                "y": "y",
                "split": {"validation": {"method": "random", "train_fraction": _TRAIN_SHARE, "seed": 0}},
            },
            "network": {"layers": [*self.layers, {"type": "Dense", "units": self.outputs}]},
            "training": {
                "loss": "mse",
                "optimizer": self.optimizer,
                "batch_size": self.batch_size,
                "epochs": 2,
                "seed": 0,
            },
        }


def _dense(units: int, **arguments: object) -> _LAYER:
    return {"type": "Dense", "units": units, "activation": "relu", **arguments}


def _recurrent(kind: str, units: int, **arguments: object) -> _LAYER:
    return {"type": kind, "units": units, **arguments}


def _conv(filters: int, rank: int = 2, **arguments: object) -> _LAYER:
    return {"type": f"Conv{rank}D", "filters": filters, "kernel_size": 3, "padding": "same", **arguments}


def _repeat(layers: Sequence[_LAYER], count: int) -> list[_LAYER]:
    return [*layers] * count


_NORMALIZATION: _LAYER = {"type": "BatchNormalization"}
_POOLING: _LAYER = {"type": "MaxPooling2D"}
_AVERAGE: _LAYER = {"type": "GlobalAveragePooling2D"}
_FLATTEN: _LAYER = {"type": "Flatten"}
_ORTHOGONAL: Mapping[str, str] = {"type": "OrthogonalRegularizer"}
_EMBEDDING: _LAYER = {"type": "Embedding", "input_dim": 10**6, "output_dim": 16}
_SPECTRAL: _LAYER = {"type": "SpectralNormalization", "power_iterations": 10, "layer": _dense(2048)}

SUBJECTS: Sequence[Subject] = (
    Subject("Dense 3", (4,), [_dense(3)]),
    Subject("Dense 64 x 2", (20,), [_dense(64), _dense(64)]),
    Subject("Dense 512 x 3, batch 1024", (784,), [_dense(512)] * 3, batch_size=1024),
    Subject("Dense 4096 x 2", (784,), [_dense(4096)] * 2, outputs=10),
    Subject("Dense 4096 x 2, SGD", (784,), [_dense(4096)] * 2, outputs=10, optimizer="SGD"),
    Subject("Dense 2048 x 8, Adadelta", (256,), [_dense(2048)] * 8, optimizer="Adadelta"),
    Subject("Dense 8192, Adafactor", (4096,), [_dense(8192)], optimizer="Adafactor"),
    Subject("Dense 2048 x 2, Muon", (2048,), [_dense(2048)] * 2, optimizer="Muon"),
    Subject("BatchNormalization and Dense 64 x 60", (32,), _repeat([_NORMALIZATION, _dense(64)], 60)),
    Subject("BatchNormalization and Dense 512 x 20", (32,), _repeat([_NORMALIZATION, _dense(512)], 20)),
    Subject(
        "Dense 6000, orthogonal rows",
        (6000,),
        [_dense(8, kernel_regularizer=_ORTHOGONAL)],
    ),
    Subject(
        "Dense 2048, spectral normalization",
        (2048,),
        [_SPECTRAL],
    ),
    Subject(
        "Dropout and Dense 2048, batch 4096", (64,), [_dense(2048), {"type": "Dropout", "rate": 0.5}], batch_size=4096
    ),
    Subject(
        "LayerNormalization and Dense 1024, batch 4096",
        (64,),
        _repeat([_dense(1024), {"type": "LayerNormalization"}], 3),
        batch_size=4096,
    ),
    Subject("Embedding 1,000,000 x 16", (8,), [_EMBEDDING, _FLATTEN], input_dim=10**6),
    Subject(
        "Embedding 1,000,000 x 16, SGD",
        (8,),
        [_EMBEDDING, _FLATTEN],
        optimizer="SGD",
        input_dim=10**6,
    ),
    Subject(
        "Embedding 10,000 x 64, LSTM 128",
        (100,),
        [{"type": "Embedding", "input_dim": 10_000, "output_dim": 64}, _recurrent("LSTM", 128)],
        input_dim=10_000,
    ),
    Subject("SimpleRNN 64, 1,000 steps", (1000, 8), [_recurrent("SimpleRNN", 64)]),
    Subject("LSTM 32, 20,000 steps", (20_000, 1), [_recurrent("LSTM", 32)], batch_size=8),
    Subject(
        "LSTM 64, 5,000 steps, sequences",
        (5_000, 4),
        [_recurrent("LSTM", 64, return_sequences=True), _FLATTEN],
        batch_size=8,
    ),
    Subject("GRU 128, 500 steps", (500, 16), [_recurrent("GRU", 128)]),
    Subject(
        "Bidirectional GRU 64, 1,000 steps",
        (1000, 8),
        [{"type": "Bidirectional", "layer": _recurrent("GRU", 64)}],
    ),
    Subject("LSTM 32, 60 steps, unrolled", (60, 8), [_recurrent("LSTM", 32, unroll=True)]),
    Subject("Conv1D 64 x 3, 4,096 steps", (4096, 4), [_conv(64, 1)] * 3 + [{"type": "GlobalAveragePooling1D"}]),
    Subject("Conv2D 32 x 2, 64 x 64", (64, 64, 3), [_conv(32), _conv(32), _AVERAGE]),
    Subject(
        "Conv2D and BatchNormalization, 96 x 96",
        (96, 96, 3),
        [
            *_repeat([_conv(32, activation="relu"), _NORMALIZATION], 2),
            _POOLING,
            _conv(64, activation="relu"),
            _AVERAGE,
        ],
    ),
    Subject(
        "Conv2D and pooling, 28 x 28",
        (28, 28, 1),
        [_conv(32, activation="relu"), _POOLING, _conv(64, activation="relu"), _POOLING, _FLATTEN, _dense(128)],
        outputs=10,
        batch_size=128,
    ),
    Subject(
        "SeparableConv2D 64 x 2, 64 x 64",
        (64, 64, 3),
        [{"type": "SeparableConv2D", "filters": 64, "kernel_size": 3}] * 2 + [_AVERAGE],
    ),
    Subject(
        "Conv2DTranspose 32, 64 x 64",
        (64, 64, 3),
        [{"type": "Conv2DTranspose", "filters": 32, "kernel_size": 3, "strides": 2}, _AVERAGE],
    ),
    Subject(
        "Conv3D 16, 24 x 24 x 24", (24, 24, 24, 2), [_conv(16, 3), _conv(16, 3), {"type": "GlobalAveragePooling3D"}]
    ),
)

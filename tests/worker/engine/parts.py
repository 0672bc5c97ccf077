"""Jobs on drawn rows that have one part of the spec language in them each."""

import json
import math
from dataclasses import replace
from typing import get_args

import numpy as np

from stackyard.spec import parse
from stackyard.spec.training import losses
from tests.worker.stacks import LARGEST_ROW, after
from tests.worker.stock import prepared

ROWS = 40
BATCH = 16
"""So that the last batch is a short one."""
HIGHEST = 6
SHAPES = [(6,), (4, 3), (4, 4, 3), (3, 3, 3, 2)]

SCORES = [{"type": "Dense", "units": 4, "activation": "tanh"}, {"type": "Dense", "units": 1}]
PROBABILITY = [SCORES[0], {"type": "Dense", "units": 1, "activation": "sigmoid"}]
PROBABILITIES = [SCORES[0], {"type": "Dense", "units": 3, "activation": "softmax"}]


def classes(union):
    return get_args(get_args(union)[0])


def spec(layers, **training):
    fit = {"loss": "mse", "optimizer": "sgd", "batch_size": BATCH, "epochs": 3, "seed": 3, "shuffle": "keras"}
    document = {
        "data": {"dataset": "d", "x": "x", "y": "y"},
        "network": {"layers": layers},
        "training": fit | training,
    }
    return parse(json.dumps(document).encode())


def numbers(shape=(6,)):
    """Rows and targets that are any numbers."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, *shape)).astype("float32")
    y = draw.normal(size=ROWS).astype("float32")
    return prepared((x, y), (x[:24], y[:24]))


def labels(kind):
    """Rows, and targets of classes: `sparse`, `one_hot` or `binary`."""
    draw = np.random.default_rng(1)
    x, drawn = draw.normal(size=(ROWS, 6)).astype("float32"), draw.integers(0, 3, ROWS)
    y = {
        "sparse": drawn,
        "one_hot": np.eye(3, dtype="float32")[drawn],
        "binary": (drawn[:, None] > 0).astype("float32"),
    }[kind]
    return prepared((x, y), (x[:24], y[:24]))


FITTING: dict[str, dict[str, object]] = {
    "Embedding": {"input_dim": 9},
    "GroupNormalization": {"groups": 3},
    "Reshape": {"target_shape": [2, 3]},
}
"""Arguments with which a layer takes the rows below."""


def pile(documents):
    """Put layers on top of each other as long as they take what comes up: networks, and the rows that each takes."""
    left = [document | FITTING.get(document["type"], {}) for document in documents]
    while left:
        shape = here = next(shape for shape in SHAPES if after(left[0], shape))
        chosen = []
        for layer in list(left):
            if len(chosen) < HIGHEST and (made := after(layer, here)) and math.prod(made) <= LARGEST_ROW:
                here = made
                chosen.append(layer)
                left.remove(layer)
        data = numbers(shape)
        if chosen[0]["type"] == "Embedding":
            whole = {name: np.abs(getattr(data, name)).round() for name in ("x_train", "x_validation")}
            data = replace(data, **whole)
        yield [*chosen, "Flatten", {"type": "Dense", "units": 1}], data


def kind_of(part):
    """What targets a loss or a metric is about."""
    if part.__name__.startswith("Sparse") or part is losses.CategoricalGeneralizedCrossEntropy:
        return "sparse"
    many = {"KLDivergence", "Dice", "Tversky", "CosineSimilarity", "F1Score", "FBetaScore"}
    return "one_hot" if "Categorical" in part.__name__ or part.__name__ in many else "binary"


def under_loss(part, **arguments):
    """Layers, rows and a training under a loss."""
    kind = kind_of(part)
    layers = PROBABILITY if kind == "binary" else PROBABILITIES
    return layers, labels(kind), {"loss": {"type": part.__name__, **arguments}}

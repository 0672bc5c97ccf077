"""Jobs on drawn rows that have one part of the spec language in them each."""

import json
from typing import get_args

import numpy as np

from stackyard.spec import SpecError, check, losses, metrics, parse
from stackyard.spec.check.shapes import infer
from tests.worker.stock import prepared

ROWS = 40
BATCH = 16
"""So that the last batch is a short one."""
SHAPES = [(6,), (4, 3), (4, 4, 3), (3, 3, 3, 2)]

SCORES = [{"type": "Dense", "units": 4, "activation": "tanh"}, {"type": "Dense", "units": 1}]
PROBABILITY = [SCORES[0], {"type": "Dense", "units": 1, "activation": "sigmoid"}]
PROBABILITIES = [SCORES[0], {"type": "Dense", "units": 3, "activation": "softmax"}]


def classes(union):
    return get_args(get_args(union)[0])


def spec(layers, **training):
    fit = {"loss": "mse", "optimizer": "sgd", "batch_size": BATCH, "epochs": 3, "seed": 3, "shuffle": "keras"}
    document = {"data": {"dataset": "d", "x": "x", "y": "y"}, "network": {"layers": layers}, "training": fit | training}
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
    y = {"sparse": drawn, "one_hot": np.eye(3, dtype="float32")[drawn], "binary": (drawn > 0).astype("float32")}[kind]
    return prepared((x, y), (x[:24], y[:24]))


def with_layer(layer):
    """Layers with this one first, and rows that it takes."""
    stack = [layer, "Flatten", {"type": "Dense", "units": 1}]
    for shape in SHAPES:
        try:
            made, faults = infer(spec(stack).network.layers[0], shape)
        except SpecError:
            continue
        if not faults and made is not None:
            return stack, numbers(shape)
    raise AssertionError(layer)


def kind_of(part):
    """What targets a loss or a metric is about."""
    if part.__name__.startswith("Sparse") or part in (losses.CategoricalGeneralizedCrossEntropy,):
        return "sparse"
    many = {"KLDivergence", "Dice", "Tversky", "CosineSimilarity", "F1Score", "FBetaScore"}
    return "one_hot" if "Categorical" in part.__name__ or part.__name__ in many else "binary"


def under_loss(part, **arguments):
    """Layers, rows and a training under a loss."""
    kind = kind_of(part)
    layers = PROBABILITY if kind == "binary" else PROBABILITIES
    return layers, labels(kind), {"loss": {"type": part.__name__, **arguments}}

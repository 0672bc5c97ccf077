"""Jobs on random rows, each of which has one part of the spec language."""

import json
import math
from dataclasses import replace
from typing import get_args

import numpy as np

from stackyard.spec import parse_spec
from stackyard.spec.training import losses
from tests.worker.keras_reference import build_prepared_data
from tests.worker.layer_stacks import LARGEST_ROW, infer_output_shape

ROWS = 40
BATCH = 16
"""The last batch is smaller."""
MAX_LAYERS = 6
SHAPES = [(6,), (4, 3), (4, 4, 3), (3, 3, 3, 2)]

SCORE_LAYERS = [{"type": "Dense", "units": 4, "activation": "tanh"}, {"type": "Dense", "units": 1}]
PROBABILITY = [SCORE_LAYERS[0], {"type": "Dense", "units": 1, "activation": "sigmoid"}]
PROBABILITIES = [SCORE_LAYERS[0], {"type": "Dense", "units": 3, "activation": "softmax"}]


def list_classes(union):
    return get_args(get_args(union)[0])


def build_spec(layers, **training):
    defaults = {"loss": "mse", "optimizer": "sgd", "batch_size": BATCH, "epochs": 3, "seed": 3, "shuffle": "keras"}
    document = {
        "data": {"dataset": "d", "x": "x", "y": "y"},
        "network": {"layers": layers},
        "training": defaults | training,
    }
    return parse_spec(json.dumps(document).encode())


def draw_numbers(shape=(6,)):
    """Draw rows and targets that are numbers."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, *shape)).astype("float32")
    y = generator.normal(size=ROWS).astype("float32")
    return build_prepared_data((x, y), (x[:24], y[:24]))


def draw_labels(kind):
    """Draw rows and targets that are classes: `sparse`, `one_hot` or `binary`."""
    generator = np.random.default_rng(1)
    x, class_indices = generator.normal(size=(ROWS, 6)).astype("float32"), generator.integers(0, 3, ROWS)
    y = {
        "sparse": class_indices,
        "one_hot": np.eye(3, dtype="float32")[class_indices],
        "binary": (class_indices[:, None] > 0).astype("float32"),
    }[kind]
    return build_prepared_data((x, y), (x[:24], y[:24]))


FITTING: dict[str, dict[str, object]] = {
    "Embedding": {"input_dim": 9},
    "GroupNormalization": {"groups": 3},
    "Reshape": {"target_shape": [2, 3]},
}
"""Arguments with which a layer accepts the rows of `pile`."""


def stack_layers(documents):
    """Stack layers as long as they accept the rows, and yield such networks with rows for each."""
    remaining = [document | FITTING.get(document["type"], {}) for document in documents]
    while remaining:
        input_shape = shape = next(shape for shape in SHAPES if infer_output_shape(remaining[0], shape))
        stack = []
        for layer in list(remaining):
            if (
                len(stack) < MAX_LAYERS
                and (output := infer_output_shape(layer, shape))
                and math.prod(output) <= LARGEST_ROW
            ):
                shape = output
                stack.append(layer)
                remaining.remove(layer)
        data = draw_numbers(input_shape)
        if stack[0]["type"] == "Embedding":
            integers = {name: np.abs(getattr(data, name)).round() for name in ("x_train", "x_validation")}
            data = replace(data, **integers)
        yield [*stack, "Flatten", {"type": "Dense", "units": 1}], data


def get_target_kind(part):
    """Return the kind of targets of a loss or a metric."""
    if part.__name__.startswith("Sparse") or part is losses.CategoricalGeneralizedCrossEntropy:
        return "sparse"
    one_hot_parts = {"KLDivergence", "Dice", "Tversky", "CosineSimilarity", "F1Score", "FBetaScore"}
    return "one_hot" if "Categorical" in part.__name__ or part.__name__ in one_hot_parts else "binary"


def build_loss_job(part, **arguments):
    """Return layers, rows and training arguments for a loss."""
    kind = get_target_kind(part)
    layers = PROBABILITY if kind == "binary" else PROBABILITIES
    return layers, draw_labels(kind), {"loss": {"type": part.__name__, **arguments}}

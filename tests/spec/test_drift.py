"""Ours against Keras's own: every class, argument and default, so that a new Keras cannot drift away unseen."""

import inspect
from typing import get_args

import keras
import pytest

from stackyard.spec import callbacks, constraints, initializers, layers, losses, metrics, optimizers, regularizers
from stackyard.spec.activations import Activation
from stackyard.spec.base import Part
from stackyard.spec.closed import squash


def parts(union) -> list[type[Part]]:
    inner = get_args(union)[0]
    return list(get_args(inner) or (inner,))


ROOMS = [
    (layers.Layer, keras.layers),
    (optimizers.Optimizer, keras.optimizers),
    (initializers.Initializer, keras.initializers),
    (regularizers.Regularizer, keras.regularizers),
    (constraints.Constraint, keras.constraints),
    (losses.Loss, keras.losses),
    (metrics.Metric, keras.metrics),
    (callbacks.Callback, keras.callbacks),
]

PAIRS = [
    (part, getattr(room, part.__name__))
    for union, room in ROOMS
    for part in parts(union)
    if part is not metrics.Accuracy  # Keras's string of that name, not its class: see the end of metrics.py
]

LEFT_OUT = {
    "dtype": "of another day: every weight is float32",
    "quantization_config": "for inference",
    "args": "none, where a class has no __init__ of its own",
    "kwargs": "the base class's, which LayerBase and OptimizerBase have",
}

LEFT_OUT_OF = {
    (metrics.F1Score, "beta"): "1 by definition",
}

FROM_THE_BASE = {"type", "name", "trainable"}
"""Every Keras layer takes these by **kwargs."""


def keras_arguments(theirs):
    signature = inspect.signature(theirs.__init__).parameters
    return {name: argument for name, argument in signature.items() if name not in {"self", *LEFT_OUT}}


def same(ours, theirs):
    """Keras writes a part without arguments of its own as a string, in either spelling."""
    if isinstance(ours, Part):
        return ours == type(ours)() and squash(ours.type) == squash(theirs)
    return ours == theirs


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_every_argument_is_there(ours, theirs):
    wanted = {name for name in keras_arguments(theirs) if (ours, name) not in LEFT_OUT_OF}
    assert wanted <= set(ours.model_fields), wanted - set(ours.model_fields)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_every_default_is_the_same(ours, theirs):
    for name, argument in keras_arguments(theirs).items():
        if name == "name" or (ours, name) in LEFT_OUT_OF:
            continue
        field = ours.model_fields[name]
        if argument.default is inspect.Parameter.empty:
            assert field.is_required(), name
        else:
            assert same(field.default, argument.default), name


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_no_argument_is_made_up(ours, theirs):
    taken = set(keras_arguments(theirs)) | FROM_THE_BASE
    if "kwargs" in inspect.signature(theirs.__init__).parameters:
        for base in theirs.__mro__:
            taken |= set(inspect.signature(base.__init__).parameters)
    assert set(ours.model_fields) <= taken, set(ours.model_fields) - taken


NEEDED = {"recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5}


def made(ours, theirs):
    needed = [name for name, field in ours.model_fields.items() if field.is_required() and name != "name"]
    return theirs(**{name: NEEDED[name] for name in needed})


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in PAIRS if "name" in pair[0].model_fields])
def test_names_are_what_keras_makes_of_them(ours, theirs):
    if issubclass(ours, losses.LossBase | metrics.MetricBase):
        assert ours.model_fields["name"].default == made(ours, theirs).name
    else:
        assert ours.model_fields["name"].default is None


@pytest.mark.parametrize("ours", [part for part in parts(metrics.Metric) if part is not metrics.Accuracy])
def test_the_directions_that_keras_does_not_know_are_ours(ours):
    from stackyard.spec.check.training import _UNDIRECTED  # noqa: PLC0415  # the only test that looks inside

    known = hasattr(made(ours, getattr(keras.metrics, ours.__name__)), "_direction")
    assert known == (ours not in _UNDIRECTED)


def classes(room, base) -> set[str]:
    named = {name: getattr(room, name) for name in dir(room) if not name.startswith("_")}
    # Keras exports some classes by several names; theirs is the one that counts.
    return {
        cls.__name__ for cls in named.values() if inspect.isclass(cls) and issubclass(cls, base) and cls is not base
    }


NOT_OFFERED = {
    "optimizers": {"LossScaleOptimizer", "MultiOptimizer"},
    "losses": {"CTC", "Circle"},
    "initializers": {"STFT"},
    "regularizers": set(),
    "constraints": set(),
    "metrics": {"Accuracy", "Mean", "Sum", "MeanMetricWrapper"}
    | {"IoU", "MeanIoU", "BinaryIoU", "OneHotIoU", "OneHotMeanIoU"},
}
"""With the reasons, beside the unions."""


@pytest.mark.parametrize(
    ("union", "room", "base"),
    [
        (optimizers.Optimizer, keras.optimizers, keras.optimizers.Optimizer),
        (losses.Loss, keras.losses, keras.losses.Loss),
        (initializers.Initializer, keras.initializers, keras.initializers.Initializer),
        (regularizers.Regularizer, keras.regularizers, keras.regularizers.Regularizer),
        (constraints.Constraint, keras.constraints, keras.constraints.Constraint),
        (metrics.Metric, keras.metrics, keras.metrics.Metric),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_no_class_of_keras_is_missing(union, room, base):
    ours = {part.__name__ for part in parts(union)}
    if union is metrics.Metric:
        ours.discard("Accuracy")
    theirs = {name.removesuffix("Initializer") for name in classes(room, base)}
    assert ours == theirs - NOT_OFFERED[room.__name__.rpartition(".")[2]]


def test_no_activation_is_missing():
    offered = set(get_args(Activation))
    theirs = {
        name
        for name in dir(keras.activations)
        if inspect.isfunction(getattr(keras.activations, name)) and name not in {"get", "serialize", "deserialize"}
    }
    assert offered == theirs - {"glu"}

"""Ours against Keras's own: every class, argument and default, so that a new Keras cannot drift away unseen."""

import inspect
from typing import get_args

import keras
import pytest

from stackyard.spec import layers
from stackyard.spec.base import Part
from stackyard.spec.check.callbacks import UNDIRECTED
from stackyard.spec.check.shapes import masked_after
from stackyard.spec.layers.plain import ALIASES
from stackyard.spec.network import constraints, initializers, regularizers
from stackyard.spec.network.activations import Activation
from stackyard.spec.tagged_union import squash
from stackyard.spec.training import callbacks, losses, metrics, optimizers, schedules


def parts(union) -> list[type[Part]]:
    inner = get_args(union)[0]
    return list(get_args(inner) or (inner,))


ROOMS = [
    (layers.Layer, keras.layers),
    (optimizers.Optimizer, keras.optimizers),
    (schedules.Schedule, keras.optimizers.schedules),
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
    (layers.Embedding, "weights"): "the numbers of a trained network are no part of a spec",
    (layers.Bidirectional, "weights"): "the numbers of a trained network are no part of a spec",
}

FROM_THE_BASE = {"type", "name", "trainable"}
"""Every Keras layer takes these by **kwargs."""


def keras_arguments(theirs):
    signature = inspect.signature(theirs.__init__).parameters
    return {name: argument for name, argument in signature.items() if name not in {"self", *LEFT_OUT}}


def same(ours, theirs):
    """Keras writes a part without arguments of its own as a string, in either spelling."""
    if isinstance(ours, Part):
        named = {squash(theirs), squash(type(keras.initializers.get(theirs)).__name__)}
        return ours == type(ours)() and squash(ours.type) in named
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


NEEDED = {"recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5} | {
    "initial_learning_rate": 0.5,
    "decay_steps": 1,
    "first_decay_steps": 1,
    "decay_rate": 0.5,
    "boundaries": [1],
    "values": [0.5, 0.5],
}


def made(ours, theirs):
    needed = [name for name, field in ours.model_fields.items() if field.is_required() and name != "name"]
    return theirs(**{name: NEEDED[name] for name in needed})


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in PAIRS if "name" in pair[0].model_fields])
def test_names_are_what_keras_makes_of_them(ours, theirs):
    if issubclass(ours, losses.LossBase | metrics.MetricBase) or ours in parts(schedules.Schedule):
        assert ours.model_fields["name"].default == made(ours, theirs).name
    else:
        assert ours.model_fields["name"].default is None


@pytest.mark.parametrize("ours", [part for part in parts(metrics.Metric) if part is not metrics.Accuracy])
def test_the_directions_that_keras_does_not_know_are_ours(ours):
    known = hasattr(made(ours, getattr(keras.metrics, ours.__name__)), "_direction")
    assert known == (ours not in UNDIRECTED)


def classes(room, base) -> set[str]:
    named = {name: getattr(room, name) for name in dir(room) if not name.startswith("_")}
    # Keras exports some classes by several names; theirs is the one that counts.
    return {
        cls.__name__ for cls in named.values() if inspect.isclass(cls) and issubclass(cls, base) and cls is not base
    }


NOT_OFFERED = {
    "layers": {"Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"}
    | {"Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention"}
    | {"RNN", "SimpleRNNCell", "GRUCell", "LSTMCell", "StackedRNNCells", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
    | {"Lambda", "Wrapper", "JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper"}
    | {"CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup"}
    | {"TextVectorization", "MelSpectrogram", "STFTSpectrogram", "MaxNumBoundingBoxes", "Pipeline"}
    | {"AugMix", "AutoContrast", "CenterCrop", "CutMix", "MixUp", "RandAugment", "Resizing", "Solarization"}
    | {"ContrastLimitedAdaptiveHistogramEqualization", "Equalization"}
    | {"RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop"}
    | {"RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue"}
    | {"RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"}
    | {"RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom"}
    | {"EinsumDense", "ReversibleEmbedding", "InputLayer"},
    "optimizers": {"LossScaleOptimizer", "MultiOptimizer"},
    "schedules": set(),
    "callbacks": {"BackupAndRestore", "CSVLogger", "ModelCheckpoint", "OrbaxCheckpoint", "TensorBoard"}
    | {"RemoteMonitor", "LambdaCallback", "History", "ProgbarLogger", "CallbackList"},
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
        (layers.Layer, keras.layers, keras.layers.Layer),
        (optimizers.Optimizer, keras.optimizers, keras.optimizers.Optimizer),
        (schedules.Schedule, keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule),
        (callbacks.Callback, keras.callbacks, keras.callbacks.Callback),
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
    assert offered == theirs - {"glu", "threshold"}


NEEDED_BY_LAYERS = {
    "activation": "relu",
    "rate": 0.5,
    "mean": 0.0,
    "variance": 1.0,
    "target_shape": [1],
    "dims": [1],
}
"""What is no count, of the arguments that plain layers need."""


OF_THEIR_OWN = {*parts(layers.Recurrent), layers.GlobalAveragePooling1D, layers.Softmax, layers.Embedding}
"""An argument decides whether they hand a mask on, or they take it off, or are refused one."""


@pytest.mark.parametrize("ours", [part for part in parts(layers.Plain) if part not in OF_THEIR_OWN])
def test_masks_are_handed_on_by_the_layers_that_keras_says(ours):
    wanted = {name for name, field in ours.model_fields.items() if field.is_required()}
    wanted |= {"mean", "variance"} & set(ours.model_fields)
    given = {name: NEEDED_BY_LAYERS.get(name, 1) for name in wanted}
    theirs = getattr(keras.layers, ours.__name__)(**given)
    assert masked_after(ours(**given), masked=True) == theirs.supports_masking


def test_keras_s_second_names_for_layers_are_ours_too():
    ours = {part.__name__ for part in parts(layers.Layer)}
    named = {name: getattr(keras.layers, name) for name in dir(keras.layers)}
    second = {name: cls.__name__ for name, cls in named.items() if inspect.isclass(cls) and cls.__name__ != name}
    assert {name: first for name, first in second.items() if first in ours} == ALIASES

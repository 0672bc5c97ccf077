"""Compares the spec with Keras: every class, argument and default, so that changes in a new Keras are noticed."""

import inspect
from typing import get_args

import keras
import pytest

from stackyard.spec import layers
from stackyard.spec.base import SpecModel
from stackyard.spec.check.shapes import has_output_mask
from stackyard.spec.layers.non_wrappers import LAYER_ALIASES
from stackyard.spec.network import constraints, initializers, regularizers
from stackyard.spec.network.activations import Activation
from stackyard.spec.suggestions import normalize_name
from stackyard.spec.training import callbacks, losses, metrics, optimizers, schedules
from stackyard.spec.training.metric_directions import MAXIMIZED_METRICS, METRICS_WITHOUT_DIRECTION_IN_KERAS


def list_members(union) -> list[type[SpecModel]]:
    inner = get_args(union)[0]
    return list(get_args(inner) or (inner,))


KERAS_MODULES = [
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
    (member, getattr(module, member.__name__))
    for union, module in KERAS_MODULES
    for member in list_members(union)
    if member is not metrics.Accuracy  # means Keras's string of that name, not its class
]

UNSUPPORTED_ARGUMENTS = {
    "dtype": "every weight is float32",
    "quantization_config": "only for inference",
    "args": "appears for classes without an own __init__ and has no meaning",
    "kwargs": "arguments of the base class, which LayerBase and OptimizerBase have",
}

UNSUPPORTED_BY_CLASS = {
    (metrics.F1Score, "beta"): "1 by definition",
    (layers.Embedding, "weights"): "a spec contains no trained weights",
    (layers.Bidirectional, "weights"): "a spec contains no trained weights",
}

BASE_ARGUMENTS = {"type", "name", "trainable"}
"""Every Keras layer accepts these by **kwargs."""


def get_keras_arguments(theirs):
    signature = inspect.signature(theirs.__init__).parameters
    return {name: argument for name, argument in signature.items() if name not in {"self", *UNSUPPORTED_ARGUMENTS}}


def is_same_default(ours, theirs):
    """Return whether defaults are equal; Keras writes an object without arguments as a string, in either spelling."""
    if isinstance(ours, SpecModel):
        names = {normalize_name(theirs), normalize_name(type(keras.initializers.get(theirs)).__name__)}
        return ours == type(ours)() and normalize_name(ours.type) in names
    return ours == theirs


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_every_keras_argument_is_supported(ours, theirs):
    expected = {name for name in get_keras_arguments(theirs) if (ours, name) not in UNSUPPORTED_BY_CLASS}
    assert expected <= set(ours.model_fields), expected - set(ours.model_fields)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_every_default_is_keras_s(ours, theirs):
    for name, argument in get_keras_arguments(theirs).items():
        if name == "name" or (ours, name) in UNSUPPORTED_BY_CLASS:
            continue
        field = ours.model_fields[name]
        if argument.default is inspect.Parameter.empty:
            assert field.is_required(), name
        else:
            assert is_same_default(field.default, argument.default), name


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_every_argument_exists_in_keras(ours, theirs):
    accepted = set(get_keras_arguments(theirs)) | BASE_ARGUMENTS
    if "kwargs" in inspect.signature(theirs.__init__).parameters:
        for base in theirs.__mro__:
            accepted |= set(inspect.signature(base.__init__).parameters)
    assert set(ours.model_fields) <= accepted, set(ours.model_fields) - accepted


REQUIRED_VALUES = {"recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5} | {
    "initial_learning_rate": 0.5,
    "decay_steps": 1,
    "first_decay_steps": 1,
    "decay_rate": 0.5,
    "boundaries": [1],
    "values": [0.5, 0.5],
}


def build_keras_object(ours, theirs):
    required = [name for name, field in ours.model_fields.items() if field.is_required() and name != "name"]
    return theirs(**{name: REQUIRED_VALUES[name] for name in required})


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in PAIRS if "name" in pair[0].model_fields])
def test_default_names_are_keras_s(ours, theirs):
    if issubclass(ours, losses.LossBase | metrics.MetricBase) or ours in list_members(schedules.Schedule):
        assert ours.model_fields["name"].default == build_keras_object(ours, theirs).name
    else:
        assert ours.model_fields["name"].default is None


@pytest.mark.parametrize("ours", [member for member in list_members(metrics.Metric) if member is not metrics.Accuracy])
def test_directions_of_metrics_are_keras_s(ours):
    direction = getattr(build_keras_object(ours, getattr(keras.metrics, ours.__name__)), "_direction", None)
    if ours in METRICS_WITHOUT_DIRECTION_IN_KERAS:
        assert direction is None
    else:
        assert direction == ("up" if ours in MAXIMIZED_METRICS else "down")


def list_class_names(module, base) -> set[str]:
    exports = [getattr(module, name) for name in dir(module) if not name.startswith("_")]
    # Keras exports some classes by several names; the class's own name counts.
    return {cls.__name__ for cls in exports if inspect.isclass(cls) and issubclass(cls, base) and cls is not base}


UNSUPPORTED_CLASSES = {
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
"""The reasons are given in the docstrings of the unions, and in the messages about these names."""


@pytest.mark.parametrize(
    ("union", "module"), [(union, module) for union, module in KERAS_MODULES if module is not keras.initializers]
)
def test_every_class_that_is_not_offered_has_a_reason(union, module):
    names = UNSUPPORTED_CLASSES[module.__name__.rpartition(".")[2]] - {"Accuracy"}
    assert {normalize_name(name) for name in names} <= get_args(union)[1].not_offered.keys()


@pytest.mark.parametrize(
    ("union", "module", "base"),
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
def test_every_keras_class_is_supported(union, module, base):
    ours = {member.__name__ for member in list_members(union)}
    if union is metrics.Metric:
        ours.discard("Accuracy")
    theirs = {name.removesuffix("Initializer") for name in list_class_names(module, base)}
    assert ours == theirs - UNSUPPORTED_CLASSES[module.__name__.rpartition(".")[2]]


def test_every_keras_activation_is_supported():
    supported = set(get_args(Activation))
    theirs = {
        name
        for name in dir(keras.activations)
        if inspect.isfunction(getattr(keras.activations, name)) and name not in {"get", "serialize", "deserialize"}
    }
    assert supported == theirs - {"glu", "threshold"}


LAYER_ARGUMENTS = {
    "activation": "relu",
    "rate": 0.5,
    "mean": 0.0,
    "variance": 1.0,
    "target_shape": [1],
    "dims": [1],
}
"""Values of required arguments that are not counts."""


SPECIAL_MASKING = {
    *list_members(layers.RecurrentLayer),
    layers.GlobalAveragePooling1D,
    layers.Softmax,
    layers.Embedding,
}
"""Layers that pass a mask on depending on an argument, remove it or reject it."""


@pytest.mark.parametrize("ours", [cls for cls in list_members(layers.NonWrapperLayer) if cls not in SPECIAL_MASKING])
def test_layers_pass_masks_on_as_in_keras(ours):
    names = {name for name, field in ours.model_fields.items() if field.is_required()}
    names |= {"mean", "variance"} & set(ours.model_fields)
    arguments = {name: LAYER_ARGUMENTS.get(name, 1) for name in names}
    theirs = getattr(keras.layers, ours.__name__)(**arguments)
    assert has_output_mask(ours(**arguments), has_input_mask=True) == theirs.supports_masking


def test_keras_s_alternative_layer_names_are_aliases():
    ours = {member.__name__ for member in list_members(layers.Layer)}
    exports = {name: getattr(keras.layers, name) for name in dir(keras.layers)}
    aliases = {name: cls.__name__ for name, cls in exports.items() if inspect.isclass(cls) and cls.__name__ != name}
    assert {alias: name for alias, name in aliases.items() if name in ours} == LAYER_ALIASES

"""Warnings about settings that are valid but probably mistakes."""

from collections.abc import Iterator

from stackyard.spec import layers as kinds
from stackyard.spec.check.data.features import iterate_feature_columns
from stackyard.spec.check.data.resolved_data import ResolvedData
from stackyard.spec.check.fault_collector import locate_in_document
from stackyard.spec.check.likely_mistakes.data_advice import find_data_advice
from stackyard.spec.check.likely_mistakes.likely_mistake import LikelyMistake
from stackyard.spec.check.likely_mistakes.metric_advice import find_metric_advice
from stackyard.spec.check.report import Advice, Shape
from stackyard.spec.data.data import TableData
from stackyard.spec.data.description import DatasetDescription
from stackyard.spec.data.split import ColumnSplit, GroupSplit, SplitMethod
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Layer
from stackyard.spec.reading.faults import format_value
from stackyard.spec.training import losses
from stackyard.spec.training.optimizers import SGD

_MAX_UNSCALED_FEATURE = 10.0
"""Plain gradient descent tends to diverge on features beyond this bound; scaled features stay within it."""
_MAX_FEATURE_OF_OTHERS = 30.0
"""Other optimizers tend to learn slowly beyond this bound."""

_SCALING_LAYERS = (
    kinds.BatchNormalization,
    kinds.LayerNormalization,
    kinds.GroupNormalization,
    kinds.RMSNormalization,
    kinds.UnitNormalization,
    kinds.Normalization,
    kinds.Rescaling,
)
_NOISE_LAYERS = (
    kinds.Dropout,
    kinds.AlphaDropout,
    kinds.GaussianDropout,
    kinds.GaussianNoise,
    kinds.SpatialDropout1D,
    kinds.SpatialDropout2D,
    kinds.SpatialDropout3D,
)
_CROSSENTROPIES = (
    losses.CategoricalCrossentropy,
    losses.SparseCategoricalCrossentropy,
    losses.CategoricalFocalCrossentropy,
    losses.BinaryCrossentropy,
    losses.BinaryFocalCrossentropy,
)
_CLASS_LOSSES = (*_CROSSENTROPIES, *losses.LABEL_LOSSES, *losses.SIGN_LOSSES)
_DISTANCE_LOSSES = (losses.MeanAbsoluteError, losses.MeanSquaredError, losses.Huber, losses.LogCosh)
_PROBABILITY_ACTIVATIONS = {"softmax", "sigmoid", "hard_sigmoid", "sparsemax", "sparse_sigmoid"}


def find_likely_mistakes(
    spec: JobSpec, dataset: DatasetDescription, data: ResolvedData, output: Shape
) -> tuple[Advice, ...]:
    """Return a warning for each likely mistake, in the order of the spec."""
    warnings = (
        *find_data_advice(spec, dataset),
        *_check_groups(spec),
        *_check_untrained_classes(spec, data),
        *_check_feature_scale(spec, data),
        *_check_noise_after_last_weights(spec),
        *_check_last_activation(spec),
        *find_metric_advice(spec, _find_last_activation(spec.network.layers), output),
        *_check_batch_size(spec, data),
    )
    return tuple(
        Advice(code=code, pointer=locate_in_document(spec, path)[0], message=message, fix=fix)
        for code, path, message, fix in warnings
    )


def _check_groups(spec: JobSpec) -> Iterator[LikelyMistake]:
    methods = dict(spec.data.split)
    for method in methods.values():
        if isinstance(method, GroupSplit):
            yield from _check_group_features(spec, method.column)
    for name, method in methods.items():
        other = "test" if name == "validation" else "validation"
        if isinstance(method, GroupSplit) and _shares_groups(method, methods[other]):
            message = f"the {other} set shares groups of {format_value(method.column)} with the training rows"
            fix = f'split it by the method "group" on {format_value(method.column)} too'
            yield "groups_shared", ("data", "split", other), message, fix


def _check_untrained_classes(spec: JobSpec, data: ResolvedData) -> Iterator[LikelyMistake]:
    """Warn of classes that are evaluated and never trained."""
    target = data.target
    is_classified = isinstance(spec.training.loss, _CLASS_LOSSES) or (target is not None and target.kind == "one_hot")
    if not isinstance(spec.data, TableData) or target is None or not is_classified:
        return
    for name, method in dict(spec.data.split).items():
        if isinstance(method, GroupSplit | ColumnSplit) and method.column in spec.data.target.columns:
            message = f"the {name} set has values of {format_value(method.column)} that never train"
            fix = 'split by another column, or by "train_test_split" with the target as "stratify"'
            yield "classes_not_trained", ("data", "split", name, "column"), message, fix
    if target.single_row_value is not None and spec.data.split.methods:
        value = format_value(target.single_row_value)
        message = f"{value} of the target has a single row, which is either trained or evaluated"
        yield "class_of_one_row", ("data", "target", "column"), message, "add rows of this class, or leave it out"


def _check_group_features(spec: JobSpec, group_column: str) -> Iterator[LikelyMistake]:
    if not isinstance(spec.data, TableData) or spec.data.features is None:
        return
    for _, name, path in iterate_feature_columns(spec.data.features):
        if name == group_column:
            message = (
                f"{format_value(name)} groups the rows of a split and is also a feature, "
                "from which the network cannot learn anything about other groups"
            )
            fix = "leave it out of the features: no value of it is in both the training rows and the others"
            yield "group_among_features", path, message, fix


def _shares_groups(method: GroupSplit, other: SplitMethod | None) -> bool:
    if other is None or isinstance(other, ColumnSplit):
        return False
    return not isinstance(other, GroupSplit) or other.column != method.column


def _check_feature_scale(spec: JobSpec, data: ResolvedData) -> Iterator[LikelyMistake]:
    largest = max((abs(bound) for bounds in data.ranges if bounds is not None for bound in bounds), default=0.0)
    optimizer, layers = spec.training.optimizer, spec.network.layers
    is_unclipped_sgd = isinstance(optimizer, SGD) and not (
        optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm
    )
    # An Embedding takes indices, not quantities.
    is_scaled = isinstance(layers[0], kinds.Embedding) or any(isinstance(layer, _SCALING_LAYERS) for layer in layers)
    maximum = _MAX_UNSCALED_FEATURE if is_unclipped_sgd else _MAX_FEATURE_OF_OTHERS
    if largest <= maximum or is_scaled:
        return
    effect = "tends to diverge" if is_unclipped_sgd else "learns slowly or not at all"
    subject = f"{optimizer.type} on features as large as {largest:g}"
    message = f"{subject}, without scaling or BatchNormalization, {effect}"
    if isinstance(spec.data, TableData):
        fix = 'give the features the transform "standard", or begin with a BatchNormalization'
        yield "unscaled_features", ("data", "features"), message, fix
    else:
        yield "unscaled_features", ("data", "x"), message, "begin with a Rescaling or a BatchNormalization"


def _check_noise_after_last_weights(spec: JobSpec) -> Iterator[LikelyMistake]:
    for index in range(len(spec.network.layers) - 1, -1, -1):
        layer = spec.network.layers[index]
        if isinstance(layer, _NOISE_LAYERS):
            message = f"{layer.type} after the last layer with weights disturbs the predictions themselves"
            yield "noise_on_output", ("network", "layers", index), message, "move it before the last layer"
        elif not isinstance(layer, kinds.Activation | kinds.Softmax | kinds.Flatten | kinds.Reshape):
            return


def _check_last_activation(spec: JobSpec) -> Iterator[LikelyMistake]:
    """Compare the last activation with the loss."""
    loss, activation = spec.training.loss, _find_last_activation(spec.network.layers)
    path = ("network", "layers", len(spec.network.layers) - 1)
    if isinstance(loss, _CROSSENTROPIES):
        expected = "sigmoid" if loss.type.startswith("Binary") else "softmax"
        if loss.from_logits and activation in _PROBABILITY_ACTIVATIONS:
            message = f"{loss.type} with from_logits applies {expected} itself, after the network's {activation}"
            yield "activation_twice", ("training", "loss"), message, "leave out from_logits, or the activation"
        elif not loss.from_logits and activation in (None, "linear"):
            message = f"{loss.type} expects probabilities from 0 to 1, but the last activation is linear"
            fix = f'end with the activation "{expected}", or set "from_logits": true'
            yield "logits_as_shares", path, message, fix
    elif isinstance(loss, _DISTANCE_LOSSES) and activation == "softmax":
        message = f"{loss.type} on a softmax learns classes slowly"
        yield "softmax_with_distance", ("training", "loss"), message, 'use "categorical_crossentropy"'


def _find_last_activation(layers: tuple[Layer, ...]) -> str | None:
    """Return the activation of the outputs: None for a layer without one, "other" for a layer that takes none."""
    last = next((layer for layer in reversed(layers) if not isinstance(layer, (*_NOISE_LAYERS, kinds.Flatten))), None)
    if isinstance(last, kinds.Softmax):
        return "softmax"
    return getattr(last, "activation", "other")


def _check_batch_size(spec: JobSpec, data: ResolvedData) -> Iterator[LikelyMistake]:
    rows, size = data.max_train_rows, spec.training.batch_size
    if rows is not None and size > rows:
        message = f"a batch of {size} is larger than the {rows} training rows: every epoch is one step"
        yield "batch_larger_than_data", ("training", "batch_size"), message, "take a smaller batch_size for more steps"

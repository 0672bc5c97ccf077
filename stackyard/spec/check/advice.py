"""What is legal and probably wrong."""

from collections.abc import Iterator

from stackyard.spec import layers as kinds
from stackyard.spec.check.data.inputs import Inputs
from stackyard.spec.check.fault_collector import locate
from stackyard.spec.check.report import Advice
from stackyard.spec.data.data import TableData
from stackyard.spec.data.split import ColumnSplit, GroupSplit
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Layer
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step
from stackyard.spec.training import losses
from stackyard.spec.training.optimizers import SGD

_LARGE = 10.0
"""Features beyond this, by plain gradient descent, were seen to diverge; scaled ones stay within it."""

_SCALING = (
    kinds.BatchNormalization,
    kinds.LayerNormalization,
    kinds.GroupNormalization,
    kinds.RMSNormalization,
    kinds.UnitNormalization,
    kinds.Normalization,
    kinds.Rescaling,
)
_NOISE = (
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
_DISTANCES = (losses.MeanAbsoluteError, losses.MeanSquaredError, losses.Huber, losses.LogCosh)
_SHARES = {"softmax", "sigmoid", "hard_sigmoid", "sparsemax", "sparse_sigmoid"}


def advise(spec: JobSpec, inputs: Inputs) -> tuple[Advice, ...]:
    """Return what a tutor would point at, in the order of the spec."""
    found = (
        *_groups(spec),
        *_unscaled(spec, inputs),
        *_noise_at_the_end(spec),
        *_outputs(spec),
        *_batch(spec, inputs),
    )
    return tuple(
        Advice(code=code, pointer=locate(spec, at)[0], message=said, fix=fix) for code, at, said, fix in found
    )


_Found = tuple[str, tuple[Step, ...], str, str]
"""A code, a place, what is probably wrong and what would be better."""


def _groups(spec: JobSpec) -> Iterator[_Found]:
    grouping = [(part, method) for part, method in spec.data.split if isinstance(method, GroupSplit)]
    for _, method in grouping:
        for place in _features(spec, method.column):
            said = f"{say(method.column)} keeps the sides of a split apart and is a feature too"
            fix = "leave it out of the features: no value of it is in both the training rows and the others"
            yield (
                "group_among_features",
                place,
                f"{said}, from which the network can learn nothing that carries over",
                fix,
            )
    methods = dict(spec.data.split)
    for part, method in grouping:
        other = "test" if part == "validation" else "validation"
        against = methods[other]
        shares = against is not None and not isinstance(against, ColumnSplit | GroupSplit)
        if shares or (isinstance(against, GroupSplit) and against.column != method.column):
            said = f"the {other} set shares groups of {say(method.column)} with the training rows"
            yield (
                "groups_shared",
                ("data", "split", other),
                said,
                f'split it by the method "group" on {say(method.column)} too',
            )


def _features(spec: JobSpec, column: str) -> Iterator[tuple[Step, ...]]:
    if not isinstance(spec.data, TableData) or spec.data.features is None:
        return
    for index, group in enumerate(spec.data.features):
        for position, name in enumerate(group.columns):
            if name == column:
                yield "data", "features", index, "columns", position


def _unscaled(spec: JobSpec, inputs: Inputs) -> Iterator[_Found]:
    greatest = max((abs(bound) for bounds in inputs.ranges if bounds is not None for bound in bounds), default=0.0)
    optimizer = spec.training.optimizer
    plain = isinstance(optimizer, SGD) and not (optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm)
    if not plain or greatest <= _LARGE or any(isinstance(layer, _SCALING) for layer in spec.network.layers):
        return
    said = f"SGD on features as great as {greatest:g}, with neither scaling nor BatchNormalization, tends to diverge"
    if isinstance(spec.data, TableData):
        fix = 'give the features the transform "standard", or begin with a BatchNormalization'
        yield "unscaled_features", ("data", "features"), said, fix
    else:
        yield "unscaled_features", ("data", "x"), said, "begin with a Rescaling or a BatchNormalization"


def _noise_at_the_end(spec: JobSpec) -> Iterator[_Found]:
    for index in range(len(spec.network.layers) - 1, -1, -1):
        layer = spec.network.layers[index]
        if isinstance(layer, _NOISE):
            said = f"{layer.type} after the last layer with weights disturbs the predictions themselves"
            yield "noise_on_output", ("network", "layers", index), said, "move it before the last layer"
        elif not isinstance(layer, kinds.Activation | kinds.Softmax | kinds.Flatten | kinds.Reshape):
            return


def _outputs(spec: JobSpec) -> Iterator[_Found]:
    """Look at the last activation beside the loss."""
    loss, activation = spec.training.loss, _last_activation(spec.network.layers)
    place = ("network", "layers", len(spec.network.layers) - 1)
    if isinstance(loss, _CROSSENTROPIES):
        wanted = "sigmoid" if loss.type.startswith("Binary") else "softmax"
        if loss.from_logits and activation in _SHARES:
            said = f"{loss.type} with from_logits applies {wanted} itself, after the network's {activation}"
            yield "activation_twice", ("training", "loss"), said, "leave out from_logits, or the activation"
        elif not loss.from_logits and activation in (None, "linear"):
            said = f"{loss.type} expects shares from 0 to 1, and nothing makes shares of the last layer's numbers"
            yield "logits_as_shares", place, said, f'end with the activation "{wanted}", or set "from_logits": true'
    elif isinstance(loss, _DISTANCES) and activation == "softmax":
        said = f"{loss.type} on a softmax learns classes slowly"
        yield "softmax_with_distance", ("training", "loss"), said, 'use "categorical_crossentropy"'


def _last_activation(layers: tuple[Layer, ...]) -> str | None:
    """Return the name of the function that the outputs come from, or None where there is none."""
    last = next((layer for layer in reversed(layers) if not isinstance(layer, (*_NOISE, kinds.Flatten))), None)
    if isinstance(last, kinds.Softmax):
        return "softmax"
    return getattr(last, "activation", "other")


def _batch(spec: JobSpec, inputs: Inputs) -> Iterator[_Found]:
    rows, size = inputs.most_rows, spec.training.batch_size
    if rows is not None and size > rows:
        said = f"a batch of {size} is larger than the {rows} rows that train: every epoch is one step"
        yield "batch_larger_than_data", ("training", "batch_size"), said, "take a smaller batch_size for more steps"

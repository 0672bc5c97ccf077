"""What of a job decides its graphs: jobs of one architecture share what was traced for the first of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast, get_args

from tensorflow.python.eager import context

from stackyard.spec import JobSpec, Part, layers
from stackyard.spec.training import losses, optimizers, schedules
from worker.keras_build.hyperparameters import Hyperparameters, Path
from worker.preparation import Prepared

_context: Any = context  # without types and a public name
_OF_VARIABLES = frozenset({"seed", "learning_rate", "initial_accumulator_value"})
"""Arguments that go into variables, which every job brings along; a schedule of rates does not."""
_SCHEDULES: tuple[type[Part], ...] = get_args(get_args(schedules.Schedule)[0])
_WRITTEN_EVERYWHERE = frozenset({"label_smoothing", "loss_scale_factor"})
_WRITTEN: frozenset[tuple[type[Part], str]] = frozenset(
    {
        (layers.GaussianDropout, "rate"),  # of which Keras takes a root with `math.sqrt`, unseen by us
        # Of a power whose exponent is written TensorFlow makes another operation: a square, a root, a reciprocal.
        (optimizers.Adafactor, "beta_2_decay"),
        (optimizers.Ftrl, "learning_rate_power"),
        (losses.BinaryFocalCrossentropy, "gamma"),
        (losses.CategoricalFocalCrossentropy, "gamma"),
        (losses.CategoricalGeneralizedCrossEntropy, "q"),
        # Factors and divisors that are written it draws together before it computes, which rounds otherwise.
        (losses.CategoricalFocalCrossentropy, "alpha"),
        (optimizers.Adafactor, "clip_threshold"),
        *((optimizers.Muon, name) for name in optimizers.Muon.model_fields),
        (optimizers.ScheduleFreeAdamW, "beta_1"),
    }
)
"""Numbers that are written into the graph as Keras writes them, by the class that has them or whichever has; and all
of a schedule's."""
_OF_TRAINING = ("optimizer", "loss", "metrics")
"""What a step is made of, besides the network."""


class Architecture(NamedTuple):
    """The graphs' identity, and the numbers that may differ within it."""

    key: str
    numbers: Mapping[Path, float]
    weighted: bool
    """Whether the rows to train on have weights."""
    batch: int
    """How many rows each step of the training has, or 0 where they differ."""


def architecture(spec: JobSpec, data: Prepared, batch: int) -> Architecture:
    """Find a job's architecture, where its training has steps of so many rows."""
    numbers: dict[Path, float] = {}
    parts = {name: _structure(part, (name,), numbers) for name, part in _parts(spec)}
    arrays = [data.x_train, data.y_train]
    shapes = [(array.shape[1:], str(array.dtype)) for array in arrays]
    weighted = data.weights is not None or data.class_weight is not None
    # A child's contexts live as long as it does, and what is traced in one is of no use in another.
    where = id(_context.context())
    key = json.dumps([parts, shapes, weighted, batch, where], sort_keys=True)
    return Architecture(key, numbers, weighted, batch)


def with_hyperparameters(spec: JobSpec, among: Hyperparameters) -> JobSpec:
    """The spec with its numbers as Keras is to have them where it is traced."""
    made = {name: _replaced(part, (name,), among) for name, part in _parts(spec)}
    training = spec.training.model_copy(update={name: made[name] for name in _OF_TRAINING})
    network = spec.network.model_copy(update={"layers": made["layers"]})
    return spec.model_copy(update={"network": network, "training": training})


def _parts(spec: JobSpec) -> Iterator[tuple[str, Any]]:
    yield "layers", spec.network.layers
    for name in _OF_TRAINING:
        yield name, getattr(spec.training, name)


def _structure(value: object, path: Path, numbers: dict[Path, float] | None) -> Any:
    """A part as JSON; where `numbers` gathers them, without its numbers."""
    match value:
        case Part():
            return {
                name: _structure(argument, (*path, name), None if _is_written(value, name) else numbers)
                for name, argument in _given(value)
            }
        case tuple():
            items = cast("tuple[object, ...]", value)
            return [_structure(item, (*path, place), numbers) for place, item in enumerate(items)]
        case float() if numbers is not None:
            numbers[path] = value
            return "a number"
        case _:
            return value


def _replaced(value: object, path: Path, among: Hyperparameters) -> Any:
    match value:
        case Part():
            made = {
                name: _replaced(argument, (*path, name), among)
                for name, argument in _given(value)
                if not _is_written(value, name)
            }
            return value.model_copy(update=made)
        case tuple():
            items = cast("tuple[object, ...]", value)
            return tuple(_replaced(item, (*path, place), among) for place, item in enumerate(items))
        case float():
            return among.number(path)
        case _:
            return value


def _given(part: Part) -> Iterator[tuple[str, Any]]:
    """The arguments that a graph depends on."""
    arguments = ((name, getattr(part, name)) for name in type(part).model_fields)
    return ((name, argument) for name, argument in arguments if not _of_state(name, argument))


def _is_written(part: Part, name: str) -> bool:
    drawn_together = isinstance(part, _SCHEDULES)
    return drawn_together or name in _WRITTEN_EVERYWHERE or (type(part), name) in _WRITTEN


def _of_state(name: str, value: object) -> bool:
    """Whether an argument is about what the job's own network brings along, its first weights and its seeds."""
    return name.endswith("_initializer") or (name in _OF_VARIABLES and not isinstance(value, Part))

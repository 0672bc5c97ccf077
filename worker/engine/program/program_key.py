"""Keys of compiled programs: jobs with equal keys share the graphs that were traced for the first of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast, get_args

from stackyard.spec import JobSpec, SpecModel, layers
from stackyard.spec.training import losses, optimizers, schedules
from worker.engine.backend.selection import is_jax, load_backend
from worker.keras_build.hyperparameters import Hyperparameters, SpecPath
from worker.preparation import PreparedData

_VARIABLE_ARGUMENTS = frozenset({"seed", "learning_rate", "initial_accumulator_value"})
"""Arguments stored in variables, which each job's own network sets; a learning rate schedule is not one of them."""
_SCHEDULES: tuple[type[SpecModel], ...] = get_args(get_args(schedules.Schedule)[0])
_CONSTANT_ARGUMENTS = frozenset({"label_smoothing", "loss_scale_factor"})
_CONSTANT_ARGUMENTS_OF_CLASSES: frozenset[tuple[type[SpecModel], str]] = frozenset(
    {
        (layers.GaussianDropout, "rate"),  # Keras takes its root with `math.sqrt`, which cannot be traced
        # TensorFlow replaces a power with a constant exponent by another operation: a square, a root, a reciprocal.
        (optimizers.Adafactor, "beta_2_decay"),
        (optimizers.Ftrl, "learning_rate_power"),
        (losses.BinaryFocalCrossentropy, "gamma"),
        (losses.CategoricalFocalCrossentropy, "gamma"),
        (losses.CategoricalGeneralizedCrossEntropy, "q"),
        # TensorFlow combines constant factors and divisors before it computes, which rounds differently.
        (losses.CategoricalFocalCrossentropy, "alpha"),
        (optimizers.Adafactor, "clip_threshold"),
        *((optimizers.Muon, name) for name in optimizers.Muon.model_fields),
        (optimizers.ScheduleFreeAdamW, "beta_1"),
    }
)
"""Numbers that must be constants in the graph, as in Keras's own.

So must all numbers of a schedule, and of an optimizer with a schedule: TensorFlow combines their constant factors,
such as the weight decay and the initial learning rate.
"""
_TRAINING_PARTS = ("optimizer", "loss", "metrics")
"""Parts of the training section that a step depends on."""


class ProgramKey(NamedTuple):
    """Identifies a program, with the hyperparameters that may differ between its jobs."""

    key: str
    hyperparameters: Mapping[SpecPath, float]
    has_weights: bool
    """Whether the training rows have weights."""
    fixed_batch_size: int
    """Number of rows of each training step, or 0 if the steps differ."""


def build_program_key(spec: JobSpec, data: PreparedData, fixed_batch_size: int) -> ProgramKey:
    """Build the key of a job's program.

    Args:
        spec: of the job.
        data: its rows.
        fixed_batch_size: number of rows of each training step, or 0 if the steps differ.

    """
    hyperparameters: dict[SpecPath, float] = {}
    inputs = None if is_jax() else hyperparameters  # XLA computes with constant factors first, which changes the bits
    parts = {name: _describe_structure(part, (name,), inputs) for name, part in _iterate_parts(spec)}
    arrays = [data.x_train, data.y_train]
    shapes = [(array.shape[1:], str(array.dtype)) for array in arrays]
    weighted = data.weights is not None or data.class_weight is not None
    context_id = load_backend().get_context_id()
    key = json.dumps([parts, shapes, weighted, fixed_batch_size, context_id], sort_keys=True)
    return ProgramKey(key, hyperparameters, weighted, fixed_batch_size)


def insert_hyperparameters(spec: JobSpec, hyperparameters: Hyperparameters) -> JobSpec:
    """Return the spec with hyperparameters in place of their numbers, for tracing."""
    parts = {name: _replace_numbers(part, (name,), hyperparameters) for name, part in _iterate_parts(spec)}
    training = spec.training.model_copy(update={name: parts[name] for name in _TRAINING_PARTS})
    network = spec.network.model_copy(update={"layers": parts["layers"]})
    return spec.model_copy(update={"network": network, "training": training})


def _iterate_parts(spec: JobSpec) -> Iterator[tuple[str, Any]]:
    yield "layers", spec.network.layers
    for name in _TRAINING_PARTS:
        yield name, getattr(spec.training, name)


def _describe_structure(value: object, path: SpecPath, hyperparameters: dict[SpecPath, float] | None) -> Any:
    """Return a value as JSON; its numbers are moved to `hyperparameters` unless that is None."""
    match value:
        case SpecModel():
            return {
                name: _describe_structure(
                    argument, (*path, name), None if _is_constant(value, name) else hyperparameters
                )
                for name, argument in _iterate_graph_arguments(value)
            }
        case tuple():
            items = cast("tuple[object, ...]", value)
            return [_describe_structure(item, (*path, index), hyperparameters) for index, item in enumerate(items)]
        case float() if hyperparameters is not None:
            hyperparameters[path] = value
            return "a number"
        case _:
            return value


def _replace_numbers(value: object, path: SpecPath, hyperparameters: Hyperparameters) -> Any:
    match value:
        case SpecModel():
            arguments = {
                name: _replace_numbers(argument, (*path, name), hyperparameters)
                for name, argument in _iterate_graph_arguments(value)
            }
            return value.model_copy(update=arguments)
        case tuple():
            items = cast("tuple[object, ...]", value)
            return tuple(_replace_numbers(item, (*path, index), hyperparameters) for index, item in enumerate(items))
        case float() if path in hyperparameters:
            return hyperparameters.get_hyperparameter(path)
        case _:
            return value


def _iterate_graph_arguments(part: SpecModel) -> Iterator[tuple[str, Any]]:
    """Yield the arguments that a graph depends on."""
    arguments = ((name, getattr(part, name)) for name in type(part).model_fields)
    return ((name, argument) for name, argument in arguments if not _is_initial_state(name, argument))


def _is_constant(part: SpecModel, name: str) -> bool:
    is_scheduled = isinstance(part, _SCHEDULES) or isinstance(getattr(part, "learning_rate", None), _SCHEDULES)
    return is_scheduled or name in _CONSTANT_ARGUMENTS or (type(part), name) in _CONSTANT_ARGUMENTS_OF_CLASSES


def _is_initial_state(name: str, value: object) -> bool:
    """Return whether an argument only affects the initial weights and seeds, which each job's own network sets."""
    return name.endswith("_initializer") or (name in _VARIABLE_ARGUMENTS and not isinstance(value, SpecModel))

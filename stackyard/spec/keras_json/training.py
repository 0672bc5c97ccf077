"""What a compiled model says of its training, as far as a spec says it too."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from stackyard.spec.base import Part
from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.minimal import minimal
from stackyard.spec.keras_json.omissions import LeftOut
from stackyard.spec.keras_json.translation import Translation, choices
from stackyard.spec.naming import made_up
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import pointer
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Accuracy, Metric
from stackyard.spec.training.optimizers import Optimizer

_ORIGIN = "/compile_config"
_IDLE: JsonObject = {
    "loss_weights": None,
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
}
"""What else Keras writes, at the value that asks for nothing; `jit_compile` only says how fast."""

_MOST_METRICS = 100
"""As many as a training has."""

_OPTIMIZER: TypeAdapter[Any] = TypeAdapter(Optimizer)
_LOSS: TypeAdapter[Any] = TypeAdapter(Loss)
_METRIC: TypeAdapter[Any] = TypeAdapter(Metric)
_METRICS = {name: part for name, part in choices(Metric).items() if part is not Accuracy}
"""Keras's class `Accuracy` asks for exact equality: only its string `accuracy` is what a spec means by the name."""


def read_training(compiled: object, left_out: list[LeftOut]) -> JsonObject | None:
    """Return the `optimizer`, `loss` and `metrics` of a spec's training, as far as there are any.

    Args:
        compiled: the model's `compile_config`, from anybody.
        left_out: gets what a spec cannot say. It is no error, for a network was asked for.

    """
    if not compiled:
        return None
    given = as_object(compiled)
    if given is None:
        left_out.append(LeftOut(pointer=_ORIGIN, message=f"expected an object, received {say(compiled)}"))
        return None
    training: JsonObject = {}
    for key, kind, union in (("optimizer", _OPTIMIZER, Optimizer), ("loss", _LOSS, Loss)):
        if given.get(key) is not None:
            part = _part(given[key], kind, choices(union), f"{_ORIGIN}/{key}", left_out)
            if part is not None:
                training[key] = part
    if metrics := list(_metrics(given.get("metrics"), left_out)):
        training["metrics"] = metrics
    left_out += _rest(given)
    return training or None


def _part(
    value: object, kind: TypeAdapter[Any], allowed: Mapping[str, type[Part]], origin: str, left_out: list[LeftOut]
) -> JsonObject | None:
    translation = Translation()
    part: Part | None = translation.validate(kind, translation.part(value, allowed, "", origin))
    left_out += [LeftOut(pointer=problem.pointer, message=problem.sentence) for problem in translation.problems]
    if part is None:
        return None
    left_out += translation.left_out
    said = minimal(part)
    if re.fullmatch(rf"{made_up(said['type'], Counter())}(_\d+)?", str(said.get("name"))):
        del said["name"]
    return said


def _metrics(metrics: object, left_out: list[LeftOut]) -> Iterator[JsonObject]:
    origin = f"{_ORIGIN}/metrics"
    listed = as_array(metrics)
    if metrics is not None and (listed is None or len(listed) > _MOST_METRICS):
        received = say(metrics) if listed is None else len(listed)
        message = f"expected an array of at most {_MOST_METRICS} metrics, received {received}"
        left_out.append(LeftOut(pointer=origin, message=message))
        return
    for index, metric in enumerate(listed or ()):
        if part := _part(metric, _METRIC, _METRICS, f"{origin}/{index}", left_out):
            yield part


def _rest(given: JsonObject) -> Iterator[LeftOut]:
    for key, value in given.items():
        if key in _IDLE and value != _IDLE[key]:
            message = f"{say(key)} has no place in a spec; received {say(value)}"
            yield LeftOut(pointer=f"{_ORIGIN}{pointer((key,))}", message=message)

"""Parses the training of a compiled model, as far as a spec can express it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from stackyard.spec.base import SpecModel
from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.minimal import to_minimal_document
from stackyard.spec.keras_json.omissions import Omission
from stackyard.spec.keras_json.translation import KerasTranslator, collect_spec_classes
from stackyard.spec.naming import generate_name
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import format_pointer
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Accuracy, Metric
from stackyard.spec.training.optimizers import Optimizer

_ORIGIN = "/compile_config"
_DEFAULTS: JsonObject = {
    "loss_weights": None,
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
}
"""Keras's other settings, with the values that have no effect. `jit_compile` is ignored: it only affects the speed."""

_MAX_METRICS = 100
"""As in the training of a spec."""

_OPTIMIZER: TypeAdapter[Any] = TypeAdapter(Optimizer)
_LOSS: TypeAdapter[Any] = TypeAdapter(Loss)
_METRIC: TypeAdapter[Any] = TypeAdapter(Metric)
_METRIC_CLASSES = {
    name: metric_class for name, metric_class in collect_spec_classes(Metric).items() if metric_class is not Accuracy
}
"""Keras's class `Accuracy` tests exact equality; the `Accuracy` of a spec means Keras's string `accuracy`."""


def parse_compile_config(compile_config: object, omissions: list[Omission]) -> JsonObject | None:
    """Return the `optimizer`, `loss` and `metrics` of a spec's training, or None if there are none.

    Args:
        compile_config: The model's `compile_config`, which need not be valid.
        omissions: Settings that a spec cannot express are appended. They are no errors: only the network is needed.

    """
    if not compile_config:
        return None
    config = as_object(compile_config)
    if config is None:
        message = f"expected an object, received {format_value(compile_config)}"
        omissions.append(Omission(pointer=_ORIGIN, message=message))
        return None
    training: JsonObject = {}
    for key, adapter, union in (("optimizer", _OPTIMIZER, Optimizer), ("loss", _LOSS, Loss)):
        if config.get(key) is not None:
            value, origin = _unwrap_single(config[key], f"{_ORIGIN}/{key}")
            document = _translate(value, adapter, collect_spec_classes(union), origin, omissions)
            if document is not None:
                training[key] = document
    if metrics := list(_translate_metrics(config.get("metrics"), omissions)):
        training["metrics"] = metrics
    omissions += _list_other_settings(config)
    return training or None


def _translate(
    value: object,
    adapter: TypeAdapter[Any],
    spec_classes: Mapping[str, type[SpecModel]],
    origin: str,
    omissions: list[Omission],
) -> JsonObject | None:
    """Return the minimal document of one of Keras's objects, or None with its faults among the omissions."""
    translator = KerasTranslator()
    translated: SpecModel | None = translator.validate(adapter, translator.translate(value, spec_classes, "", origin))
    omissions += [Omission(pointer=fault.pointer, message=fault.message_with_fix) for fault in translator.faults]
    if translated is None:
        return None
    omissions += translator.omissions
    document = to_minimal_document(translated)
    if re.fullmatch(rf"{generate_name(document['type'], Counter())}(_\d+)?", str(document.get("name"))):
        del document["name"]
    return document


def _unwrap_single(value: object, origin: str) -> tuple[object, str]:
    """Return the member and its origin of an array of one: Keras takes one for each output of a model."""
    array = as_array(value)
    return (array[0], f"{origin}/0") if array is not None and len(array) == 1 else (value, origin)


def _translate_metrics(metrics: object, omissions: list[Omission]) -> Iterator[JsonObject]:
    origin = f"{_ORIGIN}/metrics"
    if as_array(_unwrap_single(metrics, origin)[0]) is not None:
        metrics, origin = _unwrap_single(metrics, origin)
    array = as_array(metrics)
    if metrics is not None and (array is None or len(array) > _MAX_METRICS):
        received = format_value(metrics) if array is None else len(array)
        message = f"expected an array of at most {_MAX_METRICS} metrics, received {received}"
        omissions.append(Omission(pointer=origin, message=message))
        return
    for index, metric in enumerate(array or ()):
        if document := _translate(metric, _METRIC, _METRIC_CLASSES, f"{origin}/{index}", omissions):
            yield document


def _list_other_settings(config: JsonObject) -> Iterator[Omission]:
    for key, value in config.items():
        if key in _DEFAULTS and value != _DEFAULTS[key]:
            message = f"a spec cannot express {format_value(key)}; received {format_value(value)}"
            yield Omission(pointer=f"{_ORIGIN}{format_pointer((key,))}", message=message)

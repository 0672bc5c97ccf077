"""Sorts the layers of a functional model along its chain, or reports where it is not a chain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.translation import build_fault
from stackyard.spec.reading.faults import Fault, format_value
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import format_pointer

_DEFAULT_CALL_ARGUMENTS: Mapping[str, tuple[object, ...]] = {"training": (None, False), "mask": (None,)}
"""Values that Keras writes for a call with only a tensor. `fit` and `predict` set `training` themselves."""


@dataclass(frozen=True)
class LayerLink:
    """The connection of a layer to the previous one.

    Attributes:
        index: The layer's position in the list of layers.
        source: The name of the layer whose output it receives, or None for the input.

    """

    index: int
    source: str | None


def sort_layers(config: JsonObject, faults: list[Fault]) -> list[int]:
    """Return the positions of `config["layers"]` in the order from the input to the output.

    Args:
        config: The config of a functional model; its layers are a list of objects.
        faults: Reasons why the model is not a single chain are appended; the result is empty then.

    """
    chain_faults: list[Fault] = []
    links = _read_links(config["layers"], chain_faults)
    first, last = (_read_end(config, key, links, chain_faults) for key in ("input_layers", "output_layers"))
    path = _walk_chain(first, last, _map_successors(links, chain_faults))
    if not chain_faults and (path[-1:] != [last] or len(path) != len(links)):
        ends = f"from {format_value(first)} to {format_value(last)}"
        message = f"expected every layer on the path {ends}, received other layers"
        chain_faults.append(Fault(pointer="/config/layers", message=message))
    faults += chain_faults
    return [] if chain_faults else [links[name].index for name in path]


def _walk_chain(first: str | None, last: str | None, successors: Mapping[str, str]) -> list[str]:
    path: list[str] = []
    name = first
    while name is not None and name not in path:
        path.append(name)
        name = successors.get(name) if name != last else None
    return path


def _read_links(layers: Sequence[JsonObject], faults: list[Fault]) -> dict[str, LayerLink]:
    links: dict[str, LayerLink] = {}
    for index, layer in enumerate(layers):
        origin = f"/config/layers/{index}"
        name = layer.get("name")
        if not isinstance(name, str) or name in links:
            faults.append(build_fault(f"{origin}/name" if "name" in layer else origin, "a unique name", name))
        else:
            source = _read_source(layer.get("inbound_nodes"), f"{origin}/inbound_nodes", faults)
            links[name] = LayerLink(index, source)
    return links


def _read_source(nodes: Any, origin: str, faults: list[Fault]) -> str | None:
    match nodes:
        case None | []:
            return None
        case [{"args": args, "kwargs": kwargs}]:
            faults += _find_argument_faults(kwargs, f"{origin}/0/kwargs")
            return _read_tensor_source(args, f"{origin}/0/args", faults)
        case [_, _, *_]:
            message = "expected a layer that is called once, received one that several calls share"
        case _:
            message = 'expected one call, as an object with "args" and "kwargs"; received something else'
    faults.append(Fault(pointer=origin, message=message))
    return None


def _find_argument_faults(arguments: object, origin: str) -> Iterator[Fault]:
    for key, value in (as_object(arguments) or {}).items():
        if value not in _DEFAULT_CALL_ARGUMENTS.get(key, (None,)):
            expected = f"a call with only the previous layer, without {format_value(key)}"
            yield build_fault(f"{origin}{format_pointer((key,))}", expected, value)


def _read_tensor_source(arguments: Any, origin: str, faults: list[Fault]) -> str | None:
    """Return the name of the layer whose only output is the only argument."""
    match arguments:
        case [{"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), 0, 0]}}]:
            return name
        case [{"class_name": "__keras_tensor__"}]:
            message = "expected the one output of a layer that is called once, received another of its outputs"
        case _:
            message = "expected one input, the output of one layer; received several or another argument"
    faults.append(Fault(pointer=origin, message=message))
    return None


def _read_end(config: JsonObject, key: str, links: Mapping[str, LayerLink], faults: list[Fault]) -> str | None:
    """Return the name of the model's input or output layer."""
    value, end = config.get(key), key.removesuffix("_layers")
    match value:
        case [str(name), 0, 0] | [[str(name), 0, 0]] if name in links:
            return name
        case [[*_], [*_], *_]:
            message = f"expected one {end}, received {len(as_array(value) or ())}: a spec's network is one chain"
            faults.append(Fault(pointer=f"/config/{key}", message=message))
        case _:
            origin = f"/config/{key}" if key in config else "/config"
            faults.append(build_fault(origin, f'the {end} as ["name of a layer", 0, 0]', value))
    return None


def _map_successors(links: Mapping[str, LayerLink], faults: list[Fault]) -> dict[str, str]:
    """Return the name of the next layer by the name of each layer."""
    successors: dict[str, str] = {}
    for name, link in links.items():
        if link.source in successors:
            successor, source = format_value(successors[link.source]), format_value(link.source)
            branch = f"a branch: {successor} also receives the output of {source}"
            origin = f"/config/layers/{link.index}/inbound_nodes"
            faults.append(Fault(pointer=origin, message=f"expected one chain of layers, received {branch}"))
        elif link.source is not None:
            successors[link.source] = name
    return successors

"""A functional model's layers in the order of its one chain, or where it is none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackyard.spec.keras_json.json_values import as_array, as_object
from stackyard.spec.keras_json.translation import refused
from stackyard.spec.reading.faults import Problem, say
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import pointer

_IDLE: Mapping[str, tuple[object, ...]] = {"training": (None, False), "mask": (None,)}
"""What Keras notes of a call that was made with nothing but the tensor: `fit` and `predict` say themselves which."""


@dataclass(frozen=True)
class Link:
    """A layer of the model: where it is in the list, and whose output it takes (None where it takes none)."""

    index: int
    source: str | None


def in_order(config: JsonObject, problems: list[Problem]) -> list[int]:
    """Return the positions in `config["layers"]` from the input to the output.

    Args:
        config: of a functional model; its layers are a list of objects.
        problems: gets whatever makes it more or less than one chain, and then nothing is returned.

    """
    found: list[Problem] = []
    links = _links(config["layers"], found)
    first, last = (_end(config, name, links, found) for name in ("input_layers", "output_layers"))
    followers = _followers(links, found)
    way = _walk(first, last, followers)
    if not found and (way[-1:] != [last] or len(way) != len(links)):
        message = f"expected every layer on the way from {say(first)} to {say(last)}, received others beside it"
        found.append(Problem(pointer="/config/layers", message=message))
    problems += found
    return [] if found else [links[name].index for name in way]


def _walk(first: str | None, last: str | None, followers: Mapping[str, str]) -> list[str]:
    way: list[str] = []
    name = first
    while name is not None and name not in way:
        way.append(name)
        name = followers.get(name) if name != last else None
    return way


def _links(layers: Sequence[JsonObject], problems: list[Problem]) -> dict[str, Link]:
    links: dict[str, Link] = {}
    for index, layer in enumerate(layers):
        origin = f"/config/layers/{index}"
        name = layer.get("name")
        if not isinstance(name, str) or name in links:
            problems.append(refused(f"{origin}/name" if "name" in layer else origin, "a name of its own", name))
        else:
            links[name] = Link(index, _source(layer.get("inbound_nodes"), f"{origin}/inbound_nodes", problems))
    return links


def _source(nodes: Any, origin: str, problems: list[Problem]) -> str | None:
    match nodes:
        case None | []:
            return None
        case [{"args": args, "kwargs": kwargs}]:
            problems += _extras(kwargs, f"{origin}/0/kwargs")
            return _tensor(args, f"{origin}/0/args", problems)
        case [_, _, *_]:
            message = "expected a layer that is called once, received one that several calls share"
        case _:
            message = 'expected one call, as an object with "args" and "kwargs"; received something else'
    problems.append(Problem(pointer=origin, message=message))
    return None


def _extras(arguments: object, origin: str) -> Iterator[Problem]:
    for key, value in (as_object(arguments) or {}).items():
        if value not in _IDLE.get(key, (None,)):
            wanted = f"a call with nothing but the layer before, without {say(key)}"
            yield refused(f"{origin}{pointer((key,))}", wanted, value)


def _tensor(arguments: Any, origin: str, problems: list[Problem]) -> str | None:
    """Return the name of the layer whose only output is the only argument."""
    match arguments:
        case [{"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), 0, 0]}}]:
            return name
        case [{"class_name": "__keras_tensor__"}]:
            message = "expected the one output of a layer that is called once, received another of its outputs"
        case _:
            message = "expected one input, the output of one layer; received several or another argument"
    problems.append(Problem(pointer=origin, message=message))
    return None


def _end(config: JsonObject, key: str, links: Mapping[str, Link], problems: list[Problem]) -> str | None:
    end, what = config.get(key), key.removesuffix("_layers")
    match end:
        case [str(name), 0, 0] | [[str(name), 0, 0]] if name in links:
            return name
        case [[*_], [*_], *_]:
            message = f"expected one {what}, received {len(as_array(end) or ())}: a spec's network is one chain"
            problems.append(Problem(pointer=f"/config/{key}", message=message))
        case _:
            where = f"/config/{key}" if key in config else "/config"
            problems.append(refused(where, f'the {what} as ["name of a layer", 0, 0]', end))
    return None


def _followers(links: Mapping[str, Link], problems: list[Problem]) -> dict[str, str]:
    followers: dict[str, str] = {}
    for name, link in links.items():
        if link.source in followers:
            taken = f"a branch: {say(followers[link.source])} takes the output of {say(link.source)} too"
            origin = f"/config/layers/{link.index}/inbound_nodes"
            problems.append(Problem(pointer=origin, message=f"expected one chain of layers, received {taken}"))
        elif link.source is not None:
            followers[link.source] = name
    return followers

"""The seeds of repeats. All trials of a sweep share them, so that their comparison is paired."""

from hashlib import blake2b
from typing import Any, cast

from stackyard.spec.data.split import GroupSplit, RandomSplit, TrainTestSplit
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.suggestions import normalize_name
from stackyard.sweep.sweep_spec import SweepSpec

_SEED_BYTES = 4
"""Bytes of a seed: Keras accepts 32 bits."""
_SEEDED_METHODS = frozenset(
    normalize_name(method.model_fields["method"].default) for method in (RandomSplit, TrainTestSplit, GroupSplit)
)


def derive_seed(*parts: object) -> int:
    """Return a seed of 32 bits that depends on all parts, the same on every machine."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=_SEED_BYTES).digest(), "big")


def get_training_seed(sweep: SweepSpec, given_seed: int | None, repeat: int) -> int:
    """Return the training seed of a repeat: for the first one, the seed of the spec if it has one."""
    if repeat == 0 and given_seed is not None:
        return given_seed
    return derive_seed("repeat", sweep.search.seed, given_seed, repeat)


def set_seeds(document: JsonObject, sweep: SweepSpec, repeat: int) -> JsonObject:
    """Return a job spec's document with the seeds of a repeat.

    If the sweep varies only the training, further repeats split the rows as the first one does. Otherwise they draw
    all splits anew.

    Args:
        document: The job spec. A part that is no object stays unchanged, for the check of the spec to refuse.
        sweep: The sweep.
        repeat: The number of the repeat, from 0.

    """
    training = document.get("training")
    if not isinstance(training, dict):
        return document
    given_seed: Any = cast("JsonObject", training).get("seed")
    seed = get_training_seed(sweep, given_seed, repeat)
    document = {**document, "training": {**training, "seed": seed}}
    if repeat == 0:
        return document
    if sweep.repeats.vary == "training":
        return _seed_splits(document, get_training_seed(sweep, given_seed, 0), replace=False)
    return _seed_splits(document, seed, replace=True)


def _seed_splits(document: JsonObject, seed: int, *, replace: bool) -> JsonObject:
    data = document.get("data")
    split = cast("JsonObject", data).get("split") if isinstance(data, dict) else None
    if not isinstance(split, dict):
        return document
    methods = cast("JsonObject", split).items()
    seeded = {name: _seed_method(method, seed, replace=replace) for name, method in methods}
    return {**document, "data": {**cast("JsonObject", data), "split": seeded}}


def _seed_method(method: Any, seed: int, *, replace: bool) -> Any:
    arguments = cast("JsonObject", method) if isinstance(method, dict) else {}
    name = arguments.get("method")
    is_seeded = isinstance(name, str) and normalize_name(name) in _SEEDED_METHODS
    if not is_seeded or (not replace and arguments.get("seed") is not None):
        return cast("Any", method)
    return {**arguments, "seed": seed}

"""Propose a spec for a dataset and its target, from the description alone."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from models import Dataset
from service.datasets import catalog
from service.datasets.proposal.arrays import propose_arrays
from service.datasets.proposal.baseline import Baseline, compute_baseline
from service.datasets.proposal.features import propose_features
from service.datasets.proposal.target import ProposedTarget, TaskKind, build_array_target, build_column_target
from service.datasets.proposal.training import (
    count_train_rows,
    propose_hidden_layers,
    propose_split,
    propose_training,
)
from service.errors import InvalidInput
from stackyard.spec import (
    ArrayDescription,
    ArraysDescription,
    ColumnDescription,
    Fault,
    Limits,
    SpecError,
    TableDescription,
    check_spec,
    parse_spec,
)
from stackyard.spec.suggestions import suggest_name

_MAX_LISTED_NAMES = 20

Described = TypeVar("Described", ColumnDescription, ArrayDescription)


class Proposal(BaseModel):
    """A spec to start from, and the baseline that its network has to beat."""

    model_config = ConfigDict(frozen=True)

    task: TaskKind
    spec: dict[str, Any] = Field(description="A spec that passes the check as it stands.")
    baseline: Baseline
    notes: list[str] = Field(description="What the proposal leaves out, and why.")


def propose_spec(
    dataset: Dataset, reference: str, target: str, limits: Limits, task: TaskKind | None = None
) -> Proposal:
    """Propose a small network that predicts a column or an array of a dataset.

    Args:
        dataset: the dataset.
        reference: how the spec names the dataset.
        target: the column of a table, or the array of an NPZ file, to predict.
        limits: bounds on the proposed spec.
        task: the learning task; by default the type and the values of the target decide.

    Raises:
        InvalidInput: there is no such target, or no network can learn it from this dataset.

    """
    description = catalog.parse_description(dataset)
    if isinstance(description, TableDescription):
        proposal = _propose_for_table(description, reference, target, task)
    else:
        proposal = _propose_for_arrays(description, reference, target, task)
    try:
        check_spec(parse_spec(json.dumps(proposal.spec).encode(), limits), description, limits)
    except SpecError as error:
        message = f"Expected a target that a small network can predict from this dataset: {error.faults[0].message}."
        raise InvalidInput((Fault(pointer="/target", message=message),)) from None
    return proposal


def _propose_for_table(table: TableDescription, reference: str, name: str, task: TaskKind | None) -> Proposal:
    column = _find_target(table.columns, name)
    target = build_column_target(column, table.rows, task)
    features = propose_features(table, name)
    if not features.groups:
        message = "Expected at least one column to learn from beside the target, received none."
        raise InvalidInput((Fault(pointer="/target", message=" ".join([message, *features.notes])),))
    split = propose_split(target, stratify=name)
    data: dict[str, Any] = {
        "dataset": reference,
        "features": features.groups,
        "target": {"column": name, **target.arguments},
    }
    notes = features.notes
    if column.missing:
        data["drop_missing"] = [name]
        notes = [*notes, f"Rows without a target are dropped: {column.missing}."]
    hidden_layers = propose_hidden_layers(count_train_rows(target, split))
    return _build_proposal(target, data | {"split": split}, hidden_layers, notes)


def _propose_for_arrays(description: ArraysDescription, reference: str, name: str, task: TaskKind | None) -> Proposal:
    array = _find_target(description.arrays, name)
    target = build_array_target(array, task)
    arrays = propose_arrays(description, array)
    split = propose_split(target, stratify=name, test_rows=arrays.test_rows)
    layers = arrays.layers
    if not arrays.is_image:
        layers = [*layers, *propose_hidden_layers(count_train_rows(target, split))]
    data: dict[str, Any] = {"dataset": reference, **arrays.data, "target": target.arguments, "split": split}
    return _build_proposal(target, data, layers, arrays.notes)


def _build_proposal(
    target: ProposedTarget, data: dict[str, Any], hidden_layers: list[dict[str, Any] | str], notes: list[str]
) -> Proposal:
    split = data["split"]
    if not split:
        notes = [*notes, f"{target.rows} rows are too few for a validation set and a test set."]
    output = {"type": "Dense", "units": target.outputs, "activation": target.activation}
    if target.activation is None:
        del output["activation"]
    training = propose_training(target, count_train_rows(target, split), validates=bool(split))
    spec = {"data": data, "network": {"layers": [*hidden_layers, output]}, "training": training}
    return Proposal(task=target.task, spec=spec, baseline=compute_baseline(target), notes=notes)


def _find_target(described: list[Described], name: str) -> Described:
    for item in described:
        if item.name == name:
            return item
    names = [item.name for item in described]
    listed = ", ".join(names[:_MAX_LISTED_NAMES]) + (", …" if len(names) > _MAX_LISTED_NAMES else "")
    message = f"Expected the name of a column or an array ({listed}), received {name[:80]!a}."
    raise InvalidInput((Fault(pointer="/target", message=message, fix=suggest_name(name, names)),))

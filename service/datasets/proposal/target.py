"""The target of a proposal: its task, and how the network reads and predicts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.errors import InvalidInput
from stackyard.spec import MAX_CATEGORIES, ArrayDescription, ColumnDescription, Fault

TaskKind = Literal["classification", "regression"]
Category = int | bool | str

_MAX_INTEGER_CLASSES = 20
"""Whole numbers with more distinct values are quantities rather than classes."""
_MIN_ROWS_PER_CLASS = 5
"""Whole numbers with fewer rows for each distinct value are quantities rather than classes."""


@dataclass(frozen=True)
class ProposedTarget:
    """How a spec names the target, and what the network ends with.

    `categories` are the classes in ascending order, and empty for regression. `rows` counts the rows with a target,
    and `rarest_rows` those of the rarest class, if that is known. `outputs` is the number of the network's outputs.
    """

    name: str
    task: TaskKind
    rows: int
    outputs: int
    categories: tuple[Category, ...] = ()
    rarest_rows: int | None = None

    @property
    def is_label(self) -> bool:
        """Whether the values are text, or count the classes from 0, so that no encoding is needed."""
        if any(isinstance(value, str) for value in self.categories):
            return True
        return [int(value) for value in self.categories] == list(range(len(self.categories)))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the spec's target, without its name."""
        if self.task == "regression":
            return {"standard": True}
        return {} if self.is_label else {"encode": "one_hot"}

    @property
    def loss(self) -> str:
        """The loss that fits the target."""
        if self.task == "regression":
            return "mse"
        return "sparse_categorical_crossentropy" if self.is_label else "categorical_crossentropy"

    @property
    def metrics(self) -> list[str]:
        """The metrics that people compare with the baseline."""
        return ["mse", "mae"] if self.task == "regression" else ["accuracy"]

    @property
    def activation(self) -> str | None:
        """The activation of the outputs."""
        return None if self.task == "regression" else "softmax"


def build_column_target(column: ColumnDescription, table_rows: int, task: TaskKind | None) -> ProposedTarget:
    """Return the target of a table. Without `task`, its type and its values decide.

    Raises:
        InvalidInput: the column cannot be a target, or cannot be one of this task.

    """
    if column.type == "unsupported":
        raise _refuse_target(f"Expected a column that can be read, received {column.name!a}: {column.reason}")
    rows = table_rows - column.missing
    inferred = "classification" if column.type in ("text", "boolean") else None
    return _build_target(column, rows, (), task or inferred, is_text=column.type == "text")


def build_array_target(array: ArrayDescription, task: TaskKind | None) -> ProposedTarget:
    """Return the target of an array whose first axis counts rows.

    Raises:
        InvalidInput: the array cannot be a target, or cannot be one of this task.

    """
    if len(array.shape) not in (1, 2) or not array.type.startswith(("int", "uint", "float", "bool")):
        message = f"Expected an array of numbers with one or two axes, received {array.type} of shape {array.shape}."
        raise _refuse_target(message)
    return _build_target(array, array.shape[0], tuple(array.shape[1:]), task, is_text=False)


def _build_target(
    described: ColumnDescription | ArrayDescription,
    rows: int,
    axes: tuple[int, ...],
    task: TaskKind | None,
    *,
    is_text: bool,
) -> ProposedTarget:
    categories: Sequence[Category] = described.categories or ()
    if task is None:
        task = "classification" if _has_few_values(categories, rows) else "regression"
    if task == "regression":
        _check_quantity(described, is_text=is_text)
        return ProposedTarget(described.name, task, rows, axes[0] if axes else 1)
    _check_classes(described.name, categories)
    return ProposedTarget(described.name, task, rows, len(categories), tuple(categories), described.rarest_rows)


def _has_few_values(categories: Sequence[Category], rows: int) -> bool:
    return 0 < len(categories) <= max(2, min(_MAX_INTEGER_CLASSES, rows // _MIN_ROWS_PER_CLASS))


def _check_quantity(described: ColumnDescription | ArrayDescription, *, is_text: bool) -> None:
    if is_text:
        message = f"Expected numbers for regression, received text in {described.name!a}."
        raise _refuse_target(message, "propose a classification, or choose a column of numbers")
    if described.minimum is not None and described.minimum == described.maximum:
        raise _refuse_target(f"Expected different values to predict, received only one in {described.name!a}.")


def _check_classes(name: str, categories: Sequence[Category]) -> None:
    if not categories:
        message = f"Expected at most {MAX_CATEGORIES} classes of whole numbers or text; {name!a} has others."
        raise _refuse_target(message, "propose a regression, or choose another column")
    if len(categories) == 1:
        raise _refuse_target(f"Expected at least 2 classes to tell apart, received one in {name!a}.")


def _refuse_target(message: str, fix: str | None = None) -> InvalidInput:
    return InvalidInput((Fault(pointer="/target", message=message, fix=fix),))

"""What training changes: a network's weights and seeds, and its optimizer's variables."""

from typing import Any


def copy(source: Any, target: Any) -> None:
    """Give one network the state of another of the same architecture; both compiled, their optimizers built."""
    for mine, theirs in zip(_variables(target), _variables(source), strict=True):
        mine.assign(theirs)


def copy_loss(source: Any, target: Any) -> None:
    """Give one network the mean loss that another has come to in its epoch."""
    for mine, theirs in zip(target.metrics[0].variables, source.metrics[0].variables, strict=True):
        mine.assign(theirs)


def size(network: Any) -> int:
    """Return how many bytes the state takes."""
    return sum(variable.value.dtype.size * variable.value.shape.num_elements() for variable in _variables(network))


def _variables(network: Any) -> list[Any]:
    return [*network.variables, *network.optimizer.variables]

"""The target and the network's output, as a loss or a metric compares them."""

from dataclasses import dataclass
from enum import Enum

from stackyard.spec.check.data.inputs import Target
from stackyard.spec.check.report import Shape
from stackyard.spec.training import losses, metrics
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric


class Kind(Enum):
    """How a loss or a metric reads its target."""

    LABELS = "labels"
    CLASSES = "classes"
    SHARES = "shares"
    SIGNS = "signs"
    AMOUNTS = "amounts"
    ANY = "any"


_KINDS: dict[type[Loss | Metric], Kind] = {
    **dict.fromkeys(losses.LABEL_LOSSES, Kind.LABELS),
    metrics.SparseCategoricalAccuracy: Kind.LABELS,
    metrics.SparseTopKCategoricalAccuracy: Kind.LABELS,
    metrics.SparseCategoricalCrossentropy: Kind.LABELS,
    losses.CategoricalCrossentropy: Kind.CLASSES,
    losses.CategoricalFocalCrossentropy: Kind.CLASSES,
    losses.CategoricalHinge: Kind.CLASSES,
    losses.KLDivergence: Kind.CLASSES,
    metrics.CategoricalAccuracy: Kind.CLASSES,
    metrics.TopKCategoricalAccuracy: Kind.CLASSES,
    metrics.CategoricalCrossentropy: Kind.CLASSES,
    metrics.CategoricalHinge: Kind.CLASSES,
    metrics.KLDivergence: Kind.CLASSES,
    losses.BinaryCrossentropy: Kind.SHARES,
    losses.BinaryFocalCrossentropy: Kind.SHARES,
    losses.Dice: Kind.SHARES,
    losses.Tversky: Kind.SHARES,
    metrics.BinaryAccuracy: Kind.SHARES,
    metrics.BinaryCrossentropy: Kind.SHARES,
    metrics.AUC: Kind.SHARES,
    metrics.Precision: Kind.SHARES,
    metrics.Recall: Kind.SHARES,
    metrics.PrecisionAtRecall: Kind.SHARES,
    metrics.RecallAtPrecision: Kind.SHARES,
    metrics.SensitivityAtSpecificity: Kind.SHARES,
    metrics.SpecificityAtSensitivity: Kind.SHARES,
    metrics.TruePositives: Kind.SHARES,
    metrics.TrueNegatives: Kind.SHARES,
    metrics.FalsePositives: Kind.SHARES,
    metrics.FalseNegatives: Kind.SHARES,
    metrics.F1Score: Kind.SHARES,
    metrics.FBetaScore: Kind.SHARES,
    losses.Hinge: Kind.SIGNS,
    losses.SquaredHinge: Kind.SIGNS,
    metrics.Hinge: Kind.SIGNS,
    metrics.SquaredHinge: Kind.SIGNS,
    metrics.Accuracy: Kind.ANY,
}
"""All others read amounts."""


def kind_of(measure: Loss | Metric) -> Kind:
    """Return how `measure` reads its target."""
    return _KINDS.get(type(measure), Kind.AMOUNTS)


@dataclass(frozen=True)
class Misfit:
    """What is expected in place of a target, and what would put it right."""

    message: str
    fix: str | None = None


def target_misfit(kind: Kind, target: Target) -> Misfit | None:
    """Return what is expected in place of `target`, or None where it fits."""
    match kind:
        case Kind.LABELS:
            return _labels_misfit(target)
        case Kind.CLASSES:
            return _classes_misfit(target)
        case Kind.SHARES:
            return _range_misfit(target, 0)
        case Kind.SIGNS:
            return _range_misfit(target, -1)
        case Kind.AMOUNTS if target.from_text:
            fix = 'use "sparse_categorical_crossentropy", or encode the target "one_hot"'
            return Misfit(f"expected a target of numbers, received text in {target.what}", fix)
        case _:
            return None


def _labels_misfit(target: Target) -> Misfit | None:
    if target.kind == "one_hot":
        message = f"expected labels, received {target.what} encoded one_hot"
        return Misfit(message, 'use "categorical_crossentropy" or the categorical kind, or leave out encode')
    if target.kind == "numbers":
        scaled = "divided, standardised or of fractions"
        return Misfit(
            f"expected labels that count from 0, received numbers ({target.what} is {scaled} or has several parts)"
        )
    uncounted = target.classes is not None and not target.counted
    if uncounted or (target.minimum is not None and target.minimum < 0):
        message = f"expected labels that count from 0 without a gap, received {_spread(target)} in {target.what}"
        return Misfit(
            message, 'encode the target "one_hot" and use "categorical_crossentropy" or the categorical kind'
        )
    return None


def _classes_misfit(target: Target) -> Misfit | None:
    if target.kind == "one_hot" or (target.kind == "numbers" and target.shape and target.shape[-1] > 1):
        return None
    message = f"expected a number for each class, received single values in {target.what}"
    return Misfit(message, 'encode the target "one_hot", or use "sparse_categorical_crossentropy" or the sparse kind')


def _range_misfit(target: Target, least: int) -> Misfit | None:
    below = target.minimum is not None and target.minimum < least
    above = target.maximum is not None and target.maximum > 1
    if target.kind == "one_hot" or not (below or above):
        return None
    return Misfit(f"expected values from {least} to 1, received {_spread(target)} in {target.what}")


def _spread(target: Target) -> str:
    bounds = [bound for bound in (target.minimum, target.maximum) if bound is not None]
    values = f"{target.classes} values" if target.classes else "values"
    return f"{values} from {bounds[0]:g} to {bounds[-1]:g}" if bounds else values


@dataclass(frozen=True)
class Wanted:
    """The output that a target asks for."""

    shape: Shape
    why: str
    least_units: bool = False
    """Whether a wider last axis will do."""

    def fits(self, output: Shape) -> bool:
        """Return whether `output` is the one."""
        if self.least_units:
            return output[:-1] == self.shape[:-1] and output[-1] >= self.shape[-1]
        return self.shape in (output, (*output, 1)) or output == (*self.shape, 1)


def wanted(kind: Kind, target: Target) -> Wanted:
    """Return the output that `target` asks for, read as `kind`."""
    if kind is Kind.LABELS:
        return _wanted_classes(target)
    shape = target.shape or (1,)
    values = f"{target.classes} classes" if target.kind == "one_hot" else f"{shape[-1]} values"
    if len(shape) == 1:
        return Wanted(shape, f"{values[:-1] if shape == (1,) else values} of {target.what}")
    return Wanted(shape, f"the shape {list(shape)} of {target.what}")


def _wanted_classes(target: Target) -> Wanted:
    axes = target.shape[:-1] if target.shape and target.shape[-1] == 1 else target.shape
    if target.classes is not None:
        return Wanted((*axes, target.classes), f"{target.classes} classes of {target.what}")
    most = 1 if target.maximum is None else int(target.maximum)
    return Wanted((*axes, most + 1), f"labels up to {most} in {target.what}", least_units=True)

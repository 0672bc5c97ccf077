"""Compare the target and the network's output as a loss or a metric reads them."""

from dataclasses import dataclass
from enum import Enum

from stackyard.spec.check.data.resolved_data import Target
from stackyard.spec.check.report import Shape
from stackyard.spec.training import losses, metrics
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric


class TargetFormat(Enum):
    """The format in which a loss or a metric reads its target."""

    LABELS = "labels"
    """Whole numbers that count the classes from 0."""
    CLASS_PROBABILITIES = "class_probabilities"
    """A number for each class, as of a one-hot target."""
    PROBABILITIES = "probabilities"
    """Numbers from 0 to 1."""
    SIGNS = "signs"
    """Numbers from -1 to 1."""
    NUMBERS = "numbers"
    """Any numbers."""
    ANY = "any"
    """Any target: the metric adapts to it."""


_TARGET_FORMATS: dict[type[Loss | Metric], TargetFormat] = {
    **dict.fromkeys(losses.LABEL_LOSSES, TargetFormat.LABELS),
    metrics.SparseCategoricalAccuracy: TargetFormat.LABELS,
    metrics.SparseTopKCategoricalAccuracy: TargetFormat.LABELS,
    metrics.SparseCategoricalCrossentropy: TargetFormat.LABELS,
    losses.CategoricalCrossentropy: TargetFormat.CLASS_PROBABILITIES,
    losses.CategoricalFocalCrossentropy: TargetFormat.CLASS_PROBABILITIES,
    losses.CategoricalHinge: TargetFormat.CLASS_PROBABILITIES,
    losses.KLDivergence: TargetFormat.CLASS_PROBABILITIES,
    metrics.CategoricalAccuracy: TargetFormat.CLASS_PROBABILITIES,
    metrics.TopKCategoricalAccuracy: TargetFormat.CLASS_PROBABILITIES,
    metrics.CategoricalCrossentropy: TargetFormat.CLASS_PROBABILITIES,
    metrics.CategoricalHinge: TargetFormat.CLASS_PROBABILITIES,
    metrics.KLDivergence: TargetFormat.CLASS_PROBABILITIES,
    losses.BinaryCrossentropy: TargetFormat.PROBABILITIES,
    losses.BinaryFocalCrossentropy: TargetFormat.PROBABILITIES,
    losses.Dice: TargetFormat.PROBABILITIES,
    losses.Tversky: TargetFormat.PROBABILITIES,
    metrics.BinaryAccuracy: TargetFormat.PROBABILITIES,
    metrics.BinaryCrossentropy: TargetFormat.PROBABILITIES,
    metrics.AUC: TargetFormat.PROBABILITIES,
    metrics.Precision: TargetFormat.PROBABILITIES,
    metrics.Recall: TargetFormat.PROBABILITIES,
    metrics.PrecisionAtRecall: TargetFormat.PROBABILITIES,
    metrics.RecallAtPrecision: TargetFormat.PROBABILITIES,
    metrics.SensitivityAtSpecificity: TargetFormat.PROBABILITIES,
    metrics.SpecificityAtSensitivity: TargetFormat.PROBABILITIES,
    metrics.TruePositives: TargetFormat.PROBABILITIES,
    metrics.TrueNegatives: TargetFormat.PROBABILITIES,
    metrics.FalsePositives: TargetFormat.PROBABILITIES,
    metrics.FalseNegatives: TargetFormat.PROBABILITIES,
    metrics.F1Score: TargetFormat.PROBABILITIES,
    metrics.FBetaScore: TargetFormat.PROBABILITIES,
    losses.Hinge: TargetFormat.SIGNS,
    losses.SquaredHinge: TargetFormat.SIGNS,
    metrics.Hinge: TargetFormat.SIGNS,
    metrics.SquaredHinge: TargetFormat.SIGNS,
    metrics.Accuracy: TargetFormat.ANY,
}
"""Losses and metrics that are not listed read any numbers."""


def get_target_format(loss_or_metric: Loss | Metric) -> TargetFormat:
    """Return the format in which `loss_or_metric` reads its target."""
    return _TARGET_FORMATS.get(type(loss_or_metric), TargetFormat.NUMBERS)


@dataclass(frozen=True)
class TargetFault:
    """A target that does not fit: the message says what is expected instead."""

    message: str
    fix: str | None = None


def find_target_fault(target_format: TargetFormat, target: Target) -> TargetFault | None:
    """Return the fault of a target that does not have the format, or None where it fits."""
    match target_format:
        case TargetFormat.LABELS:
            return _find_label_fault(target)
        case TargetFormat.CLASS_PROBABILITIES:
            return _find_class_fault(target)
        case TargetFormat.PROBABILITIES:
            return _find_range_fault(target, minimum=0)
        case TargetFormat.SIGNS:
            return _find_range_fault(target, minimum=-1)
        case TargetFormat.NUMBERS if target.from_text:
            fix = 'use "sparse_categorical_crossentropy", or encode the target "one_hot"'
            return TargetFault(f"expected a target of numbers, received text in {target.source}", fix)
        case _:
            return None


def _find_label_fault(target: Target) -> TargetFault | None:
    if target.kind == "one_hot":
        message = f"expected labels, received {target.source} encoded one_hot"
        return TargetFault(message, 'use "categorical_crossentropy" or the categorical kind, or leave out encode')
    if target.kind == "numbers":
        reason = "" if target.number_reason is None else f": {target.number_reason}"
        message = f"expected labels that count from 0, received numbers in {target.source}{reason}"
        return TargetFault(message, target.label_fix)
    has_gap = target.class_count is not None and not target.counts_from_zero
    if has_gap or (target.minimum is not None and target.minimum < 0):
        message = (
            f"expected labels that count from 0 without a gap, received {_format_range(target)} in {target.source}"
        )
        return TargetFault(
            message, 'encode the target "one_hot" and use "categorical_crossentropy" or the categorical kind'
        )
    return None


def _find_class_fault(target: Target) -> TargetFault | None:
    if target.kind == "one_hot" or (target.kind == "numbers" and target.shape and target.shape[-1] > 1):
        return None
    message = f"expected a number for each class, received single values in {target.source}"
    return TargetFault(
        message, 'encode the target "one_hot", or use "sparse_categorical_crossentropy" or the sparse kind'
    )


def _find_range_fault(target: Target, minimum: int) -> TargetFault | None:
    is_below = target.minimum is not None and target.minimum < minimum
    is_above = target.maximum is not None and target.maximum > 1
    if target.kind == "one_hot" or not (is_below or is_above):
        return None
    message = f"expected values from {minimum} to 1, received {_format_range(target)} in {target.source}"
    return TargetFault(message, _suggest_range_fix(target, minimum))


def _suggest_range_fix(target: Target, minimum: int) -> str | None:
    """Return one change that suffices for the loss and the metrics, or None if there is none."""
    if target.class_count is not None:
        units = f"end with {target.class_count} units and a softmax"
        return f'encode the target "one_hot", use the loss "categorical_crossentropy", and {units}'
    if target.maximum and (target.minimum is None or target.minimum >= minimum * target.maximum):
        return f'for numbers take a loss such as "mse" and metrics such as "mae", or "divide_by": {target.maximum:g}'
    return 'for numbers take a loss such as "mse" and metrics such as "mae"'


def _format_range(target: Target) -> str:
    bounds = [bound for bound in (target.minimum, target.maximum) if bound is not None]
    values = f"{target.class_count} values" if target.class_count else "values"
    return f"{values} from {bounds[0]:g} to {bounds[-1]:g}" if bounds else values


@dataclass(frozen=True)
class ExpectedOutput:
    """The output that a target requires; `purpose` says in messages what its units are for."""

    shape: Shape
    purpose: str
    allows_more_units: bool = False
    """Whether the last axis may be larger."""

    def accepts(self, output: Shape) -> bool:
        """Return whether an output of shape `output` fits."""
        if self.allows_more_units:
            return output[:-1] == self.shape[:-1] and output[-1] >= self.shape[-1]
        return self.shape in (output, (*output, 1)) or output == (*self.shape, 1)


def infer_expected_output(target_format: TargetFormat, target: Target) -> ExpectedOutput:
    """Return the output that `target` requires when it is read in this format."""
    if target_format is TargetFormat.LABELS:
        return _expect_class_outputs(target)
    shape = target.shape or (1,)
    values = f"{target.class_count} classes" if target.kind == "one_hot" else f"{shape[-1]} values"
    if len(shape) == 1:
        return ExpectedOutput(shape, f"{values[:-1] if shape == (1,) else values} of {target.source}")
    return ExpectedOutput(shape, f"the shape {list(shape)} of {target.source}")


def _expect_class_outputs(target: Target) -> ExpectedOutput:
    """Return an output with one unit for each class; labels may have a last axis of size 1."""
    axes = target.shape[:-1] if target.shape and target.shape[-1] == 1 else target.shape
    if target.class_count is not None:
        return ExpectedOutput((*axes, target.class_count), f"{target.class_count} classes of {target.source}")
    largest_label = 1 if target.maximum is None else int(target.maximum)
    purpose = f"labels up to {largest_label} in {target.source}"
    return ExpectedOutput((*axes, largest_label + 1), purpose, allows_more_units=True)

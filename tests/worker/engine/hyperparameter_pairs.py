"""Pairs of parts of the spec language that differ in all numbers for which one graph is enough."""

from stackyard.spec.training import schedules
from tests.worker.backends import is_jax
from tests.worker.part_variants import build_plainest

NUMBERS = (0.1, 0.3, 0.7, 1.9, -0.3, -0.6, 1e-3, 3.3, 1.7)

CONSTANTS = {
    ("LeakyReLU", "negative_slope"),  # an attribute of TensorFlow's operation
    ("ReLU", "negative_slope"),
    ("ActivityRegularization", "l1"),  # passed on as plain floats
    ("ActivityRegularization", "l2"),
    ("OrthogonalRegularizer", "factor"),
    ("GaussianDropout", "rate"),
    ("Normalization", "mean"),
    ("Normalization", "variance"),
    ("Ftrl", "learning_rate_power"),  # exponents, which TensorFlow replaces by roots and squares
    ("Adafactor", "beta_2_decay"),
    ("BinaryFocalCrossentropy", "gamma"),
    ("CategoricalFocalCrossentropy", "gamma"),
    ("CategoricalGeneralizedCrossEntropy", "q"),
    ("CategoricalFocalCrossentropy", "alpha"),  # factors and divisors, which TensorFlow combines
    ("Adafactor", "clip_threshold"),
    ("Muon", "muon_a"),
    ("Muon", "muon_b"),
    ("Muon", "muon_c"),
    ("ScheduleFreeAdamW", "beta_1"),
    ("SGD", "loss_scale_factor"),
    ("CategoricalCrossentropy", "label_smoothing"),
}
"""Numbers that are constants in a graph, so that another value needs another graph."""
UNCHANGED = {"clipvalue", "global_clipnorm", "label_smoothing", "loss_scale_factor"}
"""Alternatives to clipnorm, only one of which is valid; and arguments that are constants in every class."""

CHANGED_ON_JAX = {"learning_rate", "initial_accumulator_value"}
"""The only numbers that are no constants on JAX: an optimizer keeps them in variables."""


def build_document(part):
    """Return the plainest part of a class as a document."""
    return build_plainest(part).model_dump(mode="json", exclude_unset=True) | {"type": part.__name__}


def find_two_values(part, arguments, name):
    """Return two valid values of an argument."""
    valid = []
    for value in NUMBERS:
        try:
            part.model_validate(arguments | {name: value})
        except ValueError:
            continue
        valid.append(value)
    return valid[:2]


def build_pair(part, arguments=None):
    """Return a part and a variant with other values for all numbers that are not constants."""
    arguments = build_document(part) if arguments is None else arguments
    first, second = dict(arguments), dict(arguments)
    for name, field in part.model_fields.items():
        if "float" in str(field.annotation) and not is_constant(part, name):
            values = find_two_values(part, arguments, name)
            if len(values) == 2:
                first[name], second[name] = values
    part.model_validate(first)
    return first, second


def is_constant(part, name):
    """Return whether a number is a constant in the functions that this backend compiles, or must not be changed."""
    if is_jax and not hasattr(schedules, part.__name__):
        return name not in CHANGED_ON_JAX
    return (part.__name__, name) in CONSTANTS or name in UNCHANGED

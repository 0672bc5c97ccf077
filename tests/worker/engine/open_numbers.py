"""Parts of the spec language twice, with other numbers wherever one graph serves all numbers."""

from tests.worker.variants import plainest

NUMBERS = (0.1, 0.3, 0.7, 1.9, -0.3, -0.6, 1e-3, 3.3, 1.7)

NOT_OPEN = {
    ("LeakyReLU", "negative_slope"),  # an attribute of TensorFlow's operation
    ("ReLU", "negative_slope"),
    ("ActivityRegularization", "l1"),  # handed on as plain floats
    ("ActivityRegularization", "l2"),
    ("OrthogonalRegularizer", "factor"),
    ("GaussianDropout", "rate"),
    ("Normalization", "mean"),
    ("Normalization", "variance"),
    ("Ftrl", "learning_rate_power"),  # exponents, which TensorFlow makes roots and squares of
    ("Adafactor", "beta_2_decay"),
    ("BinaryFocalCrossentropy", "gamma"),
    ("CategoricalFocalCrossentropy", "gamma"),
    ("CategoricalGeneralizedCrossEntropy", "q"),
    ("CategoricalFocalCrossentropy", "alpha"),  # factors and divisors, which it draws together
    ("Adafactor", "clip_threshold"),
    ("Muon", "muon_a"),
    ("Muon", "muon_b"),
    ("Muon", "muon_c"),
    ("ScheduleFreeAdamW", "beta_1"),
    ("SGD", "loss_scale_factor"),
    ("CategoricalCrossentropy", "label_smoothing"),
}
"""Numbers that a graph is traced anew for."""
LEFT_OUT = {"clipvalue", "global_clipnorm", "label_smoothing", "loss_scale_factor"}
"""Ways to clip, of which only one goes, and clipnorm does; and what is written wherever it is found."""


def document(part):
    """The plainest of its kind."""
    return plainest(part).model_dump(mode="json", exclude_unset=True) | {"type": part.__name__}


def two(part, given, name):
    """Two values that an argument can have."""
    right = []
    for value in NUMBERS:
        try:
            part.model_validate(given | {name: value})
        except ValueError:
            continue
        right.append(value)
    return right[:2]


def changed(part, given=None):
    """A part twice, the second time with other numbers wherever a number is open."""
    given = document(part) if given is None else given
    first, second = dict(given), dict(given)
    for name, field in part.model_fields.items():
        if "float" in str(field.annotation) and (part.__name__, name) not in NOT_OPEN and name not in LEFT_OUT:
            values = two(part, given, name)
            if len(values) == 2:
                first[name], second[name] = values
    part.model_validate(first)
    return first, second

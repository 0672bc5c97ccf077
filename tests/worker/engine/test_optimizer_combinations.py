"""Every pair of an optimizer, an option of optimizers and a learning rate schedule gives the bits of stock `fit`.

TensorFlow combines constant factors of a graph. Another rounding is rare: of 4,000 weights few differ. So the kernels
here have many elements, of several sizes, and all numbers have long mantissas.
"""

import numpy as np
import pytest

from stackyard.spec.training import optimizers
from tests.worker.engine.sample_jobs import list_classes
from tests.worker.engine.test_same_bits import assert_equal_to_keras
from tests.worker.keras_reference import build_prepared_data

SIZES = [
    {"type": "Dense", "units": 512, "activation": "relu"},
    {"type": "Dense", "units": 64, "activation": "relu"},
    {"type": "Dense", "units": 1},
]
"""Kernels of 32,768, 32,768 and 64 elements."""
INITIAL = {"initial_learning_rate": 0.003}
SCHEDULES = {
    "none": 0.003,
    "cosine": {"type": "CosineDecay", "decay_steps": 13, "alpha": 0.1, **INITIAL},
    "cosine after a warmup": {
        "type": "CosineDecay",
        "decay_steps": 13,
        "warmup_steps": 3,
        "warmup_target": 0.007,
        **INITIAL,
    },
    "cosine with restarts": {"type": "CosineDecayRestarts", "first_decay_steps": 3, "m_mul": 0.7, **INITIAL},
    "exponential": {"type": "ExponentialDecay", "decay_steps": 7, "decay_rate": 0.9, **INITIAL},
    "exponential in steps": {
        "type": "ExponentialDecay",
        "decay_steps": 3,
        "decay_rate": 0.9,
        "staircase": True,
        **INITIAL,
    },
    "inverse time": {"type": "InverseTimeDecay", "decay_steps": 7, "decay_rate": 0.3, **INITIAL},
    "piecewise": {"type": "PiecewiseConstantDecay", "boundaries": [3], "values": [0.003, 0.0007]},
    "polynomial": {"type": "PolynomialDecay", "decay_steps": 7, **INITIAL},
    "polynomial in cycles": {"type": "PolynomialDecay", "decay_steps": 3, "power": 1.7, "cycle": True, **INITIAL},
}
OPTIONS = {
    "plain": {},
    "weight decay": {"weight_decay": 0.07},
    "clipped gradients": {"clipnorm": 0.3, "weight_decay": 0.013},
    "globally clipped gradients": {"global_clipnorm": 0.3},
    "clipped values": {"clipvalue": 0.003},
    "moving averages": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    "a loss scale factor": {"loss_scale_factor": 7.0},
    "accumulated gradients": {"gradient_accumulation_steps": 2, "weight_decay": 0.07},
}
FLAGS = {"amsgrad": True, "nesterov": True, "centered": True, "momentum": 0.7}
"""Arguments of some optimizers, used by every second combination."""


def draw_wide_rows():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(96, 64)).astype("float32")
    y = generator.normal(size=96).astype("float32")
    return build_prepared_data((x, y), (x[:32], y[:32]))


def combine(optimizer, option, schedule, *, with_flags):
    flags = {name: value for name, value in FLAGS.items() if with_flags and name in optimizer.model_fields}
    return {"type": optimizer.__name__, "learning_rate": SCHEDULES[schedule], **OPTIONS[option], **flags}


COMBINATIONS = [
    (optimizer, list(OPTIONS)[(row + column) % len(OPTIONS)], schedule, (row + column // len(OPTIONS)) % 2 == 0)
    for row, optimizer in enumerate(list_classes(optimizers.Optimizer))
    for column, schedule in enumerate(SCHEDULES)
]
"""Every pair of an optimizer and a schedule, of an optimizer and an option, and of an option and a schedule."""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("optimizer", "option", "schedule", "with_flags"),
    COMBINATIONS,
    ids=[f"{optimizer.__name__}, {option}, {schedule}" for optimizer, option, schedule, _ in COMBINATIONS],
)
def test_every_pair_is_bit_identical_to_keras(optimizer, option, schedule, with_flags):
    document = combine(optimizer, option, schedule, with_flags=with_flags)
    assert_equal_to_keras(SIZES, draw_wide_rows(), optimizer=document, epochs=2)


def test_weight_decay_with_a_schedule_is_bit_identical_to_keras():
    """TensorFlow multiplies the constants of both before it multiplies the weights."""
    adamw = combine(optimizers.AdamW, "weight decay", "cosine", with_flags=False)
    assert_equal_to_keras(SIZES, draw_wide_rows(), optimizer=adamw, epochs=1)

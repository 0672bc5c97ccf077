"""Search spaces: their combinations, their draws, and the parameters that they read back."""

from itertools import product

import pytest

from stackyard.spec import SpecError
from tests.sweep.factories import LEARNING_RATE, OPTIMIZERS, RATE, UNITS, draw_points, parse_sweep

MOMENTUM = "/training/optimizer/momentum"


def test_the_combinations_of_a_grid_are_in_the_order_of_itertools():
    rates = {"uniform": [0, 0.35], "step": 0.1}
    _, space = parse_sweep({UNITS: {"int": [8, 16], "step": 4}, RATE: rates, "/training/batch_size": [16, 32]})
    expected = list(product([8, 12, 16], [0.0, 0.1, 0.2, 0.3], [16, 32]))
    assert space.size == len(expected) == 24
    assert [tuple(space.get_combination(index).values()) for index in range(24)] == expected


def test_the_combinations_of_options_are_their_own():
    choice = {"choice": [{"set": "adam", "space": {LEARNING_RATE: [0.1, 0.01]}}, {"set": "sgd"}]}
    _, space = parse_sweep({"/training/optimizer": choice, UNITS: [4, 8]}, search="grid")
    assert space.size == (2 + 1) * 2
    assert [space.get_combination(index) for index in range(6)] == [
        {"/training/optimizer": "adam", LEARNING_RATE: 0.1, UNITS: 4},
        {"/training/optimizer": "adam", LEARNING_RATE: 0.1, UNITS: 8},
        {"/training/optimizer": "adam", LEARNING_RATE: 0.01, UNITS: 4},
        {"/training/optimizer": "adam", LEARNING_RATE: 0.01, UNITS: 8},
        {"/training/optimizer": "sgd", UNITS: 4},
        {"/training/optimizer": "sgd", UNITS: 8},
    ]


def test_draws_stay_in_their_bounds_and_are_read_back():
    space_document = {
        "/training/optimizer": OPTIMIZERS,
        UNITS: {"int": [1, 256], "log": True},
        RATE: {"uniform": [0, 0.6], "step": 0.1},
        "/training/batch_size": [16, 32, 64],
    }
    _, space = parse_sweep(space_document)
    points = draw_points(space, 500)
    for point in points:
        assert compose(space, space.read_codes(point)) == point
    assert {point[RATE] for point in points} == {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6}
    assert {point["/training/batch_size"] for point in points} == {16, 32, 64}
    assert all(1 <= point[UNITS] <= 256 for point in points)
    # With `log`, each factor of 16 is about equally probable.
    assert 0.4 < sum(point[UNITS] < 16 for point in points) / len(points) < 0.6
    assert all(1e-4 <= point[LEARNING_RATE] <= 1 for point in points)


def compose(space, codes):
    return space.compose(lambda dimension: codes[dimension.key])


def test_a_parameter_can_be_zero_or_drawn():
    _, space = parse_sweep({"/training/optimizer": OPTIMIZERS})
    points = draw_points(space, 200)
    momenta = [point[MOMENTUM] for point in points if MOMENTUM in point]
    assert {point["/training/optimizer"] == "adam" for point in points if MOMENTUM not in point} == {True}
    assert 0 in momenta
    assert all(momentum == 0 or 0.5 <= momentum <= 0.9 for momentum in momenta)


@pytest.mark.parametrize(
    ("parameters", "pointer", "text"),
    [
        ({UNITS: 4}, "", "learning_rate"),
        ({LEARNING_RATE: 5, UNITS: 4}, "/~1training~1optimizer~1learning_rate", "0.0001 to 0.1"),
        ({LEARNING_RATE: True, UNITS: 4}, "/~1training~1optimizer~1learning_rate", "received true"),
        ({LEARNING_RATE: 0.01, UNITS: 5}, "/~1network~1layers~11~1units", "received 5"),
        ({LEARNING_RATE: 0.01, UNITS: 4, RATE: 0.5}, "/~1network~1layers~12~1rate", "expected a pointer of the space"),
    ],
)
def test_parameters_outside_the_space_are_refused(parameters, pointer, text):
    _, space = parse_sweep({LEARNING_RATE: {"log_uniform": [1e-4, 0.1]}, UNITS: [4, 8]})
    with pytest.raises(SpecError) as error:
        space.read_codes(parameters)
    assert [fault.pointer for fault in error.value.faults] == [pointer]
    assert text in error.value.faults[0].message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, {}, "4", 1e300])
def test_no_value_of_another_type_is_read(value):
    _, space = parse_sweep({UNITS: {"int": [4, 8]}})
    with pytest.raises(SpecError):
        space.read_codes({UNITS: value})

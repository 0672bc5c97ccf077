"""Evaluations, compared with scikit-learn and with Keras's `evaluate` and `predict`."""

import json
import math
from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, mean_absolute_error, root_mean_squared_error

from worker.attempt.evaluation import compute_confusion, compute_residuals, evaluate_network
from worker.engine import Outcome
from worker.engine import outcome as engine_outcome
from worker.engine.backend.program_selection import select_program_class
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation import PreparedData
from worker.preparation.transforms.targets import FittedTarget

ROWS = 90
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def build_network(inputs, outputs, activation, loss, metrics=()):
    keras.utils.set_random_seed(3)
    network = keras.Sequential([keras.layers.Input((inputs,)), keras.layers.Dense(outputs, activation=activation)])
    network.compile(loss=loss, metrics=list(metrics))
    return network


def build_data(x, y, target, **subsets):
    return PreparedData(x_train=x[:1], y_train=y[:1], inputs=None, target=target, **subsets)


def evaluate_untrained(network, data, batch_size, check_stop):
    """Return the evaluation of a network with its current weights."""
    y = data.y_train if data.y_test is None else data.y_test
    compiled = select_program_class()(network, Hyperparameters({}), data.x_train, y, has_weights=False)
    return evaluate_network(Outcome(network, None, compiled), data, batch_size, check_stop)


def as_test_set(data):
    return {"x_test": data[0], "y_test": data[1]}


def as_validation_set(data):
    return {"x_validation": data[0], "y_validation": data[1]}


def never_stop():
    """Let the evaluation go on."""


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(1).integers(0, 3, ROWS)


@pytest.fixture(scope="module")
def flowers():
    return FittedTarget(columns=("species",), kind="classification", classes=("setosa", "versicolor", "virginica"))


@pytest.fixture(scope="module")
def strength():
    """A target that was divided and then standardized for the training."""
    return FittedTarget(columns=("strength",), kind="regression", divide_by=10.0, mean=(2.0,), scale=(0.5,))


@pytest.mark.parametrize("batch_size", [32, 30], ids=["a short last batch", "equal batches"])
def test_the_metrics_are_those_of_keras_evaluate(rows, labels, flowers, batch_size):
    network = build_network(4, 3, "softmax", "sparse_categorical_crossentropy", ["accuracy"])
    evaluation = evaluate_untrained(
        network, build_data(rows, labels, flowers, **as_test_set((rows, labels))), batch_size, never_stop
    )
    assert evaluation["metrics"] == network.evaluate(rows, labels, batch_size=batch_size, return_dict=True, verbose=0)
    assert (evaluation["on"], evaluation["rows"]) == ("test", ROWS)
    assert (evaluation["rows_left_out"], evaluation["nonfinite"]) == (0, {})


@pytest.mark.parametrize("batch_size", [32, 30], ids=["a short last batch", "equal batches"])
@pytest.mark.parametrize(
    ("outputs", "activation", "loss"),
    [
        (3, "softmax", "sparse_categorical_crossentropy"),
        (1, "sigmoid", "binary_crossentropy"),
        (1, "sigmoid", "mse"),
        (1, "tanh", "mae"),
        (1, "relu", "mse"),
        (1, "gelu", "mse"),
        (1, None, "binary_crossentropy"),
    ],
)
def test_predictions_have_the_bits_of_keras_predict_under_any_loss(
    rows, labels, outputs, activation, loss, batch_size
):
    """In the graph of an evaluation the loss uses the same intermediate results, which could change the bits."""
    wide_rows = np.tile(rows, (1, 64))
    network = build_network(256, outputs, activation, loss, ["mse"] if outputs == 1 else ["accuracy"])
    y = labels if outputs > 1 else (labels > 0).astype(np.float32)
    outputs_per_call = []
    Outcome(
        network, None, select_program_class()(network, Hyperparameters({}), wide_rows, y, has_weights=False)
    ).evaluate(wide_rows, y, batch_size, never_stop, outputs_per_call.append)
    assert np.array_equal(
        np.concatenate(outputs_per_call), network.predict(wide_rows, batch_size=batch_size, verbose=0)
    )


@pytest.mark.parametrize("max_outputs", [1, 200, 2**20], ids=["one batch", "two batches", "all batches"])
def test_predictions_are_those_of_keras_predict(rows, labels, monkeypatch, max_outputs):
    monkeypatch.setattr(engine_outcome, "_MAX_OUTPUTS", max_outputs)
    network = build_network(4, 3, "softmax", "sparse_categorical_crossentropy")
    compiled = select_program_class()(network, Hyperparameters({}), rows, labels, has_weights=False)
    outputs_per_call = []
    Outcome(network, None, compiled).evaluate(rows, labels, 32, never_stop, outputs_per_call.append)
    # The first call has one batch, because its duration is still unknown.
    assert len(outputs_per_call) >= (3 if max_outputs == 1 else 2)
    assert np.array_equal(np.concatenate(outputs_per_call), network.predict(rows, batch_size=32, verbose=0))


@pytest.mark.parametrize("encoded", [False, True])
def test_the_confusion_matrix_is_that_of_scikit_learn(rows, labels, flowers, encoded):
    loss = "categorical_crossentropy" if encoded else "sparse_categorical_crossentropy"
    network = build_network(4, 3, "softmax", loss)
    y = np.eye(3, dtype=np.float32)[labels] if encoded else labels
    evaluation = evaluate_untrained(network, build_data(rows, y, flowers, **as_test_set((rows, y))), 32, never_stop)
    expected = confusion_matrix(labels, network.predict(rows, verbose=0).argmax(axis=1))
    assert evaluation["confusion"] == {"classes": list(flowers.classes), "matrix": expected.tolist()}
    assert evaluation["residuals"] is None


def test_a_single_output_distinguishes_two_classes(rows, labels):
    network = build_network(4, 1, "sigmoid", "binary_crossentropy")
    target = FittedTarget(columns=("red",), kind="classification", classes=(False, True))
    y = (labels > 0).astype(np.float32)
    evaluation = evaluate_untrained(network, build_data(rows, y, target, **as_test_set((rows, y))), 32, never_stop)
    expected = confusion_matrix(y, network.predict(rows, verbose=0)[:, 0] > 0.5)
    assert evaluation["confusion"] == {"classes": [False, True], "matrix": expected.tolist()}


def test_residuals_are_in_the_own_units_of_the_target(rows, strength):
    network = build_network(4, 1, None, "mse")
    actual = 20 + 5 * rows[:, 0] + rows[:, 1]
    y = ((actual / 10.0 - 2.0) / 0.5).astype(np.float32)
    evaluation = evaluate_untrained(network, build_data(rows, y, strength, **as_test_set((rows, y))), 32, never_stop)
    [column] = evaluation["residuals"]
    predicted = (network.predict(rows, verbose=0)[:, 0] * 0.5 + 2.0) * 10.0
    assert column["column"] == "strength"
    assert column["count"] == ROWS
    assert column["mean"] == pytest.approx((actual - predicted).mean(), rel=1e-5)
    assert column["standard_deviation"] == pytest.approx((actual - predicted).std(), rel=1e-5)
    assert column["mean_absolute"] == pytest.approx(mean_absolute_error(actual, predicted), rel=1e-5)
    assert column["root_mean_square"] == pytest.approx(root_mean_squared_error(actual, predicted), rel=1e-5)
    assert column["quantiles"]["5"] == pytest.approx(np.percentile(actual - predicted, 5), rel=1e-4)
    assert sum(column["histogram"]["counts"]) == ROWS
    assert np.array(column["pairs"]) == pytest.approx(np.stack([actual, predicted], axis=1), rel=1e-5)
    assert evaluation["confusion"] is None


def test_the_validation_set_replaces_a_missing_test_set_and_without_both_there_is_no_evaluation(rows, labels, flowers):
    network = build_network(4, 3, "softmax", "sparse_categorical_crossentropy")
    validation = rows[:40], labels[:40]
    both = build_data(rows, labels, flowers, **as_test_set((rows, labels)), **as_validation_set(validation))
    assert evaluate_untrained(network, both, 32, never_stop)["on"] == "test"
    without_test_set = replace(both, x_test=None, y_test=None)
    evaluation = evaluate_untrained(network, without_test_set, 32, never_stop)
    assert (evaluation["on"], evaluation["rows"], np.sum(evaluation["confusion"]["matrix"])) == ("validation", 40, 40)
    without_both = replace(without_test_set, x_validation=None, y_validation=None)
    assert evaluate_untrained(network, without_both, 32, never_stop) is None


def test_rows_with_non_finite_outputs_are_left_out_and_counted(rows, strength):
    network = build_network(4, 1, None, "mse")
    overflowing_rows = rows.copy()
    overflowing_rows[::3] = np.float32(3e38)  # finite, but the network's arithmetic overflows
    y = rows[:, 0]
    evaluation = evaluate_untrained(
        network, build_data(rows, y, strength, **as_test_set((overflowing_rows, y))), 32, never_stop
    )
    assert evaluation["rows_left_out"] == ROWS // 3
    assert evaluation["residuals"][0]["count"] == ROWS - ROWS // 3
    assert evaluation["metrics"]["loss"] is None
    json.dumps(evaluation, allow_nan=False)


def test_a_network_without_finite_outputs_has_an_evaluation(rows, labels, strength, flowers):
    for target, y, outputs, loss in (
        (strength, rows[:, 0], 1, "mse"),
        (flowers, labels, 3, "sparse_categorical_crossentropy"),
    ):
        network = build_network(4, outputs, None, loss)
        network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
        evaluation = evaluate_untrained(network, build_data(rows, y, target, **as_test_set((rows, y))), 32, never_stop)
        assert evaluation["nonfinite"] == {"loss": "NaN"}
        assert evaluation["rows_left_out"] == ROWS
        json.dumps(evaluation, allow_nan=False)
        if target is strength:
            assert evaluation["residuals"][0]["mean"] is None
        else:
            assert np.sum(evaluation["confusion"]["matrix"]) == 0


def test_many_classes_and_other_targets_have_metrics_only(rows):
    many_classes = FittedTarget(columns=("digit",), kind="classification", classes=tuple(range(101)))
    other = FittedTarget(columns=("a", "b"), kind="other")
    for target, y, outputs in ((many_classes, np.zeros(ROWS, np.int64), 101), (other, rows[:, :2], 2)):
        loss = "mse" if target is other else "sparse_categorical_crossentropy"
        network = build_network(4, outputs, "softmax", loss)
        evaluation = evaluate_untrained(network, build_data(rows, y, target, **as_test_set((rows, y))), 32, never_stop)
        assert (evaluation["confusion"], evaluation["residuals"]) == (None, None)
        assert evaluation["metrics"]["loss"] is not None


def test_check_stop_is_called_for_every_batch(rows, labels, flowers):
    calls = []

    def stop_at_second_call():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    network = build_network(4, 3, "softmax", "sparse_categorical_crossentropy")
    with pytest.raises(KeyboardInterrupt):
        evaluate_untrained(
            network, build_data(rows, labels, flowers, **as_test_set((rows, labels))), 32, stop_at_second_call
        )


def test_pairs_are_an_even_sample_of_limited_size():
    target = FittedTarget(columns=("a", "b", "c"), kind="regression")
    actual = np.repeat(np.arange(10_000.0)[:, None], 3, axis=1)
    for column in compute_residuals(actual, actual + 1, target):
        assert len(column["pairs"]) == 500
        assert column["pairs"][0] == [0.0, 1.0]
        assert column["pairs"][-1] == [9999.0, 10_000.0]
        steps = np.diff(np.array(column["pairs"])[:, 0])
        assert (steps.min(), steps.max()) == (20.0, 21.0)
    wide_target = FittedTarget(columns=tuple(f"c{index}" for index in range(100)), kind="regression")
    columns = compute_residuals(np.zeros((1000, 100)), np.zeros((1000, 100)), wide_target)
    assert sum(len(column["pairs"]) for column in columns) == 10_000


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=40))
@hypothesis_settings(deadline=None)
def test_residuals_of_any_finite_numbers_are_complete_and_valid_json(pairs):
    target = FittedTarget(columns=("a",), kind="regression")
    actual, predicted = np.array(pairs, dtype=np.float64).reshape(-1, 2).T[:, :, None]
    with np.errstate(all="ignore"):
        [column] = compute_residuals(actual, predicted, target)
        is_finite = np.isfinite(actual - predicted)
    json.dumps(column, allow_nan=False)
    assert column["count"] == sum(column["histogram"]["counts"]) == is_finite.sum()
    assert len(column["histogram"]["edges"]) == len(column["histogram"]["counts"]) + (column["count"] > 0)


@given(st.integers(2, 6).flatmap(lambda k: st.tuples(st.just(k), st.lists(st.tuples(*[st.integers(0, k - 1)] * 2)))))
def test_the_confusion_matrix_counts_every_row_once(drawn):
    classes, rows = drawn
    target = FittedTarget(columns=("a",), kind="classification", classes=tuple(range(classes)))
    actual, predicted = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    matrix = compute_confusion(actual, predicted, target)["matrix"]
    expected = [[sum(row == (i, j) for row in rows) for j in range(classes)] for i in range(classes)]
    assert matrix == expected
    assert math.prod(np.shape(matrix)) == classes**2

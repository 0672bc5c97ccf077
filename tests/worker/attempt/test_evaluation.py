"""What an evaluation says, held against scikit-learn and against Keras's own `evaluate`."""

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

from worker.attempt.evaluation import confusion, evaluate, residuals
from worker.engine import Outcome
from worker.engine import outcome as engine_outcome
from worker.engine.program.compiled_program import Compiled
from worker.keras_build.hyperparameters import Hyperparameters
from worker.preparation import Prepared
from worker.preparation.transforms.targets import FittedTarget

ROWS = 90
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def network(inputs, outputs, activation, loss, metrics=()):
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.layers.Input((inputs,)), keras.layers.Dense(outputs, activation=activation)])
    made.compile(loss=loss, metrics=list(metrics))
    return made


def prepared(x, y, target, **parts):
    return Prepared(x_train=x[:1], y_train=y[:1], inputs=None, target=target, **parts)


def evaluated(made, data, batch_size, check):
    """What is told of a network that has its weights already."""
    y = data.y_train if data.y_test is None else data.y_test
    compiled = Compiled(made, Hyperparameters({}), data.x_train, y, weighted=False)
    return evaluate(Outcome(made, None, compiled), data, batch_size, check)


def on_test(data):
    return {"x_test": data[0], "y_test": data[1]}


def on_validation(data):
    return {"x_validation": data[0], "y_validation": data[1]}


def nothing():
    """Nobody wants the evaluation to stop."""


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
    """A target that is trained on in other units: standardised after a division."""
    return FittedTarget(columns=("strength",), kind="regression", divide_by=10.0, mean=(2.0,), scale=(0.5,))


@pytest.mark.parametrize("batch_size", [32, 30], ids=["a short batch at the end", "batches that are alike"])
def test_the_metrics_are_those_of_keras_evaluate(rows, labels, flowers, batch_size):
    made = network(4, 3, "softmax", "sparse_categorical_crossentropy", ["accuracy"])
    told = evaluated(made, prepared(rows, labels, flowers, **on_test((rows, labels))), batch_size, nothing)
    assert told["metrics"] == made.evaluate(rows, labels, batch_size=batch_size, return_dict=True, verbose=0)
    assert (told["on"], told["rows"], told["rows_left_out"], told["nonfinite"]) == ("test", ROWS, 0, {})


@pytest.mark.parametrize("batch_size", [32, 30], ids=["a short batch at the end", "batches that are alike"])
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
    """Within the graph of a test, where the loss, too, makes use of what leads to them."""
    wide = np.tile(rows, (1, 64))
    made = network(256, outputs, activation, loss, ["mse"] if outputs == 1 else ["accuracy"])
    y = labels if outputs > 1 else (labels > 0).astype(np.float32)
    parts = []
    Outcome(made, None, Compiled(made, Hyperparameters({}), wide, y, weighted=False)).evaluate(
        wide, y, batch_size, nothing, parts.append
    )
    assert np.array_equal(np.concatenate(parts), made.predict(wide, batch_size=batch_size, verbose=0))


@pytest.mark.parametrize("most", [1, 200, 2**20], ids=["a batch at a time", "two", "all"])
def test_predictions_are_those_of_keras_predict(rows, labels, monkeypatch, most):
    monkeypatch.setattr(engine_outcome, "_MOST_OUTPUTS", most)
    made = network(4, 3, "softmax", "sparse_categorical_crossentropy")
    compiled = Compiled(made, Hyperparameters({}), rows, labels, weighted=False)
    parts = []
    Outcome(made, None, compiled).evaluate(rows, labels, 32, nothing, parts.append)
    assert len(parts) >= (3 if most == 1 else 2)  # the first is one batch: nobody knows yet how long that takes
    assert np.array_equal(np.concatenate(parts), made.predict(rows, batch_size=32, verbose=0))


@pytest.mark.parametrize("encoded", [False, True])
def test_a_classifiers_matrix_is_scikit_learns(rows, labels, flowers, encoded):
    loss = "categorical_crossentropy" if encoded else "sparse_categorical_crossentropy"
    made = network(4, 3, "softmax", loss)
    y = np.eye(3, dtype=np.float32)[labels] if encoded else labels
    told = evaluated(made, prepared(rows, y, flowers, **on_test((rows, y))), 32, nothing)
    expected = confusion_matrix(labels, made.predict(rows, verbose=0).argmax(axis=1))
    assert told["confusion"] == {"classes": list(flowers.classes), "matrix": expected.tolist()}
    assert told["residuals"] is None


def test_one_output_tells_two_classes_apart(rows, labels):
    made = network(4, 1, "sigmoid", "binary_crossentropy")
    target = FittedTarget(columns=("red",), kind="classification", classes=(False, True))
    y = (labels > 0).astype(np.float32)
    told = evaluated(made, prepared(rows, y, target, **on_test((rows, y))), 32, nothing)
    expected = confusion_matrix(y, made.predict(rows, verbose=0)[:, 0] > 0.5)
    assert told["confusion"] == {"classes": [False, True], "matrix": expected.tolist()}


def test_a_regressors_residuals_are_in_the_targets_own_units(rows, strength):
    made = network(4, 1, None, "mse")
    actual = 20 + 5 * rows[:, 0] + rows[:, 1]
    y = ((actual / 10.0 - 2.0) / 0.5).astype(np.float32)
    told = evaluated(made, prepared(rows, y, strength, **on_test((rows, y))), 32, nothing)
    [found] = told["residuals"]
    predicted = (made.predict(rows, verbose=0)[:, 0] * 0.5 + 2.0) * 10.0
    assert found["column"] == "strength"
    assert found["count"] == ROWS
    assert found["mean"] == pytest.approx((actual - predicted).mean(), rel=1e-5)
    assert found["standard_deviation"] == pytest.approx((actual - predicted).std(), rel=1e-5)
    assert found["mean_absolute"] == pytest.approx(mean_absolute_error(actual, predicted), rel=1e-5)
    assert found["root_mean_square"] == pytest.approx(root_mean_squared_error(actual, predicted), rel=1e-5)
    assert found["quantiles"]["5"] == pytest.approx(np.percentile(actual - predicted, 5), rel=1e-4)
    assert sum(found["histogram"]["counts"]) == ROWS
    assert np.array(found["pairs"]) == pytest.approx(np.stack([actual, predicted], axis=1), rel=1e-5)
    assert told["confusion"] is None


def test_without_a_test_set_the_validation_set_is_taken_and_without_either_nothing(rows, labels, flowers):
    made = network(4, 3, "softmax", "sparse_categorical_crossentropy")
    half = rows[:40], labels[:40]
    both = prepared(rows, labels, flowers, **on_test((rows, labels)), **on_validation(half))
    assert evaluated(made, both, 32, nothing)["on"] == "test"
    alone = replace(both, x_test=None, y_test=None)
    told = evaluated(made, alone, 32, nothing)
    assert (told["on"], told["rows"], np.sum(told["confusion"]["matrix"])) == ("validation", 40, 40)
    assert evaluated(made, replace(alone, x_validation=None, y_validation=None), 32, nothing) is None


def test_rows_whose_outputs_are_not_finite_are_left_out_and_counted(rows, strength):
    made = network(4, 1, None, "mse")
    broken = rows.copy()
    broken[::3] = np.float32(3e38)  # finite, and infinite once it is multiplied and added
    y = rows[:, 0]
    told = evaluated(made, prepared(rows, y, strength, **on_test((broken, y))), 32, nothing)
    assert told["rows_left_out"] == ROWS // 3
    assert told["residuals"][0]["count"] == ROWS - ROWS // 3
    assert told["metrics"]["loss"] is None
    json.dumps(told, allow_nan=False)


def test_a_network_that_gives_nothing_finite_is_told_of(rows, labels, strength, flowers):
    for target, y, outputs, loss in (
        (strength, rows[:, 0], 1, "mse"),
        (flowers, labels, 3, "sparse_categorical_crossentropy"),
    ):
        made = network(4, outputs, None, loss)
        made.set_weights([np.full_like(weights, np.nan) for weights in made.get_weights()])
        told = evaluated(made, prepared(rows, y, target, **on_test((rows, y))), 32, nothing)
        assert told["nonfinite"] == {"loss": "NaN"}
        assert told["rows_left_out"] == ROWS
        json.dumps(told, allow_nan=False)
        if target is strength:
            assert told["residuals"][0]["mean"] is None
        else:
            assert np.sum(told["confusion"]["matrix"]) == 0


def test_what_is_neither_or_too_large_has_metrics_alone(rows):
    many = FittedTarget(columns=("digit",), kind="classification", classes=tuple(range(101)))
    other = FittedTarget(columns=("a", "b"), kind="other")
    for target, y, outputs in ((many, np.zeros(ROWS, np.int64), 101), (other, rows[:, :2], 2)):
        loss = "mse" if target is other else "sparse_categorical_crossentropy"
        made = network(4, outputs, "softmax", loss)
        told = evaluated(made, prepared(rows, y, target, **on_test((rows, y))), 32, nothing)
        assert (told["confusion"], told["residuals"]) == (None, None)
        assert told["metrics"]["loss"] is not None


def test_whoever_wants_it_to_stop_is_asked_at_every_batch(rows, labels, flowers):
    asked = []

    def stop():
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt

    made = network(4, 3, "softmax", "sparse_categorical_crossentropy")
    with pytest.raises(KeyboardInterrupt):
        evaluated(made, prepared(rows, labels, flowers, **on_test((rows, labels))), 32, stop)


def test_pairs_are_few_and_evenly_taken():
    target = FittedTarget(columns=("a", "b", "c"), kind="regression")
    actual = np.repeat(np.arange(10_000.0)[:, None], 3, axis=1)
    for found in residuals(actual, actual + 1, target):
        assert len(found["pairs"]) == 500
        assert found["pairs"][0] == [0.0, 1.0]
        assert found["pairs"][-1] == [9999.0, 10_000.0]
        steps = np.diff(np.array(found["pairs"])[:, 0])
        assert (steps.min(), steps.max()) == (20.0, 21.0)
    wide = FittedTarget(columns=tuple(f"c{place}" for place in range(100)), kind="regression")
    found = residuals(np.zeros((1000, 100)), np.zeros((1000, 100)), wide)
    assert sum(len(column["pairs"]) for column in found) == 10_000


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=40))
@hypothesis_settings(deadline=None)
def test_whatever_finite_numbers_come_out_the_residuals_are_json_and_complete(pairs):
    target = FittedTarget(columns=("a",), kind="regression")
    actual, predicted = np.array(pairs, dtype=np.float64).reshape(-1, 2).T[:, :, None]
    with np.errstate(all="ignore"):
        [found] = residuals(actual, predicted, target)
        usable = np.isfinite(actual - predicted)
    json.dumps(found, allow_nan=False)
    assert found["count"] == sum(found["histogram"]["counts"]) == usable.sum()
    assert len(found["histogram"]["edges"]) == len(found["histogram"]["counts"]) + (found["count"] > 0)


@given(st.integers(2, 6).flatmap(lambda k: st.tuples(st.just(k), st.lists(st.tuples(*[st.integers(0, k - 1)] * 2)))))
def test_every_row_is_in_the_matrix_once(drawn):
    classes, rows = drawn
    target = FittedTarget(columns=("a",), kind="classification", classes=tuple(range(classes)))
    actual, predicted = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    matrix = confusion(actual, predicted, target)["matrix"]
    expected = [[sum(row == (i, j) for row in rows) for j in range(classes)] for i in range(classes)]
    assert matrix == expected
    assert math.prod(np.shape(matrix)) == classes**2

"""Metrics for which Keras requires targets of shape (rows, 1) take single values, with the same numbers."""

from dataclasses import replace

import numpy as np

from tests.worker.keras_reference import (
    build_spec,
    create_network_builder,
    draw_data,
    fit_with_keras,
    train_with_engine,
)

LAYERS = [{"type": "Dense", "units": 1, "activation": "sigmoid"}]
METRICS = [
    {"type": "F1Score", "threshold": 0.5},
    {"type": "FBetaScore", "threshold": 0.4, "average": "macro", "beta": 2.0},
    {"type": "R2Score", "class_aggregation": None},
]


def test_scores_of_a_single_column_equal_keras_with_an_axis_of_size_1():
    drawn = draw_data()
    data = replace(
        drawn,
        y_train=(drawn.y_train > 0).astype("float32"),
        y_validation=(drawn.x_validation[:, 0] > 0).astype("float32"),
    )
    with_axis = replace(data, y_train=data.y_train[:, None], y_validation=data.y_validation[:, None])
    spec = build_spec(LAYERS, loss="binary_crossentropy", metrics=METRICS, epochs=2)
    outcome, observer = train_with_engine(spec, data)
    _, history = fit_with_keras(create_network_builder(spec, with_axis)(), with_axis, epochs=2)
    assert observer.columns() == {
        name: [np.asarray(value).item() for value in values] for name, values in history.items()
    }
    evaluated = outcome.evaluate(data.x_validation, data.y_validation, 16, lambda: None)
    assert evaluated == {name: observer.columns()[f"val_{name}"][-1] for name in evaluated}

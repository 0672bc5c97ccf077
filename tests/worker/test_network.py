"""Networks as the spec's own rules foresee them, and as a stock Keras script trains them."""

import json

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stackyard.spec import JobSpec, parse
from stackyard.spec.check.faults import Faults
from stackyard.spec.check.stack import walk
from worker.compilation import build_callbacks, build_compiled
from worker.network import build

ROWS = 48


def parsed(layers, **training) -> JobSpec:
    document = {
        "data": {"dataset": "d", "x": "x", "y": "y"},
        "network": {"layers": layers},
        "training": {"loss": "mse", "seed": 0, **training},
    }
    return parse(json.dumps(document).encode())


INITIALIZERS = ["zeros", "he_normal", "glorot_uniform", "random_normal", "orthogonal", "identity", "lecun_uniform"]
ACTIVATIONS = [None, "relu", "tanh", "softmax", "gelu", "swish"]
AXES = st.integers(-4, 4)

LAYERS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("Dense"), "units": st.integers(1, 6)},
        optional={
            "activation": st.sampled_from(ACTIVATIONS),
            "use_bias": st.booleans(),
            "kernel_initializer": st.sampled_from(INITIALIZERS),
            "bias_initializer": st.sampled_from(["zeros", "ones", "random_uniform", "orthogonal", "identity"]),
            "kernel_regularizer": st.sampled_from(["l2", "orthogonal"]),
            "bias_regularizer": st.sampled_from(["l1", "orthogonal"]),
            "lora_rank": st.integers(1, 3),
            "trainable": st.booleans(),
        },
    ),
    st.fixed_dictionaries({"type": st.just("Activation"), "activation": st.sampled_from(ACTIVATIONS[1:])}),
    st.fixed_dictionaries({"type": st.sampled_from(["ReLU", "LeakyReLU", "ELU", "Flatten"])}),
    st.fixed_dictionaries(
        {"type": st.just("PReLU")},
        optional={"shared_axes": st.lists(st.integers(1, 4), min_size=1, max_size=3), "trainable": st.booleans()},
    ),
    st.fixed_dictionaries({"type": st.just("Softmax")}, optional={"axis": AXES}),
    st.fixed_dictionaries(
        {"type": st.just("Dropout"), "rate": st.sampled_from([0.0, 0.5])},
        optional={
            "noise_shape": st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=4).map(lambda s: [None, *s])
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("BatchNormalization")},
        optional={
            "axis": AXES,
            "center": st.booleans(),
            "scale": st.booleans(),
            "renorm": st.booleans(),
            "trainable": st.booleans(),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("LayerNormalization")},
        optional={
            "axis": AXES | st.lists(st.integers(1, 4), min_size=1, max_size=2),
            "center": st.booleans(),
            "scale": st.booleans(),
        },
    ),
)
STACKS = st.lists(LAYERS, min_size=1, max_size=5)
SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)


def foreseen(spec, shape):
    """What the layers make of rows of this shape, and what is wrong with them, whatever the target may be."""
    faults = Faults(spec)
    reports = walk(spec.network.layers, shape, faults)
    return None if faults.problems else reports, faults.problems


def in_keras(spec, shape):
    """The network by Keras, and its loss and gradients on a batch: what cannot be trained raises."""
    keras.backend.clear_session()
    network = build(spec.network, shape)
    x = keras.ops.ones((3, *shape))
    network(x, training=True)
    _ = network.losses
    return network


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(STACKS, SHAPES)
def test_shapes_and_parameters_are_foreseen_exactly(layers, shape):
    spec = parsed(layers)
    reports, problems = foreseen(spec, shape)
    if reports is None:
        assert all(problem.pointer.startswith("/network/layers/") for problem in problems)
        return
    network = in_keras(spec, shape)
    theirs = [
        (
            layer.name,
            tuple(layer.output.shape[1:]),
            layer.count_params(),
            sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights),
        )
        for layer in network.layers
    ]
    ours = [(layer.name, layer.output_shape, layer.parameters, layer.trainable_parameters) for layer in reports]
    assert ours == theirs


STRICTER = ("share is always 1", "the batch", "expected each axis once", "from 1 to", "expected null, 1 or")
"""What Keras lets pass and is refused here all the same: softmax over one number, axes of the batch, axes twice, axes
beyond the last that Keras only finds at the first batch, and a noise_shape that does not fit, which Keras overlooks at
rate 0 and stretches an axis of 1 to."""


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STACKS, SHAPES)
def test_what_is_refused_keras_refuses_too(layers, shape):
    spec = parsed(layers)
    reports, problems = foreseen(spec, shape)
    if reports is not None or any(word in problem.message for problem in problems for word in STRICTER):
        return
    with pytest.raises(Exception):  # noqa: B017, PT011  # Keras and TensorFlow raise a dozen kinds
        in_keras(spec, shape)


def rows(shape=(6,), classes=3):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, *shape)).astype("float32")
    return x, draw.integers(0, classes, ROWS)


def stock(layers, **compiled):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    network = keras.Sequential([keras.Input((6,)), *layers()])
    network.compile(**compiled)
    return network


def ours(layers, **training):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    return build_compiled(parsed(layers, **training), (6,))


def histories(networks, y, x=None, epochs=3):
    x = rows()[0] if x is None else x
    told = []
    for network in networks:
        keras.utils.set_random_seed(11)
        told.append(network().fit(x, y, epochs=epochs, batch_size=16, verbose=0, validation_split=0.25).history)
    return told


K = keras.layers

CASES = {
    "a plain stack": (
        [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 3, "activation": "softmax"}],
        lambda: [K.Dense(8, activation="relu"), K.Dense(3, activation="softmax")],
    ),
    "dropout and normalisation": (
        [
            "BatchNormalization",
            {"type": "Dense", "units": 8},
            {"type": "Dropout", "rate": 0.5},
            {"type": "Activation", "activation": "relu"},
            "LayerNormalization",
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ],
        lambda: [
            K.BatchNormalization(),
            K.Dense(8),
            K.Dropout(0.5),
            K.Activation("relu"),
            K.LayerNormalization(),
            K.Dense(3, activation="softmax"),
        ],
    ),
    "the arguments of iris-batchnorm": (
        [
            {"type": "Dense", "units": 8, "activation": "relu", "kernel_initializer": "he_normal"},
            {
                "type": "BatchNormalization",
                "momentum": 0.95,
                "epsilon": 0.005,
                "beta_initializer": {"type": "RandomNormal", "mean": 0.0, "stddev": 0.05},
                "gamma_initializer": {"type": "Constant", "value": 0.9},
            },
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ],
        lambda: [
            K.Dense(8, activation="relu", kernel_initializer="he_normal"),
            K.BatchNormalization(
                momentum=0.95,
                epsilon=0.005,
                beta_initializer=keras.initializers.RandomNormal(mean=0.0, stddev=0.05),
                gamma_initializer=keras.initializers.Constant(value=0.9),
            ),
            K.Dense(3, activation="softmax"),
        ],
    ),
    "the other layers": (
        [
            {"type": "Dense", "units": 8, "bias_initializer": "normal", "kernel_regularizer": "l2"},
            "PReLU",
            {"type": "LeakyReLU", "negative_slope": 0.1},
            {"type": "Dense", "units": 8, "lora_rank": 2, "kernel_initializer": {"type": "HeUniform", "seed": 3}},
            {"type": "ELU", "alpha": 0.5},
            {"type": "ReLU", "max_value": 2.0},
            "Flatten",
            {"type": "BatchNormalization", "renorm": True, "renorm_clipping": {"rmax": 3.0, "rmin": 0.5}},
            {"type": "Dense", "units": 3, "kernel_constraint": {"type": "MaxNorm", "max_value": 1.0}},
            "Softmax",
        ],
        lambda: [
            K.Dense(8, bias_initializer="normal", kernel_regularizer="l2"),
            K.PReLU(),
            K.LeakyReLU(negative_slope=0.1),
            K.Dense(8, lora_rank=2, kernel_initializer=keras.initializers.HeUniform(seed=3)),
            K.ELU(alpha=0.5),
            K.ReLU(max_value=2.0),
            K.Flatten(),
            K.BatchNormalization(renorm=True, renorm_clipping={"rmax": 3.0, "rmin": 0.5}),
            K.Dense(3, kernel_constraint=keras.constraints.MaxNorm(1.0)),
            K.Softmax(),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_history_equals_the_stock_scripts_to_the_bit(case):
    layers, script = CASES[case]
    mine, theirs = histories(
        [
            lambda: ours(layers, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
            lambda: stock(script, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]),
        ],
        rows()[1],
    )
    assert mine == theirs
    assert list(mine) == ["accuracy", "loss", "val_accuracy", "val_loss"]


SOFTMAX = [{"type": "Dense", "units": 3, "activation": "softmax"}]
SIGMOID = [{"type": "Dense", "units": 1, "activation": "sigmoid"}]


def stock_layer(layers):
    return lambda: [K.Dense(layers[0]["units"], activation=layers[0]["activation"])]


@pytest.mark.parametrize(
    ("layers", "y", "loss", "metrics"),
    [
        (SOFTMAX, rows()[1], "sparse_categorical_crossentropy", ["accuracy", "sparse_top_k_categorical_accuracy"]),
        (SOFTMAX, np.eye(3)[rows()[1]], "categorical_crossentropy", ["accuracy", "auc"]),
        (SOFTMAX, np.eye(3)[rows()[1]], "kl_divergence", ["acc", "mse"]),
        (SOFTMAX, np.eye(3)[rows()[1]], "categorical_focal_crossentropy", ["categorical_accuracy"]),
        (SOFTMAX, rows()[1], "categorical_generalized_cross_entropy", ["accuracy"]),
        (SIGMOID, rows()[1] % 2, "binary_crossentropy", ["accuracy", "precision", "recall"]),
        (SIGMOID, rows()[1] % 2, "hinge", ["acc"]),
        (SIGMOID, rows()[1].astype("float32"), "mae", ["mae", "mse", "r2_score"]),
        (SIGMOID, rows()[1].astype("float32"), "huber", ["root_mean_squared_error", "mape"]),
        (SIGMOID, rows()[1].astype("float32"), "poisson", ["msle", "cosine_similarity"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_loss_and_metrics_by_name_are_keras_s_own(layers, y, loss, metrics):
    # Keras has no string for some classes that we let be named like the others.
    classes = {
        "auc": keras.metrics.AUC,
        "precision": keras.metrics.Precision,
        "recall": keras.metrics.Recall,
        "r2_score": keras.metrics.R2Score,
        "root_mean_squared_error": keras.metrics.RootMeanSquaredError,
    }
    losses = {"categorical_generalized_cross_entropy": keras.losses.CategoricalGeneralizedCrossEntropy()}
    named = [classes[name](name=name) if name in classes else name for name in metrics]
    mine, theirs = histories(
        [
            lambda: ours(layers, optimizer="sgd", loss=loss, metrics=metrics),
            lambda: stock(stock_layer(layers), optimizer="sgd", loss=losses.get(loss, loss), metrics=named),
        ],
        y,
    )
    assert mine == theirs
    assert set(metrics) <= set(mine)


@pytest.mark.parametrize(
    "name",
    "sgd rmsprop adam adamw adamax nadam adadelta adagrad adafactor ftrl lamb lion muon schedulefreeadamw".split(),  # noqa: SIM905
)
def test_every_optimizer_by_name_is_keras_s_own(name):
    # Keras has no string for Lamb.
    mine, theirs = histories(
        [
            lambda: ours(SIGMOID, optimizer=name),
            lambda: stock(
                stock_layer(SIGMOID), optimizer=keras.optimizers.Lamb() if name == "lamb" else name, loss="mse"
            ),
        ],
        rows()[1].astype("float32"),
        epochs=2,
    )
    assert mine == theirs


def test_arguments_reach_the_optimizer():
    network = ours(SIGMOID, optimizer={"type": "SGD", "learning_rate": 0.5, "momentum": 0.9, "clipnorm": 1.0})
    config = network.optimizer.get_config()
    assert (config["learning_rate"], config["momentum"], config["clipnorm"]) == (0.5, 0.9, 1.0)
    assert isinstance(network.optimizer, keras.optimizers.SGD)


def test_a_metric_keeps_the_name_it_was_given():
    accuracy = {"type": "Accuracy", "name": "right"}
    history = ours(SIGMOID, loss="bce", metrics=[accuracy]).fit(rows()[0], rows()[1] % 2, verbose=0).history
    assert set(history) == {"loss", "right"}


def test_callbacks_are_keras_s_own():
    wanted = {"type": "EarlyStopping", "monitor": "loss", "patience": 2, "mode": "min", "baseline": 0.5}
    [stop] = build_callbacks(parsed(SIGMOID, callbacks=[wanted]).training.callbacks)
    assert type(stop) is keras.callbacks.EarlyStopping
    assert (stop.monitor, stop.patience, stop.mode, stop.baseline) == ("loss", 2, "min", 0.5)


def test_a_trained_network_loads_again(tmp_path):
    layers, _ = CASES["the other layers"]
    network = ours(layers, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(*rows(), verbose=0)
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(rows()[0], verbose=0), network.predict(rows()[0], verbose=0))

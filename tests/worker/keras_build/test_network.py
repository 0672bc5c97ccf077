"""Networks that are built from a spec train like those of a stock Keras script."""

import keras
import numpy as np
import pytest

from tests.worker.layer_stacks import parse_layers
from worker.keras_build.compilation import build_callbacks, build_compiled_network

pytestmark = pytest.mark.exhaustive

K = keras.layers
ROWS = 48


def draw_rows(shape=(6,), classes=3):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, *shape)).astype("float32")
    return x, draw.integers(0, classes, ROWS)


def build_stock_network(build_layers, shape=(6,), **compile_arguments):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    network = keras.Sequential([keras.Input(shape), *build_layers()])
    network.compile(**compile_arguments)
    return network


def build_spec_network(layers, shape=(6,), **training):
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    return build_compiled_network(parse_layers(layers, **training), shape)


def train_eagerly(builders, y, x=None, epochs=3):
    """Return the history of each network; the networks run eagerly, because tracing would take most of the time."""
    x = draw_rows()[0] if x is None else x
    histories = []
    for build in builders:
        network = build()
        network.run_eagerly = True
        keras.utils.set_random_seed(11)
        histories.append(network.fit(x, y, epochs=epochs, batch_size=16, verbose=0, validation_split=0.25).history)
    return histories


DENSE_CASES = {
    "dense layers": (
        [{"type": "Dense", "units": 8, "activation": "relu"}, {"type": "Dense", "units": 3, "activation": "softmax"}],
        lambda: [K.Dense(8, activation="relu"), K.Dense(3, activation="softmax")],
    ),
    "dropout and normalization": (
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


SHAPED_CASES = {
    "images": (
        (8, 8, 2),
        [
            {"type": "ZeroPadding2D", "padding": [[1, 0], [0, 1]]},
            {"type": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu", "padding": "same"},
            {"type": "MaxPooling2D", "pool_size": [2, 2]},
            {"type": "SeparableConv2D", "filters": 4, "kernel_size": [2, 2], "depth_multiplier": 2},
            {"type": "SpatialDropout2D", "rate": 0.3},
            {"type": "UpSampling2D", "interpolation": "bilinear"},
            {"type": "Conv2DTranspose", "filters": 3, "kernel_size": 2, "strides": 2},
            {"type": "GroupNormalization", "groups": 3},
            "GlobalAveragePooling2D",
            {"type": "SpectralNormalization", "layer": {"type": "Dense", "units": 3}},
            "Softmax",
        ],
        lambda: [
            K.ZeroPadding2D(((1, 0), (0, 1))),
            K.Conv2D(4, 3, activation="relu", padding="same"),
            K.MaxPooling2D((2, 2)),
            K.SeparableConv2D(4, (2, 2), depth_multiplier=2),
            K.SpatialDropout2D(0.3),
            K.UpSampling2D(interpolation="bilinear"),
            K.Conv2DTranspose(3, 2, strides=2),
            K.GroupNormalization(groups=3),
            K.GlobalAveragePooling2D(),
            K.SpectralNormalization(K.Dense(3)),
            K.Softmax(),
        ],
    ),
    "words": (
        (7,),
        [
            {"type": "Embedding", "input_dim": 10, "output_dim": 4, "mask_zero": True},
            {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 3, "return_sequences": True, "dropout": 0.2}},
            {
                "type": "Bidirectional",
                "layer": {"type": "GRU", "units": 3, "recurrent_activation": "hard_sigmoid"},
                "merge_mode": "sum",
                "backward_layer": {"type": "SimpleRNN", "units": 3, "activation": "relu", "go_backwards": True},
            },
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ],
        lambda: [
            K.Embedding(10, 4, mask_zero=True),
            K.Bidirectional(K.LSTM(3, return_sequences=True, dropout=0.2)),
            K.Bidirectional(
                K.GRU(3, recurrent_activation="hard_sigmoid"),
                merge_mode="sum",
                backward_layer=K.SimpleRNN(3, activation="relu", go_backwards=True),
            ),
            K.Dense(3, activation="softmax"),
        ],
    ),
    "noise": (
        (4, 3),
        [
            {"type": "Normalization", "mean": [0.5, 0.0, -0.5], "variance": [1.0, 2.0, 1.0]},
            {"type": "GaussianNoise", "stddev": 0.1},
            {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 4, "activation": "selu"}},
            {"type": "AlphaDropout", "rate": 0.2},
            {"type": "GaussianDropout", "rate": 0.2, "seed": 3},
            "RMSNormalization",
            {"type": "ActivityRegularization", "l2": 0.01},
            {"type": "Permute", "dims": [2, 1]},
            {"type": "Reshape", "target_shape": [-1]},
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ],
        lambda: [
            K.Normalization(mean=[0.5, 0.0, -0.5], variance=[1.0, 2.0, 1.0]),
            K.GaussianNoise(0.1),
            K.TimeDistributed(K.Dense(4, activation="selu")),
            K.AlphaDropout(0.2),
            K.GaussianDropout(0.2, seed=3),
            K.RMSNormalization(),
            K.ActivityRegularization(l2=0.01),
            K.Permute((2, 1)),
            K.Reshape((-1,)),
            K.Dense(3, activation="softmax"),
        ],
    ),
}
ALL_CASES = {name: ((6,), *case) for name, case in DENSE_CASES.items()} | SHAPED_CASES


def draw_inputs(case):
    """Return rows for a case; those for words are integers."""
    x = draw_rows(ALL_CASES[case][0])[0]
    return np.abs(x * 4).astype("int64") % 10 if case == "words" else x


@pytest.mark.parametrize("case", ALL_CASES)
def test_a_history_equals_that_of_a_stock_script_to_the_bit(case):
    shape, layers, build_layers = ALL_CASES[case]
    training = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
    history, stock_history = train_eagerly(
        [
            lambda: build_spec_network(layers, shape, **training),
            lambda: build_stock_network(build_layers, shape, **training),
        ],
        draw_rows()[1],
        draw_inputs(case),
    )
    assert history == stock_history
    assert list(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert np.isfinite(list(history.values())).all()


SOFTMAX = [{"type": "Dense", "units": 3, "activation": "softmax"}]
SIGMOID = [{"type": "Dense", "units": 1, "activation": "sigmoid"}]


def stock_layer_builder(layers):
    return lambda: [K.Dense(layers[0]["units"], activation=layers[0]["activation"])]


@pytest.mark.parametrize(
    ("layers", "y", "loss", "metrics"),
    [
        (
            SOFTMAX,
            draw_rows()[1],
            "sparse_categorical_crossentropy",
            ["accuracy", "sparse_top_k_categorical_accuracy"],
        ),
        (SOFTMAX, np.eye(3)[draw_rows()[1]], "categorical_crossentropy", ["accuracy", "auc"]),
        (SOFTMAX, np.eye(3)[draw_rows()[1]], "kl_divergence", ["acc", "mse"]),
        (SOFTMAX, np.eye(3)[draw_rows()[1]], "categorical_focal_crossentropy", ["categorical_accuracy"]),
        (SOFTMAX, draw_rows()[1], "categorical_generalized_cross_entropy", ["accuracy"]),
        (SIGMOID, draw_rows()[1] % 2, "binary_crossentropy", ["accuracy", "precision", "recall"]),
        (SIGMOID, draw_rows()[1] % 2, "hinge", ["acc"]),
        (SIGMOID, draw_rows()[1].astype("float32"), "mae", ["mae", "mse", "r2_score"]),
        (SIGMOID, draw_rows()[1].astype("float32"), "huber", ["root_mean_squared_error", "mape"]),
        (SIGMOID, draw_rows()[1].astype("float32"), "poisson", ["msle", "cosine_similarity"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_losses_and_metrics_by_name_equal_those_of_keras(layers, y, loss, metrics):
    # Specs name some classes for which Keras has no string.
    classes = {
        "auc": keras.metrics.AUC,
        "precision": keras.metrics.Precision,
        "recall": keras.metrics.Recall,
        "r2_score": keras.metrics.R2Score,
        "root_mean_squared_error": keras.metrics.RootMeanSquaredError,
    }
    losses = {"categorical_generalized_cross_entropy": keras.losses.CategoricalGeneralizedCrossEntropy()}
    stock_metrics = [classes[name](name=name) if name in classes else name for name in metrics]
    history, stock_history = train_eagerly(
        [
            lambda: build_spec_network(layers, optimizer="sgd", loss=loss, metrics=metrics),
            lambda: build_stock_network(
                stock_layer_builder(layers), optimizer="sgd", loss=losses.get(loss, loss), metrics=stock_metrics
            ),
        ],
        y,
    )
    assert history == stock_history
    assert set(metrics) <= set(history)


@pytest.mark.parametrize(
    "name",
    "sgd rmsprop adam adamw adamax nadam adadelta adagrad adafactor ftrl lamb lion muon schedulefreeadamw".split(),  # noqa: SIM905
)
def test_every_optimizer_by_name_equals_that_of_keras(name):
    # Keras has no string for Lamb.
    history, stock_history = train_eagerly(
        [
            lambda: build_spec_network(SIGMOID, optimizer=name),
            lambda: build_stock_network(
                stock_layer_builder(SIGMOID), optimizer=keras.optimizers.Lamb() if name == "lamb" else name, loss="mse"
            ),
        ],
        draw_rows()[1].astype("float32"),
        epochs=2,
    )
    assert history == stock_history


def test_arguments_reach_the_optimizer():
    network = build_spec_network(
        SIGMOID, optimizer={"type": "SGD", "learning_rate": 0.5, "momentum": 0.9, "clipnorm": 1.0}
    )
    config = network.optimizer.get_config()
    assert (config["learning_rate"], config["momentum"], config["clipnorm"]) == (0.5, 0.9, 1.0)
    assert isinstance(network.optimizer, keras.optimizers.SGD)


def test_a_metric_keeps_its_name_from_the_spec():
    accuracy = {"type": "Accuracy", "name": "right"}
    x, y = draw_rows()
    history = build_spec_network(SIGMOID, loss="bce", metrics=[accuracy]).fit(x, y % 2, verbose=0).history
    assert set(history) == {"loss", "right"}


def test_callbacks_are_those_of_keras():
    definition = {"type": "EarlyStopping", "monitor": "loss", "patience": 2, "mode": "min", "baseline": 0.5}
    [callback] = build_callbacks(parse_layers(SIGMOID, callbacks=[definition]).training.callbacks)
    assert type(callback) is keras.callbacks.EarlyStopping
    assert (callback.monitor, callback.patience, callback.mode, callback.baseline) == ("loss", 2, "min", 0.5)


@pytest.mark.parametrize("case", ["the other layers", *SHAPED_CASES])
def test_a_trained_network_can_be_saved_and_loaded(case, tmp_path):
    shape, layers, _ = ALL_CASES[case]
    x = draw_inputs(case)
    network = build_spec_network(layers, shape, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(x, draw_rows()[1], verbose=0)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict(x, verbose=0), network.predict(x, verbose=0))


def test_an_embedding_accepts_the_floats_that_a_job_prepares():
    shape, layers, _ = ALL_CASES["words"]
    network = build_spec_network(layers, shape, loss="sparse_categorical_crossentropy")
    integers = draw_inputs("words")
    assert np.array_equal(network.predict(integers.astype("float32"), verbose=0), network.predict(integers, verbose=0))

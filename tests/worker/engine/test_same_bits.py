"""For every layer, optimizer, loss and metric: histories and weights are those of stock `fit`, to the last bit.

The same holds on cached graphs of a job with other hyperparameters, for every part that has some. It also holds for a
training that is resumed from a snapshot, for every part that has a state; a loss has none.

If all batches are equal, Keras traces its steps for that number of rows, which may give other bits. So layers and
losses are tested in equal batches, whose size is no power of two, and the other parts in unequal batches.
"""

import keras
import numpy as np
import pytest

from stackyard.spec.training import losses, metrics, optimizers
from tests.worker.engine.hyperparameter_pairs import build_document, build_pair
from tests.worker.engine.sample_jobs import (
    FITTING,
    PROBABILITIES,
    PROBABILITY,
    SCORE_LAYERS,
    build_loss_job,
    build_spec,
    draw_labels,
    draw_numbers,
    get_target_kind,
    list_classes,
    stack_layers,
)
from tests.worker.keras_reference import SnapshotObserver, create_network_builder, train_with_engine
from tests.worker.layer_stacks import KINDS
from worker.engine import Engine, training_loop
from worker.keras_build.compilation import build_callbacks

pytestmark = pytest.mark.exhaustive


def get_variables(network):
    return [variable.numpy() for variable in [*network.variables, *network.optimizer.variables]]


def fit_by_spec(job_spec, data):
    """Build and train a network with Keras by the spec, and return it and its history."""
    network = create_network_builder(job_spec, data)()
    weights = {} if data.class_weight is None else {"class_weight": data.class_weight}
    if data.weights is not None:
        weights = {"sample_weight": data.weights}
    stop = [keras.callbacks.TerminateOnNaN()] if job_spec.training.on_nonfinite == "stop" else []
    history = network.fit(
        data.x_train,
        data.y_train,
        batch_size=job_spec.training.batch_size,
        epochs=job_spec.training.epochs,
        validation_data=(data.x_validation, data.y_validation),
        callbacks=[*build_callbacks(job_spec.training.callbacks), *stop],
        verbose=0,
        **weights,
    ).history
    return network, history


def assert_equal_to_keras(layers, data, before=None, **training):
    """Assert that the engine's results equal Keras's, and return the history; `before` is a job trained first."""
    job_spec, engine = build_spec(layers, **training), Engine(2**30)
    if before is not None:
        train_with_engine(before, data, engine)
    outcome, observer = train_with_engine(job_spec, data, engine)
    network, history = fit_by_spec(job_spec, data)
    assert_same_results(outcome, observer, network, history)
    return history


def assert_resumption_equal_to_keras(layers, data, before=None, **training):
    """Assert the same, also for a training that is resumed within its first epoch."""
    job_spec, engine, observer = build_spec(layers, **training), Engine(2**30), SnapshotObserver()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training_loop, "TARGET_CALL_S", 0.0)  # otherwise the first call takes all epochs
        if before is not None:
            train_with_engine(before, data, engine)
        outcome, _ = train_with_engine(job_spec, data, engine, observer=observer)
        snapshot = next(snapshot for snapshot in observer.snapshots if snapshot.step > 1)
        resumed = train_with_engine(job_spec, data, engine, snapshot=snapshot)
    network, history = fit_by_spec(job_spec, data)
    assert_same_results(outcome, observer, network, history)
    assert_same_results(*resumed, network, history)
    return history


def assert_same_results(outcome, observer, network, history):
    np.testing.assert_equal(observer.columns(), history)
    for actual, expected in zip(get_variables(outcome.network), get_variables(network), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert outcome.network.get_config() == network.get_config()


EQUAL_BATCHES = 10
"""A batch size that divides the 40 training rows, but not the 24 validation rows."""

PILES = list(stack_layers([build_pair(part)[0] for name, part in KINDS.items() if name != "Embedding"]))
PILES += stack_layers([build_pair(KINDS["Embedding"])[0]])


@pytest.mark.parametrize(
    ("layers", "data"), PILES, ids=["+".join(layer["type"] for layer in stack[:-2]) for stack, _ in PILES]
)
def test_every_layer(layers, data, traced):
    variants = [build_pair(KINDS[layer["type"]])[1] | FITTING.get(layer["type"], {}) for layer in layers[:-2]]
    training = {"on_nonfinite": "continue", "epochs": 2, "batch_size": EQUAL_BATCHES}
    assert_resumption_equal_to_keras(layers, data, build_spec([*variants, *layers[-2:]], **training), **training)
    assert len(traced) == 1


@pytest.mark.parametrize("part", list_classes(optimizers.Optimizer), ids=lambda part: part.__name__)
def test_every_optimizer(part, traced):
    layers = [{"type": "Dropout", "rate": 0.25}, *SCORE_LAYERS]
    part_document, variant = (
        build_pair(part) if part is not optimizers.Muon else [build_document(part)] * 2
    )  # its numbers are constants
    assert part is optimizers.Muon or part_document["learning_rate"] != variant["learning_rate"]
    assert_resumption_equal_to_keras(
        layers, draw_numbers(), build_spec(layers, optimizer=variant, epochs=1), optimizer=part_document
    )
    assert len(traced) == 1


@pytest.mark.parametrize("part", list_classes(losses.Loss), ids=lambda part: part.__name__)
def test_every_loss(part, traced):
    layers, data, training = build_loss_job(part)
    training |= {"batch_size": EQUAL_BATCHES}
    part_document, variant = build_pair(part)
    assert_equal_to_keras(
        layers,
        data,
        build_spec(layers, **training | {"loss": variant, "epochs": 1}),
        **training | {"loss": part_document},
    )
    assert len(traced) == 1


METRICS_OF_NUMBERS = {"R2Score", "PearsonCorrelation", "ConcordanceCorrelation"}


@pytest.mark.parametrize("kind", ["binary", "one_hot", "sparse", "numbers"])
def test_every_metric(kind):
    chosen = [
        part
        for part in list_classes(metrics.Metric)
        if part.__name__ not in METRICS_OF_NUMBERS and get_target_kind(part) == kind
    ]
    if kind == "numbers":
        chosen = [part for part in list_classes(metrics.Metric) if part.__name__ in METRICS_OF_NUMBERS]
    micro_average = {"average": "micro"}
    metric_documents = [
        build_document(part) | (micro_average if "average" in part.model_fields else {}) for part in chosen
    ]
    layers = {"binary": PROBABILITY, "numbers": SCORE_LAYERS}.get(kind, PROBABILITIES)
    data = draw_numbers() if kind == "numbers" else draw_labels(kind)
    loss = {"binary": "binary_crossentropy", "one_hot": "categorical_crossentropy", "numbers": "mse"}
    history = assert_resumption_equal_to_keras(
        layers, data, metrics=metric_documents, loss=loss.get(kind, "sparse_categorical_crossentropy")
    )
    assert len(history) == 2 * (len(chosen) + 1)


CASES = {
    "clipping, decay and averaging": {
        "optimizer": {
            "type": "AdamW",
            "weight_decay": 0.1,
            "global_clipnorm": 0.5,
            "use_ema": True,
            "ema_overwrite_frequency": 2,
        }
    },
    "gradient accumulation": {"optimizer": {"type": "SGD", "gradient_accumulation_steps": 2, "momentum": 0.5}},
    "a loss scale factor": {"optimizer": {"type": "Adam", "loss_scale_factor": 8.0}},
    "a schedule": {
        "optimizer": {
            "type": "SGD",
            "learning_rate": {"type": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 6},
        }
    },
    "a batch larger than all rows": {"batch_size": 1000},
}  # fmt: skip


@pytest.mark.parametrize("case", [name for name in CASES if "batch" not in name])
def test_optimizer_options(case):
    assert_resumption_equal_to_keras([*SCORE_LAYERS], draw_numbers(), **CASES[case])


STACKS = {
    "weights without a gradient": [
        {"type": "Dense", "units": 4, "activation": "sigmoid"},
        {"type": "Embedding", "input_dim": 9, "output_dim": 4},
        "Flatten",
        "BatchNormalization",
        *SCORE_LAYERS,
    ],
    "sparse gradients": [{"type": "Embedding", "input_dim": 9, "output_dim": 4}, "Flatten", *SCORE_LAYERS],
}


@pytest.mark.parametrize("stack", STACKS)
def test_an_adam_of_weights_with_unusual_gradients(stack):
    data = draw_numbers()
    if stack == "sparse gradients":
        data = type(data)(**(vars(data) | {name: np.abs(vars(data)[name]) for name in ("x_train", "x_validation")}))
    assert_resumption_equal_to_keras(STACKS[stack], data, optimizer={"type": "Adam"}, epochs=3)


@pytest.mark.parametrize(
    "batch_size", [EQUAL_BATCHES, 12, 8, 16], ids=["of the training", "of the validation", "of both", "of neither"]
)
def test_equal_batches(batch_size, traced):
    """TensorFlow computes a mean over a fixed number of rows as a product, and over any number as a quotient."""
    layers = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", *SCORE_LAYERS]
    training = {"batch_size": batch_size, "metrics": ["mae"], "callbacks": [{"type": "ReduceLROnPlateau"}]}
    assert_equal_to_keras(layers, draw_numbers(), build_spec(layers, **training | {"epochs": 1}), **training)
    assert len(traced) == 1


def test_batches_of_another_size_have_other_graphs(traced):
    layers = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", *SCORE_LAYERS]
    assert_equal_to_keras(layers, draw_numbers(), build_spec(layers), batch_size=EQUAL_BATCHES)
    assert len(traced) == 2
    assert_equal_to_keras(layers, draw_numbers(), build_spec(layers, batch_size=EQUAL_BATCHES), batch_size=20)
    assert len(traced) == 4


def test_regularizers_constraints_and_moving_statistics():
    layers = [
        {"type": "Dense", "units": 8, "kernel_regularizer": {"type": "L1L2", "l1": 0.01, "l2": 0.02}},
        {"type": "BatchNormalization", "renorm": True},
        {"type": "GaussianNoise", "stddev": 0.1},
        {"type": "Dense", "units": 4, "kernel_constraint": "MaxNorm", "activity_regularizer": "l2"},
        {"type": "Dense", "units": 1},
    ]
    assert_resumption_equal_to_keras(layers, draw_numbers(), metrics=["mae"])


@pytest.mark.parametrize("kind", ["sparse", "one_hot"])
def test_class_weights(kind):
    data = draw_labels(kind)
    weighted = type(data)(**(vars(data) | {"class_weight": {0: 0.5, 2: 3.0}}))
    loss = "sparse_categorical_crossentropy" if kind == "sparse" else "categorical_crossentropy"
    assert_equal_to_keras(PROBABILITIES, weighted, loss=loss, metrics=["accuracy"])


def test_sample_weights():
    data = draw_numbers()
    weights = np.random.default_rng(2).random(len(data.x_train)).astype("float32")
    assert_equal_to_keras(SCORE_LAYERS, type(data)(**(vars(data) | {"weights": weights})), metrics=["mae"])


def test_several_epochs_in_a_call_equal_single_epochs():
    """The engine trains several epochs in a call if they are short and no callback acts between them."""
    layers = [{"type": "Dropout", "rate": 0.25}, "BatchNormalization", *SCORE_LAYERS]
    history = assert_equal_to_keras(layers, draw_numbers(), optimizer="adam", metrics=["mae"], epochs=60)
    assert len(history["val_mae"]) == 60


def test_layer_names_are_those_of_a_new_process():
    job_spec = build_spec(SCORE_LAYERS)
    names = []
    for _ in range(2):
        outcome, _ = train_with_engine(job_spec, draw_numbers())
        names.append([layer.name for layer in outcome.network.layers])
    assert names == [["dense", "dense_1"]] * 2
    assert isinstance(outcome.network, keras.Sequential)


@pytest.mark.parametrize("batch_size", [32, 64])
def test_a_batch_with_more_rows_than_the_validation_set_or_than_all_sets(batch_size):
    assert_equal_to_keras(SCORE_LAYERS, draw_numbers(), batch_size=batch_size)

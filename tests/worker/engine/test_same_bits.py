"""For every layer, optimizer, loss and metric: histories and weights are those of stock `fit`, to the last bit.

The same on graphs that were kept from a job with other numbers, wherever a part has numbers that are open; and for a
training that goes on from a snapshot, wherever a part has a state; a loss has none.

Where all batches have as many rows, Keras traces its steps with that number, and what comes of it may have other bits.
So layers and losses are tried in batches that are alike, of a number that is no power of two, the rest in others.
"""

import keras
import numpy as np
import pytest

from stackyard.spec.training import losses, metrics, optimizers
from tests.worker.engine.open_numbers import changed, document
from tests.worker.engine.parts import (
    FITTING,
    PROBABILITIES,
    PROBABILITY,
    SCORES,
    classes,
    kind_of,
    labels,
    numbers,
    pile,
    spec,
    under_loss,
)
from tests.worker.stacks import KINDS
from tests.worker.stock import Keeping, builder, trained
from worker.engine import Engine, training_loop
from worker.keras_build.compilation import build_callbacks


def variables(network):
    return [variable.numpy() for variable in [*network.variables, *network.optimizer.variables]]


def by_keras(wanted, data):
    """A network that Keras has built and trained as the spec says, and its history."""
    network = builder(wanted, data)()
    weights = {} if data.class_weight is None else {"class_weight": data.class_weight}
    if data.weights is not None:
        weights = {"sample_weight": data.weights}
    stop = [keras.callbacks.TerminateOnNaN()] if wanted.training.on_nonfinite == "stop" else []
    history = network.fit(
        data.x_train,
        data.y_train,
        batch_size=wanted.training.batch_size,
        epochs=wanted.training.epochs,
        validation_data=(data.x_validation, data.y_validation),
        callbacks=[*build_callbacks(wanted.training.callbacks), *stop],
        verbose=0,
        **weights,
    ).history
    return network, history


def is_stock(layers, data, before=None, **training):
    """Find the engine's results to be Keras's own, and return the history; `before` is another job, trained first."""
    wanted, engine = spec(layers, **training), Engine(2**30)
    if before is not None:
        trained(before, data, engine)
    outcome, told = trained(wanted, data, engine)
    network, history = by_keras(wanted, data)
    same_as_stock(outcome, told, network, history)
    return history


def goes_on_as_stock(layers, data, before=None, **training):
    """Find the same, also of a training that goes on from within its first epoch."""
    wanted, engine, watch = spec(layers, **training), Engine(2**30), Keeping()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training_loop, "SLICE_S", 0.0)  # else its first call takes all epochs
        if before is not None:
            trained(before, data, engine)
        outcome, told = trained(wanted, data, engine, told=watch)
        within = next(one for one in watch.kept if one.step > 1)
        went_on = trained(wanted, data, engine, start=within)
    network, history = by_keras(wanted, data)
    same_as_stock(outcome, told, network, history)
    same_as_stock(*went_on, network, history)
    return history


def same_as_stock(outcome, told, network, history):
    np.testing.assert_equal(told.columns(), history)
    for mine, theirs in zip(variables(outcome.network), variables(network), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert outcome.network.get_config() == network.get_config()


ALIKE = 10
"""A batch size that divides the 40 rows, but not the 24 of the validation."""

PILES = list(pile([changed(part)[0] for name, part in KINDS.items() if name != "Embedding"]))
PILES += pile([changed(KINDS["Embedding"])[0]])


@pytest.mark.parametrize(
    ("layers", "data"), PILES, ids=["+".join(one["type"] for one in made[:-2]) for made, _ in PILES]
)
def test_every_layer(layers, data, traced):
    others = [changed(KINDS[one["type"]])[1] | FITTING.get(one["type"], {}) for one in layers[:-2]]
    training = {"on_nonfinite": "continue", "epochs": 2, "batch_size": ALIKE}
    goes_on_as_stock(layers, data, spec([*others, *layers[-2:]], **training), **training)
    assert len(traced) == 1


@pytest.mark.parametrize("part", classes(optimizers.Optimizer), ids=lambda part: part.__name__)
def test_every_optimizer(part, traced):
    layers = [{"type": "Dropout", "rate": 0.25}, *SCORES]
    mine, other = changed(part) if part is not optimizers.Muon else [document(part)] * 2  # its numbers are written
    assert part is optimizers.Muon or mine["learning_rate"] != other["learning_rate"]
    goes_on_as_stock(layers, numbers(), spec(layers, optimizer=other, epochs=1), optimizer=mine)
    assert len(traced) == 1


@pytest.mark.parametrize("part", classes(losses.Loss), ids=lambda part: part.__name__)
def test_every_loss(part, traced):
    layers, data, training = under_loss(part)
    training |= {"batch_size": ALIKE}
    mine, other = changed(part)
    is_stock(layers, data, spec(layers, **training | {"loss": other, "epochs": 1}), **training | {"loss": mine})
    assert len(traced) == 1


OF_NUMBERS = {"R2Score", "PearsonCorrelation", "ConcordanceCorrelation"}


@pytest.mark.parametrize("kind", ["binary", "one_hot", "sparse", "numbers"])
def test_every_metric(kind):
    chosen = [part for part in classes(metrics.Metric) if part.__name__ not in OF_NUMBERS and kind_of(part) == kind]
    if kind == "numbers":
        chosen = [part for part in classes(metrics.Metric) if part.__name__ in OF_NUMBERS]
    micro = {"average": "micro"}
    made = [document(part) | (micro if "average" in part.model_fields else {}) for part in chosen]
    layers = {"binary": PROBABILITY, "numbers": SCORES}.get(kind, PROBABILITIES)
    data = numbers() if kind == "numbers" else labels(kind)
    loss = {"binary": "binary_crossentropy", "one_hot": "categorical_crossentropy", "numbers": "mse"}
    history = goes_on_as_stock(layers, data, metrics=made, loss=loss.get(kind, "sparse_categorical_crossentropy"))
    assert len(history) == 2 * (len(chosen) + 1)


CASES = {
    "every way to clip, decay and average": {
        "optimizer": {
            "type": "AdamW",
            "weight_decay": 0.1,
            "global_clipnorm": 0.5,
            "use_ema": True,
            "ema_overwrite_frequency": 2,
        }
    },
    "gradients that are gathered": {"optimizer": {"type": "SGD", "gradient_accumulation_steps": 2, "momentum": 0.5}},
    "a loss that is scaled": {"optimizer": {"type": "Adam", "loss_scale_factor": 8.0}},
    "a schedule": {
        "optimizer": {
            "type": "SGD",
            "learning_rate": {"type": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 6},
        }
    },
    "a batch larger than all rows": {"batch_size": 1000},
}  # fmt: skip


@pytest.mark.parametrize("case", [name for name in CASES if "batch" not in name])
def test_what_belongs_to_the_optimizer(case):
    goes_on_as_stock([*SCORES], numbers(), **CASES[case])


ADAMS = {
    "as it comes": {"type": "Adam"},
    "all that it can do": {"type": "Adam", "amsgrad": True, "global_clipnorm": 0.5, "gradient_accumulation_steps": 2},
    "weights that decay": {"type": "AdamW", "weight_decay": 0.1, "epsilon": 1e-3},
}
LARGE = 4100
"""Units whose weights for four numbers are too many to be joined with others."""
STACKS = {
    "small weights": ["BatchNormalization", {"type": "Dense", "units": 8, "kernel_constraint": "MaxNorm"}, *SCORES],
    "a large one": [{"type": "Dense", "units": LARGE}, "BatchNormalization", *SCORES],
    "some without a gradient": [
        {"type": "Dense", "units": 4, "activation": "sigmoid"},
        {"type": "Embedding", "input_dim": 9, "output_dim": 4},
        "Flatten",
        "BatchNormalization",
        *SCORES,
    ],
    "one of which rows are gathered": [{"type": "Embedding", "input_dim": 9, "output_dim": 4}, "Flatten", *SCORES],
}


@pytest.mark.parametrize(
    ("adam", "stack"),
    [("as it comes", stack) for stack in STACKS]
    + [(adam, stack) for adam in ADAMS if adam != "as it comes" for stack in ("small weights", "a large one")],
)
def test_an_adam_of_many_weights(adam, stack):
    data = numbers()
    if "gathered" in stack:
        data = type(data)(**(vars(data) | {name: np.abs(vars(data)[name]) for name in ("x_train", "x_validation")}))
    goes_on_as_stock(STACKS[stack], data, optimizer=ADAMS[adam], epochs=3)


@pytest.mark.parametrize(
    "batch_size", [ALIKE, 12, 8, 16], ids=["of the training", "of the validation", "of both", "of neither"]
)
def test_batches_that_are_alike(batch_size, traced):
    """A mean over a known number of rows is a product with its reciprocal, one over any number a quotient."""
    layers = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", *SCORES]
    known = {"batch_size": batch_size, "metrics": ["mae"], "callbacks": [{"type": "ReduceLROnPlateau"}]}
    is_stock(layers, numbers(), spec(layers, **known | {"epochs": 1}), **known)
    assert len(traced) == 1


def test_batches_of_another_size_have_graphs_of_their_own(traced):
    layers = [{"type": "Dense", "units": 8, "activation": "relu"}, "BatchNormalization", *SCORES]
    is_stock(layers, numbers(), spec(layers), batch_size=ALIKE)
    assert len(traced) == 2
    is_stock(layers, numbers(), spec(layers, batch_size=ALIKE), batch_size=20)
    assert len(traced) == 4


def test_regularizers_constraints_and_moving_statistics():
    layers = [
        {"type": "Dense", "units": 8, "kernel_regularizer": {"type": "L1L2", "l1": 0.01, "l2": 0.02}},
        {"type": "BatchNormalization", "renorm": True},
        {"type": "GaussianNoise", "stddev": 0.1},
        {"type": "Dense", "units": 4, "kernel_constraint": "MaxNorm", "activity_regularizer": "l2"},
        {"type": "Dense", "units": 1},
    ]
    goes_on_as_stock(layers, numbers(), metrics=["mae"])


@pytest.mark.parametrize("kind", ["sparse", "one_hot"])
def test_weights_of_classes(kind):
    data = labels(kind)
    weighted = type(data)(**(vars(data) | {"class_weight": {0: 0.5, 2: 3.0}}))
    loss = "sparse_categorical_crossentropy" if kind == "sparse" else "categorical_crossentropy"
    is_stock(PROBABILITIES, weighted, loss=loss, metrics=["accuracy"])


def test_weights_of_rows():
    data = numbers()
    weights = np.random.default_rng(2).random(len(data.x_train)).astype("float32")
    is_stock(SCORES, type(data)(**(vars(data) | {"weights": weights})), metrics=["mae"])


def test_many_epochs_in_one_call_are_those_of_many_calls():
    """Where epochs are short and no callback acts between them, the engine goes over several in one call."""
    layers = [{"type": "Dropout", "rate": 0.25}, "BatchNormalization", *SCORES]
    history = is_stock(layers, numbers(), optimizer="adam", metrics=["mae"], epochs=60)
    assert len(history["val_mae"]) == 60


def test_a_job_s_summary_and_names_are_those_of_a_new_process():
    wanted = spec(SCORES)
    names = []
    for _ in range(2):
        outcome, _ = trained(wanted, numbers())
        names.append([layer.name for layer in outcome.network.layers])
    assert names == [["dense", "dense_1"]] * 2
    assert isinstance(outcome.network, keras.Sequential)

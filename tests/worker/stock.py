"""The engine beside a stock Keras script, on numbers that are drawn."""

import json

import keras
import numpy as np

from stackyard.spec import parse
from worker.engine import Engine
from worker.keras_build.compilation import build_compiled
from worker.preparation import Prepared

SEED = 3
BATCH = 16
EPOCHS = 4
ROWS = 96
FEATURES = 4


class Told:
    """A watch that keeps what it hears."""

    def __init__(self):
        self.epochs = []
        self.checks = 0

    def epoch(self, number, values):
        self.epochs.append((number, dict(values)))

    def check(self):
        self.checks += 1

    def begin(self):
        """Hear that the training begins, as a job's reporter does."""

    def wants_checkpoint(self):
        return False

    def columns(self):
        names = self.epochs[0][1] if self.epochs else ()
        return {name: [values[name] for _, values in self.epochs] for name in names}


class Keeping(Told):
    """A watch that wants every state that it can have, and keeps them."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def wants_checkpoint(self):
        return True

    def checkpoint(self, snapshot):
        assert len(self.epochs) == snapshot.epoch
        self.kept.append(snapshot)


def spec_of(layers, **training):
    fit = {"loss": "mse", "optimizer": "sgd", "batch_size": BATCH, "epochs": EPOCHS, "seed": SEED, "shuffle": "keras"}
    data = {"dataset": "d", "x": "x", "y": "y"}
    document = {"data": data, "network": {"layers": layers}, "training": fit | training}
    return parse(json.dumps(document).encode())


def prepared(train, validation):
    """Arrays for the engine, which has no use for what they were fitted by."""
    return Prepared(
        x_train=train[0],
        y_train=train[1],
        x_validation=validation[0],
        y_validation=validation[1],
        inputs=None,
        target=None,
    )


def rows():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, FEATURES)).astype("float32")
    y = draw.normal(size=ROWS).astype("float32")
    return prepared((x, y), (x[:32], np.zeros(32, "float32")))


def builder(spec, data):
    def build():
        keras.backend.clear_session()
        keras.utils.set_random_seed(spec.training.seed)
        return build_compiled(spec, data.x_train.shape[1:])

    return build


def trained(spec, data=None, engine=None, *, start=None, told=None):
    """The engine's outcome, and what it told."""
    data, told = data or rows(), told or Told()
    return (engine or Engine(2**30)).train(spec, data, told, start), told


def stock(network, data=None, *, callbacks=(), epochs=EPOCHS):
    """A network that stock `fit` has trained, and its history."""
    data = data or rows()
    told = network.fit(
        data.x_train,
        data.y_train,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(data.x_validation, data.y_validation),
        callbacks=list(callbacks),
        verbose=0,
    )
    return network, told.history


def scripted(layers, optimizer, *, callbacks=(), epochs=EPOCHS):
    """The same of a script whose every part is Keras's own; the arguments make them, once the seed is set."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    network = keras.Sequential([keras.Input((FEATURES,)), *layers()])
    network.compile(optimizer=optimizer(), loss="mse")
    return stock(network, callbacks=callbacks, epochs=epochs)

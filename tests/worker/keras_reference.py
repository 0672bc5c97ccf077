"""Train with the engine and with stock Keras, on random numbers."""

import json

import keras
import numpy as np

from stackyard.spec import parse_spec
from worker.engine import Engine
from worker.keras_build.compilation import build_compiled_network
from worker.preparation import PreparedData

SEED = 3
BATCH = 16
EPOCHS = 4
ROWS = 96
FEATURES = 4


class RecordingObserver:
    """An observer that records the epochs."""

    final_checkpoint = None

    def __init__(self):
        self.epochs = []
        self.checks = 0

    def record_epoch(self, epoch, metrics):
        self.epochs.append((epoch, dict(metrics)))

    def check(self):
        self.checks += 1

    def mark_started(self):
        """Do nothing when the training begins, as a job's reporter must."""

    def wants_finish(self, _epochs):
        return False

    def wants_checkpoint(self):
        return False

    def get_until_epoch(self):
        return None

    def wants_final_snapshot(self, _size):
        return False

    def columns(self):
        names = self.epochs[0][1] if self.epochs else ()
        return {name: [values[name] for _, values in self.epochs] for name in names}


class SnapshotObserver(RecordingObserver):
    """An observer that requests and records every snapshot."""

    def __init__(self):
        super().__init__()
        self.snapshots = []

    def wants_checkpoint(self):
        return True

    def save_checkpoint(self, snapshot):
        assert len(self.epochs) == snapshot.epoch
        self.snapshots.append(snapshot)


def build_spec(layers, **training):
    defaults = {
        "loss": "mse",
        "optimizer": "sgd",
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "seed": SEED,
        "shuffle": "keras",
    }
    data = {"dataset": "d", "x": "x", "y": "y"}
    document = {"data": data, "network": {"layers": layers}, "training": defaults | training}
    return parse_spec(json.dumps(document).encode())


def build_prepared_data(train, validation):
    """Build prepared data for the engine, which does not use the fitted transforms."""
    return PreparedData(
        x_train=train[0],
        y_train=train[1],
        x_validation=validation[0],
        y_validation=validation[1],
        inputs=None,
        target=None,
    )


def draw_data():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, FEATURES)).astype("float32")
    y = generator.normal(size=ROWS).astype("float32")
    return build_prepared_data((x, y), (x[:32], np.zeros(32, "float32")))


def create_network_builder(spec, data):
    def build():
        keras.backend.clear_session()
        keras.utils.set_random_seed(spec.training.seed)
        return build_compiled_network(spec, data.x_train.shape[1:])

    return build


def train_with_engine(spec, data=None, engine=None, *, snapshot=None, observer=None):
    """Train with the engine, and return the outcome and the observer."""
    data, observer = data or draw_data(), observer or RecordingObserver()
    return (engine or Engine(2**30)).train(spec, data, observer, snapshot), observer


def fit_with_keras(network, data=None, *, callbacks=(), epochs=EPOCHS):
    """Train with stock `fit`, and return the network and its history."""
    data = data or draw_data()
    history = network.fit(
        data.x_train,
        data.y_train,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(data.x_validation, data.y_validation),
        callbacks=list(callbacks),
        verbose=0,
    )
    return network, history.history


def fit_script(build_layers, build_optimizer, *, callbacks=(), epochs=EPOCHS):
    """Do the same with Keras objects, which the arguments create after the seed is set."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    network = keras.Sequential([keras.Input((FEATURES,)), *build_layers()])
    network.compile(optimizer=build_optimizer(), loss="mse")
    return fit_with_keras(network, callbacks=callbacks, epochs=epochs)

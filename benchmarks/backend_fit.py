"""`python backend_fit.py NETWORK EPOCHS`: train one network with stock `fit` on the backend of KERAS_BACKEND.

It prints the seconds of each epoch as a JSON array. The first epoch includes tracing and compiling.
"""

import json
import sys
import time
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from layer_networks import NETWORKS, LayerNetwork

_BATCH_SIZE = 32


def measure_epochs(subject: LayerNetwork, epochs: int) -> list[float]:
    """Return the seconds of each epoch."""
    generator = np.random.default_rng(0)
    size = (subject.rows, *subject.shape)
    x = generator.integers(0, subject.input_dim, size) if subject.input_dim else generator.random(size, "float32")
    y = generator.random((subject.rows, 1), "float32")
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input(subject.shape), *map(_build_layer, subject.layers), keras.layers.Dense(1)])
    network.compile("adam", "mse")
    times = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: times.append(time.perf_counter()))
    network.fit(x, y, batch_size=_BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[clock])
    return [end - begin for begin, end in pairwise(times)]


def _build_layer(description: Any) -> Any:
    arguments = {name: _build_layer(value) if name == "layer" else value for name, value in description.items()}
    return getattr(keras.layers, arguments.pop("type"))(**arguments)


if __name__ == "__main__":
    print(json.dumps(measure_epochs(NETWORKS[int(sys.argv[1])], int(sys.argv[2]))))

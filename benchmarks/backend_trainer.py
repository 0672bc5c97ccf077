"""`python backend_trainer.py NETWORK EPOCHS WAY`: train one network on the backend of KERAS_BACKEND, and print times.

The way is `fit` for stock Keras or `engine` for ours. The result is a JSON object: the seconds until the end of the
first epoch or training, which include tracing and compiling, and the seconds of a later epoch.
"""

import json
import sys
import time
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from layer_networks import NETWORKS, LayerNetwork

from service.settings import Settings
from stackyard.cores import count_usable_cores
from worker.runtime import devices

_BATCH_SIZE = 32


class Times(NamedTuple):
    """Seconds of the first epoch or training, and of an epoch after it."""

    first: float
    epoch: float


def measure_fit(subject: LayerNetwork, epochs: int) -> Times:
    """Train with stock `fit`; the first time is that of the first epoch."""
    import keras  # noqa: PLC0415  # the device must be configured first

    x, y = _build_arrays(subject)
    keras.utils.set_random_seed(0)
    layers = [_build_layer(keras.layers, layer) for layer in subject.layers]
    network = keras.Sequential([keras.Input(subject.shape), *layers, keras.layers.Dense(1)])
    network.compile("adam", "mse")
    times = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: times.append(time.perf_counter()))
    network.fit(x, y, batch_size=_BATCH_SIZE, epochs=epochs, verbose=0, callbacks=[clock])
    seconds = [end - begin for begin, end in pairwise(times)]
    return Times(seconds[0], median(seconds[1:]))


def measure_engine(subject: LayerNetwork, epochs: int) -> Times:
    """Train twice with our engine; the first time is that of the first training."""
    from training import EpochClock, create_engine  # noqa: PLC0415  # likewise

    from stackyard.spec import parse_spec  # noqa: PLC0415
    from worker.preparation import PreparedData  # noqa: PLC0415

    document = subject.build_spec()
    document["training"] |= {"batch_size": _BATCH_SIZE, "epochs": epochs, "seed": 0}
    spec = parse_spec(json.dumps(document).encode())
    data: Any = PreparedData(*_build_arrays(subject), None, None)  # pyright: ignore[reportArgumentType]  # no transforms
    engine = create_engine()
    times = [time.perf_counter()]
    for _ in range(2):
        engine.train(spec, data, EpochClock())
        times.append(time.perf_counter())
    first, repeat = (end - begin for begin, end in pairwise(times))
    return Times(first, repeat / epochs)


def _build_arrays(subject: LayerNetwork) -> tuple[Any, Any]:
    import numpy as np  # noqa: PLC0415

    generator = np.random.default_rng(0)
    size = (subject.rows, *subject.shape)
    x = generator.integers(0, subject.input_dim, size) if subject.input_dim else generator.random(size, "float32")
    return x, generator.random((subject.rows, 1), "float32")


def _build_layer(layers: Any, description: Any) -> Any:
    arguments = {
        name: _build_layer(layers, value) if name == "layer" else value for name, value in description.items()
    }
    return getattr(layers, arguments.pop("type"))(**arguments)


if __name__ == "__main__":
    devices.configure_device(Settings(threads=count_usable_cores()))
    measure = {"fit": measure_fit, "engine": measure_engine}[sys.argv[3]]
    print(json.dumps(measure(NETWORKS[int(sys.argv[1])], int(sys.argv[2]))._asdict()))

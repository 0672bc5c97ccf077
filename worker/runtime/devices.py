"""A child's device and threads. Some of it works only before tensorflow is imported, so call this first of all.

`python -m worker.runtime.devices` prints the names of the GPUs that tensorflow finds, as a JSON array.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, cast

from billiard.process import current_process

from service.jobs.execution_environment import RanOn
from service.settings import Settings
from stackyard.cores import count_schedulable_cores
from worker.runtime.versions import versions

_NONE = "-1"
"""What hides every card from CUDA."""
_OWN_POOLS = "TF_OVERRIDE_GLOBAL_THREADPOOL"
"""Set, every context of TensorFlow's has threads of its own (see worker.runtime.threads); else all have those of the first."""
_ROUNDS_FACTORS_SINCE = (8, 0)
"""The compute capability from which on a card has TensorFloat-32 (NVIDIA's Ampere)."""


def configure(settings: Settings) -> None:
    """Show this child its one card, or none, and bound its threads.

    A GPU worker's children are numbered from 0, and each takes the card of its number among those in
    CUDA_VISIBLE_DEVICES, whose memory it then takes as it needs it.

    Raises:
        RuntimeError: tensorflow was imported before; or this is a GPU worker's child, and tensorflow finds no card
            for it.

    """
    if "tensorflow" in sys.modules:
        raise RuntimeError("expected to come before tensorflow, which reads its variables when it is imported")
    os.environ["CUDA_VISIBLE_DEVICES"] = _card() if settings.device == "gpu" else _NONE
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault(_OWN_POOLS, "1")
    config = _config()
    config.threading.set_intra_op_parallelism_threads(settings.threads)
    cards = config.list_physical_devices("GPU")
    if settings.device == "gpu" and not cards:
        raise RuntimeError(f"expected card {os.environ['CUDA_VISIBLE_DEVICES']}, and tensorflow finds none")
    for card in cards:
        config.experimental.set_memory_growth(card, True)  # noqa: FBT003 tensorflow's own order


def describe() -> RanOn:
    """What tensorflow computes on in this process, as it is configured."""
    import keras  # noqa: PLC0415 it loads tensorflow, which `configure` comes before

    config = _config()
    # 0 is tensorflow's own choice, which looks at the affinity alone.
    threads: int = config.threading.get_intra_op_parallelism_threads() or count_schedulable_cores()
    precision = str(cast("Any", keras).config.dtype_policy().name)
    for name, capability in _found():
        if precision == "float32" and capability >= _ROUNDS_FACTORS_SINCE and _rounds_factors():
            precision = "tf32"
        return RanOn(name, threads, precision, versions())
    return RanOn("cpu", threads, precision, versions())


def _config() -> Any:
    import tensorflow as tf  # noqa: PLC0415 it reads the variables that `configure` sets when it is imported

    return cast("Any", tf).config  # tensorflow carries no types


def _found() -> Iterator[tuple[str, tuple[int, int]]]:
    """The name and the compute capability of each card that tensorflow sees."""
    config = _config()
    for card in config.list_physical_devices("GPU"):
        details: dict[str, Any] = config.experimental.get_device_details(card)
        yield details.get("device_name", "gpu"), details.get("compute_capability", (0, 0))


def _rounds_factors() -> bool:
    """Whether float32 products may have their factors rounded, as tensorflow does where nobody says otherwise."""
    return bool(_config().experimental.tensor_float_32_execution_enabled())


def _card() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    child: int = getattr(cast("object", current_process()), "index", 0)
    return visible[child] if child < len(visible) and visible[child] else str(child)


if __name__ == "__main__":
    sys.stdout.write(json.dumps([name for name, _ in _found()]))

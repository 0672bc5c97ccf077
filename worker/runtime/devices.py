"""Configure a child's device and threads. Call this module before the backend is imported: some settings need that.

`python -m worker.runtime.devices` prints the names of the GPUs that tensorflow finds, as a JSON array.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any, cast

from billiard.process import current_process

from models import Backend
from service.jobs.execution_environment import ExecutionEnvironment
from service.settings import Settings
from stackyard.cores import count_schedulable_cores
from worker.runtime.jax_device import configure_jax, describe_jax_environment
from worker.runtime.versions import get_versions

_NO_GPU = "-1"
"""The value of CUDA_VISIBLE_DEVICES that hides every GPU."""
_PRIVATE_THREAD_POOLS = "TF_OVERRIDE_GLOBAL_THREADPOOL"
"""If this variable is set, each TensorFlow context has its own threads (see worker.runtime.tensorflow_threads).
Otherwise all contexts share the threads of the first one."""
_TF32_COMPUTE_CAPABILITY = (8, 0)
"""The lowest compute capability with TensorFloat-32 (NVIDIA's Ampere)."""


def configure_device(settings: Settings) -> None:
    """Make one GPU visible to this child, or none, and set its number of threads. KERAS_BACKEND says the backend.

    The children of a GPU worker are numbered from 0. Each takes the GPU of its number in CUDA_VISIBLE_DEVICES, and
    allocates the GPU's memory as needed.

    Raises:
        RuntimeError: the backend is already imported, or a GPU worker's child finds no GPU.

    """
    visible_gpu = _select_gpu() if settings.device == "gpu" else _NO_GPU
    if is_jax_chosen():
        configure_jax(settings, visible_gpu)
    else:
        _configure_tensorflow(settings, visible_gpu)


def is_jax_chosen() -> bool:
    """Return whether this process computes with JAX; it does not import Keras."""
    return os.environ.get("KERAS_BACKEND") == "jax"


def _configure_tensorflow(settings: Settings, visible_gpu: str) -> None:
    if "tensorflow" in sys.modules:
        raise RuntimeError("expected to run before tensorflow is imported, when it reads its environment variables")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpu
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault(_PRIVATE_THREAD_POOLS, "1")
    config = _load_tensorflow_config()
    config.threading.set_intra_op_parallelism_threads(settings.threads)
    gpus = config.list_physical_devices("GPU")
    if settings.device == "gpu" and not gpus:
        raise RuntimeError(f"expected GPU {visible_gpu}, and tensorflow finds none")
    for gpu in gpus:
        config.experimental.set_memory_growth(gpu, True)  # noqa: FBT003 tensorflow's own order


def describe_execution_environment() -> ExecutionEnvironment:
    """Return the device, threads, precision and versions with which this process computes."""
    if is_jax_chosen():
        return describe_jax_environment()
    import keras  # noqa: PLC0415 it loads tensorflow, and `configure_device` must run first

    config = _load_tensorflow_config()
    # 0 is tensorflow's default, which depends on the affinity alone.
    threads: int = config.threading.get_intra_op_parallelism_threads() or count_schedulable_cores()
    precision = str(cast("Any", keras).config.dtype_policy().name)
    backend = Backend(cast("Any", keras).config.backend())
    for name, capability in _list_visible_gpus():
        if precision == "float32" and capability >= _TF32_COMPUTE_CAPABILITY and _is_tf32_enabled():
            precision = "tf32"
        return ExecutionEnvironment(name, threads, precision, get_versions(backend), backend.value)
    return ExecutionEnvironment("cpu", threads, precision, get_versions(backend), backend.value)


def _load_tensorflow_config() -> Any:
    import tensorflow as tf  # noqa: PLC0415 on import it reads the variables that `configure_device` sets

    return cast("Any", tf).config  # tensorflow carries no types


def _list_visible_gpus() -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name and the compute capability of each GPU that tensorflow finds."""
    config = _load_tensorflow_config()
    for gpu in config.list_physical_devices("GPU"):
        details: dict[str, Any] = config.experimental.get_device_details(gpu)
        yield details.get("device_name", "gpu"), details.get("compute_capability", (0, 0))


def _is_tf32_enabled() -> bool:
    """Return whether tensorflow may round the factors of float32 products to TensorFloat-32, as it does by default."""
    return bool(_load_tensorflow_config().experimental.tensor_float_32_execution_enabled())


def _select_gpu() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    child: int = getattr(cast("object", current_process()), "index", 0)
    return visible[child] if child < len(visible) and visible[child] else str(child)


if __name__ == "__main__":
    sys.stdout.write(json.dumps([name for name, _ in _list_visible_gpus()]))

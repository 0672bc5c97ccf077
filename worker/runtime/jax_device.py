"""Configure a child's device, threads and compilation cache for JAX. It reads some settings only when it starts."""

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any, cast

from models import Backend
from service.jobs.execution_environment import ExecutionEnvironment
from service.settings import Settings
from stackyard.cores import count_schedulable_cores
from worker.runtime.compilation_cache import CompilationCache
from worker.runtime.private_names import install_compilation_cache
from worker.runtime.versions import get_versions

POOL_SIZE = "NPROC"
"""The variable with the number of threads of XLA's pool. By default, it has one for each schedulable core."""
_CACHE_DIRECTORY = "compiled"
_CPU_INFORMATION = Path("/proc/cpuinfo")
_TF32_COMPUTE_CAPABILITY = 8.0
"""The lowest compute capability with TensorFloat-32 (NVIDIA's Ampere), to which JAX rounds by default."""


def configure_jax(settings: Settings, visible_gpu: str) -> None:
    """Set the device and the number of threads, and keep compiled functions in the data directory.

    Args:
        settings: of this child.
        visible_gpu: the value of CUDA_VISIBLE_DEVICES.

    Raises:
        RuntimeError: JAX is already imported, or a GPU worker's child finds no GPU.

    """
    if "jax" in sys.modules:
        raise RuntimeError("expected to run before jax is imported, when it reads its environment variables")
    os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpu
    os.environ["JAX_PLATFORMS"] = "cuda" if settings.device == "gpu" else "cpu"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ[POOL_SIZE] = str(_count_threads(settings))
    if settings.device == "gpu":
        _require_gpu(visible_gpu)
    if settings.compilation_cache:
        _keep_compiled_functions(settings)


def describe_jax_environment() -> ExecutionEnvironment:
    """Return the device, threads, precision and versions with which this process computes."""
    device = _list_devices()[0]
    capability = float(getattr(device, "compute_capability", 0))
    precision = "tf32" if capability >= _TF32_COMPUTE_CAPABILITY else "float32"
    name = "cpu" if device.platform == "cpu" else str(device.device_kind)
    threads = int(os.environ.get(POOL_SIZE) or count_schedulable_cores())
    return ExecutionEnvironment(name, threads, precision, get_versions(Backend.JAX), Backend.JAX.value)


def _count_threads(settings: Settings) -> int:
    return settings.threads or count_schedulable_cores()


def _require_gpu(visible_gpu: str) -> None:
    try:
        _list_devices()
    except (RuntimeError, AssertionError) as error:  # the latter without the CUDA plugin
        raise RuntimeError(f"expected GPU {visible_gpu}, and jax finds none: {error}") from error


def _list_devices() -> list[Any]:
    import jax  # noqa: PLC0415 on import it reads the variables that `configure_jax` sets

    return cast("Any", jax).devices()


def _keep_compiled_functions(settings: Settings) -> None:
    directory = settings.data_dir / _CACHE_DIRECTORY
    processor = _describe_processor()
    cache = CompilationCache(directory, settings.compilation_cache, lambda: f"{processor} {os.environ[POOL_SIZE]}")
    install_compilation_cache(str(directory), cache)


def _describe_processor() -> str:
    """Return what machine code depends on: another processor may lack instructions that a compiled function has."""
    try:
        lines = _CPU_INFORMATION.read_text().splitlines()
    except OSError:
        return platform.processor()
    flags = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return hashlib.sha256("\n".join(flags).encode()).hexdigest()

"""All private names of JAX, and of Keras on JAX, that the worker needs.

They are looked up when this module is imported: if one is missing, the child fails at its start and names it.
"""

from typing import Any, Protocol

import jax
from jax._src import compilation_cache
from keras.src.utils import module_utils

# Untyped.
_jax: Any = jax
_compilation_cache: Any = compilation_cache
_keras_modules: Any = module_utils

_lazy_tensorflow: Any = _keras_modules.tensorflow
if not hasattr(_compilation_cache, "_cache") or not hasattr(_lazy_tensorflow, "_available"):
    raise ImportError("expected JAX's `_cache` and the `_available` of Keras's lazy modules, found neither or one")


class PersistentCache(Protocol):
    """Compiled functions by key."""

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, if there is one."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Store a value."""
        ...


def exclude_tensorflow() -> None:
    """Have Keras believe that TensorFlow is not installed.

    Otherwise saving a network imports TensorFlow, to see whether a part of the network is one of its objects.
    """
    _lazy_tensorflow._available = False  # noqa: SLF001  # there is no public way


def install_compilation_cache(directory: str, cache: PersistentCache) -> None:
    """Have JAX look up every compiled function in a cache, and store it there.

    JAX's own file cache needs another package to bound its size, and keeps entries whose write was cut short.
    """
    _jax.config.update("jax_compilation_cache_dir", directory)  # without it, JAX uses no cache
    _jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    _jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    _compilation_cache._cache, _compilation_cache._cache_initialized = cache, True  # noqa: SLF001  # likewise


def create_metrics(network: Any, batch: tuple[Any, ...]) -> None:
    """Create the variables of a compiled network's loss and metrics, as `fit` does before its first step.

    Args:
        network: a keras.Sequential with a built optimizer.
        batch: example inputs, targets and optionally sample weights.

    """
    network._symbolic_build(data_batch=batch)  # noqa: SLF001  # likewise

"""The private names of Keras, TensorFlow and JAX that the worker uses; no other module may use one.

Each function here does what the public interface cannot do; its docstring says what that is. A library is imported
when a function first needs it, so that a process loads only the library of its backend.
"""

import pkgutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import version
from typing import Any, BinaryIO, Protocol

_GLOBAL_STATE = "keras.src.backend.common.global_state:set_global_attribute"
_SKIPPED_ATTRIBUTES = "keras.src.saving.saving_lib:get_attr_skipset"
_WEIGHTS_FILE = "keras.src.saving.saving_lib:H5IOStore"
_LOAD_WEIGHTS = "keras.src.saving.saving_lib:_load_state"
_AVERAGES_IN_NETWORK = "keras.callbacks:SwapEMAWeights()._ema_weights_in_model"
_BUILD_VARIABLES = "keras:Sequential._symbolic_build"
_LAZY_MODULES = "keras.src.utils.module_utils"
_TENSORFLOW_AVAILABLE = f"{_LAZY_MODULES}:tensorflow._available"
_CONTEXT_CLASS = "tensorflow.python.eager.context:Context"
_GET_CONTEXT = "tensorflow.python.eager.context:context"
_SET_CONTEXT = "tensorflow.python.eager.context:_set_context"
_EAGER_MODE = "tensorflow:__internal__.eager_context.eager_mode"
_EAGER_TENSOR = "tensorflow.python.framework.ops:EagerTensor"
_CREATE_CPU_CLIENT = "jaxlib.xla_client:make_cpu_client"
_COMPILATION_CACHE = "jax._src.compilation_cache"
_CACHE, _CACHE_INITIALIZED = f"{_COMPILATION_CACHE}:_cache", f"{_COMPILATION_CACHE}:_cache_initialized"

PRIVATE_NAMES: Mapping[str, tuple[str, ...]] = {
    "keras": (
        _GLOBAL_STATE,
        _SKIPPED_ATTRIBUTES,
        _WEIGHTS_FILE,
        _LOAD_WEIGHTS,
        _AVERAGES_IN_NETWORK,
        _BUILD_VARIABLES,
        _TENSORFLOW_AVAILABLE,
    ),
    "tensorflow": (_CONTEXT_CLASS, _GET_CONTEXT, _SET_CONTEXT, _EAGER_MODE, _EAGER_TENSOR),
    "jax": (_CREATE_CPU_CLIENT, _CACHE, _CACHE_INITIALIZED),
}
"""The names by library, as module and attribute; `()` before an attribute means that only instances have it."""

AVERAGES_IN_NETWORK = _AVERAGES_IN_NETWORK.rpartition(".")[2]
"""The attribute of SwapEMAWeights that says whether the network has the moving averages; Keras does not save it."""

_SAVED_KINDS = ("Operation", "Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")
"""Keras's names for the kinds of objects in a model file."""


class PersistentCache(Protocol):
    """Compiled functions by key."""

    def get(self, key: str) -> bytes | None:
        """Return the value of a key, if there is one."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Store a value."""
        ...


class UnsupportedLibraryError(RuntimeError):
    """An installed library lacks a private name that the worker needs."""


def check_private_names(library: str, names: Iterable[str] | None = None) -> None:
    """Check that a library has the private names that this module uses; call this when a process starts.

    Args:
        library: "keras", "tensorflow" or "jax".
        names: the names to look for; by default those of `PRIVATE_NAMES`.

    Raises:
        UnsupportedLibraryError: a name is missing; the message has the name and the library's version.

    """
    for name in PRIVATE_NAMES[library] if names is None else names:
        try:
            _resolve(name)
        except (ImportError, AttributeError) as error:
            raise UnsupportedLibraryError(
                f"expected {name} in {library}, and version {version(library)} does not have it; "
                f"install a version of {library} that pyproject.toml allows"
            ) from error


def reset_keras_names() -> None:
    """Let Keras name layers and draw seeds as in a new process.

    The public `keras.utils.clear_session` also discards all graphs that TensorFlow has prepared.
    """
    set_attribute = _load(_GLOBAL_STATE)
    set_attribute("object_name_uids", defaultdict[str, int](int))
    set_attribute("global_seed_generator", None)


def cache_saved_attributes() -> None:
    """Have Keras compute only once which attributes are left out of model files, and not in each `save`.

    Keras intends this, but Keras 3.15 stores the result under one name (`saving_attr_skipset_…`) and looks it up under
    another. Without this function, each `save` creates an optimizer, a metric and several layers to find out.
    """
    for kind in _SAVED_KINDS:
        _load(_GLOBAL_STATE)(f"saving_attr_skiplist_{kind}", _load(_SKIPPED_ATTRIBUTES)(kind))


def load_weights(network: Any, file: BinaryIO) -> None:
    """Load weights into a Keras model from an open HDF5 file; the public `load_weights` takes only a path.

    Raises:
        ValueError: the weights are of another network.

    """
    store = _load(_WEIGHTS_FILE)(file)
    _load(_LOAD_WEIGHTS)(network, store, assets_store=None, inner_path="", visited_saveables=set())
    store.close()


def create_metrics(network: Any, batch: tuple[Any, ...]) -> None:
    """Create the variables of a compiled network's loss and metrics, as `fit` does before its first step on JAX.

    Args:
        network: a keras.Sequential with a built optimizer.
        batch: example inputs, targets and optionally sample weights.

    """
    _load(_BUILD_VARIABLES)(network, data_batch=batch)


def exclude_tensorflow() -> None:
    """Have Keras believe that TensorFlow is not installed.

    Otherwise saving a network imports TensorFlow, to see whether a part of the network is one of its objects.
    """
    _load(_LAZY_MODULES).tensorflow._available = False  # noqa: SLF001  # see the docstring of the module


def install_compilation_cache(directory: str, cache: PersistentCache) -> None:
    """Have JAX look up every compiled function in a cache, and store it there.

    JAX's own file cache needs another package to bound its size, and keeps entries whose write was cut short.
    """
    config: Any = _load("jax:config")
    config.update("jax_compilation_cache_dir", directory)  # without it, JAX uses no cache
    config.update("jax_persistent_cache_min_compile_time_secs", 0)
    config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    module = _load(_COMPILATION_CACHE)
    module._cache, module._cache_initialized = cache, True  # noqa: SLF001  # likewise


def create_cpu_device() -> Any:
    """Return a JAX device of the CPU with a thread pool of its own; the public interface has one pool in each process.

    XLA reads the number of its threads from the environment variable NPROC.
    """
    [device] = _load(_CREATE_CPU_CLIENT)(num_devices=1).local_devices()
    return device


def get_context() -> Any:
    """Return TensorFlow's current context, which owns threads, variables and graphs."""
    return _load(_GET_CONTEXT)()


def set_context(context: Any) -> None:
    """Make another context the current one; the public interface has one context in each process."""
    _load(_SET_CONTEXT)(context)


def create_context(config: Any, intra_op_threads: int, inter_op_threads: int) -> Any:
    """Create a context with a ConfigProto and numbers of threads of its own."""
    context = _load(_CONTEXT_CLASS)(config)
    context.intra_op_parallelism_threads = intra_op_threads
    context.inter_op_parallelism_threads = inter_op_threads
    return context


def execute_eagerly() -> AbstractContextManager[None]:
    """Return a context in which operations run at once, also within a `tensorflow.Graph` that is the default.

    The public `tensorflow.init_scope` also leaves that graph, and so returns to the function that is being traced.
    """
    return _load(_EAGER_MODE)()


def wrap_as_tensor(array: Any) -> Any:
    """Return a NumPy array as a tensor, which shares its memory if that is aligned.

    The array must not change any more. The public `tensorflow.convert_to_tensor` copies it.
    """
    context = get_context()
    context.ensure_initialized()
    return _load(_EAGER_TENSOR)(array, context.device_name, None)


def _resolve(name: str) -> Any:
    path, _, attribute = name.partition("().")
    found = pkgutil.resolve_name(path)
    return getattr(found(), attribute) if attribute else found


_load = cache(_resolve)

"""The threads of this child's backend."""

from service.settings import Settings
from worker.runtime import devices
from worker.runtime.thread_allocation import ThreadAllocator


def create_thread_allocator(settings: Settings) -> ThreadAllocator:
    """Return what allocates this child's threads; its device must be configured."""
    environment = devices.describe_execution_environment()
    if devices.is_jax_chosen():
        from worker.runtime.jax_threads import JaxThreads  # noqa: PLC0415  # loads jax

        return JaxThreads(environment, settings.threads_alone)
    from worker.runtime.tensorflow_threads import TensorFlowThreads  # noqa: PLC0415  # loads tensorflow

    return TensorFlowThreads(environment, settings.threads_alone)

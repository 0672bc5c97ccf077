"""The threads of this child's backend."""

from service.settings import Settings
from worker.runtime import devices
from worker.runtime.thread_allocation import FixedThreads, ThreadAllocation


def create_thread_allocation(settings: Settings) -> ThreadAllocation:
    """Return what allocates this child's threads; its device must be configured."""
    environment = devices.describe_execution_environment()
    if devices.is_jax_chosen():
        return FixedThreads(environment)
    from worker.runtime.threads import ThreadAllocator  # noqa: PLC0415  # loads tensorflow

    return ThreadAllocator(environment, settings.threads_alone)

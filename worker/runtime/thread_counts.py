"""Share the machine's cores between the children of a worker."""

from typing import NamedTuple

import structlog

from service.settings import Settings

log = structlog.get_logger()


class ThreadCounts(NamedTuple):
    """The threads with which a child computes: its share, and the number for a large job that runs alone."""

    shared: int
    alone: int


def compute_thread_counts(settings: Settings, children: int, cores: int) -> ThreadCounts:
    """Return how many threads each child of a worker gets, so that the threads of all children fit the cores.

    On a GPU a job that runs alone gets its child's share as well. The GPU does the work, and its settings belong to
    the child's only context.

    Args:
        settings: with `threads`, `threads_alone` and `neighbours`.
        children: the number of this worker's child processes.
        cores: the cores that this process may use.

    """
    sharing = children + settings.neighbours
    shared = settings.threads or max(1, cores // sharing)
    if shared * sharing > cores:
        log.warning(
            "more threads than cores", action="cores_overcommitted", cores=cores, children=sharing, threads=shared
        )
    if settings.device == "gpu":
        return ThreadCounts(shared, shared)
    alone = settings.threads_alone or (0 if settings.threads else cores * children // sharing)
    return ThreadCounts(shared, max(shared, alone))

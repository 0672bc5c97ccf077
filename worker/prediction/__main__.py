"""`python -m worker.prediction --memory BYTES --seconds SECONDS --idle SECONDS`: predict rows, until none come.

Requests come on standard input and answers go to standard output, framed as in `service.prediction.protocol`. The
process bounds itself, so that it ends even where the one that started it is gone.
"""

import argparse
import os
import resource
import signal
import sys
from typing import Any, cast

_THREADS = 2


def _main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m worker.prediction", description=__doc__)
    parser.add_argument("--memory", type=int, required=True, help="bytes that the process may have")
    parser.add_argument("--seconds", type=int, required=True, help="how long a request may take, and the start")
    parser.add_argument("--idle", type=float, required=True, help="how many seconds to wait for a request")
    asked = parser.parse_args(arguments)
    signal.alarm(asked.seconds)
    # Private writable memory, which is what costs; address space that is merely reserved does not count.
    resource.setrlimit(resource.RLIMIT_DATA, (asked.memory, asked.memory))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not among the answers
    _choose_device()
    from worker.prediction.request_loop import serve  # noqa: PLC0415 it loads tensorflow

    serve(sys.stdin.buffer, answers, asked.seconds, asked.idle)


def _choose_device() -> None:
    """A processor's few threads, and no GPU, which trainings need."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import tensorflow as tf  # noqa: PLC0415 it reads the variables above when it is imported

    threading = cast("Any", tf).config.threading  # tensorflow carries no types
    threading.set_intra_op_parallelism_threads(_THREADS)
    threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    _main(sys.argv[1:])

"""`python -m worker.prediction --memory BYTES --seconds SECONDS --idle SECONDS`: predict rows until no request comes.

Requests come on standard input, and answers go to standard output, framed as in `service.prediction.protocol`. The
process confines itself and limits its memory and time, so that it ends even if the process that started it is gone.
"""

import argparse
import os
import resource
import signal
import sys
from typing import Any, cast

from service import logs
from service.subprocess.confinement import confine_process

_THREADS = 2


def main(arguments: list[str]) -> None:
    """Parse the arguments, set the limits, and serve requests."""
    parser = argparse.ArgumentParser(prog="python -m worker.prediction", description=__doc__)
    parser.add_argument("--memory", type=int, required=True, help="maximum memory of the process in bytes")
    parser.add_argument("--seconds", type=int, required=True, help="maximum duration of a request, and of the start")
    parser.add_argument("--idle", type=float, required=True, help="seconds to wait for a request before exiting")
    options = parser.parse_args(arguments)
    confine_process()
    signal.alarm(options.seconds)
    # The limit counts private writable memory; address space that is merely reserved does not count.
    resource.setrlimit(resource.RLIMIT_DATA, (options.memory, options.memory))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output that a library prints goes to the log and not between the answers
    logs.configure_logging()
    _configure_backend()
    from worker.prediction.request_loop import serve_requests  # noqa: PLC0415 it loads the backend

    serve_requests(sys.stdin.buffer, answers, options.seconds, options.idle)


def _configure_backend() -> None:
    """Use a few threads of the CPU, and no GPU, which trainings need. KERAS_BACKEND says the backend."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    os.environ["NPROC"] = str(_THREADS)  # of JAX's pool
    if os.environ.get("KERAS_BACKEND") != "jax":
        _configure_tensorflow()


def _configure_tensorflow() -> None:
    import tensorflow as tf  # noqa: PLC0415 it reads the variables above when it is imported

    threading = cast("Any", tf).config.threading  # tensorflow carries no types
    threading.set_intra_op_parallelism_threads(_THREADS)
    threading.set_inter_op_parallelism_threads(1)


if __name__ == "__main__":
    main(sys.argv[1:])

"""List the GPUs of this machine for the parent of a GPU worker, which must not load tensorflow itself."""

import json
import subprocess
import sys
from collections.abc import Sequence

_TIMEOUT_S = 120


def list_gpus() -> tuple[str, ...]:
    """Return the names of the GPUs in CUDA_VISIBLE_DEVICES on which tensorflow can compute.

    A separate process asks tensorflow. A driver without a GPU, or a GPU without the CUDA libraries, does not count.

    Raises:
        SystemExit: that process failed.

    """
    command = [sys.executable, "-m", "worker.runtime.devices"]
    try:
        finished = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_TIMEOUT_S)  # noqa: S603  # our own
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(f"Cannot list the GPUs that tensorflow can use: {error}") from error
    return tuple(json.loads(finished.stdout))


def require_gpus(gpus: Sequence[str], children: int) -> None:
    """Exit unless every child gets its own GPU; otherwise jobs that ask for a GPU would run without one.

    Raises:
        SystemExit: there are too few GPUs; the message says how many, and what to change.

    """
    if len(gpus) < children:
        raise SystemExit(
            f"Each child of a GPU worker needs its own GPU: expected at least {children}, and tensorflow finds"
            f" {len(gpus)} ({', '.join(gpus) or 'none'}). Check the driver, the CUDA libraries"
            " (requirements/gpu.txt) and CUDA_VISIBLE_DEVICES, or start fewer children."
        )

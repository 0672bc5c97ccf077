"""The GPUs of this machine, as the parent of a GPU worker learns of them: it may not load tensorflow itself."""

import json
import subprocess
import sys
from collections.abc import Sequence

_PATIENCE_S = 120


def find() -> tuple[str, ...]:
    """The names of the cards that tensorflow can compute on, of those in CUDA_VISIBLE_DEVICES.

    A process of its own asks, so that a driver without a card, and a card without the libraries, are told from a card.

    Raises:
        SystemExit: it could not be asked.

    """
    command = [sys.executable, "-m", "worker.runtime.devices"]
    try:
        asked = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_PATIENCE_S)  # noqa: S603  # our own
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(f"Cannot find out which GPUs tensorflow sees: {error}") from error
    return tuple(json.loads(asked.stdout))


def enough(cards: Sequence[str], children: int) -> None:
    """Refuse to serve the GPUs' queue without a card for every child: jobs that ask for one would run on none.

    Raises:
        SystemExit: there are too few; it says how many, and what to change.

    """
    if len(cards) < children:
        raise SystemExit(
            f"Each child of a GPU worker needs a GPU of its own: {children} are wanted, and tensorflow finds"
            f" {len(cards)} ({', '.join(cards) or 'none'}). Look at the driver, at the CUDA libraries"
            " (requirements/gpu.txt) and at CUDA_VISIBLE_DEVICES, or start fewer children."
        )

"""A child's device and threads. Some of it works only before tensorflow is imported, so call this first of all."""

import os
from typing import Any, cast

from billiard.process import current_process

from service.settings import Settings

_NONE = "-1"
"""What hides every card from CUDA."""


def configure(settings: Settings) -> None:
    """Show this child its one card, or none, and bound its threads.

    A GPU worker's children are numbered from 0, and each takes the card of its number among those in
    CUDA_VISIBLE_DEVICES, whose memory it then takes as it needs it.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = _card() if settings.device == "gpu" else _NONE
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf  # noqa: PLC0415 it reads the variables above when it is imported

    config = cast("Any", tf).config  # tensorflow carries no types
    config.threading.set_intra_op_parallelism_threads(settings.threads)
    for card in config.list_physical_devices("GPU"):
        config.experimental.set_memory_growth(card, True)  # noqa: FBT003 tensorflow's own order


def _card() -> str:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    child: int = getattr(cast("object", current_process()), "index", 0)
    return visible[child] if child < len(visible) and visible[child] else str(child)

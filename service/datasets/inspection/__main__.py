"""`python -m service.datasets.inspection PATH MEDIA_TYPE --memory BYTES --seconds SECONDS`: print what a file holds, as JSON.

Or what is wrong with it: the document is `{"description": …}` or `{"refusal": "…"}`, and the exit status 0 in both
cases. The process bounds itself, so that it ends even where the one that started it is gone.
"""

import argparse
import json
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.datasets import dataset_source
from service.datasets.inspection.invalid_file import Refused


def _main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m service.datasets.inspection", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("media_type", choices=dataset_source.UPLOADED)
    parser.add_argument("--memory", type=int, required=True, help="bytes that the process may have")
    parser.add_argument("--seconds", type=int, required=True, help="how long it may take")
    asked = parser.parse_args(arguments)
    signal.alarm(asked.seconds)
    # Private writable memory, which is what costs; address space that is merely reserved does not count.
    resource.setrlimit(resource.RLIMIT_DATA, (asked.memory, asked.memory))
    try:
        answer = {"description": _describe(asked.media_type)(asked.path, asked.memory)}
    except Refused as refusal:
        answer = {"refusal": str(refusal)}
    except MemoryError:
        answer = {"refusal": f"The file could not be read within {asked.memory:,} bytes of memory."}
    sys.stdout.write(json.dumps(answer, allow_nan=False))


def _describe(media_type: str) -> Callable[[Path, int], dict[str, Any]]:
    """The function for this type of file; each loads the libraries that it needs, and no other."""
    if media_type == dataset_source.CSV:
        from service.datasets.inspection.csv_file import describe  # noqa: PLC0415
    elif media_type == dataset_source.PARQUET:
        from service.datasets.inspection.parquet_file import describe  # noqa: PLC0415
    else:
        from service.datasets.inspection.npz_file import describe  # noqa: PLC0415
    return describe


if __name__ == "__main__":
    _main(sys.argv[1:])

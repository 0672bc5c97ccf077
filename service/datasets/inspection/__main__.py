"""`python -m service.datasets.inspection PATH MEDIA_TYPE --memory BYTES --seconds SECONDS`: describe a file as JSON.

The output is `{"description": …}`, or `{"refusal": "…"}` if the file cannot be a dataset. The exit status is 0 in
both cases. The process confines itself, and limits itself, so that it ends even if its parent is gone.
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
from service.datasets.inspection.invalid_file import InvalidFileError
from service.subprocess.confinement import confine_process


def main(arguments: list[str]) -> None:
    """Describe the file that the arguments name, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m service.datasets.inspection", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("media_type", choices=dataset_source.UPLOAD_MEDIA_TYPES)
    parser.add_argument("--memory", type=int, required=True, help="maximum memory in bytes")
    parser.add_argument("--seconds", type=int, required=True, help="maximum time in seconds")
    options = parser.parse_args(arguments)
    confine_process()
    signal.alarm(options.seconds)
    # This limits private writable memory; address space that is merely reserved does not count.
    resource.setrlimit(resource.RLIMIT_DATA, (options.memory, options.memory))
    try:
        describe_file = _load_describer(options.media_type)
        result = {"description": describe_file(options.path, options.memory)}
    except InvalidFileError as error:
        result = {"refusal": str(error)}
    except MemoryError:
        result = {"refusal": f"The file could not be read within {options.memory:,} bytes of memory."}
    sys.stdout.write(json.dumps(result, allow_nan=False))


def _load_describer(media_type: str) -> Callable[[Path, int], dict[str, Any]]:
    """Return the function that describes files of this type. Each loads only the libraries that it needs."""
    if media_type == dataset_source.CSV:
        from service.datasets.inspection import csv_file  # noqa: PLC0415

        return csv_file.describe_csv
    if media_type == dataset_source.PARQUET:
        from service.datasets.inspection import parquet_file  # noqa: PLC0415

        return parquet_file.describe_parquet
    from service.datasets.inspection import npz_file  # noqa: PLC0415

    return npz_file.describe_npz


if __name__ == "__main__":
    main(sys.argv[1:])

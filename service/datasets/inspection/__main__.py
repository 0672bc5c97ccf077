"""`python -m service.datasets.inspection PATH MEDIA_TYPE …`: describe a file as JSON.

The options are `--memory BYTES`, `--seconds SECONDS`, `--max-bytes BYTES` and `--csv OPTIONS`.

The output is `{"description": …, "statistics": …}`, or `{"refusal": "…"}` if the file cannot be a dataset. The exit
status is 0 in both cases. The process confines itself, and limits itself, so that it ends even if its parent is gone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from service.datasets import dataset_source
from service.datasets.csv_options import CsvOptions
from service.datasets.inspection.file_signatures import check_signature
from service.datasets.inspection.invalid_file import InvalidFileError
from service.subprocess.confined_module import limit_process


def main(arguments: list[str]) -> None:
    """Describe the file that the arguments name, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m service.datasets.inspection", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("media_type", choices=dataset_source.UPLOAD_MEDIA_TYPES)
    parser.add_argument("--memory", type=int, required=True, help="maximum memory in bytes")
    parser.add_argument("--seconds", type=int, required=True, help="maximum time in seconds")
    parser.add_argument("--max-bytes", type=int, required=True, help="maximum size of decompressed CSV in bytes")
    parser.add_argument("--csv", default="{}", help="the `CsvOptions` of the client as JSON")
    options = parser.parse_args(arguments)
    limit_process(options.memory, options.seconds)
    try:
        check_signature(options.path, options.media_type)
        statistics: dict[str, Any] = {}
        result = {"description": _describe_file(options, statistics), "statistics": statistics}
    except InvalidFileError as error:
        result = {"refusal": str(error)}
    except MemoryError:
        result = {"refusal": f"The file could not be read within {options.memory:,} bytes of memory."}
    sys.stdout.write(json.dumps(result, allow_nan=False))


def _describe_file(options: argparse.Namespace, statistics: dict[str, Any]) -> dict[str, Any]:
    """Describe a file, and fill in its statistics. Each type loads only the libraries that it needs."""
    if options.media_type == dataset_source.CSV:
        from service.datasets.inspection import csv_file  # noqa: PLC0415

        csv_options = CsvOptions.model_validate_json(options.csv)
        return csv_file.describe_csv(
            options.path, options.memory, csv_options, max_bytes=options.max_bytes, statistics=statistics
        )
    if options.media_type == dataset_source.PARQUET:
        from service.datasets.inspection import parquet_file  # noqa: PLC0415

        return parquet_file.describe_parquet(options.path, options.memory, statistics)
    from service.datasets.inspection import npz_file  # noqa: PLC0415

    return npz_file.describe_npz(options.path, options.memory, statistics)


if __name__ == "__main__":
    main(sys.argv[1:])

"""`python -m service.datasets.preview --memory BYTES --seconds SECONDS`: read the first rows of a dataset.

Standard input is a `PreviewRequest` as JSON. The output is `{"rows": …}` for a table, `{"arrays": …}`, or
`{"refusal": "…"}` if the file cannot be read. The exit status is 0 in each case.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from service.datasets.dataset_source import CSV, PARQUET
from service.datasets.inspection.invalid_file import InvalidFileError
from service.datasets.preview.documents import PreviewRequest
from service.subprocess.confined_module import limit_process


def main(arguments: list[str]) -> None:
    """Read the rows that standard input asks for, and print them."""
    parser = argparse.ArgumentParser(prog="python -m service.datasets.preview", description=__doc__)
    parser.add_argument("--memory", type=int, required=True, help="maximum memory in bytes")
    parser.add_argument("--seconds", type=int, required=True, help="maximum time in seconds")
    options = parser.parse_args(arguments)
    limit_process(options.memory, options.seconds)
    request = PreviewRequest.model_validate_json(sys.stdin.buffer.read())
    try:
        result = _read_preview(request)
    except InvalidFileError as error:
        result = {"refusal": str(error)}
    except MemoryError:
        result = {"refusal": f"The rows could not be read within {options.memory:,} bytes of memory."}
    sys.stdout.write(json.dumps(result, allow_nan=False))


def _read_preview(request: PreviewRequest) -> dict[str, Any]:
    """Read the first rows or items. Each type of file loads only the libraries that it needs."""
    if request.path is not None and request.media_type not in (CSV, PARQUET):
        from service.datasets.preview import array_items  # noqa: PLC0415

        return {"arrays": array_items.read_first_items(Path(request.path))}
    from service.datasets.preview import table_rows  # noqa: PLC0415

    return {"rows": table_rows.read_first_rows(request)}


if __name__ == "__main__":
    main(sys.argv[1:])

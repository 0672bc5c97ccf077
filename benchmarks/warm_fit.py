"""Stock `fit` in one warm process: it imports and loads once, then trains what it is told to.

Each line of its input is a spec as JSON; for each it answers with a line, the seconds that it took to build, compile
and fit the network. Predictions, evaluations and files are not among what it does.

    python benchmarks/warm_fit.py --shared ../shared
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import tutorials

_NAME = "iris-batchnorm"


def main() -> None:
    """Answer until the input ends."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    from arrays import Table  # noqa: PLC0415  # loads tensorflow, which reads the variables above
    from training import stock  # noqa: PLC0415

    with tutorials.data(_shared()) as data:
        table = Table.of(data.experiment(_NAME))
        for line in sys.stdin:
            job = table.job(json.loads(line))
            start = time.perf_counter()
            stock(job)
            print(time.perf_counter() - start, flush=True)


def _shared() -> Path:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    return parser.parse_args().shared


if __name__ == "__main__":
    main()

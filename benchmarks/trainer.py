"""A warm process that trains what it is told to: it imports once, and loads each experiment's rows once.

Each line of its input is a request as JSON, and each gets a line for an answer:

    {"do": "stock", "experiment": "red-wine", "spec": {...}}    stock `fit`
    {"do": "ours", "experiment": "red-wine", "spec": {...}}     our engine
    {"do": "rates"}                                             what the machine can do at this moment

A training's answer has the `seconds` that it took to build, compile and train the network, and those of one `epoch`,
the first ones left out. Predictions, evaluations and files are not among what it does.

    python benchmarks/trainer.py --shared ../shared --threads 1
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import tutorials

from service.settings import Settings
from worker.runtime import devices


class Trainer:
    """The process, as seen from another one."""

    def __init__(self, process: Popen[str]) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("expected pipes")
        self._requests, self._answers = process.stdin, process.stdout

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            json.JSONDecodeError: the process has ended.

        """
        print(json.dumps({"do": do, **request}), file=self._requests, flush=True)
        return json.loads(self._answers.readline())

    def end(self) -> None:
        """Let the process end."""
        self._requests.close()


@contextmanager
def trainer(shared: Path, threads: int = 0, alone: int = 0) -> Generator[Trainer]:
    """A trainer as a script of stock Keras or, with threads, as a worker's child.

    Args:
        shared: where the experiments' data may be.
        threads: a child's share of TensorFlow's intra-op threads; 0 leaves the choice to TensorFlow.
        alone: those of a large job alone, with which the child trains; 0 trains with its share.

    """
    command = [sys.executable, __file__, "--shared", str(shared), "--threads", str(threads), "--alone", str(alone)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True, env=environment) as process:
        told = Trainer(process)
        yield told
        told.end()


def main() -> None:
    """Answer until the input ends."""
    arguments = _arguments()
    with _threads(arguments.threads, arguments.alone), tutorials.data(arguments.shared) as data:
        tables: dict[str, Any] = {}
        for line in sys.stdin:
            print(json.dumps(_answer(json.loads(line), data, tables)), flush=True)


@contextmanager
def _threads(share: int, alone: int) -> Generator[None]:
    """As a child has them, where it has a share."""
    if not share:
        yield
        return
    devices.configure(Settings(threads=share))
    from worker.runtime.threads import Threads  # noqa: PLC0415  # it loads tensorflow, which is configured now

    own = devices.describe()
    with Threads(own, alone).of(replace(own, threads=alone or share)):
        yield


def _answer(request: Mapping[str, Any], data: tutorials.Data, tables: dict[str, Any]) -> dict[str, Any]:
    import floor  # noqa: PLC0415  # it and what follows load tensorflow
    import training  # noqa: PLC0415
    from arrays import Table  # noqa: PLC0415

    if request["do"] == "rates":
        rates = floor.rates()
        return {"flops": rates.flops, "bandwidth": rates.bandwidth}
    name = request["experiment"]
    if name not in tables:
        tables[name] = Table.of(data.experiment(name))
    job = tables[name].job(request["spec"])
    train = {"stock": training.stock, "ours": training.ours}[request["do"]]
    start = time.perf_counter()
    epoch = train(job)
    return {"seconds": time.perf_counter() - start, "epoch": epoch}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--alone", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

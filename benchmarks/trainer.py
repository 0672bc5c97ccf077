"""A warm process that trains on request: it imports once, and loads the rows of each experiment once.

Each line of its input is a request in JSON, and each line of its output is an answer:

    {"do": "stock", "experiment": "red-wine", "spec": {...}}    stock `fit`
    {"do": "ours", "experiment": "red-wine", "spec": {...}}     our engine
    {"do": "rates"}                                             the current rates of the machine

The answer to a training has the `seconds` to build, compile and train the network, and the seconds of an `epoch`
without the first ones. The trainer does not predict, evaluate or write files.

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


class TrainerProcess:
    """A client of a trainer process."""

    def __init__(self, process: Popen[str]) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("expected pipes")
        self._requests, self._answers = process.stdin, process.stdout

    def send_request(self, do: str, **request: Any) -> dict[str, Any]:
        """Send a request; return the answer.

        Raises:
            json.JSONDecodeError: the process has ended.

        """
        print(json.dumps({"do": do, **request}), file=self._requests, flush=True)
        return json.loads(self._answers.readline())

    def close(self) -> None:
        """Close the input, so that the process ends."""
        self._requests.close()


@contextmanager
def start_trainer(shared: Path, threads: int = 0, alone: int = 0) -> Generator[TrainerProcess]:
    """Start a trainer with the threads of a stock Keras script or, if `threads` is set, of a worker's child.

    Args:
        shared: the directory of the experiments' data, if it exists.
        threads: a child's share of TensorFlow's intra-op threads; 0 for TensorFlow's default.
        alone: the threads of a large job that runs alone, with which the child trains; 0 for its share.

    """
    command = [sys.executable, __file__, "--shared", str(shared), "--threads", str(threads), "--alone", str(alone)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True, env=environment) as process:
        trainer = TrainerProcess(process)
        yield trainer
        trainer.close()


def main() -> None:
    """Answer requests until the input ends."""
    arguments = _parse_arguments()
    with _configuring_threads(arguments.threads, arguments.alone), tutorials.open_data(arguments.shared) as data:
        tables: dict[str, Any] = {}
        for line in sys.stdin:
            print(json.dumps(_answer_request(json.loads(line), data, tables)), flush=True)


@contextmanager
def _configuring_threads(share: int, alone: int) -> Generator[None]:
    """Configure TensorFlow like a worker's child, if there is a share."""
    if not share:
        yield
        return
    devices.configure_device(Settings(threads=share))
    from worker.runtime.tensorflow_threads import TensorFlowThreads  # noqa: PLC0415  # imports tensorflow, which must be configured first

    environment = devices.describe_execution_environment()
    with TensorFlowThreads(environment, alone).allocate_threads(replace(environment, threads=alone or share)):
        yield


def _answer_request(
    request: Mapping[str, Any], data: tutorials.ExperimentData, tables: dict[str, Any]
) -> dict[str, Any]:
    import floor  # noqa: PLC0415  # these modules import tensorflow
    import training  # noqa: PLC0415
    from arrays import ExperimentTable  # noqa: PLC0415

    if request["do"] == "rates":
        rates = floor.measure_rates()
        return {"flops": rates.flops, "bandwidth": rates.bandwidth}
    name = request["experiment"]
    if name not in tables:
        tables[name] = ExperimentTable.load(data.load_experiment(name))
    job = tables[name].prepare_job(request["spec"])
    train = {"stock": training.train_with_keras, "ours": training.train_with_engine}[request["do"]]
    start = time.perf_counter()
    epoch = train(job)
    return {"seconds": time.perf_counter() - start, "epoch": epoch}


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--alone", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

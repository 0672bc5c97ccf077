"""`make bench`: what a job costs, beside stock Keras and beside what the machine could do.

    python benchmarks/bench.py                      # every part, which takes an hour
    python benchmarks/bench.py steps --short        # one of them, to try it out; nothing is kept
    python benchmarks/bench.py experiments --experiment mnist-plain --repetitions 3

Every part runs in a process of its own, prints a table, and keeps its figures in `benchmarks/results`. A target that
was missed is printed as missed; the exit status says only whether everything could be measured.
"""

import argparse
import importlib
import signal
import sys
from pathlib import Path
from subprocess import Popen

from machine import machine
from options import Options
from tutorials import FILES

PARTS = {
    "experiments": "the seven experiments, POST to end, against their scripts as whole processes",
    "steps": "milliseconds a step, against stock fit and against the machine's floor",
    "sweep": "100 jobs of one architecture, against scripts and against stock fit in one warm process",
    "latency": "how long a job waits, submits a second, and what a history costs to read",
    "memory": "a warm worker child over 1,000 jobs of 20 architectures",
}


def main() -> int:
    """Run the parts that the command line names, or all."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that what was started is ended
    if len(arguments.parts) == 1:
        _run(arguments.parts[0], arguments)
        return 0
    passed_on = [word for word in sys.argv[1:] if word not in PARTS]
    command = [sys.executable, __file__, *passed_on]
    return max(_in_a_process([*command, part]) for part in arguments.parts or PARTS)


def _in_a_process(command: list[str]) -> int:
    """Run a command, and return how it ended; it is told to end where this process is."""
    with Popen(command) as process:
        try:
            return process.wait()
        finally:
            process.terminate()


def _run(part: str, arguments: argparse.Namespace) -> None:
    described = machine()
    options = Options(
        short=arguments.short,
        repetitions=arguments.repetitions,
        experiments=arguments.experiment,
        shared=arguments.shared,
    )
    outcome = importlib.import_module(f"parts.{part}").measure(options)
    outcome.show()
    if arguments.keep and not arguments.short:
        print(f"kept in {outcome.keep(part, described).relative_to(Path(__file__).parents[1])}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told = "; ".join(f"{name}: {what}" for name, what in PARTS.items())
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="part", help=f"{told}. All, where none is named"
    )
    parser.add_argument("--short", action="store_true", help="fewer repetitions and experiments; nothing is kept")
    parser.add_argument("--repetitions", type=int, help="rounds of everything that is measured in turn")
    parser.add_argument(
        "--experiment", action="append", choices=FILES, default=[], help="of the seven; may be repeated"
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="where the experiments' data may be")
    parser.add_argument("--no-keep", dest="keep", action="store_false", help="write no file")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: measure jobs, and compare them with stock Keras and with the limits of the machine.

    python benchmarks/bench.py                      # all parts; takes an hour
    python benchmarks/bench.py steps --short        # one part, as a trial; writes no results
    python benchmarks/bench.py experiments --experiment mnist-plain --repetitions 3

Every part runs in its own process, prints a table, and writes its figures to `benchmarks/results`. The table shows
missed targets; the exit status says only whether every measurement was possible.
"""

import argparse
import importlib
import signal
import sys
from pathlib import Path
from subprocess import Popen

from machine import describe_machine
from options import Options
from tutorials import FILES

PARTS = {
    "experiments": "the seven experiments, POST to end, compared with their scripts as whole processes",
    "steps": "milliseconds per step, compared with stock fit and with the machine's floor",
    "backends": "each kind of layer in two sizes, on JAX and on TensorFlow, in stock fit and in our engine",
    "sweep": "100 jobs of one architecture, compared with scripts and with stock fit in one warm process",
    "sweeps": "a search by random draws and by TPE, compared with Optuna and stock fit, and with plain jobs",
    "latency": "the wait of a job, submits per second, and the time to read a history",
    "lists": "a page of the list of 100,000 jobs, on SQLite and on PostgreSQL",
    "page": "the page in Chromium: its weight, its first view, and the time to draw large charts",
    "memory": "the memory of a warm worker child over 1,000 jobs of 20 architectures",
    "estimates": "the check's estimates of memory, compared with the growth of fresh processes for thirty networks",
}


def main() -> int:
    """Run the named parts, or all."""
    arguments = _build_parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that started processes are stopped
    if len(arguments.parts) == 1:
        _run_part(arguments.parts[0], arguments)
        return 0
    options = [word for word in sys.argv[1:] if word not in PARTS]
    command = [sys.executable, __file__, *options]
    return max(_run_process([*command, part]) for part in arguments.parts or PARTS)


def _run_process(command: list[str]) -> int:
    """Run a command; return its exit status. Terminate it if this process is terminated."""
    with Popen(command) as process:
        try:
            return process.wait()
        finally:
            process.terminate()


def _run_part(part: str, arguments: argparse.Namespace) -> None:
    machine = describe_machine()
    options = Options(
        short=arguments.short,
        repetitions=arguments.repetitions,
        experiments=arguments.experiment,
        shared=arguments.shared,
    )
    outcome = importlib.import_module(f"parts.{part}").measure(options)
    outcome.print_table()
    if arguments.keep and not arguments.short:
        print(f"wrote {outcome.write(part, machine).relative_to(Path(__file__).parents[1])}")


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    descriptions = "; ".join(f"{name}: {description}" for name, description in PARTS.items())
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="part", help=f"{descriptions}. All by default"
    )
    parser.add_argument("--short", action="store_true", help="fewer repetitions and experiments; writes no results")
    parser.add_argument("--repetitions", type=int, help="the number of rounds")
    parser.add_argument(
        "--experiment",
        action="append",
        choices=FILES,
        default=[],
        help="one of the seven experiments; may be repeated",
    )
    parser.add_argument(
        "--shared", type=Path, default=Path("../shared"), help="the directory of the experiments' data"
    )
    parser.add_argument("--no-keep", dest="keep", action="store_false", help="write no results")
    return parser


if __name__ == "__main__":
    sys.exit(main())

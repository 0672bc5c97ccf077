"""`make demo`: start a server, train a network on a table, and predict with the downloaded model.

The table is the Wisconsin breast cancer dataset of scikit-learn; the spec is `breast-cancer.json`.
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.table import Table

from stackyard.cli.output import terminal_curve
from stackyard.cli.output.progress import follow_job
from stackyard.client import Client, Job, StackyardError

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "examples" / "breast-cancer.json"
START_TIMEOUT_S = 120
SHOWN_ROWS = 8
LABELS = ("malignant", "benign")

console = Console(highlight=False, soft_wrap=True)
_import_lock = threading.Lock()
"""Two threads import Keras, and only one at a time may redirect standard error."""


class DemoError(Exception):
    """A step of the demonstration failed."""


def main() -> None:
    """Run the demonstration; the exit status is 0 if every step succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data" / "demo", help="the directory of all files")
    data_dir = parser.parse_args().data_dir.resolve()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit_on_signal)
    start = time.monotonic()
    try:
        os.umask(0o077)  # the server refuses a directory that others can read
        data_dir.mkdir(parents=True, exist_ok=True)
        run_demo(data_dir)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (DemoError, StackyardError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    print_step(f"done in {time.monotonic() - start:.0f} s; all started processes have ended")


def run_demo(data_dir: Path) -> None:
    """Start a server, train a network on it, stop it, and predict with the model.

    Raises:
        DemoError: a step failed.
        StackyardError: the server refused a request.

    """
    spec = json.loads(SPEC.read_text())
    with start_server(data_dir) as process:
        print_step("starting a server: broker, database, API, worker")
        table = load_table()  # while the server starts
        csv = data_dir / "breast-cancer.csv"
        table.to_csv(csv, index=False)
        with Client(wait_for_url(process, data_dir)) as client:
            job = train_network(client, csv, spec)
            path = client.download_model(job.id, data_dir / "breast-cancer.keras")
            show_curve(client, job)
            print_step(f"stopping the server at {client.url}")
    predict_rows(path, select_test_rows(table, spec), job)
    print_step("files:")
    for label, location in (("table", csv), ("spec", SPEC), ("model", path), ("database, logs", data_dir)):
        console.print(f"  {label:15} {os.path.relpath(location)}")


@contextmanager
def start_server(data_dir: Path) -> Generator[subprocess.Popen[bytes]]:
    """Run `stackyard serve` on a free port until the end of the block."""
    command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", str(data_dir)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
    with (data_dir / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches only this script, which then stops the server
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for_url(process: subprocess.Popen[bytes], data_dir: Path) -> str:
    """Wait until the server is ready; return its URL.

    Raises:
        DemoError: the server ended or took too long.

    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        record = read_record(data_dir / "serve.json")
        if record.get("ready") and record["pid"] == process.pid:  # not the record of an earlier run that was killed
            return record["url"]
        time.sleep(0.05)
    raise DemoError(f"The server did not start:\n{(data_dir / 'serve.log').read_text()}")


def read_record(path: Path) -> dict[str, Any]:
    """Return the record that the server wrote about itself; empty if there is none."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}


def load_table() -> "pd.DataFrame":
    """Load 569 tumors with 30 measurements each, and a column that says whether they were benign."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 loads slowly, while the server starts

    return load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"})


def train_network(client: Client, csv: Path, spec: dict[str, Any]) -> Job:
    """Upload the table, submit the job, and follow it to its end.

    Raises:
        DemoError: the job did not succeed.

    """
    dataset = client.upload(csv, name=spec["data"]["dataset"])
    print_step(f"uploaded {csv.name}: dataset {dataset.name}, version {dataset.version}")
    job = client.submit(spec)
    print_step(f"submitted {SPEC.name}: job {job.id}")
    threading.Thread(target=import_keras, daemon=True).start()  # in advance, during the training
    job = follow_job(client, job.id, console)
    if not job.succeeded:
        raise DemoError(f"The job {job.state}: {job.reason.message if job.reason else 'no reason given'}")
    return job


def show_curve(client: Client, job: Job) -> None:
    """Print the loss curves and the metrics of the test rows."""
    history = client.history(job.id)
    console.print()
    console.print(
        terminal_curve.draw_curve(history.epochs, {name: history.column(name) for name in ("loss", "val_loss")})
    )
    console.print()
    if job.evaluation:
        print_step(f"on the test rows: {terminal_curve.format_metrics(job.evaluation.metrics)}")


def select_test_rows(table: "pd.DataFrame", spec: dict[str, Any]) -> "pd.DataFrame":
    """Return the test rows of the spec's split: those that `DataFrame.sample` does not draw."""
    split = spec["data"]["split"]["test"]
    return table.drop(table.sample(frac=split["train_fraction"], random_state=split["seed"]).index)


def predict_rows(path: Path, rows: "pd.DataFrame", job: Job) -> None:
    """Load the model with stock Keras, and compare its predictions with the labels.

    Raises:
        DemoError: the accuracy differs from the server's evaluation.

    """
    network = import_keras().models.load_model(path, safe_mode=True)
    print_step(f"loaded {path.name} with stock keras.models.load_model; predictions for the test rows:")
    probabilities = network.predict(rows.drop(columns="benign").to_numpy("float32"), verbose=0)[:, 0]
    truth = rows["benign"].to_numpy()
    table = Table("row", "P(benign)", "predicted", "true", "", box=None, header_style="bold")
    # Not the first rows, because the file begins with malignant tumors.
    spread = slice(0, None, len(rows) // SHOWN_ROWS + 1)
    for row, probability, label in list(zip(rows.index, probabilities, truth, strict=True))[spread]:
        guess = int(probability > 1 / 2)
        mark = "[green]✓[/]" if guess == label else "[red]✗[/]"
        table.add_row(str(row), f"{probability:.3f}", LABELS[guess], LABELS[label], mark)
    console.print(table)
    accuracy = float(((probabilities > 1 / 2) == truth).mean())
    print_step(f"accuracy on all {len(rows)} test rows: {accuracy:.4f}")
    expected = job.evaluation.metrics["accuracy"] if job.evaluation else None
    if expected is None or abs(expected - accuracy) > 1 / len(rows):
        raise DemoError(f"Expected an accuracy of {expected}, as the server evaluated.")


def import_keras() -> Any:
    """Import Keras without GPUs and without its log messages."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with _import_lock, discarding_stderr():
        return importlib.import_module("keras")


@contextmanager
def discarding_stderr() -> Generator[None]:
    """Discard standard error: tensorflow's C++ code writes messages before it reads its log level."""
    original = os.dup(2)
    with Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)


def print_step(message: str) -> None:
    """Print a line about the current step."""
    console.print(f"[bold cyan]▸[/] {message}")


def _exit_on_signal(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()

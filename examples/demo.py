"""From a table to a trained network's predictions, on a server of its own: `make demo`.

The table is the Wisconsin breast cancer set, which scikit-learn carries; the network is `breast-cancer.json`.
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

from stackyard.cli import terminal_curve
from stackyard.cli.progress import follow
from stackyard.client import Client, Job, StackyardError

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "examples" / "breast-cancer.json"
START_PATIENCE_S = 120
SHOWN_ROWS = 8
LABELS = ("malignant", "benign")

console = Console(highlight=False, soft_wrap=True)
_IMPORTING = threading.Lock()
"""Two threads want Keras, and only one may put standard error aside at a time."""


class DemoError(Exception):
    """Something did not turn out as the demonstration promises."""


def main() -> None:
    """Run the demonstration; exit status 0 means that all of it worked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data" / "demo", help="where everything is kept")
    data_dir = parser.parse_args().data_dir.resolve()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    begun = time.monotonic()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        demonstrate(data_dir)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (DemoError, StackyardError, OSError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    say(f"done in {time.monotonic() - begun:.0f} s; every process that was started has ended")


def demonstrate(data_dir: Path) -> None:
    """Start a server, train on it, use what it made, stop it.

    Raises:
        DemoError: a step did not do what it should.
        StackyardError: the server refused something.

    """
    spec = json.loads(SPEC.read_text())
    with server(data_dir) as process:
        say("starting a server: broker, database, API, worker")
        table = load_table()  # while the server starts
        csv = data_dir / "breast-cancer.csv"
        table.to_csv(csv, index=False)
        with Client(wait_for_url(process, data_dir)) as client:
            job = train(client, csv, spec)
            path = client.download_model(job.id, data_dir / "breast-cancer.keras")
            show_curve(client, job)
            say(f"stopping the server at {client.url}")
    predict(path, unseen_rows(table, spec), job)
    say("everything lies here:")
    for what, where in (("table", csv), ("spec", SPEC), ("model", path), ("database, logs", data_dir)):
        console.print(f"  {what:15} {os.path.relpath(where)}")


@contextmanager
def server(data_dir: Path) -> Generator[subprocess.Popen[bytes]]:
    """`stackyard serve` on a free port, ended with the block however the block ends."""
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
            start_new_session=True,  # Ctrl-C reaches this script alone, which then stops the server
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def wait_for_url(process: subprocess.Popen[bytes], data_dir: Path) -> str:
    """The server's URL, once it is ready.

    Raises:
        DemoError: it ended, or took too long.

    """
    deadline = time.monotonic() + START_PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        record = read_record(data_dir / "serve.json")
        if record.get("ready") and record["pid"] == process.pid:  # and not of a run that was killed
            return record["url"]
        time.sleep(0.05)
    raise DemoError(f"The server did not start:\n{(data_dir / 'serve.log').read_text()}")


def read_record(path: Path) -> dict[str, Any]:
    """What a server wrote down about itself; nothing if there is none."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}


def load_table() -> "pd.DataFrame":
    """569 tumours, 30 measurements each, and whether they were benign."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 takes seconds, in which the server starts

    return load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"})


def train(client: Client, csv: Path, spec: dict[str, Any]) -> Job:
    """Upload, check, submit, and follow to the end.

    Raises:
        DemoError: the job did not succeed.

    """
    dataset = client.upload(csv, name=spec["data"]["dataset"])
    say(f"uploaded {csv.name}: dataset {dataset.name}, version {dataset.version}")
    job = client.submit(spec)
    say(f"submitted {SPEC.name}: job {job.id}")
    threading.Thread(target=import_keras, daemon=True).start()  # wanted soon, and the training takes a while
    job = follow(client, job.id, console)
    if not job.succeeded:
        raise DemoError(f"The job {job.state}: {job.reason.message if job.reason else 'no reason given'}")
    return job


def show_curve(client: Client, job: Job) -> None:
    """Draw the losses, and tell what the test rows said."""
    history = client.history(job.id)
    console.print()
    console.print(terminal_curve.draw(history.epochs, {name: history.column(name) for name in ("loss", "val_loss")}))
    console.print()
    if job.evaluation:
        say(f"on rows set aside for the test: {terminal_curve.numbers(job.evaluation.metrics)}")


def unseen_rows(table: "pd.DataFrame", spec: dict[str, Any]) -> "pd.DataFrame":
    """The rows that the spec sets aside for the test: those which `DataFrame.sample` does not draw."""
    split = spec["data"]["split"]["test"]
    return table.drop(table.sample(frac=split["train_fraction"], random_state=split["seed"]).index)


def predict(path: Path, rows: "pd.DataFrame", job: Job) -> None:
    """Load the model with stock Keras and compare what it says with what is true.

    Raises:
        DemoError: the file does not do as well as the server said.

    """
    network = import_keras().models.load_model(path, safe_mode=True)
    say(f"loaded {path.name} with stock keras.models.load_model; rows that the training never saw:")
    told = network.predict(rows.drop(columns="benign").to_numpy("float32"), verbose=0)[:, 0]
    truth = rows["benign"].to_numpy()
    table = Table("row", "P(benign)", "predicted", "true", "", box=None, header_style="bold")
    # Not the first ones: the file begins with malignant tumours.
    spread = slice(0, None, len(rows) // SHOWN_ROWS + 1)
    for row, probability, label in list(zip(rows.index, told, truth, strict=True))[spread]:
        guess = int(probability > 1 / 2)
        mark = "[green]✓[/]" if guess == label else "[red]✗[/]"
        table.add_row(str(row), f"{probability:.3f}", LABELS[guess], LABELS[label], mark)
    console.print(table)
    accuracy = float(((told > 1 / 2) == truth).mean())
    say(f"accuracy on all {len(rows)}: {accuracy:.4f}")
    announced = job.evaluation.metrics["accuracy"] if job.evaluation else None
    if announced is None or abs(announced - accuracy) > 1 / len(rows):
        raise DemoError(f"The server had said {announced}.")


def import_keras() -> Any:
    """Keras, on the CPU and quiet."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with _IMPORTING, without_stderr():
        return importlib.import_module("keras")


@contextmanager
def without_stderr() -> Generator[None]:
    """For the messages that tensorflow's C++ writes before it has read how much it should write."""
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def say(message: str) -> None:
    """A line about what happens."""
    console.print(f"[bold cyan]▸[/] {message}")


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()

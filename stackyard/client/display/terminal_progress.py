"""The progress of a running job, in a terminal."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stackyard.client.display.console import create_console
from stackyard.client.display.formats import format_metrics, strip_control_characters
from stackyard.client.views import Job

_CODES_THAT_NEED_ACTION = frozenset({"no_worker", "paused", "until_epoch"})


@contextmanager
def show_progress_bar(console: Console | None = None) -> Generator[Callable[[Job], None]]:
    """Yield a function that shows a job's epochs and metrics, to be called whenever the job has changed.

    A terminal shows a progress bar and why the job waits. Other outputs get changes of state only, and of the reasons
    only those that need action: the job is paused, or no worker serves its queue.
    """
    epochs = TextColumn("{task.fields[epochs]}")
    columns = TextColumn("{task.description}"), BarColumn(), epochs, TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.fields[metrics]}"), console=console or create_console()) as bar:
        task = bar.add_task("queued", total=None, metrics="", epochs="")
        yield lambda job: _update_bar(bar, task, job)


def _update_bar(bar: Progress, task: TaskID, job: Job) -> None:
    description = _describe_state(job, is_brief=not bar.console.is_terminal)
    if not bar.console.is_terminal and bar.tasks[0].description != description:
        bar.console.print(description)
    metrics = {name: job.metrics[name].last for name in ("loss", "val_loss") if name in job.metrics}
    bar.update(
        task,
        description=description,
        completed=job.progress.epochs_done,
        total=job.progress.epochs or None,
        epochs=f"epoch {job.progress.epochs_done} of {job.progress.epochs}" if job.progress.epochs_done else "",
        metrics=escape(format_metrics(metrics)),
    )


def _describe_state(job: Job, *, is_brief: bool) -> str:
    """Return the job's state and, while it waits, the reason, as markup."""
    if job.waiting is None or (is_brief and job.waiting.code not in _CODES_THAT_NEED_ACTION):
        return escape(job.state)
    return escape(strip_control_characters(f"{job.state}: {job.waiting.message}"))

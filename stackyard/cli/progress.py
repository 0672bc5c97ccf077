"""A training as it happens, in a terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stackyard.cli import terminal_curve
from stackyard.client import Client, Job

_NEEDS_SOMEBODY = frozenset({"no_worker", "paused"})


def follow(client: Client, job_id: str, console: Console, poll: float = 0.2) -> Job:
    """Show a job's epochs and metrics until it ends; where there is no terminal, only changes of state.

    While it waits, the terminal says why; elsewhere only what may need somebody: that nobody is there to take it, or
    that it is paused.

    Raises:
        StackyardError: as `Client.wait`.

    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.fields[metrics]}"), console=console) as bar:
        task = bar.add_task("queued", total=None, metrics="")
        return client.wait(job_id, poll=poll, on_update=lambda job: _update(bar, task, job))


def _update(bar: Progress, task: TaskID, job: Job) -> None:
    doing = _doing(job, briefly=not bar.console.is_terminal)
    if not bar.console.is_terminal and bar.tasks[0].description != doing:
        bar.console.print(doing)
    shown = {name: job.metrics[name].last for name in ("loss", "val_loss") if name in job.metrics}
    bar.update(
        task,
        description=doing,
        completed=job.progress.epochs_done,
        total=job.progress.epochs or None,
        metrics=terminal_curve.numbers(shown),
    )


def _doing(job: Job, *, briefly: bool) -> str:
    """The state and, while the job waits, why."""
    if job.waiting is None or (briefly and job.waiting.code not in _NEEDS_SOMEBODY):
        return job.state
    return f"{job.state}: {job.waiting.message}"

"""The progress of a running job, in a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from stackyard.cli import terminal_curve
from stackyard.cli.terminal import strip_control_characters
from stackyard.client import Client, Job

_CODES_THAT_NEED_ACTION = frozenset({"no_worker", "paused", "until_epoch"})


def follow_job(client: Client, job_id: str, console: Console, poll: float = 0.2) -> Job:
    """Show a job's epochs and metrics until it ends, and return the job.

    A terminal shows a progress bar and why the job waits. Other outputs get changes of state only, and of the reasons
    only those that need action: the job is paused, or no worker serves its queue.

    Raises:
        StackyardError: as `Client.wait`.

    """
    epochs = TextColumn("{task.fields[epochs]}")
    columns = TextColumn("{task.description}"), BarColumn(), epochs, TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.fields[metrics]}"), console=console) as bar:
        task = bar.add_task("queued", total=None, metrics="", epochs="")
        return client.wait(job_id, poll=poll, on_update=lambda job: _update_bar(bar, task, job))


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
        metrics=escape(terminal_curve.format_metrics(metrics)),
    )


def _describe_state(job: Job, *, is_brief: bool) -> str:
    """Return the job's state and, while it waits, the reason, as markup."""
    if job.waiting is None or (is_brief and job.waiting.code not in _CODES_THAT_NEED_ACTION):
        return escape(job.state)
    return escape(strip_control_characters(f"{job.state}: {job.waiting.message}"))

"""The progress of a running job, in a terminal."""

from rich.console import Console

from stackyard.client import Client, Job
from stackyard.client.display.terminal_progress import show_progress_bar


def follow_job(client: Client, job_id: str, console: Console, poll: float = 0.2) -> Job:
    """Show a job's epochs and metrics until it ends, and return the job.

    Raises:
        StackyardError: as `Client.wait`.

    """
    with show_progress_bar(console) as show_job:
        return client.wait(job_id, poll=poll, on_update=show_job)

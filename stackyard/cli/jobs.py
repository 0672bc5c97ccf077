"""Commands for a single job: submit, show, change, continue."""

from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.job_details import print_job
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.progress import follow_job
from stackyard.cli.references import JobReference
from stackyard.cli.specs import SpecFile, print_warnings, read_spec
from stackyard.cli.terminal import create_console, strip_control_characters
from stackyard.client import Client, Job


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("submit")(submit_job)
    app.command("job")(show_job)
    app.command("change")(change_job)
    app.command("continue")(continue_job)


def submit_job(
    file: SpecFile,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the progress until the job ends, or pauses by itself.")
    ] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Submit a job. With --wait, the exit status is 0 only if the job succeeds, or pauses at its until_epoch."""
    with open_client_session(url, token, token_file) as client:
        job = client.submit(read_spec(file))
        if not as_json:
            typer.echo(strip_control_characters(job.id))
        print_warnings(job.warnings)
        if wait:
            job = _wait_for_end(client, job, as_json=as_json)
        elif as_json:
            print_json(job)
    if wait and not (job.succeeded or job.is_held):
        raise typer.Exit(1)


def show_job(
    job: JobReference, as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """Show a job: its state and the reason, its progress and its metrics."""
    with open_client_session(url, token, token_file) as client:
        print_job(client.find_job(job), as_json=as_json)


def change_job(
    job: JobReference,
    priority: Annotated[
        int | None, typer.Option(min=0, max=9, help="The new priority; the highest starts first.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="A new tag. Repeat it for several; they replace all tags.")
    ] = None,
    until_epoch: Annotated[
        int | None, typer.Option(min=1, help="The new number of epochs after which the job pauses.")
    ] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Change a job's priority, name, tags, or the epoch after which it pauses."""
    with open_client_session(url, token, token_file) as client:
        changed = client.change(
            client.find_job_id(job), name=name, tags=tag or None, priority=priority, until_epoch=until_epoch
        )
    print_job(changed, as_json=as_json)


def continue_job(
    job: JobReference,
    epochs: Annotated[int | None, typer.Option(min=1, help="The number of epochs in all.")] = None,
    more: Annotated[int | None, typer.Option(min=1, help="The number of epochs to add.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show the progress until the new job ends.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Train a succeeded job further, as a new job. Give either --epochs or --more.

    With --wait, the exit status is 0 only if the new job succeeds.
    """
    if (epochs is None) == (more is None):
        raise typer.BadParameter("give either --epochs or --more")
    with open_client_session(url, token, token_file) as client:
        first = client.find_job(job)
        continued = client.continue_training(first.id, epochs or first.progress.epochs_done + (more or 0))
        if not as_json:
            typer.echo(strip_control_characters(continued.id))
        if wait:
            continued = _wait_for_end(client, continued, as_json=as_json)
        elif as_json:
            print_json(continued)
    if wait and not continued.succeeded:
        raise typer.Exit(1)


def _wait_for_end(client: Client, job: Job, *, as_json: bool) -> Job:
    console = create_console(stderr=as_json)
    job = follow_job(client, job.id, console)
    print_job(job, as_json=as_json, console=console)
    return job

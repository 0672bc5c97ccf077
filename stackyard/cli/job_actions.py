"""Commands that do one thing to one job or to many: cancel, pause, resume, finish, retry, delete, tag."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.output.job_details import format_state, print_job
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table
from stackyard.cli.references import IsConfirmed, confirm_deletion
from stackyard.cli.terminal import strip_control_characters
from stackyard.client import Client, Job, JobAction, JobActionResult

JobReferences = Annotated[
    list[str],
    typer.Argument(help="The jobs: for each its id, the first characters of it, or its name.", metavar="JOB..."),
]


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("cancel")(cancel_jobs)
    app.command("pause")(pause_jobs)
    app.command("resume")(resume_jobs)
    app.command("finish")(finish_jobs)
    app.command("retry")(retry_jobs)
    app.command("delete")(delete_jobs)
    app.command("tag")(tag_jobs)


def cancel_jobs(
    job: JobReferences,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Cancel jobs."""
    with open_client_session(url, token, token_file) as client:
        _act_on_jobs(client, "cancel", Client.cancel, job, as_json=as_json)


def pause_jobs(
    job: JobReferences,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Pause jobs: a queued one at once, a running one once its worker has written a checkpoint."""
    with open_client_session(url, token, token_file) as client:
        _act_on_jobs(client, "pause", Client.pause, job, as_json=as_json)


def resume_jobs(
    job: JobReferences,
    until_epoch: Annotated[
        int | None, typer.Option(min=1, help="The number of epochs after which a single job pauses again.")
    ] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Queue paused jobs again. They continue from their checkpoints, to their end or to --until-epoch."""
    if until_epoch is not None and len(job) > 1:
        raise CommandError("Give --until-epoch with a single job.")
    with open_client_session(url, token, token_file) as client:
        _act_on_jobs(client, "resume", partial(Client.resume, until_epoch=until_epoch), job, as_json=as_json)


def finish_jobs(
    job: JobReferences,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Stop trainings now and keep their models: the jobs are evaluated and succeed."""
    with open_client_session(url, token, token_file) as client:
        _act_on_jobs(client, "finish", Client.finish, job, as_json=as_json)


def retry_jobs(
    job: JobReferences,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Submit finished jobs again, with the same specs, seeds and datasets. Prints the ids of the new jobs."""
    with open_client_session(url, token, token_file) as client:
        ids = [client.find_job_id(reference) for reference in job]
        if len(ids) > 1:
            _print_results(client.act_on_jobs("retry", ids), as_json=as_json)
            return
        repeated = client.retry(ids[0])
    if as_json:
        print_json(repeated)
    else:
        typer.echo(strip_control_characters(repeated.id))


def delete_jobs(
    job: JobReferences,
    is_confirmed: IsConfirmed = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Delete jobs, their histories and their models, in whatever state the jobs are."""
    with open_client_session(url, token, token_file) as client:
        jobs = [client.find_job(reference) for reference in job]
        titles = (f"the {item.state} job {item.name or ''} {item.id}" for item in jobs)
        text = strip_control_characters(", ".join(titles))
        confirm_deletion(" ".join(text.split()), is_confirmed=is_confirmed)
        if len(jobs) > 1:
            _print_results(client.act_on_jobs("delete", [item.id for item in jobs]), as_json=as_json)
            return
        client.delete(jobs[0].id)
    if as_json:
        print_json({"deleted": jobs[0].id})
    else:
        typer.echo(f"deleted {strip_control_characters(jobs[0].id)}")


def tag_jobs(
    job: JobReferences,
    add: Annotated[list[str] | None, typer.Option(help="A tag to add. Repeat it for several.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A tag to remove. Repeat it for several.")] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Add tags to jobs, and remove tags from them."""
    if not add and not remove:
        raise CommandError("Give --add or --remove, each with a tag.")
    with open_client_session(url, token, token_file) as client:
        ids = [client.find_job_id(reference) for reference in job]
        results = client.act_on_jobs("tag", ids, add_tags=add or (), remove_tags=remove or ())
        _print_results(results, as_json=as_json)


def _act_on_jobs(
    client: Client,
    action: JobAction,
    act_on_job: Callable[[Client, str], Job],
    references: Sequence[str],
    *,
    as_json: bool,
) -> None:
    """Act on one job and print its details, or act on many and print a line for each."""
    ids = [client.find_job_id(reference) for reference in references]
    if len(ids) == 1:
        print_job(act_on_job(client, ids[0]), as_json=as_json)
    else:
        _print_results(client.act_on_jobs(action, ids), as_json=as_json)


def _print_results(results: Sequence[JobActionResult], *, as_json: bool) -> None:
    """Print a line for each job.

    Raises:
        typer.Exit: a job has refused; the exit status is 1.

    """
    if as_json:
        print_json(results)
    else:
        print_table(["id", "name", "state", "result"], [_list_cells(result) for result in results])
    if not all(result.ok for result in results):
        raise typer.Exit(1)


def _list_cells(result: JobActionResult) -> list[str | Text]:
    job, problem = result.job, result.problem
    message = "done" if problem is None else problem.detail or problem.title
    if job is None:
        return [result.id, "", "", message]
    is_new = job.id != result.id
    return [result.id, job.name or "", format_state(job), f"repeated as {job.id}" if is_new else message]

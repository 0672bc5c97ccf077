"""Commands that check, run and show a sweep."""

from itertools import islice
from typing import Annotated

import typer
from rich.console import RenderableType

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.specs import print_warnings, read_spec
from stackyard.cli.sweeps.details import MAX_TRIALS, build_best_view, build_report_view, build_sweep_view
from stackyard.cli.sweeps.live_view import follow_sweep
from stackyard.cli.sweeps.references import SweepFile, SweepReference
from stackyard.cli.terminal import create_console, strip_control_characters
from stackyard.client import Advice, Sweep


def register_commands(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command("check")(check_sweep)
    group.command("run")(run_sweep)
    group.command("show")(show_sweep)
    group.command("best")(show_best)


def check_sweep(
    file: SweepFile, as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """Check a sweep without submitting it. Prints its size, its rungs, its duration and warnings, or every error."""
    with open_client_session(url, token, token_file) as client:
        report = client.check_sweep(read_spec(file))
    if as_json:
        print_json(report)
        return
    create_console().print(build_report_view(report))
    print_warnings([Advice.model_validate(warning) for warning in report["warnings"]])


def run_sweep(
    file: SweepFile,
    detach: Annotated[bool, typer.Option("--detach", help="Print the id, and do not wait for the end.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Submit a sweep, and show its trials until it ends. The exit status is 0 only if it succeeds.

    Ctrl-C ends the display, not the sweep.
    """
    with open_client_session(url, token, token_file) as client:
        sweep = client.submit_sweep(read_spec(file))
        if not as_json:
            typer.echo(strip_control_characters(sweep.id))
        if not detach:
            sweep = _follow(sweep, as_json=as_json)
        elif as_json:
            print_json(sweep)
    if not detach and not sweep.succeeded:
        raise typer.Exit(1)


def show_sweep(
    sweep: SweepReference,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show the trials until the sweep ends.")] = False,
    trials: Annotated[int, typer.Option(min=0, max=1000, help="The number of trials to show.")] = MAX_TRIALS,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all trials as CSV.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Show a sweep and its best trials. With --follow, the exit status is 0 only if the sweep succeeds."""
    with open_client_session(url, token, token_file) as client:
        shown = client.find_sweep(sweep)
        if as_csv:
            typer.echo(shown.results_csv(), nl=False)
            return
        if follow:
            shown = _follow(shown, as_json=as_json, max_trials=trials)
        else:
            _print_sweep(shown, as_json=as_json, max_trials=trials)
    if follow and not shown.succeeded:
        raise typer.Exit(1)


def show_best(
    sweep: SweepReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Show the best complete trial: its value with its interval, its parameters and its job."""
    with open_client_session(url, token, token_file) as client:
        shown = client.find_sweep(sweep)
        best, statistics = shown.best, shown.statistics(limit=1)
    if as_json:
        print_json(best)
        return
    create_console().print(build_best_view(shown, best, statistics))


def _follow(sweep: Sweep, *, as_json: bool, max_trials: int = MAX_TRIALS) -> Sweep:
    console = create_console(stderr=as_json)
    if console.is_terminal:
        sweep = follow_sweep(sweep, console, max_trials)
    else:
        sweep = sweep.wait()
        console.print(_build_view(sweep, max_trials))
    if as_json:
        print_json(sweep)
    return sweep


def _print_sweep(sweep: Sweep, *, as_json: bool, max_trials: int) -> None:
    if as_json:
        print_json(sweep)
    else:
        create_console().print(_build_view(sweep, max_trials))


def _build_view(sweep: Sweep, max_trials: int) -> RenderableType:
    return build_sweep_view(sweep, list(islice(sweep.trials(limit=max(1, max_trials)), max_trials)))

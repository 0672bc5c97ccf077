"""`stackyard open`: the server's page in a browser."""

import webbrowser
from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.json_output import AsJson, print_json

_TERMINAL_BROWSERS = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("open")(open_page)


def open_page(
    job: Annotated[
        str,
        typer.Argument(help="A job, to open its page: id, start of an id, or name.", metavar="JOB"),
    ] = "",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Open the server's page in a browser, or the page of a job. Without a browser, print the address.

    If the server has a token, the page asks for it once.
    """
    with open_client_session(url, token, token_file) as client:
        address = f"{client.url}/jobs/{client.find_job_id(job)}" if job else f"{client.url}/"
    is_opened = _open_browser(address)
    if as_json:
        print_json({"url": address, "opened": is_opened})
    else:
        typer.echo(address)


def _open_browser(address: str) -> bool:
    """Return whether a browser shows the address. A browser of the terminal itself would garble the output."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return browser.name not in _TERMINAL_BROWSERS and browser.open(address)

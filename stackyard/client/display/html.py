"""HTML of jobs for notebooks. It is complete in itself: it loads nothing, and every text in it is escaped."""

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from stackyard.client.display.formats import format_number
from stackyard.client.display.svg_curve import render_curve, render_sparkline
from stackyard.client.views import History, Job

_STATE_COLORS = {
    "succeeded": "#1a7f37",
    "failed": "#cf222e",
    "diverged": "#cf222e",
    "running": "#0969da",
    "cancelled": "#9a6700",
    "paused": "#9a6700",
}
_GRAY = "#6e7781"
_CURVES = ("loss", "val_loss")
_CELL = 'style="text-align:left;padding:2px 10px 2px 0"'


def render_job(job: Job, history: History | None, page_url: str | None) -> str:
    """Return a job's state, its progress bar, its metrics and its learning curve.

    Args:
        job: the job.
        history: its epochs; None draws no curve.
        page_url: the address of the job's page, to which its name links; None for no link.

    """
    rows = "".join(
        _render_row(
            [escape(name), format_number(metric.last), format_number(metric.best), _format_best_epoch(job, name)]
        )
        for name, metric in job.metrics.items()
    )
    metrics = f"<table><thead>{_render_row(['metric', 'last', 'best', 'epoch'], 'th')}</thead>{rows}</table>"
    lines = "".join(f"<div>{line}</div>" for line in _list_lines(job, page_url))
    curve = "" if history is None else _render_history(history)
    return f"<div>{lines}{metrics if rows else ''}{curve}</div>"


def render_jobs(url: str, jobs: Iterable[Job], counts: Mapping[str, int]) -> str:
    """Return a server's address, its number of jobs in each state, and a table of some of its jobs."""
    states = ", ".join(f"{count} {escape(state)}" for state, count in counts.items() if count) or "no jobs"
    rows = "".join(_render_row(_list_cells(job, url)) for job in jobs)
    titles = ["job", "state", "", "epochs", "loss", ""]
    table = f"<table><thead>{_render_row(titles, 'th')}</thead>{rows}</table>"
    return f"<div><div>{_render_link(url, url)}: {states}</div>{table if rows else ''}</div>"


def render_failure(url: str, message: str) -> str:
    """Return a server's address, and why it did not answer."""
    return f"<div><div>{_render_link(url, url)}</div><div>{escape(message)}</div></div>"


def _list_lines(job: Job, page_url: str | None) -> Iterator[str]:
    name = _render_link(job.name or job.id, page_url)
    yield f"<b>{name}</b> {_render_state(job)} <small>{escape(job.id)}</small>"
    yield f"{_render_bar(job)} epoch {job.progress.epochs_done} of {job.progress.epochs}"
    if job.reason is not None:
        yield escape(job.reason.message)
        yield escape(job.reason.hint or "")
    if job.waiting is not None:
        yield escape(job.waiting.message)


def _list_cells(job: Job, url: str) -> list[str]:
    return [
        _render_link(job.name or job.id, f"{url}/jobs/{job.id}"),
        _render_state(job),
        _render_bar(job, width=80),
        f"{job.progress.epochs_done} of {job.progress.epochs}",
        format_number(job.metrics["loss"].last) if "loss" in job.metrics else "",
        render_sparkline(job.sparkline or ()),
    ]


def _render_history(history: History) -> str:
    lines = {name: history.column(name) for name in _CURVES if name in history.metrics}
    return render_curve(history.epochs, lines) if lines else ""


def _format_best_epoch(job: Job, name: str) -> str:
    epoch = job.metrics[name].best_epoch
    return "" if epoch is None else str(epoch + 1)


def _render_state(job: Job) -> str:
    return f'<span style="color:{_STATE_COLORS.get(job.state, _GRAY)}">{escape(job.state)}</span>'


def _render_bar(job: Job, width: int = 240) -> str:
    """Return a bar of two boxes: HTML's own `progress` has the browser's color, whatever the state."""
    share = min(1.0, job.progress.epochs_done / max(job.progress.epochs, 1))
    color = _STATE_COLORS.get(job.state, _GRAY)
    outer = f"display:inline-block;vertical-align:middle;width:{width}px;height:8px;border-radius:4px;background:#8884"
    inner = f"width:{100 * share:.1f}%;height:8px;border-radius:4px;background:{color}"
    return f'<div style="{outer}"><div style="{inner}"></div></div>'


def _render_link(text: str, address: str | None) -> str:
    """Return a link, or the text alone where the address is not one of the web."""
    if address is None or not address.startswith(("http://", "https://")):
        return escape(text)
    return f'<a href="{escape(address)}" target="_blank" rel="noreferrer">{escape(text)}</a>'


def _render_row(cells: Iterable[str], tag: str = "td") -> str:
    return f"<tr>{''.join(f'<{tag} {_CELL}>{cell}</{tag}>' for cell in cells)}</tr>"

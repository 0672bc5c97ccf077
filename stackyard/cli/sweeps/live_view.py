"""A table of a running sweep in a terminal, which changes with it."""

from itertools import islice

from rich.console import Console
from rich.live import Live

from stackyard.cli.sweeps.details import build_sweep_view
from stackyard.client import Sweep

_REFRESHES_PER_SECOND = 4


def follow_sweep(sweep: Sweep, console: Console, max_trials: int) -> Sweep:
    """Show a sweep and its best trials until it ends, and return it.

    Raises:
        StackyardError: as `Sweep.wait`.

    """
    with Live(console=console, refresh_per_second=_REFRESHES_PER_SECOND) as live:

        def update(changed: Sweep) -> None:
            best = list(islice(changed.trials(limit=max(1, max_trials)), max_trials))
            live.update(build_sweep_view(changed, best), refresh=True)

        return sweep.wait(on_update=update)

"""The progress of something that runs, in a notebook or in a terminal."""

import importlib
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def open_progress(
    show_in_terminal: Callable[[], AbstractContextManager[Callable[[T], None]]],
) -> AbstractContextManager[Callable[[T], None]]:
    """Return a context whose function shows a view, to be called whenever the view has changed.

    Args:
        show_in_terminal: returns the context for everything but a notebook. A notebook shows the view's own HTML.

    """
    return _show_in_cell() if _is_notebook() else show_in_terminal()


def _is_notebook() -> bool:
    """Return whether a kernel of Jupyter runs this code; a shell of IPython in a terminal has no kernel."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


@contextmanager
def _show_in_cell() -> Generator[Callable[[object], None]]:
    """Yield a function that shows a view below the cell, in place of what it showed before."""
    display: Any = importlib.import_module("IPython.display").display
    handle: Any = None

    def show_view(view: object) -> None:
        nonlocal handle
        if handle is None:
            handle = display(view, display_id=True)
        else:
            handle.update(view)

    yield show_view

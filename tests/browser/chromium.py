"""The Chromium of the system, which the tests and the pictures of the page use."""

import shutil

INSTALL_HINT = "Chromium is not installed; on Debian and Ubuntu: apt-get install chromium"
FLAGS = [
    "--no-sandbox",  # containers have no user namespaces
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of the program, if it is installed."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)

"""Environment variables of processes that read untrusted input."""

import os

_ALLOWED_NAMES = frozenset(
    {
        "DYLD_LIBRARY_PATH",
        "FONTCONFIG_FILE",
        "FONTCONFIG_PATH",
        "GLIBC_TUNABLES",
        "HOME",
        "KERAS_BACKEND",
        "KERAS_HOME",
        "LANG",
        "LANGUAGE",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "PATH",
        "TMPDIR",
        "TZ",
        "TZDIR",
        "XDG_CONFIG_HOME",
        "XDG_DATA_DIRS",
        "XDG_DATA_HOME",
    }
)
_ALLOWED_PREFIXES = ("ARROW_", "LC_", "MALLOC_", "MKL_", "OMP_", "OPENBLAS_", "PYTHON", "TF_CPP_", "XLA_")
"""Prefixes of the variables of libraries. `TF_` alone would include the credentials of Terraform."""


def build_environment_without_secrets() -> dict[str, str]:
    """Return the variables of this process's environment that Python, the libraries and fonts may need.

    All others are left out, for example the installation's settings and the passwords of its database and bucket.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name in _ALLOWED_NAMES or name.startswith(_ALLOWED_PREFIXES)
    }

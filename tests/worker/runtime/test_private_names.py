"""A library without a private name that the worker needs is found when a process starts."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from worker.runtime.private_names import PRIVATE_NAMES, UnsupportedLibraryError, check_private_names

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("library", PRIVATE_NAMES)
def test_the_installed_version_has_all_names(library):
    check_private_names(library)


@pytest.mark.parametrize(
    "name",
    [
        "keras.src.no_such_package.module:function",
        "keras.src.saving.saving_lib:no_such_function",
        "keras.callbacks:SwapEMAWeights()._no_such_attribute",
    ],
    ids=["a module", "an attribute", "an attribute of instances"],
)
def test_a_missing_name_is_reported_with_the_library_and_its_version(name):
    with pytest.raises(UnsupportedLibraryError) as caught:
        check_private_names("keras", [*PRIVATE_NAMES["keras"], name])
    assert name in str(caught.value)
    assert f"version {version('keras')}" in str(caught.value)


def test_the_names_of_keras_do_not_load_tensorflow():
    code = "import sys; import worker.runtime.private_names; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

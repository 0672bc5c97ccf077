"""The import of a Keras model, by the client and by the command line."""

import json
import re
import zipfile

import pytest
from typer.testing import CliRunner

from stackyard.cli import app
from stackyard.cli.command_error import CommandError
from stackyard.client import ProblemError
from tests.client.conftest import TOKEN
from tests.spec.keras_documents import build_dense, build_input_layer, build_layer, build_sequential

DOCUMENT = build_sequential(build_input_layer((8, 4)), build_dense(activation="relu"), build_dense("mine", units=2))
NETWORK = {
    "layers": [{"type": "Dense", "units": 3, "activation": "relu"}, {"type": "Dense", "name": "mine", "units": 2}]
}


@pytest.mark.parametrize("document", [DOCUMENT, json.dumps(DOCUMENT)], ids=["decoded", "text"])
def test_a_model_is_imported(stackyard, document):
    answer = stackyard.import_keras(document)

    assert answer["network"] == NETWORK
    assert answer["input_shape"] == [4]
    assert [note["pointer"] for note in answer["left_out"]] == ["/config/layers/0/config/batch_shape/0"]


def test_a_layer_that_cannot_be_imported_is_named(stackyard):
    with pytest.raises(ProblemError) as caught:
        stackyard.import_keras(build_sequential(build_layer("Lambda")))
    assert [fault.pointer for fault in caught.value.problem.errors] == ["/config/layers/0/class_name"]


def write_keras_file(path, content, name="config.json"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def test_the_command_prints_the_network_of_a_json_file_or_a_keras_file(url, tmp_path):
    json_file = tmp_path / "model.json"
    json_file.write_text(json.dumps(DOCUMENT))
    for path in (json_file, write_keras_file(tmp_path / "model.keras", json.dumps(DOCUMENT))):
        result = CliRunner().invoke(app, ["import", str(path), "--url", url, "--token", TOKEN])

        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout) == NETWORK
        assert "left out /config/layers/0/config/batch_shape/0: a batch of 8" in result.stderr
        piped = CliRunner().invoke(app, ["import", "-", "--url", url, "--token", TOKEN], input=path.read_bytes())
        assert json.loads(piped.stdout) == NETWORK


def write_damaged_file(path):
    content = write_keras_file(path, json.dumps(DOCUMENT)).read_bytes()
    path.write_bytes(content.replace(content[60:70], b"\xff" * 10))
    return path


UNREADABLE_FILES = {
    "a missing file": lambda path: path,
    "not a zip": lambda path: path.write_bytes(b"{}") and path,
    "another zip": lambda path: write_keras_file(path, "{}", "other.json"),
    "a damaged zip": write_damaged_file,
    "not text": lambda path: write_keras_file(path, b"\xff"),
    "a zip bomb": lambda path: write_keras_file(path, b" " * (17 * 2**20)),
}


@pytest.mark.parametrize("write_file", UNREADABLE_FILES.values(), ids=UNREADABLE_FILES.keys())
def test_an_unreadable_file_is_an_error_message(write_file, tmp_path):
    result = CliRunner().invoke(app, ["import", str(write_file(tmp_path / "model.keras"))])

    assert isinstance(result.exception, CommandError)
    assert re.search(r"model\.keras cannot be read: ", str(result.exception))

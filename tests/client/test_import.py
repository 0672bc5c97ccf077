"""Importing a Keras model: the client's call, and the command upon it."""

import json
import zipfile

import pytest
from typer.testing import CliRunner

from stackyard.cli import app, keras_import
from stackyard.cli.command_error import CommandError
from stackyard.client import ProblemError
from tests.client.conftest import TOKEN
from tests.spec.keras_documents import dense, door, layer, sequential

DOCUMENT = sequential(door((8, 4)), dense(activation="relu"), dense("mine", units=2))
NETWORK = {
    "layers": [{"type": "Dense", "units": 3, "activation": "relu"}, {"type": "Dense", "name": "mine", "units": 2}]
}


@pytest.mark.parametrize("document", [DOCUMENT, json.dumps(DOCUMENT)], ids=["decoded", "as it is"])
def test_a_model_is_imported(stackyard, document):
    answer = stackyard.import_keras(document)

    assert answer["network"] == NETWORK
    assert answer["input_shape"] == [4]
    assert [note["pointer"] for note in answer["left_out"]] == ["/config/layers/0/config/batch_shape/0"]


def test_what_cannot_be_imported_is_named(stackyard):
    with pytest.raises(ProblemError) as caught:
        stackyard.import_keras(sequential(layer("Lambda")))
    assert [fault.pointer for fault in caught.value.problem.errors] == ["/config/layers/0/class_name"]


def keras_file(path, content, name="config.json"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def test_the_command_prints_the_network_of_either_file(url, tmp_path):
    text = tmp_path / "model.json"
    text.write_text(json.dumps(DOCUMENT))
    for path in (text, keras_file(tmp_path / "model.keras", json.dumps(DOCUMENT))):
        done = CliRunner().invoke(app, ["import", str(path), "--url", url, "--token", TOKEN])

        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == NETWORK
        assert "left out /config/layers/0/config/batch_shape/0: a batch of 8" in done.stderr


def damaged(path):
    content = keras_file(path, json.dumps(DOCUMENT)).read_bytes()
    path.write_bytes(content.replace(content[60:70], b"\xff" * 10))
    return path


FILES = {
    "no file": lambda path: path,
    "no zip": lambda path: path.write_bytes(b"{}") and path,
    "another zip": lambda path: keras_file(path, "{}", "other.json"),
    "a damaged zip": damaged,
    "no text": lambda path: keras_file(path, b"\xff"),
    "a bomb": lambda path: keras_file(path, b" " * (keras_import._MOST_BYTES + 1)),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES.keys())
def test_a_file_that_cannot_be_read_is_a_sentence(make, tmp_path):
    with pytest.raises(CommandError, match=r"Cannot read .*model\.keras: "):
        keras_import._read(make(tmp_path / "model.keras"))

"""Compare exported scripts with the jobs that they export, for all kinds of specs."""

import csv
import json
import os
import subprocess
import sys
from typing import get_args

import keras
import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.datasets.builtins import load_builtins
from service.datasets.csv_options import CsvOptions
from service.datasets.dataset_source import BuiltinSource, FileSource
from service.datasets.inspection import csv_file, npz_file, parquet_file
from stackyard.spec import ArraysDescription, TableDescription, check_spec, parse_spec
from stackyard.spec.network.initializers import Constant, Initializer
from stackyard.spec.script import DatasetOrigin, write_script
from stackyard.spec.script.constructors import build_argument
from tests.worker.keras_reference import train_with_engine
from worker.preparation import prepare_data

# Importing keras takes longer than these trainings, so all scripts run in one process, and all tests on one worker.
pytestmark = pytest.mark.xdist_group("scripts")

MEMORY = 2**30
ROWS = 120

RUN_SCRIPTS = """
import os, runpy, sys
import keras
for directory in sys.argv[1:]:
    os.chdir(directory)
    data = [name for name in os.listdir() if name.startswith("data.")]
    sys.argv = ["train.py", *data]
    keras.backend.clear_session()
    runpy.run_path("train.py")
"""


def build_table():
    generator = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": generator.normal(50, 20, ROWS),
            "count": generator.integers(0, 9, ROWS),
            "colour": generator.choice(["red", 'gr"een', "b'lue", "{x}"], ROWS),
            "flag": generator.choice([True, False], ROWS),
            "kind": generator.choice(["a", "b", "c"], ROWS),
            "weight": generator.random(ROWS),
            "who": [f"person {row // 4}" for row in range(ROWS)],
            "set": generator.choice(["train", "test"], ROWS),
            "price": generator.normal(100, 30, ROWS),
            "label": generator.integers(0, 3, ROWS),
        }
    )
    is_missing = generator.random((ROWS, 3)) < 0.1
    table["size"] = table["size"].mask(is_missing[:, 0])
    table["kind"] = table["kind"].mask(is_missing[:, 1])
    table["late"] = table["price"].mask(is_missing[:, 2])
    return table


def build_arrays():
    generator = np.random.default_rng(1)
    return {
        "x": generator.normal(size=(ROWS, 6, 5)),
        "y": generator.integers(0, 3, ROWS),
        "amounts": generator.normal(10, 4, (ROWS, 2)),
        "w": generator.random(ROWS),
        "g": np.arange(ROWS) // 5,
        "tx": generator.normal(size=(20, 6, 5)),
        "ty": generator.integers(0, 3, 20),
        "tamounts": generator.normal(10, 4, (20, 2)),
    }


def build_dense_layers(units, activation=None):
    return [
        {"type": "Dense", "units": 8, "activation": "tanh"},
        {"type": "Dense", "units": units, "activation": activation},
    ]


PLAIN = [{"columns": ["count"]}]
RANDOM = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 5}}
EVERY_TRANSFORM = [
    {"columns": ["size"], "transform": "standard", "impute": "median"},
    {"columns": ["count"], "transform": "minmax"},
    {"columns": ["price"], "transform": "robust"},
    {"columns": ["weight", "late"], "transform": "l2", "impute": {"strategy": "constant", "fill_value": 1.5}},
    {"columns": ["colour", "flag"], "transform": "one_hot"},
    {"columns": ["kind"], "transform": "ordinal", "impute": "most_frequent"},
]

CASES = {
    "every transform": (
        "csv",
        {"target": {"column": "label"}, "features": EVERY_TRANSFORM, "split": RANDOM},
        build_dense_layers(3, "softmax"),
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    ),
    "missing rows, text labels and a stratified split": (
        "parquet",
        {
            "target": {"column": "kind"},
            "features": [{"columns": ["size", "count"], "transform": "standard"}],
            "drop_missing": True,
            "split": {
                "test": {"method": "train_test_split", "train_fraction": 0.8, "seed": 1, "stratify": "kind"},
                "validation": {"method": "train_test_split", "train_fraction": 0.75},
            },
        },
        build_dense_layers(3, "softmax"),
        {"loss": "sparse_categorical_crossentropy", "class_weight": {"a": 2.0}},
    ),
    "columns, groups and weights": (
        "csv",
        {
            "target": {"column": ["price", "count"], "divide_by": 3, "standard": True},
            "features": [{"columns": ["size", "weight"], "impute": "mean"}],
            "drop_missing": ["late"],
            "sample_weight": "weight",
            "split": {
                "test": {"method": "column", "column": "set", "values": ["test"]},
                "validation": {"method": "group", "column": "who", "train_fraction": 0.6},
            },
        },
        build_dense_layers(2),
        {"loss": "mse", "metrics": ["mae", {"type": "RootMeanSquaredError", "name": "rmse"}]},
    ),
    "semicolons, decimal commas, days and words for missing values": (
        "semicolons",
        {
            "target": {"column": "kind"},
            "features": [{"columns": ["day", "size"], "transform": "standard", "impute": "mean"}],
            "split": RANDOM,
        },
        build_dense_layers(4, "softmax"),
        {"loss": "sparse_categorical_crossentropy"},
    ),
    "a binary target, balanced": (
        "csv",
        {"target": {"column": "flag"}, "features": PLAIN, "split": RANDOM},
        build_dense_layers(1),
        {
            "loss": {"type": "BinaryCrossentropy", "from_logits": True},
            "class_weight": "balanced",
            "metrics": ["accuracy", {"type": "Accuracy", "name": "right"}],
        },
    ),
    "scores of one column, and a category for missing values": (
        "csv",
        {
            "target": {"column": "flag"},
            "features": [
                {"columns": ["kind"], "transform": "one_hot", "impute": {"strategy": "constant", "fill_value": "aa"}}
            ],
            "split": RANDOM,
        },
        build_dense_layers(1, "sigmoid"),
        {
            "loss": "binary_crossentropy",
            "class_weight": "balanced",
            "metrics": [{"type": "F1Score", "average": "macro", "threshold": 0.5}, "r2_score", "accuracy"],
        },
    ),
    "one-hot with weights and an unshuffled split": (
        "csv",
        {
            "target": {"column": "colour", "encode": "one_hot"},
            "features": PLAIN,
            "split": {"validation": {"method": "train_test_split", "train_fraction": 0.7, "shuffle": False}},
        },
        build_dense_layers(4, "softmax"),
        {"loss": "categorical_crossentropy", "class_weight": "balanced", "shuffle": False},
    ),
    "a schedule and callbacks": (
        "csv",
        {"target": {"column": "price"}, "features": PLAIN, "split": RANDOM},
        build_dense_layers(1),
        {
            "loss": {"type": "Huber", "delta": 2.0},
            "optimizer": {"type": "SGD", "momentum": 0.9, "nesterov": True, "clipnorm": 1.0},
            "callbacks": [
                {
                    "type": "LearningRateScheduler",
                    "schedule": {
                        "type": "ExponentialDecay",
                        "initial_learning_rate": 0.01,
                        "decay_steps": 2,
                        "decay_rate": 0.5,
                    },
                },
                {"type": "EarlyStopping", "patience": 1, "restore_best_weights": True},
            ],
        },
    ),
    "random initializers in the order of their arguments": (
        "csv",
        {"target": {"column": "price"}, "features": PLAIN, "split": RANDOM},
        [
            {
                "type": "Dense",
                "units": 8,
                "bias_initializer": {"type": "RandomNormal", "stddev": 0.2},
                "kernel_regularizer": {"type": "L1L2", "l1": 0.01},
            },
            {
                "type": "BatchNormalization",
                "renorm": True,
                "renorm_clipping": {"rmax": 3.0},
                "beta_initializer": "random_uniform",
            },
            {"type": "Dropout", "rate": 0.25},
            {"type": "Dense", "units": 1, "kernel_constraint": {"type": "MaxNorm", "max_value": 1.0}},
        ],
        {
            "loss": "mae",
            "optimizer": {
                "type": "Adam",
                "learning_rate": {"type": "CosineDecay", "initial_learning_rate": 0.01, "decay_steps": 20},
            },
        },
    ),
    "a training that diverges": (
        "csv",
        {"target": {"column": "price"}, "features": PLAIN, "split": RANDOM},
        build_dense_layers(1),
        {"loss": "mse", "optimizer": {"type": "SGD", "learning_rate": 1e30}},
    ),
    "a training that goes on all the same": (
        "csv",
        {"target": {"column": "price"}, "features": PLAIN, "split": RANDOM},
        build_dense_layers(1),
        {"loss": "mse", "optimizer": {"type": "SGD", "learning_rate": 1e30}, "on_nonfinite": "continue"},
    ),
    "arrays by groups, with a test pair": (
        "npz",
        {
            "x": "x",
            "y": "y",
            "test": {"x": "tx", "y": "ty"},
            "normalize": {"axis": 1, "order": 2},
            "target": {"encode": "one_hot"},
            "split": {"validation": {"method": "group", "column": "g", "train_fraction": 0.7}},
        },
        ["Flatten", *build_dense_layers(3, "softmax")],
        {"loss": "categorical_crossentropy", "metrics": ["accuracy"]},
    ),
    "arrays of amounts, with weights": (
        "npz",
        {
            "x": "x",
            "y": "amounts",
            "test": {"x": "tx", "y": "tamounts"},
            "sample_weight": "w",
            "target": {"divide_by": 2, "standard": True},
            "split": {"validation": {"method": "train_test_split", "train_fraction": 0.7, "seed": 3, "stratify": "g"}},
        },
        [{"type": "Bidirectional", "layer": {"type": "LSTM", "units": 3}}, *build_dense_layers(2)],
        {"loss": "mse"},
    ),
    "pixels through convolutions": (
        "npz",
        {"x": "x", "y": "y", "split": {"validation": {"method": "last", "train_fraction": 0.8}}},
        [
            {"type": "Reshape", "target_shape": [6, 5, 1]},
            {"type": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"},
            {"type": "SpatialDropout2D", "rate": 0.2},
            {"type": "MaxPooling2D"},
            {"type": "GroupNormalization", "groups": 2},
            "GlobalAveragePooling2D",
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ],
        {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    ),
    "a built-in table": (
        "builtin",
        {"dataset": "builtin:wine", "target": {"column": "target"}, "split": RANDOM},
        [{"type": "LayerNormalization"}, *build_dense_layers(3, "softmax")],
        {"loss": "sparse_categorical_crossentropy"},
    ),
}


def store_dataset(kind, directory):
    """Store a dataset of this kind; return its description and its sources for the worker and for a script."""
    if kind == "builtin":
        builtin = next(entry for entry in load_builtins() if entry.name == "wine")
        return (
            TableDescription.model_validate(builtin.description),
            BuiltinSource("wine"),
            DatasetOrigin(builtin="wine"),
        )
    if kind == "semicolons":
        return store_semicolons(directory / "data.csv")
    path = directory / f"data.{kind}"
    if kind == "npz":
        np.savez(path, **build_arrays())
        described = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY))
        return described, FileSource(path, dataset_source.NPZ), DatasetOrigin("npz")
    if kind == "parquet":
        build_table().to_parquet(path, index=False)
        described = TableDescription.model_validate(parquet_file.describe_parquet(path, MEMORY))
        return described, FileSource(path, dataset_source.PARQUET), DatasetOrigin("parquet")
    build_table().to_csv(path, index=False)
    return (
        TableDescription.model_validate(csv_file.describe_csv(path, MEMORY)),
        FileSource(path, dataset_source.CSV),
        DatasetOrigin("csv"),
    )


def store_semicolons(path):
    """Store a table in which the word None is a class, - is missing, and a column has dates."""
    table = build_table()
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(table["count"] * 3, unit="h")
    table = table.assign(kind=table["kind"].fillna("None"), day=days.dt.strftime("%Y-%m-%dT%H:%M"))
    table.to_csv(path, index=False, sep=";", decimal=",", na_rep="-", compression="gzip")
    options = CsvOptions(missing_values=["-"], default_missing_values=False, dates=["day"])
    described = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY, options))
    return described, FileSource(path, dataset_source.CSV), DatasetOrigin("csv")


def build_spec(data, layers, training):
    fit = {"batch_size": 16, "epochs": 3, "seed": 9}
    document = {"data": {"dataset": "data", **data}, "network": {"layers": layers}, "training": fit | training}
    return parse_spec(json.dumps(document).encode())


def write_case(name, directory):
    """Write the dataset and the script of a case; return its spec, description, source and directory."""
    kind, data, layers, training = CASES[name]
    description, source, origin = store_dataset(kind, directory)
    spec = build_spec(data, layers, training)
    (directory / "train.py").write_text(write_script(spec, description, origin, backend=keras.config.backend()))
    return spec, description, source, directory


def run_scripts(*directories):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", RUN_SCRIPTS, *map(str, directories)]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run the script of each case; return its spec, description, source and directory of results by name."""
    runs = {name: write_case(name, tmp_path_factory.mktemp("script")) for name in CASES}
    run_scripts(*(directory for *_, directory in runs.values()))
    return runs


TOLERANCES = {"pixels through convolutions": 2**-22}
"""Relative tolerances of cases that are not exact everywhere. On processors without AVX-512, TensorFlow rounds a
convolution differently in the engine's validation loop than in `fit` (see docs/design/engine.md)."""


def assert_history_equals_that_of_the_script(name, spec, description, source, directory):
    report = check_spec(spec, description)
    _, recorded = train_with_engine(spec, prepare_data(spec, description, source, report.task))
    with (directory / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(recorded.epochs)
    assert set(rows[0]) == {"epoch", *report.metrics}
    for metric, column in recorded.columns().items():
        script_values = [float(row[metric]) for row in rows]
        assert script_values == pytest.approx(column, rel=TOLERANCES.get(name, 0), abs=0, nan_ok=True), metric
    assert (directory / "model.keras").exists()


@pytest.mark.jax
def test_a_script_shuffles_its_rows_as_its_job_does(tmp_path):
    name = "random initializers in the order of their arguments"
    case = write_case(name, tmp_path)
    run_scripts(tmp_path)
    assert_history_equals_that_of_the_script(name, *case)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", CASES)
def test_a_script_has_exactly_the_history_of_its_job(name, runs):
    assert_history_equals_that_of_the_script(name, *runs[name])


INITIALIZERS = [cls for cls in get_args(get_args(Initializer)[0]) if cls is not Constant]


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_keras_knows_the_names_of_initializers_in_scripts(initializer):
    name = build_argument(initializer())
    assert type(keras.initializers.get(name.strip('"'))) is getattr(keras.initializers, initializer.__name__)


def test_names_in_a_script_are_literals_and_never_code():
    injection = '"]); __import__("os").system("touch hacked"); (["'
    columns = [
        {"name": name, "type": "float", "missing": 0, "minimum": 0, "maximum": 1} for name in (injection, "y\n# b")
    ]
    description = TableDescription.model_validate({"rows": 2, "columns": columns})
    spec = build_spec({"dataset": injection, "target": {"column": "y\n# b"}}, build_dense_layers(1), {"loss": "mse"})
    spec = spec.model_copy(update={"name": '"""\nimport os', "tags": ("'''",)})
    module = compile(write_script(spec, description, DatasetOrigin("csv")), "train.py", "exec")
    assert "__import__" not in module.co_names
    assert injection in str(module.co_consts)


@pytest.mark.exhaustive
def test_a_script_imports_exactly_the_names_that_it_uses(runs):
    scripts = [str(directory / "train.py") for *_, directory in runs.values()]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "E9,F,I", *scripts]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout

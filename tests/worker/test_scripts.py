"""Scripts of stock Keras beside the jobs that they stand for, over the breadth of the spec language."""

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
from service.datasets.builtins import load
from service.datasets.dataset_source import BuiltinSource, FileSource
from service.datasets.inspection import csv_file, npz_file, parquet_file
from stackyard.spec import ArraysDescription, TableDescription, check, parse
from stackyard.spec.network.initializers import Constant, Initializer
from stackyard.spec.script import Origin, write
from stackyard.spec.script.constructors import value_of
from tests.worker.stock import trained
from worker.preparation import prepare

# Importing keras takes longer than training so little: all scripts run in one process, for one process of tests.
pytestmark = pytest.mark.xdist_group("scripts")

_MEMORY = 2**30
ROWS = 120

RUN = """
import os, runpy, sys
import keras
for directory in sys.argv[1:]:
    os.chdir(directory)
    data = [name for name in os.listdir() if name.startswith("data.")]
    sys.argv = ["train.py", *data]
    keras.backend.clear_session()
    runpy.run_path("train.py")
"""


def frame():
    draw = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "size": draw.normal(50, 20, ROWS),
            "count": draw.integers(0, 9, ROWS),
            "colour": draw.choice(["red", 'gr"een', "b'lue", "{x}"], ROWS),
            "flag": draw.choice([True, False], ROWS),
            "kind": draw.choice(["a", "b", "c"], ROWS),
            "weight": draw.random(ROWS),
            "who": [f"person {row // 4}" for row in range(ROWS)],
            "set": draw.choice(["train", "test"], ROWS),
            "price": draw.normal(100, 30, ROWS),
            "label": draw.integers(0, 3, ROWS),
        }
    )
    holes = draw.random((ROWS, 3)) < 0.1
    table["size"] = table["size"].mask(holes[:, 0])
    table["kind"] = table["kind"].mask(holes[:, 1])
    table["late"] = table["price"].mask(holes[:, 2])
    return table


def arrays():
    draw = np.random.default_rng(1)
    return {
        "x": draw.normal(size=(ROWS, 6, 5)),
        "y": draw.integers(0, 3, ROWS),
        "amounts": draw.normal(10, 4, (ROWS, 2)),
        "w": draw.random(ROWS),
        "g": np.arange(ROWS) // 5,
        "tx": draw.normal(size=(20, 6, 5)),
        "ty": draw.integers(0, 3, 20),
        "tamounts": draw.normal(10, 4, (20, 2)),
    }


def dense(units, activation=None):
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
        dense(3, "softmax"),
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
        dense(3, "softmax"),
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
        dense(2),
        {"loss": "mse", "metrics": ["mae", {"type": "RootMeanSquaredError", "name": "rmse"}]},
    ),
    "a binary target, balanced": (
        "csv",
        {"target": {"column": "flag"}, "features": PLAIN, "split": RANDOM},
        dense(1),
        {
            "loss": {"type": "BinaryCrossentropy", "from_logits": True},
            "class_weight": "balanced",
            "metrics": ["accuracy", {"type": "Accuracy", "name": "right"}],
        },
    ),
    "one-hot with weights and an unshuffled split": (
        "csv",
        {
            "target": {"column": "colour", "encode": "one_hot"},
            "features": PLAIN,
            "split": {"validation": {"method": "train_test_split", "train_fraction": 0.7, "shuffle": False}},
        },
        dense(4, "softmax"),
        {"loss": "categorical_crossentropy", "class_weight": "balanced", "shuffle": False},
    ),
    "a schedule and callbacks": (
        "csv",
        {"target": {"column": "price"}, "features": PLAIN, "split": RANDOM},
        dense(1),
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
        dense(1),
        {"loss": "mse", "optimizer": {"type": "SGD", "learning_rate": 1e30}},
    ),
    "a training that goes on all the same": (
        "csv",
        {"target": {"column": "price"}, "features": PLAIN, "split": RANDOM},
        dense(1),
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
        ["Flatten", *dense(3, "softmax")],
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
        [{"type": "Bidirectional", "layer": {"type": "LSTM", "units": 3}}, *dense(2)],
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
        [{"type": "LayerNormalization"}, *dense(3, "softmax")],
        {"loss": "sparse_categorical_crossentropy"},
    ),
}


def stored(kind, directory):
    """A dataset in a file of its kind: its description, where the worker finds it, and where a script does."""
    if kind == "builtin":
        builtin = next(entry for entry in load() if entry.name == "wine")
        return TableDescription.model_validate(builtin.description), BuiltinSource("wine"), Origin(builtin="wine")
    path = directory / f"data.{kind}"
    if kind == "npz":
        np.savez(path, **arrays())
        described = ArraysDescription.model_validate(npz_file.describe(path, _MEMORY))
        return described, FileSource(path, dataset_source.NPZ), Origin("npz")
    if kind == "parquet":
        frame().to_parquet(path, index=False)
        described = TableDescription.model_validate(parquet_file.describe(path, _MEMORY))
        return described, FileSource(path, dataset_source.PARQUET), Origin("parquet")
    frame().to_csv(path, index=False)
    return (
        TableDescription.model_validate(csv_file.describe(path, _MEMORY)),
        FileSource(path, dataset_source.CSV),
        Origin("csv"),
    )


def parsed(data, layers, training):
    fit = {"batch_size": 16, "epochs": 3, "seed": 9}
    document = {"data": {"dataset": "data", **data}, "network": {"layers": layers}, "training": fit | training}
    return parse(json.dumps(document).encode())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """By the case's name: the spec, what it was checked to be, its source, and what its script left behind."""
    made = {}
    for name, (kind, data, layers, training) in CASES.items():
        directory = tmp_path_factory.mktemp("script")
        description, source, origin = stored(kind, directory)
        spec = parsed(data, layers, training)
        (directory / "train.py").write_text(write(spec, description, origin))
        made[name] = (spec, description, source, directory)
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", RUN, *(str(directory) for *_, directory in made.values())]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return made


@pytest.mark.parametrize("name", CASES)
def test_a_script_has_the_history_of_its_job_to_the_bit(name, runs):
    spec, description, source, directory = runs[name]
    report = check(spec, description)
    _, told = trained(spec, prepare(spec, description, source, report.task))
    with (directory / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(told.epochs)
    assert set(rows[0]) == {"epoch", *report.metrics}
    for metric, column in told.columns().items():
        stock = [float(row[metric]) for row in rows]
        assert stock == pytest.approx(column, rel=0, abs=0, nan_ok=True), metric
    assert (directory / "model.keras").exists()


@pytest.mark.parametrize("part", [one for one in get_args(get_args(Initializer)[0]) if one is not Constant])
def test_keras_knows_an_initializer_by_the_name_that_a_script_gives_it(part):
    name = value_of(part())
    assert type(keras.initializers.get(name.strip('"'))) is getattr(keras.initializers, part.__name__)


def test_a_name_is_a_literal_and_never_code():
    evil = '"]); __import__("os").system("touch hacked"); (["'
    columns = [{"name": name, "type": "float", "missing": 0, "minimum": 0, "maximum": 1} for name in (evil, "y\n# b")]
    description = TableDescription.model_validate({"rows": 2, "columns": columns})
    spec = parsed({"dataset": evil, "target": {"column": "y\n# b"}}, dense(1), {"loss": "mse"})
    named = spec.model_copy(update={"name": '"""\nimport os', "tags": ("'''",)})
    module = compile(write(named, description, Origin("csv")), "train.py", "exec")
    assert "__import__" not in module.co_names
    assert evil in str(module.co_consts)


def test_a_script_uses_what_it_imports_and_nothing_else(runs):
    scripts = [str(directory / "train.py") for *_, directory in runs.values()]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "E9,F,I", *scripts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

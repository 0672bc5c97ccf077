"""The parts of the page on the spec language that the types cannot express: introduction, end and examples."""

from typing import Any

INTRODUCTION = """\
# Spec language

{note}

A job is one JSON object. It says which data to use, which network to build, how to train it, and where. Classes
and arguments have the names and defaults of Keras. They behave as the Keras documentation says, unless this page says
more.

`POST /v1/specs/check` returns a report on a spec, or every error in it. The folder `examples/` of the repository has
whole specs.

- **Closed.** A key that no table lists is an error. The error gives its JSON pointer and the key that you probably
  meant.
- **Strict.** `8` is an integer, `8.0` is a number and `"8"` is text. NaN, infinities, integers beyond 64 bits and
  repeated keys are errors.
- **Short forms.** Where an object has a `type`, its bare name stands for it with every default: `"adam"` is
  `{{"type": "Adam"}}`. Case and underscores do not matter: `mean_squared_error` is `MeanSquaredError`. A string among
  the features, or as the target, stands for a column. A job keeps the long forms.
- **Names** of layers, losses and metrics start with a letter. They have at most 64 letters, digits and underscores;
  those of layers also hyphens and dots.
- **Seeds** are integers from 0 to 4294967295, the range that NumPy, TensorFlow and Keras share.
- **Required** arguments have no default. You may leave out all others.
- **Data only.** The server looks names up in these lists and nowhere else. It imports and opens nothing that a spec
  names."""

SCHEMA = """\
## JSON Schema

`GET /v1/schemas/job` returns the language as JSON Schema (draft 2020-12), for editors and generators. The schema
cannot express everything that the server refuses:

- integers with a fraction of zero (`8.0` where an integer is expected) and integers beyond 64 bits;
- arguments that do not fit together (`stratify` without `shuffle`, `warmup_target` without `warmup_steps`);
- shapes that do not match, columns that the dataset lacks, and limits;
- repeated keys, and encodings other than UTF-8.

The server also accepts a little more than the schema. The schema lists each name as its class, in snake case, in lower
case and by its other names; the server ignores all case and all underscores."""

EXAMPLES: dict[str, Any] = {
    "TableData": {
        "dataset": "houses",
        "features": [
            {"columns": ["area", "age"], "transform": "standard", "impute": "median"},
            {"columns": ["district"], "transform": "one_hot"},
        ],
        "target": {"column": "price", "divide_by": 1000},
        "split": {"validation": {"method": "group", "column": "street", "train_fraction": 0.75, "seed": 0}},
    },
    "ArrayData": {
        "dataset": "mnist",
        "x": "x_train",
        "y": "y_train",
        "test": {"x": "x_test", "y": "y_test"},
        "normalize": {"axis": 1},
        "target": {"encode": "one_hot"},
    },
    "Layer": [
        "BatchNormalization",
        {"type": "Dense", "units": 64, "activation": "relu"},
        {"type": "Dropout", "rate": 0.3},
    ],
    "Initializer": {"type": "VarianceScaling", "scale": 2.0, "mode": "fan_out"},
    "Training": {
        "optimizer": {"type": "SGD", "momentum": 0.9},
        "loss": "categorical_crossentropy",
        "metrics": ["accuracy"],
        "batch_size": 64,
        "epochs": 20,
        "seed": 0,
        "callbacks": [{"type": "EarlyStopping", "patience": 3}],
    },
    "ClassWeight": {"benign": 1.0, "malignant": 3.0},
    "Schedule": {"type": "CosineDecay", "initial_learning_rate": 0.01, "decay_steps": 1000},
    "Loss": {"type": "Huber", "delta": 2.0},
    "Metric": {"type": "Precision", "name": "precision_of_1", "class_id": 1},
}
"""Examples by the class or union that they show; a list holds several."""

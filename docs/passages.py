"""What the page on the spec language says that the types do not: its beginning, its end and its examples."""

from typing import Any

INTRODUCTION = """\
# The spec language

<!-- Written by `make docs` out of the types in stackyard/spec. Do not edit. -->

A job is one JSON object: data, a network, how to train it and where. Classes and arguments have Keras's own names and
defaults, and do what Keras's own pages say of them where the part does not say more. `POST /v1/specs/check` answers
what a spec comes to, or all that is wrong with it; [examples/](../examples/README.md) has whole specs.

- **Closed.** A key that no table here lists is refused, at its JSON pointer and with the key that was probably meant.
- **Strict.** `8` is an integer, `8.0` is a number and `"8"` is text. NaN, infinities, integers beyond 64 bits and a
  key twice are refused.
- **Short forms.** Where a part is one of several, its `type` says which, and its bare name stands for it with every
  default: `"adam"` is `{"type": "Adam"}`. Case and underscores do not matter: `mean_squared_error` is
  `MeanSquaredError`.
- **Names** of layers, losses and metrics are letters, digits and underscores, a letter first, 64 at most.
- **Seeds** are integers from 0 to 4294967295, as NumPy, TensorFlow and Keras all take them.
- **Needed** arguments have no default; all others may be left out.
- **Data only.** A name is looked up in these lists and nowhere else: nothing in a spec is imported or opened."""

SCHEMA = """\
## The JSON Schema

`GET /v1/schemas/job` answers the language as JSON Schema (draft 2020-12), for editors and generators. The server
refuses more than it can say:

- whole numbers with a fraction of zero (`8.0` where an integer is wanted) and integers beyond 64 bits;
- arguments that do not go together (`stratify` without `shuffle`, a `warmup_target` without `warmup_steps`), shapes
  that do not fit, columns that the dataset lacks, and limits;
- a key that an object has twice, and an encoding that is not UTF-8.

And it takes a little more: the schema lists each name as its class, in snake case, in lower case and by its further
names, while the server looks past all case and all underscores."""

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
"""By the part or the union that they are of; a list has several."""

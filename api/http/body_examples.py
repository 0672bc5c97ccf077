"""Examples of request bodies in the OpenAPI document. Each is accepted as it stands; the rows belong to the spec."""

from typing import Any

Json = dict[str, Any]

SPEC: Json = {
    "name": "iris",
    "data": {
        "dataset": "builtin:iris",
        "target": {"column": "target"},
        "split": {"test": {"method": "train_test_split", "train_fraction": 0.8, "seed": 0}},
    },
    "network": {
        "layers": [
            {"type": "Dense", "units": 16, "activation": "relu"},
            {"type": "Dense", "units": 3, "activation": "softmax"},
        ]
    },
    "training": {
        "optimizer": {"type": "Adam", "learning_rate": 0.01},
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "epochs": 40,
        "seed": 0,
    },
}

SWEEP: Json = {
    "name": "iris, learning rates",
    "base": SPEC
    | {
        "data": SPEC["data"]
        | {"split": SPEC["data"]["split"] | {"validation": {"method": "random", "train_fraction": 0.8}}}
    },
    "space": {
        "/training/optimizer/learning_rate": {"log_uniform": [0.0001, 0.1]},
        "/network/layers/0/units": [8, 16, 32],
    },
    "search": {"method": "random", "seed": 0},
    "budget": {"trials": 20},
}

SWEEP_CHANGES: Json = {"budget": {"trials": 40}, "max_concurrent": 8}

CHANGES: Json = {"name": "iris, first try", "tags": ["tutorial"], "priority": 5}

RESUMPTION: Json = {"until_epoch": 40}

CONTINUATION: Json = {"epochs": 60}

KERAS_MODEL: Json = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "sequential",
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "InputLayer",
                "config": {"batch_shape": [None, 4], "dtype": "float32", "name": "input_layer"},
            },
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {"name": "dense", "units": 3, "activation": "softmax"},
            },
        ],
    },
}

TABLE_CSV = "x,y\n0.0,1.0\n1.0,3.0\n2.0,5.0\n3.0,7.0\n"

ROWS: Json = {
    "rows": [
        {
            "sepal length (cm)": 5.1,
            "sepal width (cm)": 3.5,
            "petal length (cm)": 1.4,
            "petal width (cm)": 0.2,
        }
    ]
}

ROWS_CSV = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n"

USER: Json = {"name": "ann", "role": "admin", "shares": 2.0, "max_running": 4}

USER_CHANGES: Json = {"shares": 3.0, "max_queued": 500, "disabled": False}

TOKEN: Json = {"name": "nightly runs", "scope": "submit", "project": "default", "expires_at": "2126-12-31T00:00:00Z"}

ROTATION: Json = {"overlap_s": 3600.0}

PROJECT: Json = {"name": "vision"}

MEMBER: Json = {"role": "editor"}

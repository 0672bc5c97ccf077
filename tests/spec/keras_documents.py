"""Keras's JSON, as `to_json` writes it."""

FLOAT32 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def keras_object(module, class_name, /, **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def layer(class_name, **config):
    return keras_object("keras.layers", class_name, **{"trainable": True, "dtype": FLOAT32} | config)


def door(shape=(None, 4), **config):
    plain = {"dtype": "float32", "sparse": False, "ragged": False, "name": "input_layer", "optional": False}
    return keras_object("keras.layers", "InputLayer", **plain | {"batch_shape": list(shape)} | config)


def initializer(class_name, **config):
    return keras_object("keras.initializers", class_name, **config)


def dense(name="dense", units=3, **config):
    plain = {
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": initializer("GlorotUniform", seed=None, input_axes=None, output_axes=None),
        "bias_initializer": initializer("Zeros"),
        "kernel_regularizer": None,
        "quantization_config": None,
    }
    return layer("Dense", name=name, units=units, **plain | config)


def sequential(*layers, compiled=None, **config):
    plain = {"name": "sequential", "trainable": True, "dtype": FLOAT32}
    document = keras_object("keras", "Sequential", **plain | {"layers": list(layers)} | config)
    return document | {"build_config": {"input_shape": [None, 4]}, "compile_config": compiled or {}}


def tensor(source, node=0, index=0):
    config = {"shape": [None, 3], "dtype": "float32", "keras_history": [source, node, index]}
    return {"class_name": "__keras_tensor__", "config": config}


def call(*sources, **kwargs):
    return {"args": [tensor(source) if isinstance(source, str) else source for source in sources], "kwargs": kwargs}


def node(made, *calls):
    return made | {"name": made["config"]["name"], "inbound_nodes": list(calls)}


def functional(*nodes, inputs=("input_layer", 0, 0), outputs=("last", 0, 0)):
    document = keras_object("keras.src.models.functional", "Functional", name="functional", trainable=True)
    document["registered_name"] = "Functional"
    document["config"] |= {"layers": list(nodes), "input_layers": list(inputs), "output_layers": list(outputs)}
    return document


MODEL = sequential(
    door(),
    dense(units=8, activation="relu", kernel_regularizer=keras_object("keras.regularizers", "L2", l2=0.5)),
    layer("BatchNormalization", name="batch_normalization", axis=-1, renorm=True, renorm_clipping={"rmax": 3.0}),
    layer("Dropout", name="dropout", rate=0.5, seed=3, noise_shape={"class_name": "__tuple__", "items": [None, 1]}),
    dense("dense_1", activation="softmax", kernel_initializer=initializer("HeNormal", seed=None)),
)

COMPILED = {
    "optimizer": keras_object(
        "keras.optimizers", "Adam", name="adam_1", learning_rate=0.0010000000474974513, clipnorm=None, beta_1=0.8
    ),
    "loss": "sparse_categorical_crossentropy",
    "loss_weights": None,
    "metrics": ["acc", keras_object("keras.metrics", "AUC", name="auc", dtype="float32", num_thresholds=100)],
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
    "jit_compile": True,
}

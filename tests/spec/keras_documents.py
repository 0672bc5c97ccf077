"""Builders for Keras's JSON, as `Model.to_json` writes it."""

DTYPE_POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def build_keras_object(module, class_name, /, **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def build_layer(class_name, **config):
    return build_keras_object("keras.layers", class_name, **{"trainable": True, "dtype": DTYPE_POLICY} | config)


def build_input_layer(shape=(None, 4), **config):
    defaults = {"dtype": "float32", "sparse": False, "ragged": False, "name": "input_layer", "optional": False}
    return build_keras_object("keras.layers", "InputLayer", **defaults | {"batch_shape": list(shape)} | config)


def build_initializer(class_name, **config):
    return build_keras_object("keras.initializers", class_name, **config)


def build_dense(name="dense", units=3, **config):
    defaults = {
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": build_initializer("GlorotUniform", seed=None, input_axes=None, output_axes=None),
        "bias_initializer": build_initializer("Zeros"),
        "kernel_regularizer": None,
        "quantization_config": None,
    }
    return build_layer("Dense", name=name, units=units, **defaults | config)


def build_sequential(*layers, compiled=None, **config):
    defaults = {"name": "sequential", "trainable": True, "dtype": DTYPE_POLICY}
    document = build_keras_object("keras", "Sequential", **defaults | {"layers": list(layers)} | config)
    return document | {"build_config": {"input_shape": [None, 4]}, "compile_config": compiled or {}}


def build_tensor(source, node_index=0, tensor_index=0):
    config = {"shape": [None, 3], "dtype": "float32", "keras_history": [source, node_index, tensor_index]}
    return {"class_name": "__keras_tensor__", "config": config}


def build_call(*sources, **kwargs):
    return {
        "args": [build_tensor(source) if isinstance(source, str) else source for source in sources],
        "kwargs": kwargs,
    }


def build_node(keras_layer, *calls):
    return keras_layer | {"name": keras_layer["config"]["name"], "inbound_nodes": list(calls)}


def build_functional(*nodes, inputs=("input_layer", 0, 0), outputs=("last", 0, 0)):
    document = build_keras_object("keras.src.models.functional", "Functional", name="functional", trainable=True)
    document["registered_name"] = "Functional"
    document["config"] |= {"layers": list(nodes), "input_layers": list(inputs), "output_layers": list(outputs)}
    return document


MODEL = build_sequential(
    build_input_layer(),
    build_dense(units=8, activation="relu", kernel_regularizer=build_keras_object("keras.regularizers", "L2", l2=0.5)),
    build_layer("BatchNormalization", name="batch_normalization", axis=-1, renorm=True, renorm_clipping={"rmax": 3.0}),
    build_layer(
        "Dropout", name="dropout", rate=0.5, seed=3, noise_shape={"class_name": "__tuple__", "items": [None, 1]}
    ),
    build_dense("dense_1", activation="softmax", kernel_initializer=build_initializer("HeNormal", seed=None)),
)

COMPILE_CONFIG = {
    "optimizer": build_keras_object(
        "keras.optimizers", "Adam", name="adam_1", learning_rate=0.0010000000474974513, clipnorm=None, beta_1=0.8
    ),
    "loss": "sparse_categorical_crossentropy",
    "loss_weights": None,
    "metrics": ["acc", build_keras_object("keras.metrics", "AUC", name="auc", dtype="float32", num_thresholds=100)],
    "weighted_metrics": None,
    "run_eagerly": False,
    "steps_per_execution": 1,
    "jit_compile": True,
}

"""The training of `tests.factories.iris_spec` with a test split, as a script of stock Keras without Stackyard."""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"  # on which the server trains such a network

import keras
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

table = load_iris(as_frame=True).frame
rest, test = train_test_split(table, train_size=0.8, random_state=0)
train = rest.sample(frac=0.8, random_state=0)
validation = rest.drop(train.index)


def to_arrays(frame):
    return frame.drop(columns="target").to_numpy("float32"), frame["target"].to_numpy()


keras.utils.set_random_seed(0)
network = keras.Sequential(
    [
        keras.Input((4,)),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(3, activation="softmax"),
    ],
)
network.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = network.fit(
    *to_arrays(train), batch_size=32, epochs=12, validation_data=to_arrays(validation), verbose=0
).history
evaluation = network.evaluate(*to_arrays(test), batch_size=32, return_dict=True, verbose=0)
json.dump({"history": history, "evaluation": evaluation}, sys.stdout)

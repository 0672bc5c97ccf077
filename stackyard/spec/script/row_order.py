"""Write the class that shuffles the training rows in every epoch as the worker does."""

from stackyard.spec.script.python_source import Expression, build_call
from stackyard.spec.script.script_builder import ScriptBuilder

_ROWS_CLASS = '''class Rows(keras.utils.PyDataset):
    """The training rows, in a new order in each epoch."""

    def __init__(self):
        super().__init__()
        self.shuffle(0)

    def __len__(self):
        return -(-len(x_train) // {batch_size})

    def shuffle(self, epoch):
        self.order = np.random.RandomState([{seed}, epoch]).permutation(len(x_train))

    def __getitem__(self, step):
        indices = self.order[step * {batch_size} : (step + 1) * {batch_size}]
        return {arrays}'''

# Not the dataset's own `on_epoch_begin`: on JAX, Keras also calls it to build the network, before the first epoch.
_SHUFFLE_IN_EACH_EPOCH = "lambda epoch, logs: rows.shuffle(epoch)"


def write_row_order(script: ScriptBuilder, seed: int, batch_size: int, *, has_sample_weight: bool) -> None:
    """Write `rows`, the training rows; its batches include `sample_weight` if the rows have weights."""
    script.import_modules("numpy as np")
    names = ["x_train", "y_train", *(["sample_weight"] if has_sample_weight else [])]
    arrays = ", ".join(f"{name}[indices]" for name in names)
    script.start_block(*_ROWS_CLASS.format(seed=seed, batch_size=batch_size, arrays=arrays).splitlines())
    script.start_block("rows = Rows()")


def build_shuffle_callback() -> Expression:
    """Return the callback that gives `rows` the order of each epoch."""
    return build_call("keras.callbacks.LambdaCallback", on_epoch_begin=_SHUFFLE_IN_EACH_EPOCH)

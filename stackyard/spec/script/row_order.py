"""Write the class that shuffles the training rows in every epoch as the worker does."""

from stackyard.spec.script.script_builder import ScriptBuilder

_ROWS_CLASS = '''class Rows(keras.utils.PyDataset):
    """The training rows, in a new order in each epoch."""

    def __init__(self):
        super().__init__()
        self.epoch, self.order = -1, np.arange(len(x_train))

    def __len__(self):
        return -(-len(x_train) // {batch_size})

    def on_epoch_begin(self):
        self.epoch += 1
        self.order = np.random.RandomState([{seed}, self.epoch]).permutation(len(x_train))

    def __getitem__(self, step):
        rows = self.order[step * {batch_size} : (step + 1) * {batch_size}]
        return {arrays}'''


def write_row_order(script: ScriptBuilder, seed: int, batch_size: int, *, has_sample_weight: bool) -> None:
    """Write the class `Rows`; its batches include `sample_weight` if the rows have weights."""
    script.import_modules("numpy as np")
    names = ["x_train", "y_train", *(["sample_weight"] if has_sample_weight else [])]
    arrays = ", ".join(f"{name}[rows]" for name in names)
    script.start_block(*_ROWS_CLASS.format(seed=seed, batch_size=batch_size, arrays=arrays).splitlines())

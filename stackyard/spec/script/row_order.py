"""The order of the training rows, where every epoch has its own."""

from stackyard.spec.script.script_source import Source

_ROWS = '''class Rows(keras.utils.PyDataset):
    """The training rows, in an order of its own in every epoch."""

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


def rows(source: Source, seed: int, batch_size: int, *, weighted: bool) -> None:
    """Add the class `Rows`, of `x_train`, `y_train` and, where rows are `weighted`, `sample_weight`."""
    source.use("numpy as np")
    arrays = ", ".join(f"{name}[rows]" for name in ["x_train", "y_train", *(["sample_weight"] if weighted else [])])
    source.block(*_ROWS.format(seed=seed, batch_size=batch_size, arrays=arrays).splitlines())

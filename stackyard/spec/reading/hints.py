"""Fixes for keys that people know from other tools: what a spec has in their place."""

from collections.abc import Callable, Mapping

_OPTIMIZER_HINT = 'it is the "learning_rate" of the optimizer: {"type": "Adam", "learning_rate": 0.001}'
_INPUT_HINT = "leave it out: the data determines the shape of the input"
_DTYPE_HINT = "leave it out: every weight is float32"
_SEED_HINT = 'it is the "seed" of the training or of a split'
_TARGET_HINT = 'it is the "target" of the data: {"column": "y"}'
_CHECKPOINT_HINT = "leave it out: the server keeps checkpoints by itself"
_EARLY_STOPPING_HINT = 'it is an argument of a callback: {"type": "EarlyStopping", "patience": 5}'


def _hint_split(name: str) -> Callable[[object], str]:
    def build_hint(value: object) -> str:
        is_fraction = isinstance(value, float) and 0 < value < 1
        fraction = round(1 - value, 10) if isinstance(value, float) and is_fraction else 0.8
        method = "last" if name == "validation" else "random"
        split = f'{{"{name}": {{"method": "{method}", "train_fraction": {fraction}}}}}'
        return f'it is a part of the "split" of the data: {split}'

    return build_hint


_HINTS: Mapping[str, str | Callable[[object], str]] = {
    "lr": _OPTIMIZER_HINT,
    "learning_rate": _OPTIMIZER_HINT,
    "validation_split": _hint_split("validation"),
    "val_split": _hint_split("validation"),
    "validation_size": _hint_split("validation"),
    "validation_data": _hint_split("validation"),
    "test_size": _hint_split("test"),
    "test_split": _hint_split("test"),
    "train_size": 'it is the "train_fraction" of a split method',
    "input_shape": _INPUT_HINT,
    "input_dim": _INPUT_HINT,
    "batch_input_shape": _INPUT_HINT,
    "batch_shape": _INPUT_HINT,
    "dtype": _DTYPE_HINT,
    "random_state": _SEED_HINT,
    "random_seed": _SEED_HINT,
    "label": _TARGET_HINT,
    "labels": _TARGET_HINT,
    "target_column": _TARGET_HINT,
    "patience": _EARLY_STOPPING_HINT,
    "early_stopping": _EARLY_STOPPING_HINT,
    "model": 'it is the "network": {"layers": [...]}',
    "n_epochs": 'it is "epochs" of the training',
    "num_epochs": 'it is "epochs" of the training',
    "nb_epoch": 'it is "epochs" of the training',
    "verbose": "leave it out: the server records every epoch",
    "checkpoint": _CHECKPOINT_HINT,
}


def find_key_hint(key: str, value: object) -> str | None:
    """Return a fix for a key that no field of its object reads, or None for a key that no other tool has.

    Args:
        key: the unknown key.
        value: its value, which a hint may repeat in the form of a spec.

    """
    hint = _HINTS.get(key.lower())
    return hint(value) if callable(hint) else hint

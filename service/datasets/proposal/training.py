"""The split, the network and the training of a proposal, by the number of its rows."""

from typing import Any

from service.datasets.proposal.target import ProposedTarget

TRAIN_FRACTION = 0.8
"""The fraction of the rows that each split leaves: 64 % train, 16 % validate and 20 % test."""
_MIN_SPLIT_ROWS = 10
"""With fewer rows, a score on a part of them would be chance."""
_MIN_ROWS_TO_STRATIFY_TWICE = 5
"""Rows of the rarest class from which the test set surely leaves enough for the validation set."""
_FEW_ROWS, _MANY_ROWS, _VERY_MANY_ROWS = 500, 5_000, 100_000
_SEED = 0


def propose_split(target: ProposedTarget, stratify: str, test_rows: int | None = None) -> dict[str, Any]:
    """Return the splits by `train_test_split`, stratified where each class has enough rows.

    Args:
        target: what the network predicts.
        stratify: the column or array to stratify by.
        test_rows: the number of rows of a separate test pair; no test set is split off then.

    """
    if target.rows < _MIN_SPLIT_ROWS:
        return {}
    split: dict[str, Any] = {}
    rows, rarest_rows = target.rows, target.rarest_rows or 0
    if test_rows is None:
        has_enough_rows = rarest_rows > 1 and _count_held_out_rows(rows) >= len(target.categories)
        split["test"] = _build_method(stratify if has_enough_rows else None)
        rows -= _count_held_out_rows(rows)
    has_enough_rows = rarest_rows >= _MIN_ROWS_TO_STRATIFY_TWICE
    has_enough_rows = has_enough_rows and _count_held_out_rows(rows) >= len(target.categories)
    split["validation"] = _build_method(stratify if has_enough_rows else None)
    return split


def count_train_rows(target: ProposedTarget, split: dict[str, Any]) -> int:
    """Return the number of training rows that a proposed split leaves."""
    rows = target.rows
    for _ in split:
        rows -= _count_held_out_rows(rows)
    return rows


def propose_hidden_layers(rows: int) -> list[dict[str, Any] | str]:
    """Return dense layers for this number of training rows."""
    units = 32 if rows < _MANY_ROWS else 64
    layers: list[dict[str, Any] | str] = [{"type": "Dense", "units": units, "activation": "relu"}]
    if rows >= _MANY_ROWS:
        layers.append({"type": "Dense", "units": units // 2, "activation": "relu"})
    return [*layers, {"type": "Dropout", "rate": 0.2}]


def propose_training(target: ProposedTarget, rows: int, *, validates: bool) -> dict[str, Any]:
    """Return the training for this number of training rows. It stops early on the validation set, if there is one."""
    training: dict[str, Any] = {
        "optimizer": {"type": "Adam", "learning_rate": 0.01} if rows < _FEW_ROWS else "adam",
        "loss": target.loss,
        "metrics": target.metrics,
        "batch_size": _choose_batch_size(rows),
        "epochs": 100 if rows < _VERY_MANY_ROWS else 20,
        "seed": _SEED,
    }
    if validates:
        training["callbacks"] = [{"type": "EarlyStopping", "patience": 10, "restore_best_weights": True}]
    return training


def _build_method(stratify: str | None) -> dict[str, Any]:
    method = {"method": "train_test_split", "train_fraction": TRAIN_FRACTION, "seed": _SEED}
    return method if stratify is None else method | {"stratify": stratify}


def _count_held_out_rows(rows: int) -> int:
    return rows - int(TRAIN_FRACTION * rows)


def _choose_batch_size(rows: int) -> int:
    if rows < _FEW_ROWS:
        return 16 if rows >= 16 else max(rows, 1)  # noqa: PLR2004 the batch itself
    if rows < _MANY_ROWS:
        return 32
    return 128 if rows < _VERY_MANY_ROWS else 512

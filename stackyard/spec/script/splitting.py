"""Write the lines that split a frame called `data` as the spec says."""

from stackyard.spec.data.split import (
    ColumnSplit,
    GroupSplit,
    LastSplit,
    RandomSplit,
    Split,
    SplitMethod,
    TrainTestSplit,
)
from stackyard.spec.script.python_source import format_literal
from stackyard.spec.script.script_builder import ScriptBuilder


def write_split(script: ScriptBuilder, split: Split, seed: int) -> None:
    """Write the lines that split `data` into `train` and, where the spec has them, `test` and `validation`."""
    script.start_block()
    rest = "data"
    if split.test is not None:
        rest = "train" if split.validation is None else "rest"
        _write_method(script, split.test, ("data", rest, "test"), seed)
    if split.validation is not None:
        _write_method(script, split.validation, (rest, "train", "validation"), seed)
    elif split.test is None:
        script.add_lines("train = data")


def _write_method(script: ScriptBuilder, method: SplitMethod, frames: tuple[str, str, str], seed: int) -> None:
    whole, train, held_out = frames
    match method:
        case RandomSplit():
            random_state = seed if method.seed is None else method.seed
            script.add_lines(
                f"{train} = {whole}.sample(frac={method.train_fraction!r}, random_state={random_state})",
                f"{held_out} = {whole}.drop({train}.index)",
            )
        case LastSplit():
            script.add_lines(
                f"head = int(len({whole}) * {method.train_fraction!r})",
                f"{train}, {held_out} = {whole}.iloc[:head], {whole}.iloc[head:]",
            )
        case ColumnSplit():
            script.add_lines(
                f"aside = {whole}[{format_literal(method.column)}].isin({format_literal(method.values)})",
                f"{train}, {held_out} = {whole}[~aside], {whole}[aside]",
            )
        case GroupSplit():
            _write_group_split(script, method, frames, seed)
        case TrainTestSplit():
            _write_train_test_split(script, method, frames, seed)


def _write_group_split(script: ScriptBuilder, method: GroupSplit, frames: tuple[str, str, str], seed: int) -> None:
    whole, train, held_out = frames
    script.import_name("sklearn.model_selection", "GroupShuffleSplit")
    random_state = seed if method.seed is None else method.seed
    script.add_lines(
        f"splitter = GroupShuffleSplit(n_splits=1, train_size={method.train_fraction!r}, random_state={random_state})",
        f"inside, outside = next(splitter.split({whole}, groups={whole}[{format_literal(method.column)}]))",
        f"{train}, {held_out} = {whole}.iloc[inside], {whole}.iloc[outside]",
    )


def _write_train_test_split(
    script: ScriptBuilder, method: TrainTestSplit, frames: tuple[str, str, str], seed: int
) -> None:
    whole, train, held_out = frames
    script.import_name("sklearn.model_selection", "train_test_split")
    arguments = f"random_state={seed if method.seed is None else method.seed}" if method.shuffle else "shuffle=False"
    if method.stratify is not None:
        arguments += f", stratify={whole}[{format_literal(method.stratify)}]"
    script.add_lines(
        f"{train}, {held_out} = train_test_split({whole}, train_size={method.train_fraction!r}, {arguments})"
    )

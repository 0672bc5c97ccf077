"""The split of a spec as lines that divide a frame called `data`."""

from stackyard.spec.data.split import (
    ColumnSplit,
    GroupSplit,
    LastSplit,
    RandomSplit,
    Split,
    SplitMethod,
    TrainTestSplit,
)
from stackyard.spec.script.code import literal
from stackyard.spec.script.script_source import Source


def divide(source: Source, split: Split, seed: int) -> None:
    """Add the lines that make `train` of `data`, and `test` and `validation` where the spec has them."""
    source.block()
    rest = "data"
    if split.test is not None:
        rest = "train" if split.validation is None else "rest"
        _divide(source, split.test, ("data", rest, "test"), seed)
    if split.validation is not None:
        _divide(source, split.validation, (rest, "train", "validation"), seed)
    elif split.test is None:
        source.add("train = data")


def _divide(source: Source, method: SplitMethod, frames: tuple[str, str, str], seed: int) -> None:
    whole, train, others = frames
    match method:
        case RandomSplit():
            drawn = seed if method.seed is None else method.seed
            source.add(
                f"{train} = {whole}.sample(frac={method.train_fraction!r}, random_state={drawn})",
                f"{others} = {whole}.drop({train}.index)",
            )
        case LastSplit():
            source.add(
                f"head = int(len({whole}) * {method.train_fraction!r})",
                f"{train}, {others} = {whole}.iloc[:head], {whole}.iloc[head:]",
            )
        case ColumnSplit():
            source.add(
                f"aside = {whole}[{literal(method.column)}].isin({literal(method.values)})",
                f"{train}, {others} = {whole}[~aside], {whole}[aside]",
            )
        case GroupSplit():
            _by_group(source, method, frames, seed)
        case TrainTestSplit():
            _train_test(source, method, frames, seed)


def _by_group(source: Source, method: GroupSplit, frames: tuple[str, str, str], seed: int) -> None:
    whole, train, others = frames
    source.use_from("sklearn.model_selection", "GroupShuffleSplit")
    drawn = seed if method.seed is None else method.seed
    source.add(
        f"splitter = GroupShuffleSplit(n_splits=1, train_size={method.train_fraction!r}, random_state={drawn})",
        f"inside, outside = next(splitter.split({whole}, groups={whole}[{literal(method.column)}]))",
        f"{train}, {others} = {whole}.iloc[inside], {whole}.iloc[outside]",
    )


def _train_test(source: Source, method: TrainTestSplit, frames: tuple[str, str, str], seed: int) -> None:
    whole, train, others = frames
    source.use_from("sklearn.model_selection", "train_test_split")
    how = f"random_state={seed if method.seed is None else method.seed}" if method.shuffle else "shuffle=False"
    if method.stratify is not None:
        how += f", stratify={whole}[{literal(method.stratify)}]"
    source.add(f"{train}, {others} = train_test_split({whole}, train_size={method.train_fraction!r}, {how})")

"""Random stacks of every layer with every argument: right ones, nearly right ones, and wrong ones."""

import json
import math
from typing import Any, get_args

from hypothesis import strategies as st

from stackyard.spec import JobSpec, SpecError, layers, parse
from stackyard.spec.check.shapes import infer
from stackyard.spec.layers.recurrent import Recurrent
from stackyard.spec.layers.wrappers import Weighted
from stackyard.spec.network.activations import Activation

Document = dict[str, Any]
Shape = tuple[int, ...]

LARGEST_ROW = 600
"""Numbers in a row, beyond which no layer is put on top."""


def classes(union) -> list[type]:
    return list(get_args(get_args(union)[0]))


KINDS = {cls.__name__: cls for cls in classes(layers.Layer)}
PLAIN, WEIGHTED, RECURRENT = ([cls.__name__ for cls in classes(u)] for u in (layers.Plain, Weighted, Recurrent))


def mostly(values, *rare):
    """One of `values`, or once in a while one of the rare ones."""
    return st.sampled_from([*values * 6, *rare])


FEW = mostly([1, 2, 2, 3, 3, 4], 0)
YES_OR_NO = st.booleans()
MOSTLY_NO = st.sampled_from([False] * 6 + [True])
INITIALIZERS = st.sampled_from(
    ["zeros", "ones", "glorot_uniform", "he_normal", "lecun_uniform", "random_normal", "orthogonal", "identity"]
) | st.builds(
    lambda axis: {"type": "HeUniform", "input_axes": [axis], "output_axes": [-1]}, st.sampled_from([0, 1, -2, 2])
)
REGULARIZERS = st.sampled_from([None, "l1", "l2", "l1_l2", {"type": "L2", "l2": 0.1}, "orthogonal"])
CONSTRAINTS = st.sampled_from([None, "NonNeg", "UnitNorm", "MaxNorm", {"type": "MinMaxNorm", "axis": [0, 1]}])
ACTIVATIONS = st.sampled_from([None, *get_args(Activation)])
AXIS = st.sampled_from([-1, -1, -1, 1, 1, 2, -2, 3, -3, 0, 4, -5])
AXES = AXIS | st.lists(AXIS, min_size=1, max_size=3)
NUMBER = st.sampled_from([0.5, 1.0, 2.0])

ARGUMENTS: dict[str, Any] = {
    "name": st.sampled_from(["a", "b", "dense"]),
    "units": FEW,
    "filters": FEW,
    "activation": ACTIVATIONS,
    "recurrent_activation": ACTIVATIONS,
    "padding": st.sampled_from(["valid", "same"]),
    "data_format": mostly([None, "channels_last"], "channels_first", "channels_first"),
    "groups": mostly([1], 2, 3),  # Keras compiles these, which takes long
    "depth_multiplier": FEW,
    "input_dim": FEW,
    "output_dim": FEW,
    "lora_rank": st.sampled_from([None, 1, 2]),
    "lora_alpha": st.sampled_from([None, 0.5]),
    "mask_value": st.sampled_from([0.0, 1.0]),
    "rate": mostly([0.0, 0.5, 0.9], 1.0, -0.5),
    "stddev": mostly([0.0, 0.5, 1.0], 1.5),
    "dropout": mostly([0.0, 0.5], 1.0),
    "recurrent_dropout": mostly([0.0, 0.5], 1.0),
    "seed": st.sampled_from([None, 0, 7]),
    "l1": st.sampled_from([0.0, 0.5]),
    "l2": st.sampled_from([0.0, 0.5]),
    "axis": AXIS,
    "epsilon": st.sampled_from([1e-6, 0.1]),
    "momentum": st.sampled_from([0.0, 0.5, 1.0]),
    "renorm_momentum": st.sampled_from([0.0, 1.0]),
    "renorm_clipping": st.sampled_from([None, {"rmax": 3.0, "rmin": 0.5}, {"dmax": 1.0}]),
    "n": FEW,
    "interpolation": st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]),
    "merge_mode": st.sampled_from(["sum", "mul", "concat", "ave"]),
    "power_iterations": FEW,
    "alpha": st.sampled_from([0.5, 1.0]),
    "max_value": st.sampled_from([None, 0.0, 1.0]),
    "negative_slope": st.sampled_from([0.0, 0.5]),
    "threshold": st.sampled_from([0.0, 0.5]),
    "use_cudnn": st.sampled_from(["auto", False]),
    "return_state": MOSTLY_NO,
    "stateful": MOSTLY_NO,
    "go_backwards": MOSTLY_NO,
    "shared_axes": st.none() | st.lists(st.sampled_from([1, 1, 2, 3]), min_size=1, max_size=3),
}
"""Arguments that mean the same for nearly every layer, whatever the shape. The others of true and false are any."""

ARGUMENTS_OF: dict[tuple[str, str], Any] = {
    ("Activation", "activation"): st.sampled_from(get_args(Activation)),
    ("Conv1D", "padding"): st.sampled_from(["valid", "same", "causal"]),
    ("LayerNormalization", "axis"): AXES,
    ("RMSNormalization", "axis"): AXES,
    ("UnitNormalization", "axis"): AXES,
    ("Softmax", "axis"): AXES,
    ("Normalization", "axis"): st.none() | AXES,
}


def along(rank, one):
    """A size for all axes, or a list with one for each, or once in a while for another number of axes."""
    right = st.lists(one, min_size=rank, max_size=rank)
    return st.one_of(one, one, right, right, st.lists(one, min_size=1, max_size=3))


def ends(rank):
    one = st.sampled_from([0, 0, 1, 1, 2])
    side = one | st.lists(one, min_size=2, max_size=2)
    return side if rank == 1 else one | st.lists(side, min_size=rank, max_size=rank)


SIZES: dict[str, Any] = {
    "kernel_size": mostly([1, 2, 2, 3], 0),
    "pool_size": mostly([1, 2, 2, 3], 0),
    "strides": mostly([1, 1, 2, 3], 0),
    "dilation_rate": mostly([1, 1, 2], 0),
    "output_padding": st.sampled_from([0, 0, 1, 2]),
    "output_size": FEW,
    "size": mostly([1, 2], 0),
}
"""Arguments with a number for each of the axes along which a layer works."""


def reshaped(shape):
    """Sizes for the numbers of a row, the last sometimes left open, or sizes that may not fit."""
    total = math.prod(shape)
    parts = [[total], [1, total], [total, 1], [] if total == 1 else [2, total]]
    parts += [[total // size, size] for size in (2, 3, 4) if total % size == 0]
    parts += [[total // size, 1, size] for size in (2, 3, 4) if total % size == 0]
    right = st.sampled_from(parts)
    return right | right.map(lambda sizes: [*sizes[:-1], -1]) | st.lists(st.sampled_from([1, 2, 3, -1, 0]), max_size=3)


def noise(shape):
    right = st.tuples(*(st.sampled_from([None, 1, size]) for size in shape)).map(lambda sizes: [None, *sizes])
    return st.none() | right | st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=4)


def numbers(shape):
    """One number, or as many as the last axis has, or some other number of them."""
    return NUMBER | st.just([1.0] * shape[-1] if shape else 1.0) | st.lists(NUMBER, min_size=1, max_size=3)


SHAPED: dict[str, Any] = {
    "target_shape": reshaped,
    "dims": lambda shape: st.permutations(range(1, len(shape) + 1)) | st.permutations([1, 2]),
    "noise_shape": noise,
    "scale": numbers,
    "offset": numbers,
    "groups": lambda shape: st.sampled_from([-1, 1, 2, 3, *shape[-1:], 0]),
}
"""Arguments that go by the shape of the rows, where they are no switch and the layer slides along no axes."""

BY_ENDING = {"_initializer": INITIALIZERS, "_regularizer": REGULARIZERS, "_constraint": CONSTRAINTS}


def argument(kind: str, name: str, shape: Shape):
    """What `name` may be for a layer of this kind on rows of this shape."""
    rank = getattr(KINDS[kind], "rank", 0)
    ending = next((ending for ending in BY_ENDING if name.endswith(ending)), None)
    if name in SIZES:
        sizes = SIZES[name] if kind == "UpSampling1D" else along(rank, SIZES[name])
        return st.none() | sizes if KINDS[kind].model_fields[name].default is None else sizes
    if kind.startswith(("Cropping", "ZeroPadding")) and name in ("cropping", "padding"):
        return ends(rank)
    if ending is not None:
        return BY_ENDING[ending]
    if KINDS[kind].model_fields[name].annotation is bool:
        return ARGUMENTS.get(name, YES_OR_NO)
    if name in SHAPED and not rank:
        return SHAPED[name](shape)
    return ARGUMENTS_OF.get((kind, name), ARGUMENTS[name])


TOGETHER = {"type", "layer", "backward_layer", "mean", "variance"}
"""Drawn with what they belong to."""


@st.composite
def layer(draw, kinds, shape) -> Document:
    """A layer of one of these kinds for rows of this shape."""
    kind = draw(st.sampled_from(kinds))
    document: Document = {"type": kind}
    fields = KINDS[kind].model_fields
    optional = [name for name, field in fields.items() if name not in TOGETHER and not field.is_required()]
    chosen = draw(st.lists(st.sampled_from(optional), max_size=4))
    if kind == "GroupNormalization":  # whose 32 groups seldom fit
        chosen.append("groups")
    for name, field in fields.items():
        if name not in TOGETHER and (field.is_required() or name in chosen):
            document[name] = draw(argument(kind, name, shape))
    return document | draw(inner(kind, shape))


@st.composite
def inner(draw, kind, shape) -> Document:
    """The arguments that are drawn with others."""
    match kind:
        case "Normalization":
            same, other = draw(numbers(shape)), draw(numbers(shape))
            return {"mean": same, "variance": draw(st.sampled_from([same, same, same, other]))}
        case "Bidirectional":
            return draw(both_ways(shape))
        case "SpectralNormalization":
            return {"layer": draw(layer(fitting(WEIGHTED, shape) or WEIGHTED, shape))}
        case "TimeDistributed":
            return {"layer": draw(layer(fitting(PLAIN, shape[1:]) or PLAIN, shape[1:]))}
        case _:
            return {}


@st.composite
def both_ways(draw, shape) -> Document:
    forward = draw(layer(RECURRENT, shape))
    backward = draw(st.none() | layer(RECURRENT, shape))
    if backward is not None and draw(st.booleans()):
        alike = {name: forward[name] for name in ("units", "return_sequences") if name in forward}
        backward |= alike | {"go_backwards": not forward.get("go_backwards", False)}
    return {"layer": forward, "backward_layer": backward}


def fitting(kinds, shape):
    """The kinds that can take rows of so many axes."""
    return [kind for kind in kinds if takes(kind, len(shape))]


def takes(kind, axes):
    if kind in {*RECURRENT, "Bidirectional"}:
        return axes == 2
    if kind == "RepeatVector":
        return axes == 1
    rank = getattr(KINDS[kind], "rank", None)
    return axes >= 1 if rank is None else axes == rank + 1


SHAPES = st.sampled_from([1, 2, 2, 3, 3, 4]).flatmap(
    lambda rank: st.tuples(*[st.integers(1, 4 if rank > 2 else 6)] * rank)
)


@st.composite
def stack(draw) -> tuple[list[Document], Shape]:
    """Some layers, and the shape of the rows that they are for."""
    shape = here = draw(SHAPES)
    drawn: list[Document] = []
    for _ in range(draw(st.integers(1, 4))):
        right = fitting(KINDS, here)
        choosy = [kind for kind in right if not takes(kind, len(here) + 1)]
        kinds = draw(st.sampled_from([right, right, *[choosy] * 4, list(KINDS)]))
        drawn.append(draw(layer(kinds or list(KINDS), here)))
        here = after(drawn[-1], here)
        if here is None or math.prod(here) > LARGEST_ROW:
            break
    return drawn, shape


def after(document, shape):
    """The rows that a layer makes, or nothing where it does not stand there."""
    try:
        made, faults = infer(parsed([document]).network.layers[0], shape)
    except SpecError:
        return None
    return None if faults else made.shape


def parsed(documents, **training) -> JobSpec:
    document = {
        "data": {"dataset": "d", "x": "x", "y": "y"},
        "network": {"layers": documents},
        "training": {"loss": "mse", "seed": 0, **training},
    }
    return parse(json.dumps(document).encode())

"""Random stacks of every layer with every argument: valid, nearly valid and invalid ones."""

import json
import math
from typing import Any, get_args

from hypothesis import strategies as st

from stackyard.spec import JobSpec, SpecError, layers, parse_spec
from stackyard.spec.check.shapes import infer_layer_output
from stackyard.spec.layers.recurrent import RecurrentLayer
from stackyard.spec.layers.wrappers import SingleKernelLayer
from stackyard.spec.network.activations import Activation

Document = dict[str, Any]
Shape = tuple[int, ...]

LARGEST_ROW = 600
"""Maximum number of values in a row to which another layer is added."""


def list_classes(union) -> list[type]:
    return list(get_args(get_args(union)[0]))


KINDS = {cls.__name__: cls for cls in list_classes(layers.Layer)}
PLAIN, WEIGHTED, RECURRENT = (
    [cls.__name__ for cls in list_classes(u)] for u in (layers.NonWrapperLayer, SingleKernelLayer, RecurrentLayer)
)


def sample_mostly(values, *rare):
    """Draw one of `values`, or occasionally one of the rare ones."""
    return st.sampled_from([*values * 6, *rare])


FEW = sample_mostly([1, 2, 2, 3, 3, 4], 0)
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
    "data_format": sample_mostly([None, "channels_last"], "channels_first", "channels_first"),
    "groups": sample_mostly([1], 2, 3),  # Keras compiles these, which takes long
    "depth_multiplier": FEW,
    "input_dim": FEW,
    "output_dim": FEW,
    "lora_rank": st.sampled_from([None, 1, 2]),
    "lora_alpha": st.sampled_from([None, 0.5]),
    "mask_value": st.sampled_from([0.0, 1.0]),
    "rate": sample_mostly([0.0, 0.5, 0.9], 1.0, -0.5),
    "stddev": sample_mostly([0.0, 0.5, 1.0], 1.5),
    "dropout": sample_mostly([0.0, 0.5], 1.0),
    "recurrent_dropout": sample_mostly([0.0, 0.5], 1.0),
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
"""Arguments with the same values for nearly every layer and shape. Booleans that are not listed are arbitrary."""

ARGUMENTS_OF: dict[tuple[str, str], Any] = {
    ("Activation", "activation"): st.sampled_from(get_args(Activation)),
    ("Conv1D", "padding"): st.sampled_from(["valid", "same", "causal"]),
    ("LayerNormalization", "axis"): AXES,
    ("RMSNormalization", "axis"): AXES,
    ("UnitNormalization", "axis"): AXES,
    ("Softmax", "axis"): AXES,
    ("Normalization", "axis"): st.none() | AXES,
}


def draw_sizes(rank, size):
    """Draw a size for all axes, or one for each axis, or occasionally for another number of axes."""
    valid = st.lists(size, min_size=rank, max_size=rank)
    return st.one_of(size, size, valid, valid, st.lists(size, min_size=1, max_size=3))


def draw_margins(rank):
    size = st.sampled_from([0, 0, 1, 1, 2])
    side = size | st.lists(size, min_size=2, max_size=2)
    return side if rank == 1 else size | st.lists(side, min_size=rank, max_size=rank)


SIZES: dict[str, Any] = {
    "kernel_size": sample_mostly([1, 2, 2, 3], 0),
    "pool_size": sample_mostly([1, 2, 2, 3], 0),
    "strides": sample_mostly([1, 1, 2, 3], 0),
    "dilation_rate": sample_mostly([1, 1, 2], 0),
    "output_padding": st.sampled_from([0, 0, 1, 2]),
    "output_size": FEW,
    "size": sample_mostly([1, 2], 0),
}
"""Arguments with a number for each spatial axis of a layer."""


def draw_target_shape(shape):
    """Draw a shape with as many values as a row, sometimes with an open last size, or one that may not fit."""
    total = math.prod(shape)
    shapes = [[total], [1, total], [total, 1], [] if total == 1 else [2, total]]
    shapes += [[total // size, size] for size in (2, 3, 4) if total % size == 0]
    shapes += [[total // size, 1, size] for size in (2, 3, 4) if total % size == 0]
    valid = st.sampled_from(shapes)
    return valid | valid.map(lambda sizes: [*sizes[:-1], -1]) | st.lists(st.sampled_from([1, 2, 3, -1, 0]), max_size=3)


def draw_noise_shape(shape):
    valid = st.tuples(*(st.sampled_from([None, 1, size]) for size in shape)).map(lambda sizes: [None, *sizes])
    return st.none() | valid | st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=4)


def draw_numbers(shape):
    """Draw one number, or one for each entry of the last axis, or another count of numbers."""
    return NUMBER | st.just([1.0] * shape[-1] if shape else 1.0) | st.lists(NUMBER, min_size=1, max_size=3)


SHAPED: dict[str, Any] = {
    "target_shape": draw_target_shape,
    "dims": lambda shape: st.permutations(range(1, len(shape) + 1)) | st.permutations([1, 2]),
    "noise_shape": draw_noise_shape,
    "scale": draw_numbers,
    "offset": draw_numbers,
    "groups": lambda shape: st.sampled_from([-1, 1, 2, 3, *shape[-1:], 0]),
}
"""Arguments whose values depend on the shape of the rows, in layers without spatial axes."""

BY_ENDING = {"_initializer": INITIALIZERS, "_regularizer": REGULARIZERS, "_constraint": CONSTRAINTS}


def draw_argument(kind: str, name: str, shape: Shape):
    """Return the values of an argument for a layer of this kind on rows of this shape."""
    rank = getattr(KINDS[kind], "rank", 0)
    ending = next((ending for ending in BY_ENDING if name.endswith(ending)), None)
    if name in SIZES:
        sizes = SIZES[name] if kind == "UpSampling1D" else draw_sizes(rank, SIZES[name])
        return st.none() | sizes if KINDS[kind].model_fields[name].default is None else sizes
    if kind.startswith(("Cropping", "ZeroPadding")) and name in ("cropping", "padding"):
        return draw_margins(rank)
    if ending is not None:
        return BY_ENDING[ending]
    if KINDS[kind].model_fields[name].annotation is bool:
        return ARGUMENTS.get(name, YES_OR_NO)
    if name in SHAPED and not rank:
        return SHAPED[name](shape)
    return ARGUMENTS_OF.get((kind, name), ARGUMENTS[name])


DRAWN_TOGETHER = {"type", "layer", "backward_layer", "mean", "variance"}
"""Arguments that depend on others; `draw_dependent_arguments` draws them."""


@st.composite
def draw_layer(draw, kinds, shape) -> Document:
    """Draw a layer of one of these kinds for rows of this shape."""
    kind = draw(st.sampled_from(kinds))
    document: Document = {"type": kind}
    fields = KINDS[kind].model_fields
    optional = [name for name, field in fields.items() if name not in DRAWN_TOGETHER and not field.is_required()]
    chosen = draw(st.lists(st.sampled_from(optional), max_size=4))
    if kind == "GroupNormalization":  # its default of 32 groups seldom fits
        chosen.append("groups")
    for name, field in fields.items():
        if name not in DRAWN_TOGETHER and (field.is_required() or name in chosen):
            document[name] = draw(draw_argument(kind, name, shape))
    return document | draw(draw_dependent_arguments(kind, shape))


@st.composite
def draw_dependent_arguments(draw, kind, shape) -> Document:
    """Draw the arguments that depend on each other."""
    match kind:
        case "Normalization":
            same, other = draw(draw_numbers(shape)), draw(draw_numbers(shape))
            return {"mean": same, "variance": draw(st.sampled_from([same, same, same, other]))}
        case "Bidirectional":
            return draw(draw_bidirectional(shape))
        case "SpectralNormalization":
            return {"layer": draw(draw_layer(list_suitable_kinds(WEIGHTED, shape) or WEIGHTED, shape))}
        case "TimeDistributed":
            return {"layer": draw(draw_layer(list_suitable_kinds(PLAIN, shape[1:]) or PLAIN, shape[1:]))}
        case _:
            return {}


@st.composite
def draw_bidirectional(draw, shape) -> Document:
    forward = draw(draw_layer(RECURRENT, shape))
    backward = draw(st.none() | draw_layer(RECURRENT, shape))
    if backward is not None and draw(st.booleans()):
        shared = {name: forward[name] for name in ("units", "return_sequences") if name in forward}
        backward |= shared | {"go_backwards": not forward.get("go_backwards", False)}
    return {"layer": forward, "backward_layer": backward}


def list_suitable_kinds(kinds, shape):
    """Return the kinds of layers that accept rows with this number of axes."""
    return [kind for kind in kinds if accepts_axes(kind, len(shape))]


def accepts_axes(kind, axes):
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
def draw_stack(draw) -> tuple[list[Document], Shape]:
    """Draw some layers, and the shape of the rows that they are for."""
    input_shape = shape = draw(SHAPES)
    documents: list[Document] = []
    for _ in range(draw(st.integers(1, 4))):
        suitable = list_suitable_kinds(KINDS, shape)
        selective = [kind for kind in suitable if not accepts_axes(kind, len(shape) + 1)]
        kinds = draw(st.sampled_from([suitable, suitable, *[selective] * 4, list(KINDS)]))
        documents.append(draw(draw_layer(kinds or list(KINDS), shape)))
        shape = infer_output_shape(documents[-1], shape)
        if shape is None or math.prod(shape) > LARGEST_ROW:
            break
    return documents, input_shape


def infer_output_shape(document, shape):
    """Return the shape of the rows after a layer; None if the layer is invalid there."""
    try:
        output, faults = infer_layer_output(parse_layers([document]).network.layers[0], shape)
    except SpecError:
        return None
    return None if faults else output.shape


def parse_layers(documents, **training) -> JobSpec:
    document = {
        "data": {"dataset": "d", "x": "x", "y": "y"},
        "network": {"layers": documents},
        "training": {"loss": "mse", "seed": 0, **training},
    }
    return parse_spec(json.dumps(document).encode())

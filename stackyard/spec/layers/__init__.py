"""The layers. A new one is a class here, a rule in `stackyard.spec.check.shapes` and a line in `worker.keras_build.network`."""

from typing import Annotated

from stackyard.spec.layers.activation import (
    ELU,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from stackyard.spec.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
)
from stackyard.spec.layers.core import (
    Activation,
    Dense,
    Embedding,
    Identity,
    Masking,
)
from stackyard.spec.layers.depthwise import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from stackyard.spec.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RenormClipping,
    RMSNormalization,
    UnitNormalization,
)
from stackyard.spec.layers.plain import ALIASES, Plain, PlainLayer
from stackyard.spec.layers.pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from stackyard.spec.layers.preprocessing import (
    Normalization,
    Rescaling,
)
from stackyard.spec.layers.recurrent import (
    GRU,
    LSTM,
    Recurrent,
    SimpleRNN,
)
from stackyard.spec.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from stackyard.spec.layers.reshaping import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from stackyard.spec.layers.wrappers import (
    Bidirectional,
    SpectralNormalization,
    TimeDistributed,
)
from stackyard.spec.tagged_union import Closed

Layer = Annotated[
    PlainLayer | Bidirectional | SpectralNormalization | TimeDistributed, Closed("a layer", aliases=ALIASES)
]
"""Not offered, of Keras's other layers: those with several inputs or states of their own making (merging, attention,
`RNN` over cells, `ConvLSTM`); those that run code or files that a spec must not name (`Lambda`, the wrappers of other
frameworks' modules); those that turn text and tables into numbers, which is done to the data before the training
(lookups, hashing, `Discretization`, `CategoryEncoding`); those that make images and sounds anew (augmentation,
`Resizing`, spectrograms); `EinsumDense`, whose shapes are a language of their own; `ReversibleEmbedding`, which is
called twice; and `InputLayer`, which the data decide. Keras's second names, such as `Convolution2D`, are aliases."""

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AlphaDropout",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Bidirectional",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "Identity",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Normalization",
    "PReLU",
    "Permute",
    "Plain",
    "PlainLayer",
    "RMSNormalization",
    "ReLU",
    "Recurrent",
    "RenormClipping",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]

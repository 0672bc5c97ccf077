"""Keras's layers.

A new layer needs a class here, a shape rule in `stackyard.spec.check.shapes` and a line in
`worker.keras_build.network`.
"""

from typing import Annotated

from stackyard.spec import not_offered
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
from stackyard.spec.layers.non_wrappers import LAYER_ALIASES, NonWrapperLayer, NonWrapperLayerUnion
from stackyard.spec.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RenormClipping,
    RMSNormalization,
    UnitNormalization,
)
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
    RecurrentLayer,
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
from stackyard.spec.tagged_union import TaggedUnion

Layer = Annotated[
    NonWrapperLayerUnion | Bidirectional | SpectralNormalization | TimeDistributed,
    TaggedUnion("a layer", aliases=LAYER_ALIASES, not_offered=not_offered.LAYERS),
]
"""Keras's alternative names of layers, such as `Convolution2D`, are aliases. These layers of Keras are not supported:

- layers with several inputs or custom states: merging, attention, `RNN` with cells, `ConvLSTM`;
- layers that run code or files: `Lambda` and the wrappers of other frameworks' modules;
- layers that encode text and tables (lookups, hashing, `Discretization`, `CategoryEncoding`): the transforms of the
  data do this before the training;
- layers that transform images and audio: augmentation, `Resizing`, spectrograms;
- `EinsumDense`, because its shapes follow from an equation, and `ReversibleEmbedding`, because it is called twice;
- `InputLayer`, because the data determine the input."""

CONVOLUTIONS = (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
"""The layers that convolve, whatever their number of axes."""

__all__ = [
    "CONVOLUTIONS",
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
    "NonWrapperLayer",
    "NonWrapperLayerUnion",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RecurrentLayer",
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

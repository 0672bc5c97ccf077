"""The layers that do not wrap another layer."""

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
from stackyard.spec.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
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
from stackyard.spec.tagged_union import TaggedUnion

NonWrapperLayerUnion = (
    Activation
    | Dense
    | Embedding
    | Identity
    | Masking
    | ELU
    | LeakyReLU
    | PReLU
    | ReLU
    | Softmax
    | ActivityRegularization
    | AlphaDropout
    | Dropout
    | GaussianDropout
    | GaussianNoise
    | SpatialDropout1D
    | SpatialDropout2D
    | SpatialDropout3D
    | BatchNormalization
    | GroupNormalization
    | LayerNormalization
    | RMSNormalization
    | UnitNormalization
    | Normalization
    | Rescaling
    | Cropping1D
    | Cropping2D
    | Cropping3D
    | Flatten
    | Permute
    | RepeatVector
    | Reshape
    | UpSampling1D
    | UpSampling2D
    | UpSampling3D
    | ZeroPadding1D
    | ZeroPadding2D
    | ZeroPadding3D
    | Conv1D
    | Conv1DTranspose
    | Conv2D
    | Conv2DTranspose
    | Conv3D
    | Conv3DTranspose
    | DepthwiseConv1D
    | DepthwiseConv2D
    | SeparableConv1D
    | SeparableConv2D
    | AdaptiveAveragePooling1D
    | AdaptiveAveragePooling2D
    | AdaptiveAveragePooling3D
    | AdaptiveMaxPooling1D
    | AdaptiveMaxPooling2D
    | AdaptiveMaxPooling3D
    | AveragePooling1D
    | AveragePooling2D
    | AveragePooling3D
    | MaxPooling1D
    | MaxPooling2D
    | MaxPooling3D
    | GlobalAveragePooling1D
    | GlobalAveragePooling2D
    | GlobalAveragePooling3D
    | GlobalMaxPooling1D
    | GlobalMaxPooling2D
    | GlobalMaxPooling3D
    | GRU
    | LSTM
    | SimpleRNN
)
LAYER_ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "Convolution1D": "Conv1D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
}
"""Layer classes by Keras's alternative names."""

NonWrapperLayer = Annotated[
    NonWrapperLayerUnion,
    TaggedUnion("a layer that wraps no other", aliases=LAYER_ALIASES, not_offered=not_offered.LAYERS),
]

"""Classes of Keras that specs do not offer, each with the reason and, if there is one, what to use instead."""

from collections.abc import Iterable, Mapping

_SEVERAL_INPUTS = "it needs several inputs, and a spec's network is one chain of layers"
_CELL = "it is a part of a recurrent layer: use LSTM, GRU or SimpleRNN"
_FOREIGN_CODE = "it runs code or a model of its own, which a spec cannot contain"
_RANDOM_IMAGES = "it augments images at random, which specs do not offer"
_IMAGES = "it prepares images: prepare them before the upload"
_CATEGORIES = 'it encodes raw values: give the features the transform "one_hot" or "ordinal"'
_SOUND = "it prepares sound: prepare it before the upload"
_NESTED = "a network cannot contain another one: put its layers into one chain"
_SEVERAL_AXES = "specs do not offer recurrent layers over images"


def _give_reason(reason: str, names: Iterable[str]) -> Mapping[str, str]:
    return dict.fromkeys(names, reason)


LAYERS: Mapping[str, str] = {
    **_give_reason(_SEVERAL_INPUTS, ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply")),
    **_give_reason(_SEVERAL_INPUTS, ("Subtract", "Attention", "AdditiveAttention", "MultiHeadAttention")),
    **_give_reason(_SEVERAL_INPUTS, ("GroupQueryAttention", "GroupedQueryAttention")),
    **_give_reason(_CELL, ("RNN", "SimpleRNNCell", "GRUCell", "LSTMCell", "StackedRNNCells")),
    **_give_reason(_SEVERAL_AXES, ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")),
    **_give_reason(_FOREIGN_CODE, ("Lambda", "JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper")),
    **_give_reason("it is only a base class", ("Layer", "Wrapper")),
    **_give_reason(_CATEGORIES, ("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing")),
    **_give_reason(_CATEGORIES, ("IntegerLookup", "StringLookup")),
    "TextVectorization": "it prepares text: prepare it before the upload",
    **_give_reason(_SOUND, ("MelSpectrogram", "STFTSpectrogram")),
    **_give_reason(_IMAGES, ("CenterCrop", "Resizing", "MaxNumBoundingBoxes", "Equalization", "Solarization")),
    **_give_reason(_IMAGES, ("AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Pipeline")),
    **_give_reason(_RANDOM_IMAGES, ("AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomHue")),
    **_give_reason(_RANDOM_IMAGES, ("RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop")),
    **_give_reason(_RANDOM_IMAGES, ("RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur")),
    **_give_reason(_RANDOM_IMAGES, ("RandomGrayscale", "RandomInvert", "RandomPerspective", "RandomPosterization")),
    **_give_reason(_RANDOM_IMAGES, ("RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear")),
    **_give_reason(_RANDOM_IMAGES, ("RandomTranslation", "RandomZoom")),
    "EinsumDense": "specs do not offer it: use Dense",
    "ReversibleEmbedding": "it uses its weights twice, and a spec's network is one chain: use Embedding",
    **_give_reason("the data determines the shape of the input: leave it out", ("Input", "InputLayer")),
    **_give_reason(_NESTED, ("Sequential", "Functional", "Model")),
}

_FILES = "it writes files: the server keeps the history, a checkpoint and the model of each job by itself"
_BY_FIT = "`fit` adds it by itself"

CALLBACKS: Mapping[str, str] = {
    **_give_reason(_FILES, ("BackupAndRestore", "CSVLogger", "ModelCheckpoint", "OrbaxCheckpoint", "TensorBoard")),
    "RemoteMonitor": "it sends requests to another host: follow the events of the job",
    "LambdaCallback": "its arguments are code, which a spec cannot contain",
    **_give_reason(_BY_FIT, ("History", "ProgbarLogger", "CallbackList")),
}

LOSSES: Mapping[str, str] = _give_reason("a spec cannot describe its targets", ("CTC", "Circle"))

METRICS: Mapping[str, str] = {
    **_give_reason("it does not compare predictions with targets", ("Mean", "Sum", "MeanMetricWrapper")),
    **_give_reason(
        "it is for the segmentation of images", ("IoU", "MeanIoU", "BinaryIoU", "OneHotIoU", "OneHotMeanIoU")
    ),
}

OPTIMIZERS: Mapping[str, str] = _give_reason(
    "it only wraps another optimizer: use that one", ("LossScaleOptimizer", "MultiOptimizer")
)

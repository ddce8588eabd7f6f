"""A network that tags music from its mel spectrogram: convolutions, then a recurrent network. (Choi et al. 2016)"""

from .. import config
from ..eras import border
from ..eras.engine import get_source_inputs
from ..layers.activation import ELU
from ..layers.conv import Conv2D
from ..layers.core import Dense
from ..layers.normalization import BatchNormalization
from ..layers.pool import MaxPooling2D
from ..layers.recurrent import GRU
from ..layers.reshape import Permute, Reshape, ZeroPadding2D
from ..model import Model
from .audio_conv_utils import TAGS, decode_predictions, preprocess_input
from .building import GITHUB, KINDS, channel_axis, check_weights, fetch, input_of, load

__all__ = ["MusicTaggerCRNN", "decode_predictions", "preprocess_input"]

FREQUENCIES, FRAMES = 96, 1366
BASE, FILE = f"{GITHUB}v0.3/", "music_tagger_crnn_weights_tf_kernels_{}_dim_ordering.h5"
TH_WEIGHTS_PATH, TF_WEIGHTS_PATH = BASE + FILE.format("th"), BASE + FILE.format("tf")
BLOCKS = ((64, 2), (128, 3), (128, 4), (128, 4))  # filters, and the size of the pool


def body(x):
    first = config.image_data_format() == "channels_first"
    x = ZeroPadding2D(padding=(0, 37))(x)
    x = BatchNormalization(axis=3 if first else 2, name="bn_0_freq")(x)
    for number, (filters, size) in enumerate(BLOCKS, 1):
        x = Conv2D(filters=filters, kernel_size=(3, 3), padding="same", name=f"conv{number}")(x)
        x = BatchNormalization(axis=channel_axis(), name=f"bn{number}")(x)
        x = ELU()(x)
        x = MaxPooling2D(pool_size=(size, size), strides=(size, size), name=f"pool{number}")(x)
    if first:
        x = Permute(dims=(3, 1, 2))(x)
    x = Reshape(target_shape=(15, 128))(x)
    x = GRU(units=32, return_sequences=True, name="gru1")(x)
    return GRU(units=32, return_sequences=False, name="gru2")(x)


@border.method("MusicTaggerCRNN")
def MusicTaggerCRNN(  # noqa: N802 - Keras's name
    weights="msd", input_tensor=None, include_top: bool = True, classes: int = 50
):
    """Tags for 29 seconds of music.

    Args:
        weights: 'msd' (trained on the Million Song Dataset), the path of a file, or None for random ones.
        input_tensor: the symbol that goes in; a new `Input` of (96, 1366, 1) or (1, 96, 1366) if None.
        include_top: whether it has the layer that tags; without it, 32 features come out.
        classes: how many tags.

    Raises ValueError for arguments that do not go together, OSError where the weights cannot be downloaded.
    """
    check_weights(weights, "msd", include_top, classes, len(TAGS))
    first = config.image_data_format() == "channels_first"
    melgram = input_of(input_tensor, (1, FREQUENCIES, FRAMES) if first else (FREQUENCIES, FRAMES, 1))
    x = body(melgram)
    if include_top:
        x = Dense(units=classes, activation="sigmoid", name="output")(x)
    model = Model(
        melgram if input_tensor is None else get_source_inputs(melgram), x, name="music_tagger_crnn"
    )
    if weights == "msd":
        path = fetch(FILE.format(KINDS[config.image_data_format()]), BASE, None)
        load(model, path, theano=False, by_name=True)
    elif weights is not None:
        model.load_weights(weights, by_name=True)
    return model

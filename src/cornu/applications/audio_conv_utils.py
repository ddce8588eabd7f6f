"""Music made ready for the tagger, and what it says in words."""

import numpy as np

from .. import config
from ..eras import border

__all__ = ["TAGS", "decode_predictions", "preprocess_input"]

TAGS = [
    *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
    *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul"),
    *("indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies"),
    *("blues", "hard rock", "ambient", "acoustic", "experimental", "female vocalist", "guitar", "Hip-Hop"),
    *("70s", "party", "country", "easy listening", "sexy", "catchy", "funk", "electro", "heavy metal"),
    *("Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy"),
]  # of the Million Song Dataset, the most frequent first
RATE, WINDOW, BANDS, HOP, SECONDS = 12000, 512, 96, 256, 29.12


@border.method("audio_conv_utils.preprocess_input")
def preprocess_input(audio_path, data_format: str | None = None) -> np.ndarray:
    """The mel spectrogram of the middle of a piece of music, in decibels, `(96, 1366, 1)` or `(1, 96, 1366)`.

    Args:
        audio_path: path of the file.
        data_format: 'channels_last', 'channels_first', or None for the global setting.

    Raises ImportError without librosa, which reads sound.
    """
    try:
        import librosa  # optional: reads sound
    except ImportError:
        raise ImportError("Reading music needs librosa: pip install librosa") from None
    signal, _ = librosa.load(audio_path, sr=RATE)
    wanted = int(SECONDS * RATE)
    if len(signal) < wanted:
        signal = np.pad(signal, (0, wanted - len(signal)))
    else:
        signal = signal[(len(signal) - wanted) // 2 : (len(signal) + wanted) // 2]
    power = librosa.feature.melspectrogram(y=signal, sr=RATE, hop_length=HOP, n_fft=WINDOW, n_mels=BANDS)
    first = config.standardize_data_format(data_format) == "channels_first"
    return np.expand_dims(librosa.power_to_db(power**2, ref=1.0), 0 if first else -1)


def decode_predictions(preds, top_n: int = 5) -> list[list[tuple[str, float]]]:
    """The likeliest tags of each piece with their probabilities.

    Args:
        preds: array `(n, 50)`.
        top_n: how many.

    Raises ValueError for another shape.
    """
    preds = np.asarray(preds)
    if preds.ndim != 2 or preds.shape[1] != len(TAGS):
        raise ValueError(
            f"decode_predictions: predictions have the shape (n, {len(TAGS)}); got {preds.shape}"
        )
    ranked = (sorted(zip(TAGS, row, strict=True), key=lambda pair: -pair[1]) for row in preds)
    return [tags[:top_n] for tags in ranked]

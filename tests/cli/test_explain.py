"""`cornu explain`: what it says of a program, and how it ends."""

import textwrap

import pytest

from cornu import cli

PROGRAM = """\
import numpy as np
import tensorflow as tf
from keras.models import Sequential
from keras.layers.core import Dense, AutoEncoder
from keras.layers import Convolution2D, LSTM
from keras.objectives import mse
from keras.utils.visualize_util import plot
from keras import backend as K
from keras.optimizers import SGD
import keras

class Mine(keras.engine.Layer):
    def get_output_shape_for(self, input_shape):
        return input_shape

size = 5
model = Sequential()
model.add(Dense(64, init='uniform', input_dim=20, W_regularizer=penalty(size)))
model.add(Convolution2D(size, 3, 3, border_mode='same', dim_ordering='th'))
model.add(LSTM(output_dim=size, inner_init='one', consume_less='gpu'))
model.add(Dense(10, activation='softmax'))
model.compile(loss='mse', optimizer=SGD(lr=0.1))
model.fit(X, y, nb_epoch=size, show_accuracy=True)
np.fit(nb_epoch=3)
K.set_image_dim_ordering('th')
z = tf.reduce_mean(x)
Dense(3, unit=4)
Dense(*many, init='uniform')
"""


@pytest.fixture(autouse=True)
def alone(keras_is_cornu):
    """The aliases that it needs are gone afterwards."""


def explain(tmp_path, capsys, text: str, *words: str):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(text))
    code = cli.main(["explain", *words, str(path)])
    return code, capsys.readouterr().out.splitlines()


def test_what_it_says(tmp_path, capsys):
    code, lines = explain(tmp_path, capsys, PROGRAM)
    assert code == 1
    assert ": era 1 (Keras 1.2.2), told by " in lines[0]
    said = dict(zip(lines[1:-2:2], lines[2:-2:2], strict=True))
    notes = {" ".join(old.split()): new.strip() for old, new in said.items()}
    assert notes["5 from keras.layers import Convolution2D"] == "-> Conv2D"
    assert notes["6 from keras.objectives import ..."] == "-> keras.losses"
    assert notes["7 from keras.utils.visualize_util import plot"] == "-> plot_model"
    assert notes["13 def get_output_shape_for"] == "-> understood, a word of era 1"
    assert notes["18 Dense(64, init='uniform', input_dim=20, W_regularizer=penalty(size))"] == (
        "-> Dense(units=64, kernel_initializer='random_uniform', kernel_regularizer=penalty(size), input_shape=(20,))"
    )
    assert notes["19 Convolution2D(size, 3, 3, border_mode='same', dim_ordering='th')"] == (
        "-> Conv2D(filters=size, kernel_size=(3, 3), padding='same', data_format='channels_first')"
    )
    assert notes["20 LSTM(output_dim=size, inner_init='one', consume_less='gpu')"] == (
        "-> LSTM(units=size, recurrent_initializer='ones', implementation=2)"
    )
    assert notes["22 SGD(lr=0.1)"] == "-> SGD(learning_rate=0.1)"
    assert notes["23 fit(nb_epoch=size)"] == "-> fit(epochs=size)"
    assert notes["23 fit(show_accuracy=True)"].startswith("-> the accuracy along with the loss")
    assert notes["4 from keras.layers.core import AutoEncoder"].startswith("not here: Cornu has no")
    assert notes["26 tf.reduce_mean"].endswith("In its place: keras.ops.mean.")
    assert notes["27 Dense(3, unit=4)"].startswith(
        "not here: Dense has no argument `unit`. Did you mean `units`?"
    )
    assert not any("softmax" in old or "many" in old or "np.fit" in old for old in notes)
    assert lines[-1] == "3 things that will not run" and lines[-2].endswith("understood as they stand")


def test_todays_words(tmp_path, capsys):
    code, lines = explain(tmp_path, capsys, "import keras\nkeras.layers.Dense(3, activation='relu')\n")
    assert code == 0
    assert lines[1:] == ["no old spelling: all is in today's words", "nothing that will not run"]


def test_an_era_that_is_said(tmp_path, capsys):
    program = "from keras.layers import Conv2D\nConv2D(8, 3, 5)\n"
    for era, expected in ((1, "-> Conv2D(filters=8, kernel_size=(3, 5))"), (3, None)):
        code, lines = explain(tmp_path, capsys, program, f"--era={era}")
        assert code == 0 and f"era {era} (Keras" in lines[0] and lines[0].endswith(", as was said")
        assert (lines[2].strip() if len(lines) > 4 or expected else None) == expected


def test_how_it_ends(tmp_path, capsys):
    assert cli.main(["explain", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: cornu explain [--era N] script.py")
    (tmp_path / "old.py").write_text("print 'hello'\n")
    for words, message in (
        ([str(tmp_path / "none.py")], "cannot read"),
        ([str(tmp_path / "old.py")], "line 1: no Python that this version understands"),
        ([], "expected one program to explain"),
        (["a.py", "b.py"], "expected one program to explain"),
        (["--loud", "a.py"], "unknown option --loud"),
        (["--era", "9", "a.py"], "--era: expected 1, 2 or 3"),
    ):
        assert cli.main(["explain", *words]) == 2
        assert message in capsys.readouterr().err

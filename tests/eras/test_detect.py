"""The era of a program is read off its words."""

import textwrap

import pytest

from cornu.eras.detect import detect

PROGRAMS = {
    1: {
        "the article": """
            from keras.models import Sequential
            from keras.layers.core import Dense, Activation
            from keras.optimizers import SGD
            model = Sequential()
            model.add(Dense(input_dim=3, output_dim=5, init='uniform'))
            model.compile(loss='mse', optimizer=SGD(lr=0.01, momentum=0.9))
            model.fit(X, y, nb_epoch=5, batch_size=16)
        """,
        "mnist_cnn of 2016": """
            from keras.layers import Dense, Dropout, Activation, Flatten
            from keras.layers import Convolution2D, MaxPooling2D
            from keras.utils import np_utils
            model.add(Convolution2D(32, 3, 3, border_mode='valid', input_shape=(28, 28, 1)))
            model.add(MaxPooling2D(pool_size=(2, 2)))
        """,
        "the names alone": "from keras import initializations, objectives",
        "a custom layer": """
            from keras.engine.topology import Layer
            class L(Layer):
                def get_output_shape_for(self, s): return s
        """,
        "a merge": "from keras.layers import Input, merge\nx = merge([a, b], mode='concat')",
        "a model": "from keras.models import Model\nm = Model(input=x, output=y)",
        "show_accuracy": "model.fit(X, Y, batch_size=16, show_accuracy=True)",
    },
    2: {
        "mnist_cnn of 2018": """
            import keras
            from keras.layers import Conv2D
            from keras.utils import np_utils
            model.add(Conv2D(32, kernel_size=(3, 3), activation='relu'))
            model.fit(x, y, epochs=12)
        """,
        "old words among new": """
            from keras.layers import Conv2D, Dense
            model.add(Conv2D(32, (3, 3), padding='same'))
            model.fit(x, y, nb_epoch=12)
        """,
        "a merge module": "from keras.layers.merge import concatenate",
        "generators": "from tensorflow.keras.models import Sequential\nmodel.fit_generator(g, epochs=2)",
        "lr": "from tensorflow.keras.optimizers import Adam\nAdam(lr=0.1)",
    },
    3: {
        "nothing": "print('hello')",
        "ops": "import keras\nx = keras.ops.matmul(a, b)",
        "ops, imported": "from keras import ops, layers",
        "tf.keras": "import tensorflow as tf\nfrom tensorflow.keras import layers\nlayers.Dense(3)",
        "cornu": "import cornu\ncornu.layers.Dense(units=3)",
        "plain": "from keras.models import Sequential\nfrom keras.layers import Dense\nmodel.fit(x, y, epochs=3)",
        "words of others": """
            from sklearn.cluster import KMeans
            import numpy as np, pandas as pd
            KMeans(init='k-means++'); np.concatenate([a]); pd.merge(a, b); plt.plot(x, alpha=0.3, lr=2)
        """,
        "what cannot be parsed": "print 'hello'",
    },
}


@pytest.mark.parametrize(
    "era, source",
    [
        pytest.param(era, text, id=f"{era}-{name}")
        for era, texts in PROGRAMS.items()
        for name, text in texts.items()
    ],
)
def test_era(era, source):
    assert detect(textwrap.dedent(source))[0] == era


def test_reason_names_words_and_lines():
    era, why = detect("from keras import objectives\n\nmodel.fit(x, y, nb_epoch=3)\nDense(output_dim=3)")
    assert (era, why) == (
        1,
        "told by keras.objectives (line 1), nb_epoch (line 3), output_dim (line 4)",
    )
    assert detect("1 + 1") == (3, "nothing in it tells")


def test_modules_beside_the_program_are_read(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "__init__.py").write_text("")
    (tmp_path / "net" / "build.py").write_text("from keras.layers import Convolution2D\nimport main\n")
    main = tmp_path / "main.py"
    main.write_text("from net.build import make\n")
    assert detect(main.read_bytes(), main) == (1, "told by Convolution2D (build.py line 1)")

"""What `summary` prints: the table of Keras 3 to the letter, and those of Keras 1 and 2."""

import numpy as np
import pytest

import cornu

keras = pytest.importorskip("keras", reason="the oracle is Keras 3 on JAX")


def stack(k):
    model = k.Sequential(
        [
            k.Input((8, 8, 1), name="in"),
            k.layers.Conv2D(4, (3, 3), name="conv"),
            k.layers.BatchNormalization(name="a_long_name_for_a_layer"),
            k.layers.Flatten(name="flat"),
            k.layers.Dense(2, name="dense"),
        ],
        name="stack",
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def graph(k):
    a, b = k.Input((8,), name="a"), k.Input((8,), name="b")
    shared = k.layers.Dense(4, name="shared")
    x, y = shared(a), shared(b)
    inner = k.Sequential([k.Input((4,), name="start"), k.layers.Dense(3, name="one")], name="inner")
    z = k.layers.Add(name="add")([x, y])
    return k.Model([a, b], [k.layers.Concatenate(name="cat")([inner(z), x]), z], name="graph")


def unbuilt(k):
    return k.Sequential([k.layers.Dense(3, name="one"), k.layers.Dense(3, name="two")], name="unbuilt")


def states(k):
    a = k.Input((5, 3), name="a")
    outputs, *_ = k.layers.LSTM(4, return_state=True, name="lstm")(a)
    return k.Model(a, k.layers.Dense(2, name="dense")(outputs), name="states")


def operations(k):
    a, b = k.Input((5,), name="a"), k.Input((5,), name="b")
    return k.Model([a, b], k.layers.Dense(2, name="dense")(k.ops.relu(a + b)), name="operations")


def own(k):
    class Own(k.Model):
        def __init__(self):
            super().__init__(name="own")
            self.one, self.two = k.layers.Dense(3, name="one"), k.layers.Dense(1, name="two")

        def call(self, x):
            return self.two(self.one(x))

    model = Own()
    model(np.ones((2, 4), "float32"))
    return model


def printed(model, **arguments):
    said = []
    model.summary(print_fn=said.append, **arguments)
    return "\n".join(line.rstrip() for line in "\n".join(said).strip("\n").splitlines())


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    "make, arguments",
    [
        (stack, {}),
        (stack, {"line_length": 70}),
        (stack, {"positions": [0.5, 0.7, 1.0]}),
        (stack, {"layer_range": ["a_", "flat"]}),
        (stack, {"layer_range": ["flat", "conv"]}),
        (graph, {}),
        (graph, {"show_trainable": True}),
        (unbuilt, {}),
        (states, {}),
        (operations, {}),
        (own, {}),
    ],
)
def test_as_keras_3(make, arguments, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    keras.utils.clear_session()  # it counts the names of operations
    assert printed(make(cornu), **arguments) == printed(make(keras), **arguments)


def test_nested_models_unfold():
    lines = printed(graph(cornu), expand_nested=True, line_length=100).splitlines()
    row = next(line for line in lines if "└ one (Dense)" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "└ one (Dense)",
        "(None, 3)",
        "15",
        "start[0][0]",
    ]


SEQUENTIAL_2 = """\
Model: "stack"
_________________________________________________________________
Layer (type)                 Output Shape              Param #
=================================================================
dense_1 (Dense)              (None, 8)                 88
_________________________________________________________________
dense_2 (Dense)              (None, 1)                 9
=================================================================
Total params: 97
Trainable params: 97
Non-trainable params: 0
_________________________________________________________________"""

ANY_1 = """\
____________________________________________________________________________________________________
Layer (type)                     Output Shape          Param #     Connected to
====================================================================================================
dense_1 (Dense)                  (None, 8)             88          input_1[0][0]
____________________________________________________________________________________________________
dense_2 (Dense)                  (None, 1)             9           dense_1[0][0]
====================================================================================================
Total params: 97
Trainable params: 97
Non-trainable params: 0
____________________________________________________________________________________________________"""


@pytest.mark.parametrize("era, table", [(1, ANY_1), (2, SEQUENTIAL_2)])
def test_old_eras(era, table):
    cornu.set_era(era)
    layers = [cornu.layers.Dense(8, name="dense_1"), cornu.layers.Dense(1, name="dense_2")]
    model = cornu.Sequential([cornu.Input((10,), name="input_1"), *layers], name="stack")
    assert printed(model) == table


def test_several_connections_in_old_eras():
    cornu.set_era(2)
    lines = printed(graph(cornu)).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("shared (Dense)"))
    assert lines[at].split() == ["shared", "(Dense)", "(None,", "4)", "36", "a[0][0]"]
    assert lines[at + 1].split() == ["b[0][0]"]
    assert printed(unbuilt(cornu)).count("unbuilt\n") == 2


def test_it_prints(capsys):
    stack(cornu).summary()
    assert capsys.readouterr().out.startswith('Model: "stack"\n┏')


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"line_length": 8}, "8 characters are too few for 3 columns"),
        ({"layer_range": ["conv"]}, "pair of names"),
        ({"layer_range": ["conv", "dens7"]}, "no layer is called 'dens7'. There are conv"),
    ],
)
def test_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        stack(cornu).summary(**arguments)

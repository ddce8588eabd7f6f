"""What the TensorBoard callback writes, read back by a reader of its own."""

import math
import struct

import numpy as np
import pytest

import cornu
from cornu import layers, models
from cornu.training import events
from cornu.training.tensorboard import TensorBoard, slices

X, Y = np.random.default_rng(0).random((2, 20, 1)).astype("float32")


def fields(data: bytes) -> list[tuple[int, object]]:
    """The fields of a protocol buffer, by the wire format's rules."""

    def varint(at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return value, at

    found, at = [], 0
    while at < len(data):
        key, at = varint(at)
        if key & 7 == 0:
            value, at = varint(at)
        elif key & 7 == 2:
            size, at = varint(at)
            value, at = data[at : at + size], at + size
        else:
            code, size = {1: ("<d", 8), 5: ("<f", 4)}[key & 7]
            value, at = struct.unpack(code, data[at : at + size])[0], at + size
        found.append((key >> 3, value))
    return found


def masked(data: bytes) -> int:
    crc = events.crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def read(folder) -> list[dict]:
    """The events of all files in a folder, checksums compared."""
    made = []
    for file in sorted(folder.glob("events.out.tfevents.*")):
        data = file.read_bytes()
        while data:
            head, size = data[:8], struct.unpack("<Q", data[:8])[0]
            body, rest = data[12 : 12 + size], data[12 + size :]
            assert struct.unpack("<I", data[8:12])[0] == masked(head)
            assert struct.unpack("<I", rest[:4])[0] == masked(body)
            data = rest[4:]
            made.append(dict(fields(body)))
    return made


def summaries(folder) -> dict[str, list[tuple[int, dict]]]:
    """Tag -> (step, fields of the value)."""
    found: dict = {}
    for event in read(folder):
        if 5 in event:
            value = dict(fields(dict(fields(event[5]))[1]))
            found.setdefault(value[1].decode(), []).append((event.get(2, 0), value))
    return found


def test_checksums_are_those_of_rfc_3720():
    assert events.crc32c(b"") == 0
    assert events.crc32c(bytes(32)) == 0x8A9136AA
    assert events.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert events.crc32c(bytes(range(32))) == 0x46DD794E
    assert events.crc32c(b"123456789") == 0xE3069283


def test_histograms():
    values = np.array([1.0, 2.0, 2.0, 5.0])
    value = dict(fields(events.histogram("h", values, bins=4)))
    made = fields(value[5])
    assert [each for _, each in made[:5]] == [1.0, 5.0, 4.0, 10.0, 34.0]
    assert struct.unpack("<4d", made[5][1]) == (2.0, 3.0, 4.0, 5.0)
    assert struct.unpack("<4d", made[6][1]) == (1.0, 2.0, 0.0, 1.0)
    assert fields(dict(fields(events.histogram("h", np.array([math.nan]))))[5])[2] == (3, 1.0)


def fit(folder, **options):
    model = models.Sequential([layers.Dense(2, input_shape=(1,), name="one"), layers.Dense(1, name="two")])
    model.compile("sgd", "mse")
    epochs = {"nb_epoch" if cornu.config.era() == 1 else "epochs": 3}
    board = TensorBoard(folder, **options)
    history = model.fit(
        X, Y, batch_size=8, validation_split=0.2, verbose=0, callbacks=[board], **epochs
    ).history
    return model, history


@pytest.mark.parametrize("era", [1, 2])
def test_one_file_with_the_logs_names(era, tmp_path):
    cornu.set_era(era)
    model, history = fit(tmp_path)
    found = summaries(tmp_path)
    for name in ("loss", "val_loss"):
        assert [step for step, _ in found[name]] == [0, 1, 2]
        assert [value[2] for _, value in found[name]] == pytest.approx(history[name], rel=1e-6)
    first = read(tmp_path)[0]
    assert first[3] == b"brain.Event:2" and first[1] > 1e9
    assert b"graph_keras_model" in found["keras"][0][1][9] and b'"one"' in found["keras"][0][1][8]


def test_folders_of_keras_3(tmp_path):
    model, history = fit(
        tmp_path,
        histogram_freq=2,
        write_images=True,
        update_freq=2,
        write_graph=False,
        write_steps_per_second=True,
    )
    train, held = summaries(tmp_path / "train"), summaries(tmp_path / "validation")
    assert [value[2] for _, value in train["epoch_loss"]] == pytest.approx(history["loss"], rel=1e-6)
    assert [value[2] for _, value in held["epoch_loss"]] == pytest.approx(history["val_loss"], rel=1e-6)
    assert train["epoch_learning_rate"][0][1][2] == pytest.approx(0.01)
    assert [step for step, _ in train["batch_loss"]] == [2, 4, 6]
    assert train["epoch_steps_per_second"][0][1][2] > 0
    assert [step for step, _ in train["one/kernel/histogram"]] == [0, 2]
    last = fields(train["two/kernel/histogram"][-1][1][5])
    assert last[3][1] == pytest.approx(model.layers[1].kernel.numpy().sum(), rel=1e-5)
    picture = dict(fields(train["one/kernel/image/0"][0][1][4]))
    assert (picture[1], picture[2]) == (1, 2) and picture[4].startswith(b"\x89PNG")
    assert "keras" not in train


def test_pictures_of_weights():
    shapes = {
        (3,): [(1, 3)],
        (5, 2): [(2, 5)],
        (2, 5): [(2, 5)],
        (3, 4, 1, 2): [(3, 4)] * 2,
        (3, 3, 2, 2): [],
    }
    for shape, expected in shapes.items():
        assert [each.shape for each in slices(np.zeros(shape))] == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile_batch": 2}, "jax.profiler.trace"),
        ({"embeddings_freq": 1}, "`embeddings_freq` is 0 here"),
        ({"update_freq": "step"}, "'epoch', 'batch' or a number of batches; got 'step'"),
    ],
)
def test_what_is_not_written(options, words):
    with pytest.raises(ValueError, match=words):
        TensorBoard(**options)

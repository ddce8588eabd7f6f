"""Datasets from small files in the real formats, served on this machine, against plain readings of them."""

import gzip
import hashlib
import io
import json
import os
import pickle
import tarfile

import numpy as np
import pytest

import cornu
from cornu import datasets
from cornu.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    readers,
    reuters,
    sources,
)
from tests.utils import loopback

RANDOM = np.random.RandomState(0)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "datasets"


@pytest.fixture
def site(home):
    with loopback.serve() as site:
        yield site


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def lists(rows) -> np.ndarray:
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


# ---- images ------------------------------------------------------------------------------------------

DIGITS = RANDOM.randint(0, 256, (7, 28, 28)).astype("uint8"), np.arange(7).astype("uint8")
TESTED = RANDOM.randint(0, 256, (3, 28, 28)).astype("uint8"), np.arange(3).astype("uint8")


def same(found, wanted) -> None:
    for ours, theirs in zip(found, wanted, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
            assert np.asarray(a).dtype == np.asarray(b).dtype


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_mnist_of_era_1(site, home, protocol):
    cornu.set_era(1)
    site.files["/mnist.pkl.gz"] = gzip.compress(pickle.dumps((DIGITS, TESTED), protocol))
    for _ in range(2):
        same(mnist.load_data(origin=f"{site.url}/mnist.pkl.gz"), (DIGITS, TESTED))
    assert len(site.asked) == 1 and os.listdir(home).count("mnist.pkl.gz") == 1


@pytest.mark.parametrize("era", [2, 3])
def test_mnist(site, era):
    cornu.set_era(era)
    site.files["/m.npz"] = npz(x_train=DIGITS[0], y_train=DIGITS[1], x_test=TESTED[0], y_test=TESTED[1])
    same(mnist.load_data("mine.npz", origin=f"{site.url}/m.npz"), (DIGITS, TESTED))


def test_fashion_mnist(site):
    for name, array in zip(fashion_mnist.FILES, (*DIGITS, *TESTED), strict=True):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        site.files[f"/{name}-ubyte.gz"] = gzip.compress(head + array.tobytes())
    same(fashion_mnist.load_data(origin=site.url), (DIGITS, TESTED))
    site.files["/train-images-idx3-ubyte.gz"] = gzip.compress(b"something else")


def cifar_archive(folder: str, files: dict[str, dict]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in files.items():
            data = pickle.dumps({key.encode(): value for key, value in content.items()}, 2)
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize("era", [1, 2, 3])
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
def test_cifar10(site, era, layout, monkeypatch):
    cornu.set_era(era)
    monkeypatch.setitem(cornu.config._settings, "image_data_format", layout)
    pixels = RANDOM.randint(0, 256, (12, 3072)).astype("uint8")
    names = [*cifar10.PARTS["train"], "test_batch"]
    batches = {
        name: {"data": pixels[2 * i : 2 * i + 2], "labels": [i, 9 - i]} for i, name in enumerate(names)
    }
    site.files["/c.tar.gz"] = cifar_archive("cifar-10-batches-py", batches)
    for _ in range(2):
        (x, y), (more, labels) = cifar10.load_data(origin=f"{site.url}/c.tar.gz")
        images = pixels.reshape(12, 3, 32, 32)
        images = images.transpose(0, 2, 3, 1) if layout == "channels_last" else images
        np.testing.assert_array_equal(np.concatenate([x, more]), images)
        assert y.ravel().tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5] and labels.tolist() == [[5], [4]]
        assert x.dtype == y.dtype == "uint8" and y.shape == (10, 1)
    assert len(site.asked) == 1


@pytest.mark.parametrize("mode, wanted", [("fine", [[40], [41]]), ("coarse", [[4], [5]])])
def test_cifar100(site, mode, wanted):
    content = {"data": np.zeros((2, 3072), "uint8"), "fine_labels": [40, 41], "coarse_labels": [4, 5]}
    site.files["/c.tar.gz"] = cifar_archive("cifar-100-python", {"train": content, "test": content})
    (x, y), _ = cifar100.load_data(mode, origin=f"{site.url}/c.tar.gz")
    assert x.shape == (2, 32, 32, 3) and y.tolist() == wanted
    with pytest.raises(ValueError, match="label_mode is one of fine, coarse"):
        cifar100.load_data("rough")


# ---- words -------------------------------------------------------------------------------------------

TRAIN = [[1, 2, 3], [4], [5, 6, 1, 2, 9, 9], [2, 2], [7, 8, 3, 1], [3]], [0, 1, 0, 1, 1, 0]
TEST = [[1, 9], [2, 3, 4, 5, 6], [8, 1, 1], [5]], [1, 0, 0, 1]
OPTIONS = [
    {},
    {"num_words": 7},
    {"num_words": 7, "skip_top": 5},
    {"maxlen": 5},
    {"maxlen": 4, "num_words": 8, "seed": 5},
    {"start_char": None},
    {"start_char": None, "index_from": 0},
    {"oov_char": None, "num_words": 7},
    {"oov_char": 0, "skip_top": 6, "index_from": 1, "start_char": 9},
]


def prepared(
    texts, labels, era, num_words=None, skip_top=0, maxlen=None, start_char=1, oov_char=2, index_from=3
):
    """What all eras do with texts, in the words of none: (texts, labels), all of them together."""
    made = []
    for text, label in zip(texts, labels, strict=True):
        text = [word + index_from for word in text]
        text = text if start_char is None else [start_char] + text
        if not maxlen or len(text) < maxlen:
            made.append((text, label))
    limit = num_words or max(word for text, _ in made for word in text)
    kept = []
    for text, label in made:
        new = []
        for word in text:
            good = skip_top <= word < limit
            if oov_char is not None:
                new.append(word if good else oov_char)
            elif good == (era > 1):  # 1.2.2 kept the others
                new.append(word)
        kept.append((new, label))
    return kept


def taken(order, texts, labels):
    return [texts[i] for i in order], [labels[i] for i in order]


@pytest.mark.parametrize("era", [1, 2, 3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_imdb(site, era, options):
    cornu.set_era(era)
    site.files["/i.npz"] = npz(
        x_train=lists(TRAIN[0]), y_train=np.array(TRAIN[1]), x_test=lists(TEST[0]), y_test=np.array(TEST[1])
    )
    site.files["/i.pkl"] = pickle.dumps((TRAIN, TEST), 2)
    seed, rest = options.get("seed", 113), {k: v for k, v in options.items() if k != "seed"}
    found = imdb.load_data(origin=f"{site.url}/i.{'pkl' if era == 1 else 'npz'}", **options)
    state = np.random.get_state()[1].copy()

    if era == 1:
        orders = []
        for number, part in ((seed, TRAIN), (2 * seed, TEST)):
            np.random.seed(number)
            order = list(range(len(part[0])))
            np.random.shuffle(order)
            orders.append(order)
        np.testing.assert_array_equal(np.random.get_state()[1], state)  # 1.2.2 left NumPy's numbers like this
    else:
        random = np.random.RandomState(seed)
        orders = [np.arange(len(part[0])) for part in (TRAIN, TEST)]
        for order in orders:
            random.shuffle(order)
    train, test = taken(orders[0], *TRAIN), taken(orders[1], *TEST)
    together = prepared(train[0] + test[0], train[1] + test[1], era, **rest)
    maxlen = rest.get("maxlen")
    length = lambda text: len(text) + (rest.get("start_char", 1) is not None)  # noqa: E731
    at = sum(not maxlen or length(text) < maxlen for text in train[0]) if era == 3 else len(TRAIN[0])
    for (x, y), wanted in zip(found, (together[:at], together[at:]), strict=True):
        assert [list(text) for text in x] == [text for text, _ in wanted]
        assert list(y) == [label for _, label in wanted]
        assert x.dtype == object and isinstance(y, np.ndarray)


@pytest.mark.parametrize("era", [1, 2, 3])
@pytest.mark.parametrize("options", [*OPTIONS, {"test_split": 0.5}], ids=str)
def test_reuters(site, era, options):
    cornu.set_era(era)
    texts, labels = TRAIN[0] + TEST[0], list(range(10))
    site.files["/r.npz"] = npz(x=lists(texts), y=np.array(labels))
    site.files["/r.pkl"] = pickle.dumps((texts, labels), 2)
    rest = {k: v for k, v in options.items() if k not in ("seed", "test_split")}
    found = reuters.load_data(origin=f"{site.url}/r.{'pkl' if era == 1 else 'npz'}", **options)
    order = np.arange(10)
    np.random.RandomState(options.get("seed", 113)).shuffle(order)
    wanted = prepared(*taken(order, texts, labels), era, **rest)
    at = int(len(wanted) * (1 - options.get("test_split", 0.2)))
    for (x, y), part in zip(found, (wanted[:at], wanted[at:]), strict=True):
        assert [list(text) for text in x] == [text for text, _ in part]
        assert list(y) == [label for _, label in part]
        assert isinstance(x, list if era == 1 else np.ndarray)


def test_old_argument_and_nothing_left(site):
    cornu.set_era(1)
    site.files["/i.pkl"] = pickle.dumps((TRAIN, TEST), 2)
    (x, _), _ = imdb.load_data(nb_words=6, origin=f"{site.url}/i.pkl")
    assert max(map(max, x)) < 6
    with pytest.raises(ValueError, match="No text has fewer than 1 words: give a larger maxlen"):
        imdb.load_data(maxlen=1, origin=f"{site.url}/i.pkl")


@pytest.mark.parametrize("module", [imdb, reuters])
def test_word_index(site, module):
    words = {"the": 1, "café": 2}
    site.files["/w.json"] = json.dumps(words).encode()
    site.files["/w.pkl"] = pickle.dumps(words, 0)
    assert module.get_word_index(origin=f"{site.url}/w.json") == words
    assert module.get_word_index(origin=f"{site.url}/w.pkl") == words
    assert len(reuters.get_label_names()) == 46


# ---- houses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", [0.0, 0.2, 0.5])
def test_housing(site, split):
    x, y = RANDOM.rand(700, 3), RANDOM.rand(700)
    site.files["/h.npz"] = npz(x=x, y=y)
    for load, rows in (
        (boston_housing.load_data, 700),
        (california_housing.load_data, 700),
        (lambda **how: california_housing.load_data("small", **how), 600),
    ):
        (a, b), (c, d) = load(test_split=split, seed=3, origin=f"{site.url}/h.npz")
        order = np.arange(rows)
        np.random.RandomState(3).shuffle(order)
        np.testing.assert_array_equal(np.concatenate([a, c]), x[order])
        np.testing.assert_array_equal(np.concatenate([b, d]), y[order])
        assert len(a) == int(rows * (1 - split))
    with pytest.raises(ValueError, match="test_split is a fraction"):
        boston_housing.load_data(test_split=1.0, origin=f"{site.url}/h.npz")
    with pytest.raises(ValueError, match="version is one of large, small"):
        california_housing.load_data("middle")


# ---- where files come from -----------------------------------------------------------------------------


def test_the_next_source_is_asked(site, home, capsys):
    site.files["/good"] = b"data"
    digest = hashlib.sha256(b"data").hexdigest()
    known = [sources.Source("a", f"{site.url}/gone"), sources.Source("b", f"{site.url}/good", digest)]
    assert sources.fetch(known) == str(home / "b")
    assert "404" in capsys.readouterr().out
    assert sources.fetch(known) == str(home / "b")  # which is there now: nobody is asked
    assert site.asked == ["/gone", "/good"]
    with pytest.raises(OSError, match="404"):
        sources.fetch(known[:1])


def test_paths_of_ones_own(tmp_path, site):
    (tmp_path / "m.npz").write_bytes(
        npz(x_train=DIGITS[0], y_train=DIGITS[1], x_test=TESTED[0], y_test=TESTED[1])
    )
    same(mnist.load_data(str(tmp_path / "m.npz")), (DIGITS, TESTED))
    assert not site.asked


def test_every_source_has_a_safe_url():
    for module in (getattr(datasets, name) for name in datasets.__all__):
        table = getattr(module, "SOURCES", {})
        for source in (
            [each for found in table.values() for each in found] if isinstance(table, dict) else table
        ):
            assert source.origin.startswith("https://")
            assert source.hash is None or len(source.hash) in (32, 64)


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    "content",
    [Evil(), [Evil()], {"a": lists([[Evil()]])}, os.path.join, print],
    ids=[
        "object",
        "in a list",
        "in an array",
        "function",
        "builtin",
    ],  # no addresses: processes have to agree
)
def test_code_in_pickles_is_refused(tmp_path, content):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(pickle.UnpicklingError, match="which is no array and no plain data"):
        readers.read_pickle(str(tmp_path / "a.pkl"))
    (tmp_path / "a.npz").write_bytes(npz(a=lists([content])))
    with pytest.raises(pickle.UnpicklingError, match="which is no array and no plain data"):
        readers.read_npz(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_in_pickles(tmp_path, protocol):
    content = {
        "a": np.arange(3),
        "b": [np.float32(1.5), {"c": (1, b"x", "y", None)}],
        "d": lists([[1], [2, 3]]),
    }
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
    found = readers.read_pickle(str(tmp_path / "a.pkl"))
    np.testing.assert_array_equal(found["a"], content["a"])
    assert found["b"] == content["b"] and found["d"].tolist() == [[1], [2, 3]]


def test_another_file_than_idx(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"something"))
    with pytest.raises(ValueError, match="is no IDX file of bytes"):
        readers.read_idx(str(tmp_path / "a.gz"))

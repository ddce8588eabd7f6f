"""Well-known networks: layers, names and numbers of weights of Keras 1.2.2 and Keras 3, and their weights' files."""

import hashlib
import json

import h5py
import numpy as np
import pytest

import cornu
from cornu import applications, graph
from cornu.applications import (
    audio_conv_utils,
    building,
    imagenet_utils,
    inception_v3,
    music_tagger_crnn,
    resnet50,
    vgg16,
    vgg19,
    xception,
)
from tests.utils import loopback

# Numbers of weights, with the last layers and without, and of layers: eras 2 and 3 as Keras 2.3.1 and 3.15.1 give
# them, era 1 as 1.2.2's own functions do.
COUNTS = {
    (1, "InceptionV3"): (23_660_968, 21_611_968, 220),
    (1, "MusicTaggerCRNN"): (400_562, 398_912, 23),
    (1, "ResNet50"): (25_636_712, 23_587_712, 177),
    (1, "Xception"): (22_910_480, 20_861_480, 134),
    (3, "InceptionV3"): (23_851_784, 21_802_784, 313),
    (3, "ResNet50"): (25_636_712, 23_587_712, 177),
    (3, "VGG16"): (138_357_544, 14_714_688, 23),
    (3, "VGG19"): (143_667_240, 20_024_384, 26),
    (3, "Xception"): (22_910_480, 20_861_480, 134),
}


@pytest.mark.parametrize("era, name", COUNTS)
def test_counts(era, name):
    cornu.set_era(era)
    whole, without, layers = COUNTS[era, name]
    model = getattr(applications, name)(weights=None)
    assert model.count_params() == whole and len(model.layers) == layers
    if not name.startswith("VGG"):
        assert getattr(applications, name)(weights=None, include_top=False).count_params() == without


def own_names(model) -> list[str]:
    """The names that were given, without the numbers of those that were not."""
    counted = (
        "activation_",
        "batchnormalization_",
        "convolution2d_",
        "elu_",
        "flatten_",
        "input_",
        "maxpooling2d_",
    )
    more = ("averagepooling2d_", "merge_", "permute_", "reshape_", "zeropadding2d_")
    return [layer.name for layer in model.layers if not layer.name.startswith(counted + more)]


def test_names_of_keras_1():
    cornu.set_era(1)
    with graph.fresh_names():
        model = applications.ResNet50(weights=None)
    wanted = ["conv1", "bn_conv1"]
    for stage, blocks in ((2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc")):
        for block in blocks:
            wanted += [f"{kind}{stage}{block}_branch2{part}" for part in "abc" for kind in ("res", "bn")]
            wanted += [f"{kind}{stage}{block}_branch1" for kind in ("res", "bn")] * (block == "a")
    assert sorted(own_names(model)) == sorted([*wanted, "avg_pool", "fc1000"])
    assert [layer.name for layer in model.layers if layer.name.startswith("merge_")] == [
        f"merge_{n}" for n in range(1, 17)
    ]
    assert model.get_layer("avg_pool").output_shape == (None, 1, 1, 2048)
    assert model.get_layer("res2a_branch2a").input_shape == (None, 55, 55, 64)
    with graph.fresh_names():
        model = applications.InceptionV3(weights=None)
    mixed = [f"mixed{n}" for n in range(11)] + ["mixed9_0", "mixed9_1", "avg_pool", "flatten", "predictions"]
    assert sorted(own_names(model)) == sorted(mixed)
    assert model.get_layer("mixed2").output_shape == (None, 35, 35, 256)
    model = applications.MusicTaggerCRNN(weights=None)
    assert own_names(model)[:3] == ["bn_0_freq", "conv1", "bn1"] and own_names(model)[-3:] == [
        "gru1",
        "gru2",
        "output",
    ]


def test_channels_first():
    cornu.set_era(1)
    cornu.config.set_image_data_format("channels_first")
    try:
        assert applications.ResNet50(weights=None).input_shape == (None, 3, 224, 224)
        tagger = applications.MusicTaggerCRNN(weights=None)
        assert (tagger.input_shape, tagger.count_params()) == ((None, 1, 96, 1366), 400_562)
        with pytest.warns(UserWarning, match="Xception takes images whose channels come last"):
            assert applications.Xception(weights=None, include_top=False).input_shape == (None, None, None, 3)
        assert cornu.config.image_data_format() == "channels_first"
    finally:
        cornu.config.set_image_data_format("channels_last")


# ---- Keras 3 itself ----------------------------------------------------------------------------------

ASKED = ("filters", "kernel_size", "strides", "padding", "use_bias", "epsilon", "momentum", "scale", "axis", "units",
         "pool_size", "activation", "depth_multiplier", "name")  # fmt: skip


def described(model) -> list:
    """Every layer: its class, what was said about it, and the layers that lead to it."""
    found = []
    for each in json.loads(json.dumps(model.get_config()["layers"])):
        config = {key: each["config"].get(key) for key in ASKED}
        config["axis"] = -1 if config["axis"] == 3 else config["axis"]
        calls = json.dumps(each["inbound_nodes"]).split('"keras_history": ["')
        found.append((each["class_name"], config, [word.split('"')[0] for word in calls[1:]]))
    return found


@pytest.mark.oracle
@pytest.mark.parametrize("name, size", [
    ("ResNet50", 32), ("InceptionV3", 75), ("Xception", 71),
])  # fmt: skip
def test_as_keras_3(name, size):
    keras = pytest.importorskip("keras", reason="Keras 3 is the truth here")
    how = {"weights": None, "include_top": False, "input_shape": (size, size, 3), "pooling": "avg"}
    keras.backend.clear_session()
    theirs = getattr(keras.applications, name)(**how)
    with graph.fresh_names():
        ours = getattr(applications, name)(**how)
    assert described(ours) == described(theirs)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert ours.output_shape == theirs.output_shape and ours.name == theirs.name


@pytest.mark.oracle
@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_preprocessing_is_keras_3s(mode, layout):
    keras = pytest.importorskip("keras", reason="Keras 3 is the truth here")
    x = np.random.RandomState(0).uniform(0, 255, (2, 5, 4, 3)).astype("float32")
    x = x if layout == "channels_last" else x.transpose(0, 3, 1, 2).copy()
    theirs = keras.applications.imagenet_utils.preprocess_input(x.copy(), layout, mode)
    for given in (x.copy(), cornu.ops.convert_to_tensor(x), x[0].copy()):
        ours = imagenet_utils.preprocess_input(given, layout, mode)
        np.testing.assert_allclose(ours, theirs if np.ndim(given) == 4 else theirs[0], rtol=1e-5, atol=1e-4)
    symbol = cornu.Input(x.shape[1:])
    model = cornu.Model(symbol, imagenet_utils.preprocess_input(symbol, data_format=layout, mode=mode))
    np.testing.assert_allclose(model.predict(x, verbose=0), theirs, rtol=1e-5, atol=1e-4)


def test_preprocessing_of_each():
    x = np.full((1, 2, 2, 3), 51.0)
    x[..., 0] = 255
    for module in (vgg16, vgg19, resnet50):
        np.testing.assert_allclose(
            module.preprocess_input(x.copy())[0, 0, 0], [51 - 103.939, 51 - 116.779, 255 - 123.68]
        )
    for module in (inception_v3, xception):
        np.testing.assert_allclose(module.preprocess_input(x.copy())[0, 0, 0], [1, -0.6, -0.6])
    integers = vgg16.preprocess_input(x.astype("uint8"))
    assert integers.dtype == "float32"
    cornu.set_era(1)
    assert vgg16.preprocess_input(x.transpose(0, 3, 1, 2).copy(), dim_ordering="th").shape == (1, 3, 2, 2)


# ---- what they say ---------------------------------------------------------------------------------------


def test_predictions_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", {})
    words = json.dumps({str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}).encode()
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX_HASH", hashlib.md5(words).hexdigest())
    chances = np.zeros((2, 1000))
    chances[0, [3, 7, 5]], chances[1, 999] = (0.2, 0.5, 0.3), 1
    with loopback.serve() as site:
        site.files["/index.json"] = words
        monkeypatch.setattr(imagenet_utils, "CLASS_INDEX_PATH", f"{site.url}/index.json")
        for _ in range(2):
            found = resnet50.decode_predictions(chances, top=3)
        assert len(site.asked) == 1
    assert [(word, chance) for _, word, chance in found[0]] == [
        ("thing_7", 0.5),
        ("thing_5", 0.3),
        ("thing_3", 0.2),
    ]
    assert found[1][0] == ("n00000999", "thing_999", 1)
    with pytest.raises(ValueError, match=r"shape \(n, 1000\); got \(3,\)"):
        imagenet_utils.decode_predictions(np.zeros(3))


def test_tags():
    chances = np.zeros((1, 50))
    chances[0, [9, 49]] = 0.5, 0.9
    assert music_tagger_crnn.decode_predictions(chances, top_n=2) == [[("happy", 0.9), ("jazz", 0.5)]]
    assert len({*audio_conv_utils.TAGS}) == 50
    with pytest.raises(ValueError, match=r"shape \(n, 50\)"):
        audio_conv_utils.decode_predictions(np.zeros((1, 4)))


# ---- weights -------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch):
    """What is downloaded, in place of downloading it."""
    found = []

    def get_file(**how):
        found.append(how)
        raise OSError("not now")

    monkeypatch.setattr(building.files, "get_file", get_file)
    return found


GITHUB = "https://github.com/fchollet/deep-learning-models/releases/download/"
GOOGLE = "https://storage.googleapis.com/tensorflow/keras-applications/"


@pytest.mark.parametrize("era, layout, name, url, md5", [
    (1, "channels_last", "ResNet50", f"{GITHUB}v0.2/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "a268eb855778b3df3c7506639542a6af"),
    (1, "channels_first", "ResNet50", f"{GITHUB}v0.2/resnet50_weights_th_dim_ordering_th_kernels_notop.h5",
     "f64f049c92468c9affcd44b0976cdafe"),
    (1, "channels_first", "VGG16", f"{GITHUB}v0.1/vgg16_weights_th_dim_ordering_th_kernels_notop.h5", None),
    (1, "channels_last", "InceptionV3", f"{GITHUB}v0.2/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "2f3609166de1d967d1a481094754f691"),
    (1, "channels_last", "Xception", f"{GITHUB}v0.4/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "b0042744bf5b25fce3cb969f33bebb97"),
    (2, "channels_first", "VGG19", f"{GITHUB}v0.1/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "253f8cb515780f3b799900260a226db6"),
    (2, "channels_last", "InceptionV3", f"{GITHUB}v0.5/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "bcbd6486424b2319ff4ef7d526e38f63"),
    (3, "channels_last", "ResNet50", f"{GOOGLE}resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "4d473c1dd8becc155b73f8504c6f6626"),
])  # fmt: skip
def test_where_weights_are(asked, monkeypatch, era, layout, name, url, md5):
    cornu.set_era(era)
    monkeypatch.setitem(cornu.config._settings, "image_data_format", layout)
    with pytest.raises(OSError, match="not now"):
        getattr(applications, name)(include_top=False)
    assert asked == [{"fname": url.split("/")[-1], "origin": url, "cache_subdir": "models", "file_hash": md5}]


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["vgg16", "vgg19", "inception_v3", "xception"])
def test_hashes_are_keras_3s(name):
    keras = pytest.importorskip("keras", reason="Keras 3 is the truth here")
    source = open(__import__(f"keras.src.applications.{name}", fromlist=["x"]).__file__).read()
    weights = getattr(applications, name).APPLICATION.weights[3, "tf"]
    assert keras.__version__.startswith("3.")
    assert weights.base.split("keras-applications/")[1] in source.replace('"\n    "', "")
    assert f'"{weights.top}"' in source and f'"{weights.no_top}"' in source


def test_weights_from_a_file(tmp_path):
    cornu.set_era(1)
    made = applications.MusicTaggerCRNN(weights=None)
    made.save_weights(str(tmp_path / "w.h5"))
    again = applications.MusicTaggerCRNN(weights=str(tmp_path / "w.h5"))
    for a, b in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("theano", [False, True])
@pytest.mark.parametrize("marked", [False, True])
def test_kernels_are_turned_as_the_file_is_known_to_be(tmp_path, marked, theano):
    cornu.set_era(1)
    x = cornu.Input((6, 6, 2))
    made = cornu.Model(x, cornu.layers.Conv2D(3, 3, 3, name="conv")(x))
    kernel, bias = made.get_weights()
    with h5py.File(tmp_path / "w.h5", "w") as file:  # as Keras 1 wrote it: TensorFlow's names end in :0
        names = [f"conv_{part}{':0' * marked}" for part in "Wb"]
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [name.encode() for name in names]
        for name, array in zip(names, (kernel, bias), strict=True):
            group[name] = array
    building.load(made, str(tmp_path / "w.h5"), theano)
    wanted = kernel[::-1, ::-1] if theano else kernel
    np.testing.assert_array_equal(made.layers[-1].kernel.numpy(), wanted)


# ---- what goes in ----------------------------------------------------------------------------------------


def test_input_tensors():
    image = cornu.Input((40, 40, 3), name="photo")
    model = applications.VGG16(weights=None, include_top=False, input_tensor=image * 2.0, pooling="max")
    assert model.input is image or model.inputs == [image]
    assert model.output_shape == (None, 512)
    with pytest.raises(ValueError, match="`input_tensor` is a symbol"):
        applications.VGG16(weights=None, include_top=False, input_tensor=np.zeros((1, 50, 50, 3)))


def test_other_classes():
    model = applications.Xception(weights=None, classes=7, classifier_activation=None, name="mine")
    assert (model.output_shape, model.name) == ((None, 7), "mine")
    assert model.layers[-1].activation.__name__ == "linear"
    cornu.set_era(1)
    assert applications.ResNet50(True, None, None, None, 5).output_shape == (None, 5)


@pytest.mark.parametrize("era, how, message", [
    (3, {"weights": "imagenett"}, "weights is 'imagenet', None, or the path of a file"),
    (3, {"classes": 5}, "are for 1000 classes; got classes=5"),
    (3, {"classifier_activation": "relu"}, "go with 'softmax' or no activation"),
    (3, {"weights": None, "include_top": False, "pooling": "sum"}, "pooling is one of avg, max"),
    (3, {"weights": None, "include_top": False, "input_shape": (31, 40, 3)}, "at least 32 x 32"),
    (1, {"weights": None, "include_top": False, "input_shape": (40, 60, 3)}, "at least 48 x 48"),
    (3, {"weights": None, "include_top": False, "input_shape": (40, 40)}, "has three numbers"),
    (3, {"input_shape": (200, 200, 3)}, r"input_shape is \(224, 224, 3\)"),
    (1, {"weights": None, "input_shape": (200, 200, 3)}, r"input_shape is \(224, 224, 3\)"),
    (3, {"weights": None, "input_shape": (None, None, 3)}, "known in all its parts"),
    (1, {"weights": None, "include_top": False, "input_shape": (60, 60, 1)}, "have 3 channels"),
])  # fmt: skip
def test_what_does_not_go_together(asked, era, how, message):
    cornu.set_era(era)
    with pytest.raises(ValueError, match=message):
        applications.VGG16(**how)
    assert not asked


def test_bad_tagger(asked):
    with pytest.raises(ValueError, match="are for 50 classes"):
        applications.MusicTaggerCRNN(classes=3)
    with pytest.raises(ValueError, match="weights is 'msd'"):
        applications.MusicTaggerCRNN(weights="imagenet")
    with pytest.raises(OSError, match="not now"):
        applications.MusicTaggerCRNN()
    assert asked[0]["origin"] == f"{GITHUB}v0.3/music_tagger_crnn_weights_tf_kernels_tf_dim_ordering.h5"

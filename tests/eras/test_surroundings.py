"""What old programs find beside Keras while they run, and nobody else does."""

import builtins
import importlib
import sys

import numpy as np
import pytest

from cornu.eras import surroundings


@pytest.fixture
def around():
    """Imports a module as a program of that time would."""
    surroundings.install()
    surroundings.install()  # a second time changes nothing
    yield importlib.import_module
    surroundings.uninstall()


def test_nothing_stays():
    surroundings.install()
    assert importlib.import_module("scipy.misc").imsave and np.float is float and builtins.xrange is range
    surroundings.uninstall()
    assert not hasattr(builtins, "xrange") and not hasattr(np, "alltrue")
    assert surroundings.FINDER not in sys.meta_path and not hasattr(sys.modules.get("scipy.misc"), "imsave")


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("np.zeros(2, dtype=np.float).dtype", np.dtype("float64")),
        ("np.zeros(2, dtype=np.int).dtype", np.dtype("int64")),
        ("bool(np.alltrue([1, 0]))", False),
        ("np.product([2, 3])", 6),
        ("np.asscalar(np.array([4]))", 4),
        ("list(xrange(2))", [0, 1]),
    ],
)
def test_old_names(around, expression, wanted):
    assert eval(expression) == wanted


def test_images_of_scipy(around, tmp_path):
    misc = around("scipy.misc")
    pixels = np.arange(24, dtype="uint8").reshape(2, 4, 3)
    path = str(tmp_path / "image.png")
    misc.imsave(path, pixels)
    np.testing.assert_array_equal(misc.imread(path), pixels)
    misc.imsave(path, pixels.transpose(2, 0, 1))  # channels first
    np.testing.assert_array_equal(misc.imread(path), pixels)
    misc.imsave(path, np.array([[-1.0, 0.0, 3.0]]))  # floats are spread over what there is
    assert misc.imread(path).tolist() == [[0, 64, 255]]
    assert misc.imread(path, flatten=True).dtype == "float32"
    assert misc.imread(path, mode="RGB").shape == (1, 3, 3)
    grey = np.tile(np.array([[10, 20]], "uint8"), (4, 2))
    assert misc.imresize(grey, (2, 8), "nearest").tolist() == [[10, 10, 20, 20] * 2] * 2
    assert misc.imresize(grey, 50).shape == misc.imresize(grey, 0.5).shape == (2, 2)


def test_folds_and_searches_of_sklearn(around):
    pytest.importorskip("sklearn")
    validation, search = around("sklearn.cross_validation"), around("sklearn.grid_search")
    folds = validation.KFold(6, n_folds=3)
    assert [test.tolist() for _, test in folds] == [[0, 1], [2, 3], [4, 5]] and len(folds) == 3
    labels = np.array([0, 1, 0, 1, 0, 1])
    for train, test in validation.StratifiedKFold(y=labels, n_folds=3, shuffle=True, random_state=1):
        assert labels[test].sum() == 1 and len(train) == 4
    linear = around("sklearn.linear_model")
    x = np.arange(6.0)[:, None]
    scores = validation.cross_val_score(linear.Ridge(), x, 2 * x, cv=folds, scoring="mean_squared_error")
    assert len(scores) == 3 and (scores < 0).all()
    found = search.GridSearchCV(linear.Ridge(), {"alpha": [0.0, 9.0]}, scoring="mean_squared_error", cv=folds)
    assert found.fit(x, 2 * x).best_params_ == {"alpha": 0.0}
    assert len(validation.train_test_split(x, test_size=0.5)) == 2


def test_six_where_it_is_not_installed(around):
    if importlib.machinery.PathFinder.find_spec("six"):
        pytest.skip("it is")
    six, moves = around("six"), around("six.moves")
    assert (
        dict(six.iteritems({"a": 1})) == {"a": 1}
        and moves.range is range
        and isinstance("", six.string_types)
    )
    assert around("six.moves.cPickle").dumps and around("six.moves.urllib.request").urlopen

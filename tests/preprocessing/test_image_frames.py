"""Images whose files, targets and weights stand in the columns of a table."""

import numpy as np
import pytest

import cornu
from cornu.preprocessing import image

COUNT = 9
TABLE = {  # columns, as a pandas DataFrame has them; the last two rows name no image
    "filename": [*(f"{i}.png" for i in range(COUNT)), "gone.png", "notes.txt"],
    "class": list("bacabcaabab"),
    "side": ["left", "right"] * 5 + ["left"],
    "several": [["a"], ["a", "b"], ("c",), ["b", "c"], "a", ["c"], ["a", "b", "c"], ["b"], "c", ["b"], ["a"]],
    "count": list(range(11)),
    "share": [0.5 * i for i in range(11)],
}
LABELS = [1, 0, 2, 0, 1, 2, 0, 0, 1]


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(0).integers(0, 256, (COUNT, 6, 5, 3)).astype("float32")


@pytest.fixture
def folder(photos, tmp_path):
    for number, photo in enumerate(photos):
        image.array_to_img(photo, scale=False).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


@pytest.fixture
def flow(folder):
    def make(table=TABLE, split=0.0, **given):
        generator = image.ImageDataGenerator(validation_split=split)
        options = {"target_size": (6, 5), "batch_size": 20, "shuffle": False, "validate_filenames": False}
        if given.get("validate_filenames", False) is False:
            table = {name: column[:COUNT] for name, column in table.items()}
        return generator.flow_from_dataframe(table, folder, **{**options, **given})

    return make


def one_hot(rows, classes):
    return [[float(label in row) for label in range(classes)] for row in rows]


SEVERAL = [[0], [0, 1], [2], [1, 2], [0], [2], [0, 1, 2], [1], [2]]
TARGETS = [
    ({}, one_hot([[label] for label in LABELS], 3)),
    ({"class_mode": "sparse"}, LABELS),
    ({"class_mode": "binary", "y_col": "side"}, [0, 1, 0, 1, 0, 1, 0, 1, 0]),
    ({"y_col": "several"}, one_hot(SEVERAL, 3)),
    ({"class_mode": "raw", "y_col": "share"}, TABLE["share"][:COUNT]),
    ({"class_mode": "raw", "y_col": ["count", "share"]}, [[i, 0.5 * i] for i in range(COUNT)]),
]


@pytest.mark.parametrize("era", [2, 3])
@pytest.mark.parametrize(("given", "wanted"), TARGETS)
def test_targets(flow, photos, era, given, wanted):
    cornu.set_era(era)
    x, y = next(flow(**given))
    np.testing.assert_array_equal(x, photos)
    np.testing.assert_array_equal(y, wanted)


def test_other_kinds_of_targets(flow, photos):
    count, share = next(flow(class_mode="multi_output", y_col=["count", "share"]))[1]
    assert count.tolist() == TABLE["count"][:COUNT] and share.tolist() == TABLE["share"][:COUNT]
    x, y = next(flow(class_mode="input"))
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(next(flow(class_mode=None, weight_col="share")), photos)


def test_weights_go_beside_targets(flow):
    _, y, weights = next(flow(class_mode="sparse", weight_col="share", shuffle=True, seed=3))
    order = np.random.RandomState(3).permutation(COUNT)
    assert y.tolist() == np.array(LABELS)[order].tolist()
    assert weights.tolist() == np.array(TABLE["share"])[order].tolist()


def test_rows_that_name_no_image_are_left_out(flow, capsys):
    with pytest.warns(UserWarning, match="2 of the 11 paths.*'gone.png'"):
        batches = flow(validate_filenames=True)
    assert batches.samples == COUNT and batches.filenames == TABLE["filename"][:COUNT]
    assert "Found 9 validated image filenames belonging to 3 classes." in capsys.readouterr().out
    assert batches.class_indices == {"a": 0, "b": 1, "c": 2} and batches.classes == LABELS


def test_classes_that_do_not_count(flow):
    batches = flow(classes=["c", "a"], y_col="several")
    assert batches.class_indices == {"a": 0, "c": 1}
    assert batches.filenames == [f"{i}.png" for i in (0, 1, 2, 3, 4, 5, 6, 8)]
    np.testing.assert_array_equal(next(batches)[1][[1, 3, 6]], [[1, 0], [0, 1], [1, 1]])


def test_the_first_rows_are_for_validation(flow):
    parts = [flow(split=0.3, subset=subset, class_mode="sparse") for subset in ("validation", "training")]
    assert [part.filenames for part in parts] == [
        [f"{i}.png" for i in range(2)],
        [f"{i}.png" for i in range(2, COUNT)],
    ]
    assert next(parts[1])[1].tolist() == LABELS[2:]


def test_paths_may_be_whole(folder, photos):
    table = {"path": [str(folder / "3.png")], "n": [4.0]}
    x, y = next(
        image.ImageDataGenerator(rescale=0.5).flow_from_dataframe(
            table, x_col="path", y_col="n", class_mode="other", target_size=(6, 5)
        )
    )
    np.testing.assert_array_equal(x, photos[3:4] / 2)
    assert y.tolist() == [4.0]


BAD = [
    (ValueError, "class_mode is one of", {"class_mode": "label"}),
    (ValueError, "2 classes; there are 3", {"class_mode": "binary"}),
    (ValueError, "2 classes; there are 1", {"class_mode": "binary", "y_col": "side", "classes": ["left"]}),
    (TypeError, "names of classes in the column 'count'.*class_mode='raw'", {"y_col": "count"}),
    (TypeError, "strings; .'a'. is none", {"y_col": "several", "class_mode": "sparse"}),
    (TypeError, "list of columns", {"class_mode": "multi_output", "y_col": "count"}),
    (TypeError, "weight_col='side' holds numbers", {"weight_col": "side"}),
    (TypeError, "x_col='count' holds paths", {"x_col": "count"}),
]


@pytest.mark.parametrize(("kind", "said", "given"), BAD)
def test_columns_that_mean_nothing(flow, kind, said, given):
    with pytest.raises(kind, match=said):
        flow(**given)


def test_words_of_before_2_3_are_told_to_be_idle(flow):
    with pytest.warns(UserWarning, match="`has_ext` has no effect"):
        flow(has_ext=True)
    with pytest.warns(UserWarning, match="no notice of `classes`"):
        flow(class_mode=None, classes=["a"])


def test_a_data_frame_is_such_a_table(flow):
    pandas = pytest.importorskip("pandas")
    batches = flow({name: TABLE[name] for name in ("filename", "class")})
    frame = pandas.DataFrame({name: TABLE[name][:COUNT] for name in ("filename", "class")})
    again = image.ImageDataGenerator().flow_from_dataframe(
        frame, batches.directory, batch_size=20, shuffle=False
    )
    assert again.filenames == batches.filenames and again.classes == batches.classes

"""`serialize_keras_object` and `deserialize_keras_object`, as programs of Keras 2 and 3 call them."""

import pytest

import cornu


class Foo(cornu.layers.Dense):
    """A class of the user's."""


def test_own_classes_are_found_by_position_and_by_name():
    data = cornu.saving.serialize_keras_object(Foo(3))
    assert type(cornu.saving.deserialize_keras_object(data, {"Foo": Foo})) is Foo
    assert cornu.saving.deserialize_keras_object(data, custom_objects={"Foo": Foo}, safe_mode=True).units == 3
    with pytest.raises(ValueError, match="custom_objects"):
        cornu.saving.deserialize_keras_object(data)


def test_keras_2_looked_in_module_objects_first():
    with cornu.era_scope(2):
        find = cornu.utils.deserialize_keras_object
        assert find("largest", {"largest": max}) is max
        assert find(identifier="largest", module_objects={"largest": max}) is max
        assert find({"class_name": "Foo", "config": {"units": 2}}, {"Foo": Foo}).units == 2
        with pytest.raises(ValueError, match="is the name of no rule. Did you mean 'largest'"):
            find("largst", {"largest": max}, printable_module_name="rule")


def test_tuples_stay_tuples_in_configurations():
    config = cornu.layers.Conv2D(3, (3, 3), strides=2).get_config()
    assert config["kernel_size"] == (3, 3) and config["strides"] == (2, 2)

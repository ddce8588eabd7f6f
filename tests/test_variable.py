"""Cells: they hold, refuse, and are lent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.variable import Variable, lend, pure


def test_a_cell_holds_one_array_of_one_shape():
    cell = Variable(np.arange(3.0), name="w")
    assert (cell.shape, cell.dtype, cell.ndim) == ((3,), "float32", 1)
    cell.assign([4, 5, 6])
    cell.assign_add([1, 1, 1])
    cell.assign_sub([2, 2, 2])
    assert cell.numpy().tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match=r"w has shape \(3,\); it cannot take \(2,\)"):
        cell.assign([1, 2])
    assert cell.numpy().tolist() == [3, 4, 5]


def test_cells_stand_in_expressions_on_both_sides():
    cell = Variable(np.array([1.0, 2.0]))
    assert (np.ones(2) + cell).tolist() == [2, 3]
    assert (jnp.ones(2) - cell).tolist() == [0, -1]
    assert (cell**2 / 2).tolist() == [0.5, 2]
    assert (cell[1:] * 3).tolist() == [6]
    assert float(cell @ cell) == 5


def test_lending_makes_pure_functions():
    count = Variable(0, dtype="int32", trainable=False)

    def draw(step):
        count.assign_add(step)
        return count.value * 10

    result, values = jax.jit(pure(draw, [count]))([jnp.asarray(5)], 2)
    assert (int(result), int(values[0]), int(count)) == (70, 7, 0)


def test_writing_a_tracer_into_a_cell_that_was_not_lent_is_caught_at_the_write():
    cell = Variable(1.0, name="leaky")
    with pytest.raises(RuntimeError, match=r"leaky .* not lent .*ops.scan"):
        jax.jit(lambda x: cell.assign(x))(2.0)
    assert float(cell) == 1


def test_values_come_back_after_an_error():
    cell = Variable(1.0)
    with pytest.raises(ZeroDivisionError), lend([cell], [2.0]):
        raise ZeroDivisionError
    assert float(cell) == 1


def test_weights_made_inside_a_trace_are_concrete():
    made = []
    jax.jit(lambda x: made.append(Variable(jnp.ones, (2,), name="late")) or x)(1.0)
    assert not isinstance(made[0].value, jax.core.Tracer)
    assert made[0].numpy().tolist() == [1, 1]


def test_a_seed_generator_gives_other_draws_each_time_and_under_jit_the_same_ones():
    generator = cornu.random.SeedGenerator(3)
    eager = [cornu.random.normal((2,), seed=generator) for _ in range(3)]
    assert len({tuple(np.asarray(each)) for each in eager}) == 3
    again = cornu.random.SeedGenerator(3)
    run = jax.jit(pure(lambda: cornu.random.normal((2,), seed=again), [again.state]))
    values = [again.state.value]
    for expected in eager:
        got, values = run(values)
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_bernoulli_has_its_probability():
    drawn = cornu.random.bernoulli((200_000,), 0.3, seed=1)
    assert abs(float(drawn.mean()) - 0.3) < 5 * (0.21 / 200_000) ** 0.5

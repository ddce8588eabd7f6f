"""What holds for every optimizer, what the eras changed, and what happens to bad input."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from optimizer_cases import CASES, MORE, STEPS, WEIGHTS, label

from cornu import config, optimizers
from cornu.ops import numpy as ops
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, Optimizer, OptimizerMap, schedules
from cornu.variable import Variable, lend, pure

WITH_STATE = [*CASES, *(("Adam", {"learning_rate": 0.01, **more}) for more in MORE)]


def weights():
    return [Variable(w, name=name) for w, name in zip(WEIGHTS, ("kernel", "bias"), strict=True)]


def make(name, settings):
    return getattr(optimizers, name)(**settings)


def run(optimizer, cells, steps=STEPS):
    for grads in steps:
        optimizer.apply(grads, cells)
    return [cell.numpy() for cell in cells]


def same(a, b, **tolerance):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, **({"rtol": 1e-6, "atol": 1e-7} | tolerance))


# ---- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, settings", CASES, ids=map(label, CASES))
def test_compiled_is_eager_and_compiles_once(name, settings):
    compiled, eager = make(name, settings), make(name, settings)
    cells = weights()
    got = run(compiled, cells)
    assert compiled._compiled._cache_size() == 1
    eager.build(weights())
    values, state = WEIGHTS, [cell.value for cell in eager.variables]
    for grads in STEPS:
        values, state = eager.update(grads, values, state)
    same(got, values, rtol=1e-4 if name == "Muon" else 1e-5, atol=1e-6)
    same(compiled.get_weights(), state, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name, settings", WITH_STATE, ids=map(label, WITH_STATE))
def test_configuration_and_state_make_another_like_it(name, settings):
    first, cells = make(name, settings), weights()
    first.build(cells)
    values, state = first.update(STEPS[0], WEIGHTS, [cell.value for cell in first.variables])
    first.set_weights(state)
    second, store = optimizers.deserialize(optimizers.serialize(first)), {}
    assert type(second) is type(first) and second.get_config() == first.get_config()
    first.save_own_variables(store)
    second.build(weights())
    second.load_own_variables(store)
    assert [cell.path for cell in second.variables] == [cell.path for cell in first.variables]
    assert {cell.dtype for cell in second.variables} <= {"float32", "int32"}
    again = [each.update(STEPS[1], values, each.get_weights()) for each in (first, second)]
    same(*(jax.tree.leaves(each) for each in again), rtol=0)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_by_name(name):
    for word in (name, name.lower()):
        assert type(optimizers.get(word)) is getattr(optimizers, name)


def test_copies_and_pickles_share_nothing():
    first, cells = Adam(0.1), weights()
    run(first, cells, STEPS[:1])
    for other in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert not {id(cell) for cell in first.variables} & {id(cell) for cell in other.variables}
        before = first.get_weights()
        same(other.get_weights(), before)
        other.apply(STEPS[1])
        same(first.get_weights(), before)


def test_pure_in_a_loop():
    """`apply` on lent cells inside a traced loop is the same as one call after another."""
    one, other = Adam(0.1), Adam(0.1)
    cells, others = weights(), weights()
    wanted = run(one, cells, STEPS)
    other.build(others)
    everything = [*others, *other.variables]
    grads = [jnp.stack(each) for each in zip(*STEPS, strict=True)]
    step = pure(lambda i: other.apply([each[i] for each in grads], others), everything)
    values = jax.jit(
        lambda values: jax.lax.fori_loop(0, len(STEPS), lambda i, values: step(values, i)[1], values)
    )([cell.value for cell in everything])
    same(values[:2], wanted)
    assert int(values[2]) == len(STEPS)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_weights(dtype):
    cells = [Variable(np.ones((3,)), dtype=dtype)]
    run(optimizer := Adam(0.1), cells, [[np.full(3, 2.0, "float32")]] * 3)
    assert cells[0].dtype == dtype and optimizer.variables[2].dtype == dtype
    np.testing.assert_allclose(np.asarray(cells[0].value, "float32"), 0.7, atol=1e-2)


# ---- a user's own --------------------------------------------------------------------------------


class Mine(Optimizer):
    """As Keras 3 documents it."""

    def __init__(self, learning_rate=0.1, momentum=0.9, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(v, name="momentum") for v in variables]
        self.calls = Variable(0.0, name="calls")

    def update_step(self, gradient, variable, learning_rate):
        rate = ops.cast(learning_rate, variable.dtype)
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, ops.subtract(ops.multiply(m, self.momentum), ops.multiply(gradient, rate)))
        self.assign_add(variable, m)
        self.assign_add(self.calls, 1.0)


def test_update_step_of_a_user():
    mine, cells = Mine(clipnorm=1.0, gradient_accumulation_steps=2), weights()
    same(run(mine, cells), run(SGD(0.1, 0.9, clipnorm=1.0, gradient_accumulation_steps=2), weights()))
    assert float(mine.calls) == 4 and mine.variables[-1] is mine.calls
    assert mine.get_config()["momentum"] == 0.9
    assert Mine.from_config(mine.get_config()).gradient_accumulation_steps == 2


def test_rule_of_a_user():
    class Sign(Optimizer):
        slots = (("last",),)

        def rule(self, p, g, last, *, lr, step):
            return p - lr * jnp.sign(last), g

    cells = weights()
    run(Sign(0.5), cells, STEPS[:2])
    same([cells[0].numpy()], [WEIGHTS[0] - 0.5 * np.sign(STEPS[0][0])])


def test_what_writes_neither_is_told():
    with pytest.raises(NotImplementedError, match="rule"):
        Optimizer(0.1).apply(STEPS[0], weights())


# ---- learning rate -------------------------------------------------------------------------------


def test_learning_rate_is_a_live_cell():
    optimizer, cells = SGD(0.5), weights()
    assert float(optimizer.learning_rate) == float(optimizer.lr) == 0.5
    run(optimizer, cells, STEPS[:1])
    optimizer.lr.assign(0.25)
    optimizer.apply(STEPS[1], cells)
    optimizer.learning_rate = 0.125
    optimizer.apply(STEPS[2], cells)
    assert optimizer._compiled._cache_size() == 1
    rates = zip((0.5, 0.25, 0.125), STEPS, strict=False)
    wanted = WEIGHTS[0] - sum(rate * grads[0] for rate, grads in rates)
    same([cells[0].numpy()], [wanted], rtol=1e-5)
    assert optimizer.get_config()["learning_rate"] == 0.125


def test_settings_may_change_between_updates():
    optimizer, cells = SGD(0.5, momentum=0.5), weights()
    run(optimizer, cells, STEPS[:1])
    optimizer.momentum = 0.0
    optimizer.apply(STEPS[1], cells)
    same([cells[0].numpy()], [WEIGHTS[0] - 0.5 * (STEPS[0][0] + STEPS[1][0])], rtol=1e-5)


def test_schedule():
    halving = schedules.ExponentialDecay(1.0, 1, 0.5)
    optimizer, cells = SGD(halving), weights()
    got = run(optimizer, cells, STEPS[:3])
    rates = zip((1.0, 0.5, 0.25), STEPS, strict=False)
    same(got[:1], [WEIGHTS[0] - sum(rate * grads[0] for rate, grads in rates)], rtol=1e-5)
    assert float(optimizer.learning_rate) == 0.125 and len(optimizer.variables) == 1
    with pytest.raises(TypeError, match="schedule"):
        optimizer.learning_rate = 0.1
    later = SGD(0.1)
    later.learning_rate = halving
    assert float(later.lr) == 1.0 and len(later.variables) == 1
    assert SGD.from_config(optimizer.get_config())._learning_rate.decay_rate == 0.5


@pytest.mark.parametrize("rate", [lambda: 0.5, lambda step: 0.5 + 0 * step])
def test_learning_rate_by_a_function(rate):
    cells = weights()
    same(run(SGD(rate), cells), run(SGD(0.5), weights()))


def test_decay():
    got = run(SGD(0.5, decay=0.25), weights())
    rates = [0.5 / (1 + 0.25 * k) for k in range(len(STEPS))]
    wanted = WEIGHTS[0] - sum(rate * grads[0] for rate, grads in zip(rates, STEPS, strict=True))
    same(got[:1], [wanted], rtol=1e-5)
    assert SGD(decay=0.25).get_config()["decay"] == 0.25 and "decay" not in SGD().get_config()


# ---- eras ----------------------------------------------------------------------------------------


def of_era(era, name, *args, **settings):
    with config.era_scope(era):
        return getattr(optimizers, name)(*args, **settings)


@pytest.mark.parametrize("era", [1, 2])
def test_epsilon_stands_outside_the_root(era):
    epsilon, (g, *_), p = 0.5, [grads[0] for grads in STEPS], WEIGHTS[0]
    got = run(of_era(era, "RMSprop", learning_rate=0.1, rho=0.9, epsilon=epsilon), weights(), STEPS[:1])
    same(got[:1], [p - 0.1 * g / (np.sqrt(0.1 * g**2) + epsilon)], rtol=1e-5)
    adagrad = of_era(era, "Adagrad", learning_rate=0.1, initial_accumulator_value=0.0, epsilon=epsilon)
    got = run(adagrad, weights(), STEPS[:1])
    same(got[:1], [p - 0.1 * g / (np.abs(g) + epsilon)], rtol=1e-5)


def nadam(p, grads, lr, schedule_decay, epsilon=1e-8, beta_1=0.9, beta_2=0.999):
    m, v, product = 0.0, 0.0, 1.0
    for t, g in enumerate(grads, 1):
        now = beta_1 * (1 - 0.5 * 0.96 ** (t * schedule_decay))
        then = beta_1 * (1 - 0.5 * 0.96 ** ((t + 1) * schedule_decay))
        product *= now
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        mean = (1 - now) * g / (1 - product) + then * m / (1 - product * then)
        p = p - lr * mean / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
    return p


@pytest.mark.parametrize("era, rate, schedule_decay", [(1, 0.002, 0.004), (2, 0.002, 0.004), (3, 0.001, 1.0)])
def test_nadam(era, rate, schedule_decay):
    grads = [each[0].astype("float64") for each in STEPS]
    wanted = nadam(WEIGHTS[0], grads, rate, schedule_decay)
    same(run(of_era(era, "Nadam"), weights())[:1], [wanted], rtol=1e-5)


@pytest.mark.parametrize("era", [1, 2, 3])
def test_what_clipnorm_means(era):
    g = STEPS[0]
    norms = [np.sqrt((each**2).sum()) for each in g]
    if era < 3:
        norms = [np.sqrt(sum(norm**2 for norm in norms))] * 2
    got = run(of_era(era, "SGD", 1.0, clipnorm=0.5), weights(), [g])
    same(got, [w - each * 0.5 / norm for w, each, norm in zip(WEIGHTS, g, norms, strict=True)], rtol=1e-5)


def test_both_clips_together_in_the_old_eras():
    g, total = STEPS[0], np.sqrt(sum((each**2).sum() for each in STEPS[0]))
    got = run(of_era(1, "SGD", lr=1.0, clipnorm=0.5, clipvalue=0.1), weights(), [g])
    wanted = [w - np.clip(each * 0.5 / total, -0.1, 0.1) for w, each in zip(WEIGHTS, g, strict=True)]
    same(got, wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="one kind of clipping.*clipnorm=0.5 and clipvalue=0.1"):
        SGD(clipnorm=0.5, clipvalue=0.1)


def test_one_optimizer_for_two_models():
    first, second = weights(), [Variable(np.ones(2), name="other")]
    old = of_era(1, "Adam")
    old.apply(STEPS[0], first)
    slots = old.get_weights()
    old.apply([np.ones(2, "float32")], second)
    assert int(old.iterations) == 2 and len(old.variables) == len(slots) + 2
    new = Adam()
    new.apply(STEPS[0], first)
    with pytest.raises(ValueError, match="built for other weights and does not know other"):
        new.apply([np.ones(2, "float32")], second)


# ---- around an update ----------------------------------------------------------------------------


def test_ema_is_put_into_the_weights_after_training():
    optimizer, cells = SGD(0.1, use_ema=True, ema_momentum=0.5), weights()
    run(optimizer, cells, STEPS[:2])
    first = WEIGHTS[1] - 0.1 * STEPS[0][1]
    second = first - 0.1 * STEPS[1][1]
    same([cells[1].numpy()], [second], rtol=1e-5)
    optimizer.finalize_variable_values(cells)
    same([cells[1].numpy()], [0.5 * first + 0.5 * second], rtol=1e-5)


def test_accumulated_gradients():
    optimizer, cells = SGD(0.1, gradient_accumulation_steps=2), weights()
    run(optimizer, cells, STEPS[:1])
    same([cells[0].numpy()], [WEIGHTS[0]])
    optimizer.apply(STEPS[1])
    same([cells[0].numpy()], [WEIGHTS[0] - 0.05 * (STEPS[0][0] + STEPS[1][0])], rtol=1e-5)
    assert int(optimizer.iterations) == 1 and int(optimizer.variables[0]) == 2


def test_some_weights_only():
    optimizer, cells = SGD(0.1), weights()
    optimizer.build(cells)
    optimizer.apply([STEPS[0][1]], [cells[1]])
    with pytest.warns(UserWarning, match="no gradients for kernel"):
        optimizer.apply([None, STEPS[1][1]])
    same([cells[0].numpy(), cells[1].numpy()], [WEIGHTS[0], WEIGHTS[1] - 0.1 * (STEPS[0][1] + STEPS[1][1])])


def test_apply_gradients_counts():
    optimizer, cells = SGD(0.1), weights()
    assert int(optimizer.apply_gradients(zip(STEPS[0], cells, strict=True))) == 1


def test_loss_scale_leaves_out_what_is_not_finite():
    optimizer, cells = LossScaleOptimizer(SGD(0.5), initial_scale=8.0, dynamic_growth_steps=2), weights()
    optimizer.build(cells)
    assert float(optimizer.scale_loss(1.0)) == 8.0
    for bad in (np.inf, np.nan):
        optimizer.apply([np.full_like(STEPS[0][0], bad), STEPS[0][1]])
    same([cell.numpy() for cell in cells], WEIGHTS)
    assert float(optimizer.dynamic_scale) == 2.0 and int(optimizer.iterations) == 0
    optimizer.apply([2.0 * g for g in STEPS[0]])
    same([cells[0].numpy()], [WEIGHTS[0] - 0.5 * STEPS[0][0]], rtol=1e-5)
    assert int(optimizer.step_counter) == 1
    optimizer.apply(STEPS[1])
    assert float(optimizer.dynamic_scale) == 4.0 and int(optimizer.step_counter) == 0
    optimizer.learning_rate = 0.25
    assert float(optimizer.inner_optimizer.lr) == float(optimizer.lr) == 0.25
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.inner_optimizer.get_config() == optimizer.inner_optimizer.get_config()


def test_multi():
    by_path = OptimizerMap(SGD(0.5))
    by_path["b.*"] = Adam(0.1)
    optimizer, cells = MultiOptimizer(by_path), weights()
    got = run(optimizer, cells)
    same(got, [run(SGD(0.5), weights())[0], run(Adam(0.1), weights())[1]])
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.optimizer_map["bias"].get_config() == by_path["bias"].get_config()
    with pytest.raises(AttributeError, match="optimizers"):
        optimizer.learning_rate = 0.1
    with pytest.raises(ValueError, match="has an optimizer already"):
        by_path["b.*"] = SGD()
    by_path[".*ias"] = SGD()
    with pytest.raises(ValueError, match="bias matches"):
        by_path["bias"]
    with pytest.raises(TypeError, match="goes around"):
        OptimizerMap(LossScaleOptimizer(SGD()))


# ---- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: SGD("fast"), "SGD: `learning_rate` is a number, .* got 'fast'"),
        (lambda: SGD(momentum=2), "momentum"),
        (lambda: SGD(clipnorm=-1.0), "at least 0"),
        (lambda: Adam(gradient_accumulation_steps=1), "at least 2; got 1"),
        (lambda: Adam(use_ema=True, ema_momentum=2.0), "between 0 and 1"),
        (lambda: Adam(use_ema=True, ema_overwrite_frequency=0.5), "at least 1; got 0.5"),
        (lambda: optimizers.AdamW(weight_decay=None), "use Adam"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "`l1_regularization_strength`"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "at most 0"),
        (lambda: optimizers.get("adm"), "'adm' is no name in optimizers.* Did you mean 'adam'"),
        (lambda: optimizers.get(len), "is no optimizer"),
        (lambda: schedules.CosineDecay(0.1, 0), "`decay_steps` is above 0"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "2 boundaries part 3 values; got 2"),
        (lambda: SGD().apply([1.0]), "is not built yet"),
        (lambda: SGD().apply([1.0], weights()), "1 gradients for 2 weights"),
        (lambda: SGD().apply([None, None], weights()), r"no gradient for any weight \(kernel, bias\)"),
        (lambda: SGD().set_weights([1, 2, 3]), r"has 2 arrays, got 3 \(it is not built yet"),
        (lambda: SGD().stateless_apply([], [], []), "is not built yet"),
    ],
)
def test_bad_arguments(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_nothing_changes_when_weights_do_not_fit():
    optimizer, cells = SGD(0.1, momentum=0.5), weights()
    run(optimizer, cells, STEPS[:1])
    before = optimizer.get_weights()
    with pytest.raises(ValueError, match="kernel_momentum has shape"):
        optimizer.set_weights([7, 0.5, np.zeros(4), np.zeros(3)])
    with pytest.raises(ValueError, match="`trainable_variables` has 1 arrays; 2 are needed"):
        optimizer.stateless_apply(before, STEPS[0], WEIGHTS[:1])
    same(optimizer.get_weights(), before)


def test_tracers_do_not_leak_into_cells():
    optimizer, cells = SGD(0.1), weights()
    optimizer.build(cells)
    with pytest.raises(RuntimeError, match="was not lent"):
        jax.jit(lambda grads: optimizer.apply(grads, cells))(STEPS[0])
    with lend([*cells, *optimizer.variables], [*WEIGHTS, 0, 0.1]):
        pass
    same([cell.numpy() for cell in cells], WEIGHTS)

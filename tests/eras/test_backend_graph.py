"""Graphs of `keras.backend`: functions, updates, derivatives, phases, loops; and symbols inside losses and layers."""

import numpy as np
import pytest

import cornu
from cornu import Model, layers
from cornu import backend as K
from cornu.layers import Dense, Dropout, Input, Lambda

draw = np.random.default_rng(0)
X = draw.normal(size=(6, 4)).astype("float32")
Y = draw.normal(size=(6, 2)).astype("float32")


@pytest.fixture(autouse=True)
def era():
    cornu.set_era(1)


def slope(function, x, at, eps=1e-2):
    """The derivative of a scalar function by one element of an array, from two values."""
    ends = []
    for sign in (1, -1):
        moved = np.array(x, "float64")
        moved[at] += sign * eps
        ends.append(float(function(moved)))
    return (ends[0] - ends[1]) / (2 * eps)


# ---- functions and variables -------------------------------------------------------------------


def test_a_graph_follows_its_variables():
    w = K.variable([[1.0, 2.0], [3.0, 4.0]])
    penalty, sums = K.sum(K.square(w)), (2 * w + w**2).sum(axis=0)
    f = K.function([], [penalty, sums, w])
    assert [float(f([])[0]), *f([])[1]] == [30, 18, 32]
    K.set_value(w, np.eye(2))
    assert float(f([])[0]) == 2 and float(K.eval(penalty)) == 2
    np.testing.assert_array_equal(f([])[2], np.eye(2))

    layer = Dense(2)
    y = layer(Input((4,)))
    weight = K.function([], K.sum(K.abs(layer.W)))
    layer.set_weights([np.full((4, 2), -2.0), np.zeros(2)])
    assert float(weight([])) == 16 and float(K.eval(layer.b.sum())) == 0 and y.shape == (None, 2)


def test_tensors_have_the_words_of_old():
    x = K.placeholder((None, 3))
    y = x.dimshuffle(1, "x", 0)
    assert y.shape == (3, 1, None) and (x * 2).eval({x: np.ones((1, 3))}).tolist() == [[2, 2, 2]]
    assert K.ones((2,)).eval().tolist() == [1, 1] and K.reshape(x, (x.shape[0], -1, 1)).shape == (None, 3, 1)


def test_updates_use_the_old_values():
    x, a, b = K.placeholder((2,)), K.variable([1.0, 1.0]), K.variable([0.0, 0.0])
    f = K.function([x], [a + b], updates=[(a, a + x), K.update_add(b, a), K.update(b, x)])
    assert f([[1, 2]])[0].tolist() == [1, 1]
    assert K.get_value(a).tolist() == [2, 3] and K.get_value(b).tolist() == [1, 1]  # the first for `b` counts
    average = K.variable([0.0, 0.0])
    K.function([x], [], [K.moving_average_update(average, x, 0.9)])([[1, 2]])
    np.testing.assert_allclose(K.get_value(average), [0.1, 0.2], rtol=1e-6)
    assert float(K.function([], [K.update_sub(a, 1.0)])([])[0][1]) == 2 and K.get_value(a).tolist() == [1, 2]
    assert isinstance(K.update(a, a), tuple)


def test_outputs_alone_or_in_a_list():
    x = K.placeholder((None, 2))
    assert K.function([x], x * 2)([[[1, 2]]]).tolist() == [[2, 4]]
    assert [each.tolist() for each in K.function([x], [x, 1.0], on_unused_input="ignore")([[[1, 2]]])] == [
        [[1, 2]],
        1,
    ]
    assert K.Function(x, [x])([np.zeros((3, 2))])[0].shape == (3, 2)


def test_what_functions_refuse():
    x, z = K.placeholder((None, 2), name="rows"), K.placeholder((2,), name="other")
    f = K.function([x], [x])
    for wrong, error, words in (
        (lambda: f(np.zeros((1, 2))), TypeError, "a list of its 1 inputs"),
        (lambda: f([1, 2]), TypeError, "got 2"),
        (lambda: f([np.zeros((1, 3))]), ValueError, r"'rows' has shape \(None, 2\).*\(1, 3\)"),
        (lambda: K.function([x], [x + z]), ValueError, "other.*not among the inputs"),
        (lambda: K.function([K.variable(1.0)], []), TypeError, "K.set_value"),
        (lambda: K.function([x], [x], givens={}), ValueError, "`givens`: put the expression"),
        (lambda: K.function([x], [x], feed_dict={}), ValueError, "`feed_dict`: make what is fed an input"),
        (lambda: K.function([x], [x], updates=[(x, x)]), TypeError, "pairs"),
        (lambda: K.function([x, K.learning_phase()], [x])([np.zeros((1, 2)), 3]), ValueError, "0 or 1"),
        (lambda: K.eval(x), ValueError, "rows"),
        (lambda: K.update(x, x), TypeError, "variables"),
    ):
        with pytest.raises(error, match=words):
            wrong()


def test_intermediate_tensors_can_be_fed():
    x = Input((4,))
    hidden = Dense(3)(x)
    out = Dense(2)(hidden)
    f, g = K.function([x], [hidden, out]), K.function([hidden], [out])
    middle, end = f([X])
    np.testing.assert_allclose(g([middle])[0], end, rtol=1e-5)


# ---- derivatives -------------------------------------------------------------------------------


def test_derivatives_by_inputs_tensors_and_weights():
    x = Input((4,))
    first, second = Dense(3, activation="tanh"), Dense(2)
    hidden = first(x)
    loss = K.mean(K.square(second(hidden)))
    by = [x, hidden, first.W, second.b]
    f = K.function([x], [loss, *K.gradients(loss, by)])
    value, dx, dh, dw, db = f([X])
    run = lambda array: f([array])[0]  # noqa: E731
    for at in ((0, 0), (3, 2)):
        assert np.isclose(dx[at], slope(run, X, at), rtol=2e-2, atol=1e-4)
    behind = K.function([hidden], [loss])
    middle = np.asarray(K.function([x], [hidden])([X])[0])
    assert np.isclose(dh[2, 1], slope(lambda h: behind([h])[0], middle, (2, 1)), rtol=2e-2, atol=1e-4)

    def with_weight(w):
        K.set_value(first.W, w)
        return run(X)

    w = K.get_value(first.W)
    assert np.isclose(dw[1, 2], slope(with_weight, w, (1, 2)), rtol=2e-2, atol=1e-4)
    K.set_value(first.W, w)
    out = K.function([x], [second.output])([X])[0]
    np.testing.assert_allclose(db, out.sum(0) * 2 / out.size, rtol=1e-3, atol=1e-4)


def test_a_single_one_comes_in_a_list_too():
    x = K.placeholder((None,))
    (dx,) = K.gradients(K.square(x), x)  # of the sum, since it is no scalar
    assert K.function([x], dx)([[1, 2, 3]]).tolist() == [2, 4, 6]


def test_derivatives_of_derivatives():
    x, w = K.placeholder((None,)), K.variable(3.0)
    dx = K.gradients(K.sum(w * x**3), x)[0]  # 3 w x^2
    d2x, dw = K.gradients(K.sum(dx), [x, w])  # 6 w x, 3 x^2
    values = K.function([x], [dx, d2x, dw])([[1.0, 2.0]])
    np.testing.assert_allclose(values[0], [9, 36])
    np.testing.assert_allclose(values[1], [18, 36])
    np.testing.assert_allclose(values[2], 15)


def test_descent_by_updates():
    x, y, w, b = K.placeholder((None, 4)), K.placeholder((None, 2)), K.zeros((4, 2)), K.zeros((2,))
    loss = K.mean(K.square(K.dot(x, w) + b - y))
    updates = [(p, p - 0.1 * g) for p, g in zip([w, b], K.gradients(loss, [w, b]), strict=True)]
    step = K.function([x, y], [loss], updates=updates)
    losses = [float(step([X, Y])[0]) for _ in range(20)]
    kernel, bias = np.zeros((4, 2)), np.zeros(2)
    for value in losses:
        error = X @ kernel + bias - Y
        assert np.isclose(value, (error**2).mean(), rtol=1e-4)
        kernel, bias = kernel - 0.1 * 2 * X.T @ error / error.size, bias - 0.1 * 2 * error.sum(0) / error.size


def test_the_noise_of_a_derivative_is_that_of_its_loss():
    x = Input((50,))
    y = Dropout(0.5)(x)
    z = Lambda(lambda t: t * K.random_uniform((50,)))(y)
    f = K.function([x, K.learning_phase()], [z, K.gradients(K.sum(z), x)[0]])
    ones = np.ones((3, 50))
    for _ in range(2):
        value, dx = f([ones, 1])
        np.testing.assert_allclose(value, dx, rtol=1e-6)
        assert (dx == 0).any()


def test_masked_sequences_keep_their_masks_when_derived_by():
    x = Input((3,), dtype="int32")
    table = layers.Embedding(5, 4, mask_zero=True)
    embedded = table(x)
    out = layers.LSTM(2)(embedded)
    by_rows, value = K.function([x], [K.gradients(K.sum(out), embedded)[0], out])([[[1, 2, 0]]])
    np.testing.assert_allclose(value, Model(x, out).predict(np.array([[1, 2, 0]])), rtol=1e-5)
    assert np.abs(by_rows[0, 1]).min() > 0 and not by_rows[0, 2].any()


def test_what_gradients_refuses():
    x, other = K.placeholder((2,)), K.placeholder((2,))
    for wrong, error, words in (
        (lambda: K.gradients(K.sum(x), other), ValueError, "does not depend on"),
        (lambda: K.gradients(np.ones(2), x), TypeError, "the loss is a symbol"),
        (lambda: K.gradients(K.sum(x), [np.ones(2)]), TypeError, "symbols and variables"),
        (lambda: K.gradients(K.argmax(x), x), TypeError, "int32, of which"),
    ):
        with pytest.raises(error, match=words):
            wrong()


# ---- phases ------------------------------------------------------------------------------------


def test_the_learning_phase_is_fed():
    x = Input((200,))
    dropped = Dropout(0.5)(x)
    f = K.function(
        [x, K.learning_phase()], [dropped, K.in_train_phase(x + 1, x), K.in_test_phase(lambda: x + 1, x)]
    )
    ones = np.ones((2, 200))
    test, train = f([ones, 0]), f([ones, 1])
    np.testing.assert_array_equal(test[0], ones)
    assert [each[0, 0] for each in test[1:]] == [1, 2] and [each[0, 0] for each in train[1:]] == [2, 1]
    assert set(np.unique(train[0])) == {0, 2} and not np.array_equal(train[0], f([ones, 1])[0])
    np.testing.assert_array_equal(K.function([x], [dropped])([ones])[0], ones)  # not fed: testing
    assert dropped._uses_learning_phase and not x._uses_learning_phase
    twice = K.function([K.learning_phase()], [K.learning_phase() * 2, K.switch(K.learning_phase(), 5.0, 7.0)])
    assert [float(each) for each in twice([1])] == [2, 5]


def test_the_learning_phase_is_set():
    model = cornu.Sequential([Dropout(0.5, input_shape=(50,))])
    model.compile("sgd", "mse")
    ones = np.ones((2, 50), "float32")
    try:
        K.set_learning_phase(1)
        assert K.learning_phase() == 1
        assert (model.predict(ones) == 0).any()
        K.set_learning_phase(0)
        np.testing.assert_array_equal(model.predict(ones), ones)
        assert model.train_on_batch(ones, ones) == 0
        f = K.function([model.input, K.learning_phase()], [model.output])
        np.testing.assert_array_equal(f([ones, 0])[0], ones)
        with pytest.raises(ValueError, match="0 or 1"):
            K.set_learning_phase(2)
    finally:
        K.clear_session()
    assert cornu.Symbol in type(K.learning_phase()).__mro__
    assert model.train_on_batch(ones, ones) > 0


def test_functions_leave_what_layers_keep_alone():
    x = Input((4,))
    norm = layers.BatchNormalization()
    y = norm(x)
    plain = K.function([x, K.learning_phase()], [y])
    before = norm.get_weights()
    np.testing.assert_allclose(plain([X, 1])[0].mean(0), 0, atol=1e-5)
    for a, b in zip(before, norm.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    moving = norm.non_trainable_weights
    K.function([x, K.learning_phase()], [y], updates=moving)([X, 1])
    np.testing.assert_allclose(K.get_value(moving[0]), 0.01 * X.mean(0), rtol=1e-3, atol=1e-5)


# ---- loops and branches ------------------------------------------------------------------------


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mask", [None, np.array([[1, 1, 0], [0, 1, 1]])])
def test_rnn(unroll, backwards, mask):
    inputs, w = draw.normal(size=(2, 3, 4)).astype("float32"), draw.normal(size=(4, 4)).astype("float32")
    live, extra = K.variable(w), np.full((2, 4), 0.5, "float32")

    def step(x, states):
        h = K.tanh(x + K.dot(states[0], live) + states[1])
        return h, [h]

    x = K.placeholder((2, 3, 4))
    m = None if mask is None else K.placeholder((2, 3), dtype="int32")
    made = K.rnn(step, x, [K.zeros_like(x[:, 0])], backwards, m, [extra], unroll, 3)
    f = K.function([x] if m is None else [x, m], [made[0], made[1], made[2][0]])
    last, outputs, state = f([inputs] if mask is None else [inputs, mask])

    h, expected = np.zeros((2, 4)), []
    for t in range(3)[::-1] if backwards else range(3):
        new = np.tanh(inputs[:, t] + h @ w + extra)
        h = new if mask is None else np.where(mask[:, t, None], new, h)
        expected.append(h)
    np.testing.assert_allclose(outputs, np.stack(expected, 1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state, h, rtol=1e-4, atol=1e-5)
    K.set_value(live, np.zeros((4, 4)))
    np.testing.assert_allclose(
        f([inputs] if mask is None else [inputs, np.ones((2, 3))])[1][:, 0],
        np.tanh(inputs[:, -1 if backwards else 0] + 0.5),
        rtol=1e-4,
    )


def test_rnn_refuses():
    with pytest.raises(ValueError, match="2 axes"):
        K.rnn(lambda x, s: (x, s), K.placeholder((None, 3)), [])
    with pytest.raises(ValueError, match="at least one state"):
        K.rnn(lambda x, s: (x, s), K.placeholder((None, 3, 1)), [], mask=K.placeholder((None, 3)))


def test_maps_and_folds():
    x, w = K.placeholder((None, 2)), K.variable(10.0)
    f = K.function(
        [x],
        [
            K.map_fn(lambda row: K.sum(row) * w, x),
            K.foldl(lambda total, row: 2 * total + row, x),
            K.foldr(lambda total, row: 2 * total + row, x),
            K.foldl(lambda total, row: total + K.sum(row), x, initializer=1.0),
        ],
    )
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    mapped, left, right, total = f([rows])
    assert mapped.tolist() == [30, 70, 110]
    assert (
        left.tolist() == [15, 22]
        and right.tolist() == [4 * 5 + 2 * 3 + 1, 4 * 6 + 2 * 4 + 2]
        and float(total) == 22
    )


def test_switch():
    x, c = K.placeholder((None, 2)), K.placeholder((None,), dtype="bool")
    f = K.function([x, c], [K.switch(K.sum(x) > 0, x, -x), K.switch(c, x, lambda: x * 10)])
    assert f([[[1, 1], [2, 2]], [True, False]])[1].tolist() == [[1, 1], [20, 20]]
    assert f([[[-1, 1], [-2, 1]], [True, False]])[0].tolist() == [[1, -1], [2, -1]]
    assert K.switch(True, 1, 2) == 1 and K.switch(False, lambda: 1, lambda: 2) == 2


# ---- symbols in losses and layers --------------------------------------------------------------


def autoencoder(loss_of):
    """A model whose loss reaches for the hidden layer; SGD, so that weights tell the gradient."""
    x = Input((4,))
    hidden = Dense(3, name="hidden")(x)
    model = Model(x, Dense(2, name="out")(hidden))
    model.compile(cornu.optimizers.SGD(lr=0.1), loss_of(x, hidden))
    return model


def weights(model) -> tuple:
    (w, b), (v, c) = model.get_layer("hidden").get_weights(), model.get_layer("out").get_weights()
    return w, b, v, c


def test_a_loss_may_use_symbols_of_the_graph():
    outside = {}

    def loss_of(x, hidden):
        outside["penalty"] = K.mean(K.square(hidden), axis=-1)  # noted down before there is a loss
        return lambda y, p: (
            K.mean(K.square(y - p), axis=-1) + K.sum(K.abs(hidden), axis=-1) + outside["penalty"]
        )

    model = autoencoder(loss_of)
    w, b, v, c = weights(model)
    h = X @ w + b
    p = h @ v + c
    expected = ((Y - p) ** 2).mean(-1) + np.abs(h).sum(-1) + (h**2).mean(-1)
    assert np.isclose(model.test_on_batch(X, Y), expected.mean(), rtol=1e-5)
    assert np.isclose(model.train_on_batch(X, Y), expected.mean(), rtol=1e-5)
    dh = (2 * (p - Y) / 2) @ v.T + np.sign(h) + 2 * h / 3
    np.testing.assert_allclose(weights(model)[0], w - 0.1 * X.T @ dh / 6, rtol=1e-3, atol=1e-5)
    assert np.isclose(model.evaluate(X, Y, verbose=0), model.test_on_batch(X, Y), rtol=1e-5)


def test_a_loss_may_be_nothing_but_a_symbol():
    def loss_of(x, hidden):
        size = K.mean(K.square(hidden))
        return lambda y, p: size

    model = autoencoder(loss_of)
    w, b, *_ = weights(model)
    assert np.isclose(model.train_on_batch(X, Y), ((X @ w + b) ** 2).mean(), rtol=1e-5)


def test_a_loss_may_derive_the_outputs_by_a_tensor_of_the_graph():
    x = Input((4,))
    mixed = Lambda(lambda t: 2 * t)(x)
    dense = Dense(1, name="out")
    model = Model(x, dense(mixed))

    def penalty(y, p):  # as for improved Wasserstein GANs
        norm = K.sqrt(K.sum(K.square(K.gradients(p, mixed)[0]), axis=1))
        return K.square(1 - norm)

    model.compile(cornu.optimizers.SGD(lr=0.1), penalty)
    w = dense.get_weights()[0]
    norm = np.linalg.norm(w)
    assert np.isclose(model.train_on_batch(X, Y[:, :1]), (1 - norm) ** 2, rtol=1e-4)
    np.testing.assert_allclose(dense.get_weights()[0], w + 0.1 * 2 * (1 - norm) * w / norm, rtol=1e-4)


def test_a_metric_may_use_them_too():
    x = Input((4,))
    hidden = Dense(3, name="hidden")(x)
    model = Model(x, Dense(2, name="out")(hidden))

    def size(y, p):
        return K.mean(K.abs(hidden))

    model.compile("sgd", "mse", metrics=[size])
    w, b, *_ = weights(model)
    loss, metric = model.train_on_batch(X, Y)
    assert np.isclose(metric, np.abs(X @ w + b).mean(), rtol=1e-5)


def test_a_loss_that_reaches_too_far_is_told():
    stranger = Input((4,), name="stranger")
    model = autoencoder(lambda x, hidden: lambda y, p: K.mean(K.square(y - p)) + K.mean(stranger))
    with pytest.raises(ValueError, match="stranger"):
        model.train_on_batch(X, Y)


def test_losses_follow_variables_that_no_layer_holds():
    weight, shared = K.variable(1.0), Dense(2)
    shared.build((None, 2))
    model = autoencoder(
        lambda x, hidden: lambda y, p: weight * K.mean(K.abs(p), axis=-1) + K.sum(K.abs(shared.W))
    )
    model.optimizer.lr.assign(0.0)
    loss = lambda: model.fit(X, Y, batch_size=3, nb_epoch=1, verbose=0).history["loss"][0]  # noqa: E731
    first = loss()
    K.set_value(weight, 3.0)
    shared.set_weights([np.zeros((2, 2)), np.zeros(2)])
    p = np.abs(model.predict(X)).mean()
    for _ in range(3):
        assert np.isclose(loss(), 3 * p, rtol=1e-4)
    assert first != pytest.approx(3 * p)
    assert np.isclose(model.evaluate(X, Y, verbose=0), 3 * p, rtol=1e-4)
    K.set_value(weight, 5.0)
    assert np.isclose(model.evaluate(X, Y, verbose=0), 5 * p, rtol=1e-4)


def test_a_lambda_may_use_symbols_and_variables_from_around_it():
    x, scale = Input((4,)), K.variable(2.0)
    hidden, last = Dense(4), Dense(4)
    gate = K.sigmoid(hidden(x))
    out = Lambda(lambda t: t * gate * scale + x)(last(x))
    model = Model(x, out)
    w, b, v, c = *hidden.get_weights(), *last.get_weights()
    expected = lambda s: (X @ v + c) / (1 + np.exp(-(X @ w + b))) * s + X  # noqa: E731
    np.testing.assert_allclose(model.predict(X), expected(2), rtol=1e-4, atol=1e-5)
    K.set_value(scale, 5.0)
    np.testing.assert_allclose(model.predict(X), expected(5), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(K.function([x], [out])([X])[0], expected(5), rtol=1e-4, atol=1e-5)


def test_random_draws_in_a_lambda_are_new_at_each_step():
    x = Input((50,))
    model = Model(x, Lambda(lambda t: t + K.random_normal(K.shape(t)))(x))
    model.compile("sgd", "mse")
    zeros = np.zeros((4, 50), "float32")
    a, b = model.predict(zeros), model.predict(zeros)
    assert not np.allclose(a, b) and abs(a.std() - 1) < 0.2
    assert model.train_on_batch(zeros, zeros) != model.train_on_batch(zeros, zeros)


def test_an_input_stands_for_a_tensor():
    base = K.variable(X)
    free = K.placeholder((6, 4))
    both = K.concatenate([base, free], axis=0)
    image = Input(tensor=both)
    model = Model(image, Dense(2, name="out")(image))
    loss = K.sum(K.square(model.layers[-1].output[6:] - model.layers[-1].output[:6]))
    f = K.function([free], [loss, *K.gradients(loss, free)])
    w, b = model.layers[-1].get_weights()
    value, slope_of = f([np.zeros((6, 4))])
    np.testing.assert_allclose(value, ((X @ w) ** 2).sum(), rtol=1e-4)
    np.testing.assert_allclose(slope_of, -2 * X @ w @ w.T, rtol=1e-3, atol=1e-4)
    assert [type(each).__name__ for each in model.layers] == ["InputLayer", "Dense"]
    assert Model.from_config(model.get_config()).predict(X).shape == (6, 2)
    np.testing.assert_allclose(model.predict(X), X @ w + b, rtol=1e-4, atol=1e-5)


def test_a_layer_follows_a_variable_that_it_is_called_on():
    image = K.variable(X)
    layer = Dense(2)
    y = layer(image)
    w, b = layer.get_weights()
    np.testing.assert_allclose(K.eval(y), X @ w + b, rtol=1e-4, atol=1e-5)
    K.set_value(image, 2 * X)
    np.testing.assert_allclose(K.eval(y), 2 * X @ w + b, rtol=1e-4, atol=1e-5)
    assert y._keras_history[0] is layer
    (by_image,) = K.function([], K.gradients(K.sum(y), image))([])
    np.testing.assert_allclose(by_image, np.tile(w.sum(1), (6, 1)), rtol=1e-4)


def test_a_function_from_a_file_finds_k():
    layer = Lambda(lambda t: K.square(t) + 1)
    again = Lambda.from_config(layer.get_config(), safe_mode=False)
    np.testing.assert_allclose(again(X), X**2 + 1, rtol=1e-5)


def test_in_era_3_variables_compute_at_once():
    cornu.set_era(3)
    layer = Dense(2)
    layer.build((None, 4))
    assert not isinstance(layer.kernel * 2, cornu.Symbol)

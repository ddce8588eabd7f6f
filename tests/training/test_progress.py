"""The progress bar: its look in the three eras, where it is drawn over and where not, and how often."""

import io
import re
import types

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.training import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time that stands still until it is told to go on."""
    now = types.SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: now.seconds))
    return now


@pytest.fixture
def terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stdout=screen, modules={}))
    monkeypatch.setenv("COLUMNS", "80")
    return screen


def plain(text):
    return re.sub(r"\x1b\[\d+m", "", text)


def test_times():
    assert [progress.duration(s) for s in (0.5, 59, 65, 7209)] == ["0s", "59s", "1:05", "2:00:09"]
    assert [progress.pace(s, "step") for s in (0, 2.4, 0.0128, 4e-5)] == [
        *("0s/step", "2s/step", "13ms/step", "40us/step")
    ]
    assert [progress.number(x) for x in (0.5, -3, 0.0005)] == ["0.5000", "-3.0000", "5.0000e-04"]


LOOKS = [
    (1, "  3/10 [========>.....................] - ETA: 14s - loss: 2.0000"),
    (1, " 10/10 [==============================] - 20s - loss: 1.0000"),
    (2, " 3/10 [========>.....................] - ETA: 14s - loss: 2.0000"),
    (2, "10/10 [==============================] - 20s 2s/step - loss: 1.0000"),
    (3, " 3/10 ━━━━━━━━━━━━━━━━━━━━ 14s 2s/step - loss: 2.0000"),
    (3, "10/10 ━━━━━━━━━━━━━━━━━━━━ 20s 2s/step - loss: 1.0000"),
]


@pytest.mark.parametrize("era", [1, 2, 3])
def test_looks(era, clock, terminal):
    cornu.set_era(era)
    bar = cornu.utils.Progbar(10, stateless_metrics=())
    clock.seconds += 6
    bar.update(3, [("loss", 2.0)])
    clock.seconds += 14
    bar.update(10, [("loss", 1.0)])
    drawn = plain(terminal.getvalue()).strip("\n").split("\r")[1:]
    assert [line.strip() for line in drawn] == [line.strip() for number, line in LOOKS if number == era]


@pytest.mark.parametrize(
    "era, line",
    [(1, "20s - a: 1.0000\n"), (2, " - 20s - a: 1.0000\n"), (3, "4/4 - 20s - 5s/step - a: 1.0000\n")],
)
def test_short_form(era, line, clock, terminal):
    cornu.set_era(era)
    bar = cornu.utils.Progbar(4, verbose=2)
    for _ in range(4):
        clock.seconds += 5
        bar.add(1, [("a", 1.0)])
    assert terminal.getvalue() == line


def test_silent(terminal):
    cornu.utils.Progbar(2, verbose=0).add(2)
    assert terminal.getvalue() == ""


def test_values_are_averaged_over_steps_unless_named():
    bar = cornu.utils.Progbar(10, verbose=0, stateful_metrics=["now"])
    bar.add(2, [("loss", 1.0), ("now", 1.0)])
    bar.add(6, [("loss", 3.0), ("now", 3.0)])
    assert bar._numbers() == " - loss: 2.5000 - now: 3.0000"
    with pytest.raises(ValueError, match="not both"):
        cornu.utils.Progbar(1, stateful_metrics=[], stateless_metrics=[])


def test_positions_of_keras_1():
    cornu.set_era(1)
    bar = cornu.utils.Progbar(5, 12, 0, 0.5)
    assert (bar.target, bar.width, bar.verbose, bar.interval >= 0.5) == (5, 12, 0, True)


def test_at_most_ten_times_a_second(clock, terminal):
    bar = cornu.utils.Progbar(10_000)
    for _ in range(10_000):
        clock.seconds += 0.001
        bar.add(1)
    assert 90 <= terminal.getvalue().count("\r") <= 102


def test_one_line_where_nobody_draws(clock, capsys):
    bar = cornu.utils.Progbar(300)
    for _ in range(300):
        clock.seconds += 0.5
        bar.add(1, [("loss", 1.0)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3  # one a minute, and the last
    assert not any(ord(letter) < 32 for line in lines for letter in line)
    assert lines[-1] == "300/300 ━━━━━━━━━━━━━━━━━━━━ 150s 500ms/step - loss: 1.0000"


def test_a_shorter_line_covers_a_longer_one(clock, terminal):
    bar = cornu.utils.Progbar(2, stateless_metrics=())
    bar.update(1, [("loss", 12345.0)])
    clock.seconds += 1
    bar.update(2, [("loss", 1.0)])
    _, first, last = plain(terminal.getvalue()).rstrip("\n").split("\r")
    assert len(last) >= len(first)


def test_long_lines_do_not_wrap_while_they_are_drawn(clock, terminal):
    values = [(f"metric_{i}", 1.0) for i in range(20)]
    bar = cornu.utils.Progbar(2, stateless_metrics=())
    bar.update(1, values)
    bar.update(2, values)
    _, first, last = plain(terminal.getvalue()).split("\r")
    assert len(first) == 79 and last.count("metric") == 20


def test_words_between(clock, terminal):
    bar = cornu.utils.Progbar(2)
    bar.update(1)
    progress.say("hello")
    bar.update(2)
    shown = plain(terminal.getvalue())
    assert re.fullmatch(r"\r1/2 \S+ .*\r +\rhello\n\r2/2 .*\n", shown)


def test_the_first_steps_are_left_out_of_the_pace(clock):
    bar = cornu.utils.Progbar(100, verbose=0)
    clock.seconds += 30  # compiling
    bar.add(1)
    clock.seconds += 2
    bar.add(20)
    assert bar._words(clock.seconds)["pace"] == "100ms/step"


def test_unknown_target(clock, terminal):
    bar = cornu.utils.Progbar(None)
    bar.add(5)
    bar.update(7, finalize=True)
    assert plain(terminal.getvalue()).split("\r")[1:] == [
        "      5/Unknown 0s 0s/step",
        "      7/Unknown 0s 0s/step\n",
    ]


# ---- in fit ----------------------------------------------------------------------------------------

X, Y = np.ones((70, 3), "float32"), np.ones((70, 1), "float32")


def model():
    made = cornu.Sequential([layers.Dense(1, input_shape=(3,))])
    made.compile("sgd", "mse", metrics=["accuracy"])
    return made


@pytest.mark.parametrize(
    "era, epoch, last",
    [
        (1, "Epoch 1/1", r"35/35 \[={30}\] - \d+s - loss: \S+ - acc: \S+ - val_loss: \S+ - val_acc: \S+"),
        (3, None, r"2/2 ━{20} \d+s \S+/step - accuracy: \S+ - loss: \S+ - val_loss: \S+ - val_accuracy: \S+"),
    ],
)
def test_what_fit_prints(era, epoch, last, capsys):
    cornu.set_era(era)
    model().fit(X, Y, epochs=1, validation_split=0.5, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == ([epoch] if epoch else []) and re.fullmatch(last, lines[-1])


def test_what_evaluate_and_predict_print(capsys):
    made = model()
    made.evaluate(X, Y)
    made.predict(X)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"3/3 ━{20} \d+s \S+/step - accuracy: \S+ - loss: \S+", first)
    assert re.fullmatch(r"3/3 ━{20} \d+s \S+/step", second)


def test_an_unknown_number_of_batches(capsys):
    model().fit(iter([(X, Y)] * 4), epochs=1)
    assert capsys.readouterr().out.startswith("4/4 ━")

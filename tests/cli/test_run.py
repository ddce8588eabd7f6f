"""Programs run as Python runs them, with Keras imported as Cornu; told through a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import cornu
from cornu import cli

SOURCE = str(Path(cornu.__file__).parent.parent)


@pytest.fixture
def run(tmp_path):
    """Writes a program and runs a command line in its folder; returns the finished process."""

    def runner(program: str | None, *words: str, name: str = "program.py"):
        if program is not None:
            (tmp_path / name).write_text(textwrap.dedent(program))
        path = os.pathsep.join(filter(None, [SOURCE, os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-m", "cornu", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return runner


def lines(done) -> list[str]:
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_program_is_main_and_its_words_are_its_own(run):
    done = run(
        """
        import os, pickle, sys
        class Thing:
            pass
        print(sys.argv)
        print(__name__, __file__, os.path.samefile(sys.path[0], os.path.dirname(__file__) or "."))
        print(type(pickle.loads(pickle.dumps(Thing()))) is Thing, sys.modules["__main__"].Thing is Thing)
        """,
        "--era=2",
        "program.py",
        "--era",
        "9",
        "-m",
        "x y",
    )
    assert lines(done) == [
        "['program.py', '--era', '9', '-m', 'x y']",
        "__main__ program.py True",
        "True True",
    ]
    assert done.stderr == ""


def test_keras_is_cornu_wherever_it_is_looked_for(run):
    done = run(
        """
        import cornu, importlib
        import keras
        import keras.backend as K
        import tensorflow as tf
        import tensorflow.keras as tk
        import tf_keras
        from keras.layers import Convolution2D, LSTM as lstm
        from keras.layers.convolutional import Conv2D
        from keras.layers.core import *
        from keras.models import Sequential
        from keras.objectives import mse
        from tensorflow import keras as k2
        from tensorflow.keras.layers import Dense as d2
        from tensorflow.python.keras.layers import LSTM
        from keras.src.layers.core.dense import Dense as d3

        layers = cornu.layers
        assert Convolution2D is Conv2D is layers.Conv2D and lstm is LSTM is layers.LSTM
        assert Dense is d2 is d3 is layers.Dense is tk.layers.Dense is tf.keras.layers.Dense is tf_keras.layers.Dense
        assert Dropout is layers.Dropout and Sequential is cornu.Sequential is keras.models.Sequential
        assert mse is cornu.losses.mean_squared_error and k2.Sequential is Sequential
        for era, version in ((1, "1.2.2"), (2, "2.3.1"), (3, "3.15.1")):
            cornu.set_era(era)
            assert keras.__version__ == version
        print(keras.layers.Dense(3).units, K.epsilon())
        """,
        "--era",
        "1",
        "program.py",
    )
    assert lines(done) == ["3 1e-07"]


def test_what_is_not_here_is_named(run):
    done = run(
        """
        import keras, tensorflow as tf
        TRIED = '''
            tf.nn.softmax
            tf.Session()
            tf.math.reduce_mean
            tf.no_such_thing
            import tensorflow.python.framework.ops
            from tensorflow.nn import softmax
            keras.layers.Dens
            from keras.layers import Dens
            from keras.layerz import Dense
            import keras.foo
        '''
        for text in TRIED.split('\\n'):
            try:
                exec(text.strip())
            except (AttributeError, ImportError) as error:
                print(type(error).__name__, error)
        print(hasattr(tf, 'is_tensor'), hasattr(keras, 'layers'))
        """,
        "--era",
        "3",
        "program.py",
    )
    way = "belongs to TensorFlow; Cornu runs the Keras part of a program."
    assert lines(done) == [
        f"AttributeError `tf.nn.softmax` {way} In its place: keras.ops.softmax.",
        f"AttributeError `tf.Session` {way} In its place: nothing; there are no sessions.",
        f"AttributeError `tf.math.reduce_mean` {way} In its place: keras.ops.mean.",
        f"AttributeError `tf.no_such_thing` {way}",
        f"ModuleNotFoundError `tf.python.framework` {way}",
        f"ModuleNotFoundError `tf.nn.softmax` {way} In its place: keras.ops.softmax.",
        "AttributeError Cornu has no `keras.layers.Dens`. Did you mean `Dense`?",
        "ModuleNotFoundError Cornu has no `keras.layers.Dens`. Did you mean `Dense`?",
        "ModuleNotFoundError Cornu has no `keras.layerz`. Did you mean `layers`?",
        "ModuleNotFoundError Cornu has no `keras.foo`.",
        "False True",
    ]


def test_the_era_is_decided_and_told_in_one_line(run, tmp_path):
    (tmp_path / "helper.py").write_text("def train(m, x):\n    m.fit(x, x, nb_epoch=1, show_accuracy=True)\n")
    done = run(
        """
        import cornu, helper
        from keras.layers import Dense
        print(cornu.config.era(), Dense(5, 'uniform').activation.__name__)
        """,
        "program.py",
    )
    assert lines(done) == ["1 linear"]
    assert done.stderr == (
        "cornu: program.py: era 1 (Keras 1.2.2), told by show_accuracy (helper.py line 2), "
        "nb_epoch (helper.py line 2); --era decides otherwise\n"
    )


def test_errors_show_the_program_alone(run):
    done = run(
        """
        def divide():
            return 1 / 0
        divide()
        """,
        "--era",
        "3",
        "program.py",
    )
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[:2] == ["Traceback (most recent call last):", '  File "program.py", line 4, in <module>']
    assert told[-1] == "ZeroDivisionError: division by zero" and "cornu" not in done.stderr


def test_a_syntax_error_is_told_as_python_tells_it(run):
    done = run("print 'hello'", "program.py")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[1].strip() == 'File "program.py", line 1'
    assert "SyntaxError: Missing parentheses" in done.stderr


def test_exit_codes_are_the_programs(run):
    assert run("import sys; sys.exit(7)", "--era", "3", "program.py").returncode == 7


def test_modules(run):
    done = run(
        "import sys, keras; print(__name__, sys.argv[1:], keras.__version__)",
        "--era",
        "1",
        "-m",
        "program",
        "-m",
        "x",
    )
    assert lines(done) == ["__main__ ['-m', 'x'] 1.2.2"]


def test_pytest_runs_under_it(run):
    program = """
        from keras.layers import Convolution2D
        def test_it():
            assert Convolution2D(8, 3, 2).kernel_size == (3, 2)
    """
    done = run(
        program, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_program.py", name="test_program.py"
    )
    assert "1 passed" in done.stdout and done.returncode == 0
    assert "era 1 (Keras 1.2.2), told by Convolution2D (test_program.py line 2)" in done.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["absent.py"], "cannot read absent.py: No such file or directory"),
        (["."], "cannot read .: Is a directory"),
        (["-m", "no.such.module"], "no module named no.such.module"),
        (["-m"], "-m: expected the name of a module"),
        (["--era", "4", "x.py"], "--era: expected 1, 2 or 3; got '4'"),
        (["--era"], "--era: expected 1, 2 or 3; got ''"),
        (["--erra", "1"], "unknown option --erra; see cornu --help"),
        ([], "expected a program to run; see cornu --help"),
    ],
)
def test_misuse_is_one_line(words, message, capsys):
    assert cli.main(words) == 2
    assert capsys.readouterr().err == f"cornu: {message}\n"


def test_version_and_help(capsys):
    assert cli.main(["--version"]) == 0 and capsys.readouterr().out.startswith("cornu ")
    assert cli.main(["--help"]) == 0 and "usage: cornu [--era N] script.py" in capsys.readouterr().out


def test_notebooks(run):
    done = run(
        """
        import cornu
        cornu.load_ipython_extension(None)
        from keras.layers import Dense
        print(Dense is cornu.layers.Dense)
        """,
        "--era",
        "3",
        "program.py",
    )
    assert lines(done) == [
        "keras is Cornu now, in era 3; cornu.set_era(1), (2) or (3) chooses.",
        "True",
    ]

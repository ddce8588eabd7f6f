"""Programs that set a session only for the sake of memory and threads."""

import pytest

import cornu
from cornu import backend as K
from cornu.eras import sessions


@pytest.mark.parametrize("era", [1, 2])
def test_a_session_of_settings_is_taken_with_a_word(era, keras_is_cornu):
    cornu.set_era(era)
    import tensorflow as tf
    from keras.backend.tensorflow_backend import set_session

    settings = tf.ConfigProto(gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.3))
    settings.gpu_options.allow_growth = True
    settings.graph_options.optimizer_options.level = 1
    assert settings.gpu_options.per_process_gpu_memory_fraction == 0.3
    for place in (tf, tf.compat.v1):
        with place.Session(config=settings) as session, pytest.warns(UserWarning, match="MEM_FRACTION"):
            set_session(session)
            assert session.config is settings
    with pytest.raises(NotImplementedError, match="K.function"):
        session.run("anything")
    with pytest.raises(NotImplementedError, match="K.function"):
        K.set_session("no session")


def test_era_3_knows_no_sessions(keras_is_cornu):
    import tensorflow as tf

    with pytest.raises(AttributeError, match="there are no sessions"):
        tf.Session  # noqa: B018
    assert sessions.Session().as_default().close() is None

"""Words and their numbers: against Keras's own Tokenizer, which is that of 2.3.1, and the rules of 1.2.2."""

import math

import numpy as np
import pytest

import cornu
from cornu.preprocessing import text

pytest.importorskip("keras", reason="the oracle is Keras 3 on JAX")
old = pytest.importorskip("keras.src.legacy.preprocessing.text")

TEXTS = [
    "To be, or not to be: that is the question.",
    "Be it so; so be it!",
    "Whether 'tis nobler\tin the mind",
    "",
]
LISTS = [["To", "be"], ["be", "Or", "not"]]
MODES = ["binary", "count", "freq", "tfidf"]


@pytest.mark.parametrize(
    "given",
    [{}, {"lower": False}, {"filters": "aeiou"}, {"split": "_"}, {"split": "--", "filters": " "}],
    ids=str,
)
def test_words_as_keras(given):
    for each in TEXTS:
        assert text.text_to_word_sequence(each, **given) == old.text_to_word_sequence(each, **given)


def test_hashing_as_keras():
    for each in TEXTS:
        assert text.hashing_trick(each, 50, "md5") == old.hashing_trick(each, 50, "md5")
        assert text.one_hot(each, 50) == old.one_hot(each, 50)
        assert text.hashing_trick(each, 9, len, analyzer=str.split) == old.hashing_trick(
            each, 9, len, analyzer=str.split
        )
    cornu.set_era(1)
    assert text.one_hot("to be", 50) == [abs(hash(word)) % 49 + 1 for word in ("to", "be")]


TOKENIZERS = [
    {},
    {"num_words": 4},
    {"oov_token": "?"},
    {"oov_token": "?", "num_words": 5},
    {"char_level": True},
    {"lower": False},
    {"analyzer": str.split},
]


@pytest.mark.parametrize("given", TOKENIZERS, ids=str)
@pytest.mark.parametrize("texts", [TEXTS, LISTS], ids=["texts", "lists"])
def test_tokenizer_as_keras(given, texts):
    ours, theirs = text.Tokenizer(**given), old.Tokenizer(**given)
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(texts)
        tokenizer.fit_on_texts(["and so on", "so what"])
    for table in ("word_counts", "word_docs", "word_index", "index_word", "index_docs", "document_count"):
        assert getattr(ours, table) == getattr(theirs, table), table
    unseen = [*texts, "an unseen word is not to be"]
    numbers = ours.texts_to_sequences(unseen)
    assert numbers == theirs.texts_to_sequences(unseen)
    assert ours.sequences_to_texts([*numbers, [1, 99]]) == theirs.sequences_to_texts([*numbers, [1, 99]])
    for mode in MODES:
        np.testing.assert_allclose(ours.texts_to_matrix(unseen, mode), theirs.texts_to_matrix(unseen, mode))


@pytest.mark.parametrize("given", TOKENIZERS[:-1], ids=str)
def test_json_of_both(given):
    ours, theirs = text.Tokenizer(**given), old.Tokenizer(**given)
    for tokenizer in (ours, theirs):
        tokenizer.fit_on_texts(TEXTS)
    assert ours.get_config().keys() == theirs.get_config().keys()
    for written in (ours.to_json(), theirs.to_json()):
        again = text.tokenizer_from_json(written)
        assert again.texts_to_sequences(TEXTS) == ours.texts_to_sequences(TEXTS)
        np.testing.assert_array_equal(
            again.texts_to_matrix(TEXTS, "tfidf"), ours.texts_to_matrix(TEXTS, "tfidf")
        )
        again.fit_on_texts(["more words"])


def test_rows_by_their_formulas():
    words = text.Tokenizer()
    words.fit_on_texts(["a a b", "a c"])
    assert words.word_index == {"a": 1, "b": 2, "c": 3}
    rows = {mode: words.texts_to_matrix(["a a a b"], mode)[0] for mode in MODES}
    idf = {1: math.log(1 + 2 / 3), 2: math.log(1 + 2 / 2)}  # a stands in both texts, b in one
    np.testing.assert_allclose(rows["binary"], [0, 1, 1, 0])
    np.testing.assert_allclose(rows["count"], [0, 3, 1, 0])
    np.testing.assert_allclose(rows["freq"], [0, 0.75, 0.25, 0])
    np.testing.assert_allclose(rows["tfidf"], [0, (1 + math.log(3)) * idf[1], idf[2], 0])


def test_fit_on_sequences():
    words = text.Tokenizer(num_words=5)
    words.fit_on_sequences([[1, 2, 2], [2, 4]])
    assert words.document_count == 2 and dict(words.index_docs) == {1: 1, 2: 2, 4: 1}
    assert words.sequences_to_matrix([[2, 7]], "freq").tolist() == [[0, 0, 0.5, 0, 0]]


def test_keras_1_counts_texts_anew_and_leaves_characters():
    cornu.set_era(1)
    words = text.Tokenizer(nb_words=10)
    words.fit_on_texts(["a b", "a"])
    words.fit_on_texts(["c"])
    assert words.num_words == 10 and words.document_count == 1 and words.word_counts["a"] == 2
    letters = text.Tokenizer(char_level=True)
    letters.fit_on_texts(["Aa"])
    assert set(letters.word_index) == {"A", "a"}


def test_base_filter():
    assert set(text.base_filter()) == set(text.FILTERS)


@pytest.mark.parametrize(
    "do, said",
    [
        (lambda words: words.sequences_to_matrix([[1]]), "how many words"),
        (lambda words: text.Tokenizer(5).sequences_to_matrix([[1]], "tfidf"), "call a fit method first"),
        (
            lambda words: text.Tokenizer(5).sequences_to_matrix([], "mean"),
            "mode is one of binary, count, freq, tfidf",
        ),
    ],
)
def test_refused(do, said):
    with pytest.raises(ValueError, match=said):
        do(text.Tokenizer())

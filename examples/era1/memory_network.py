"""Stories with a question, "where is Mary?", answered by attention over the sentences (Weston et al. 2015)."""

import re

import numpy as np
from keras.layers import LSTM, Activation, Dense, Dropout, Embedding, Input, Permute, merge
from keras.layers.embeddings import Embedding as OldEmbedding
from keras.models import Model, Sequential
from keras.preprocessing.sequence import pad_sequences

np.random.seed(1337)
assert OldEmbedding is Embedding
people, places = ["Mary", "John"], ["kitchen", "garden", "office"]


def tokenize(sent):
    return [x.strip() for x in re.split(r"(\W+)", sent) if x.strip()]


def make_story():
    where, story = {}, []
    while len(where) < 2 or len(story) < 3:
        who, place = np.random.choice(people), np.random.choice(places)
        where[who] = place
        story.append("%s went to the %s." % (who, place))
    who = np.random.choice(people)
    return sum([tokenize(each) for each in story[-4:]], []), tokenize("Where is %s?" % who), where[who]


def full(n):
    stories = []
    while len(stories) < n:
        story, query, answer = make_story()
        if answer in story:
            stories.append((story, query, answer))
    return stories


def vectorize_stories(data, word_idx, story_maxlen, query_maxlen):
    X, Xq, Y = [], [], []
    for story, query, answer in data:
        X.append([word_idx[w] for w in story])
        Xq.append([word_idx[w] for w in query])
        y = np.zeros(len(word_idx) + 1)
        y[word_idx[answer]] = 1
        Y.append(y)
    return pad_sequences(X, maxlen=story_maxlen), pad_sequences(Xq, maxlen=query_maxlen), np.array(Y)


train_stories, test_stories = full(600), full(100)
vocab = sorted(set(w for story, q, answer in train_stories + test_stories for w in story + q + [answer]))
vocab_size = len(vocab) + 1
story_maxlen = max(len(x) for x, _, _ in train_stories + test_stories)
query_maxlen = max(len(x) for _, x, _ in train_stories + test_stories)
word_idx = dict((c, i + 1) for i, c in enumerate(vocab))
inputs_train, queries_train, answers_train = vectorize_stories(
    train_stories, word_idx, story_maxlen, query_maxlen
)
inputs_test, queries_test, answers_test = vectorize_stories(
    test_stories, word_idx, story_maxlen, query_maxlen
)

input_sequence, question = Input((story_maxlen,), dtype="int32"), Input((query_maxlen,), dtype="int32")

input_encoder_m = Sequential()
input_encoder_m.add(Embedding(input_dim=vocab_size, output_dim=16, input_length=story_maxlen))
input_encoder_m.add(Dropout(0.1))
input_encoder_c = Sequential()
input_encoder_c.add(Embedding(input_dim=vocab_size, output_dim=query_maxlen, input_length=story_maxlen))
input_encoder_c.add(Dropout(0.1))
question_encoder = Sequential()
question_encoder.add(Embedding(input_dim=vocab_size, output_dim=16, input_length=query_maxlen))
question_encoder.add(Dropout(0.1))

input_encoded_m = input_encoder_m(input_sequence)
input_encoded_c = input_encoder_c(input_sequence)
question_encoded = question_encoder(question)

match = merge([input_encoded_m, question_encoded], mode="dot", dot_axes=[2, 2])
match = Activation("softmax")(match)
response = merge([match, input_encoded_c], mode="sum")
response = Permute((2, 1))(response)
answer = merge([response, question_encoded], mode="concat", concat_axis=-1)
answer = LSTM(16)(answer)
answer = Dropout(0.1)(answer)
answer = Dense(vocab_size)(answer)
answer = Activation("softmax")(answer)

model = Model([input_sequence, question], answer)
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    [inputs_train, queries_train],
    answers_train,
    batch_size=32,
    nb_epoch=25,
    verbose=0,
    validation_data=([inputs_test, queries_test], answers_test),
)
print("accuracy %.3f, on new stories %.3f" % (history.history["acc"][-1], history.history["val_acc"][-1]))
assert history.history["val_acc"][-1] > 0.35
print("done")

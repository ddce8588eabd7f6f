"""A network of Keras 0.3, put together by name: two inputs, a shared layer, two outputs."""

import numpy as np
from keras.layers.core import Activation, Dense, Dropout, Merge
from keras.models import Graph, Sequential

np.random.seed(1337)
X1, X2 = np.random.normal(size=(400, 4)), np.random.normal(size=(400, 4))
total = (X1[:, :1] + X2[:, :1]) / 2
same = (np.sign(X1[:, 1]) == np.sign(X2[:, 1])).astype("int")

graph = Graph()
graph.add_input(name="first", input_shape=(4,))
graph.add_input(name="second", input_shape=(4,))
graph.add_shared_node(
    Dense(16, activation="tanh"), name="twice", inputs=["first", "second"], outputs=["a", "b"]
)
graph.add_node(Dense(16), name="hidden", inputs=["a", "b"], merge_mode="concat", concat_axis=-1)
graph.add_node(Activation("relu"), name="relu", input="hidden")
graph.add_node(Dropout(0.1), name="drop", input="relu")
graph.add_node(Dense(1), name="sum", input="drop")
graph.add_node(Dense(1, activation="sigmoid"), name="answer", inputs=["drop", "sum"])
graph.add_output(name="total", input="sum")
graph.add_output(name="same", input="answer")
graph.compile(optimizer="adam", loss={"total": "mse", "same": "binary_crossentropy"})

data = {"first": X1, "second": X2, "total": total, "same": same}
before = graph.evaluate(data, verbose=0)
history = graph.fit(data, batch_size=32, nb_epoch=20, verbose=0, validation_split=0.1)
after = graph.evaluate(data, verbose=0)
print("losses: %.3f, then %.3f" % (before[0], after[0]), sorted(history.history))
predictions = graph.predict({"first": X1, "second": X2})
print("mean error of the sum: %.3f" % np.abs(predictions["total"] - total).mean())
assert after[0] < before[0] and np.abs(predictions["total"] - total).mean() < 0.4
loss = graph.train_on_batch(data)
assert graph.predict_on_batch(data)["same"].shape == (400, 1)

# The same year's other way: branches that a Merge puts together, and accuracies that fit is asked for.
left = Sequential()
left.add(Dense(16, input_dim=4, activation="tanh"))
right = Sequential()
right.add(Dense(16, input_dim=4, activation="tanh"))
model = Sequential()
model.add(Merge([left, right], mode="concat"))
model.add(Dense(16, activation="relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", class_mode="binary")
model.fit([X1, X2], same, batch_size=32, nb_epoch=30, verbose=0, show_accuracy=True)
loss, accuracy = model.evaluate([X1, X2], same, show_accuracy=True, verbose=0)
print("accuracy %.3f" % accuracy)
assert accuracy > 0.75
print("done")

"""The models of `workloads` in plain PyTorch: the same layers, initial distributions, losses and optimizers.

Images are `(batch, channels, height, width)`, as PyTorch has them; models end in logits, whose losses are faster.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .workloads import BLOCKS, HEADS, LENGTH, REVIEW, SGD, WIDTH, WORDS, Workload

GATES = 4


class Flat(nn.Module):
    """Rows of an image in Keras's order, channels last, so that weights mean the same."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def tiny(rate: float, exact: bool):
    return nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 2))


def mlp(rate: float, exact: bool):
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2 * rate)]
    layers += [nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2 * rate)]
    return nn.Sequential(*layers, nn.Linear(512, 10))


def cnn(rate: float, exact: bool):
    layers = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Dropout(0.25 * rate), Flat() if exact else nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5 * rate), nn.Linear(128, 10))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.lstm = nn.Embedding(WORDS, 128), nn.LSTM(128, 128, batch_first=True)
        self.out = nn.Linear(128, 1)
        self.lstm.bias_hh_l0.requires_grad_(False)  # Keras has one bias

    def forward(self, x):
        return self.out(self.lstm(self.words(x))[0][:, -1]).squeeze(-1)


class Halving(nn.Conv2d):
    """Stride 2 with Keras's padding, which is behind the image only."""

    def forward(self, x):
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class Block(nn.Module):
    def __init__(self, before: int, filters: int, exact: bool):
        super().__init__()
        self.norm1, self.norm2 = (nn.BatchNorm2d(n, eps=1e-3, momentum=0.01) for n in (before, filters))
        self.shortcut, self.conv1 = None, nn.Conv2d(before, filters, 3, padding=1)
        if filters != before:
            self.shortcut = nn.Conv2d(before, filters, 1, stride=2)
            # PyTorch's own padding saves it a copy: the same work, but for a place more or less at the border
            self.conv1 = (
                Halving(before, filters, 3, stride=2)
                if exact
                else nn.Conv2d(before, filters, 3, stride=2, padding=1)
            )
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, x):
        shortcut = x if self.shortcut is None else self.shortcut(x)
        x = self.conv1(F.relu(self.norm1(x)))
        return self.conv2(F.relu(self.norm2(x))) + shortcut

    def in_order(self) -> list[nn.Module]:
        """Its layers as Keras lists them."""
        shortcut = [self.shortcut] if self.shortcut is not None else []
        return [self.norm1, self.conv1, self.norm2, self.conv2, *shortcut]


class Resnet(nn.Module):
    def __init__(self, exact: bool):
        super().__init__()
        self.first = nn.Conv2d(3, BLOCKS[0], 3, padding=1)
        pairs = zip((BLOCKS[0], *BLOCKS), BLOCKS, strict=False)
        self.blocks = nn.Sequential(*(Block(before, filters, exact) for before, filters in pairs))
        self.out = nn.Linear(BLOCKS[-1], 10)

    def forward(self, x):
        return self.out(self.blocks(self.first(x)).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.project, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        heads = self.project(x).unflatten(-1, (3, HEADS, WIDTH // HEADS)).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


class Encoder(nn.Module):
    def __init__(self, rate: float):
        super().__init__()
        self.attention, self.drop = Attention(), nn.Dropout(0.1 * rate)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-3), nn.LayerNorm(WIDTH, eps=1e-3)
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        x = self.norm1(x + self.drop(self.attention(x)))
        return self.norm2(x + self.drop(self.narrow(F.relu(self.wide(x)))))

    def in_order(self) -> list[nn.Module]:
        """Its layers as Keras lists them."""
        return [self.attention, self.norm1, self.wide, self.narrow, self.norm2]


class Transformer(nn.Module):
    def __init__(self, rate: float):
        super().__init__()
        self.words, self.positions = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks, self.out = nn.Sequential(Encoder(rate), Encoder(rate)), nn.Linear(WIDTH, 2)

    def forward(self, x):
        return self.out(self.blocks(self.words(x) + self.positions.weight).mean(1))


MODELS = {
    "tiny": tiny,
    "mlp": mlp,
    "cnn": cnn,
    "lstm": lambda rate, exact: Lstm(),
    "resnet": lambda rate, exact: Resnet(exact),
    "transformer": lambda rate, exact: Transformer(rate),
}


# ---- weights: Keras's initial distributions, and Keras's own arrays ---------------------------------


def layers_of(model: nn.Module):
    """The layers that have weights, in Keras's order."""
    for each in model.in_order() if hasattr(model, "in_order") else model.children():
        if isinstance(each, Attention) or not list(each.children()):
            yield each
        else:
            yield from layers_of(each)


def uniform(weight, fan_in: int, fan_out: int) -> None:
    limit = math.sqrt(6 / (fan_in + fan_out))
    nn.init.uniform_(weight, -limit, limit)


def start(model: nn.Module) -> None:
    """Weights from the distributions that Keras's layers begin with."""
    for layer in layers_of(model):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Embedding):
            nn.init.uniform_(layer.weight, -0.05, 0.05)
        elif isinstance(layer, nn.LSTM):
            size = layer.hidden_size
            uniform(layer.weight_ih_l0, layer.input_size, GATES * size)
            nn.init.orthogonal_(layer.weight_hh_l0)
            nn.init.zeros_(layer.bias_ih_l0)
            nn.init.zeros_(layer.bias_hh_l0)
            nn.init.ones_(layer.bias_ih_l0[size : 2 * size])
        elif isinstance(layer, Attention):  # Keras counts the fans of (width, heads, a head's width) so
            uniform(layer.project.weight, HEADS * WIDTH, WIDTH // HEADS * WIDTH)
            uniform(layer.out.weight, WIDTH, HEADS * WIDTH)
            nn.init.zeros_(layer.project.bias)
            nn.init.zeros_(layer.out.bias)


def load(model: nn.Module, weights: list[np.ndarray]) -> None:
    """Put Keras's `get_weights()` into the model."""
    rest = iter(weights)

    def put(place, value) -> None:
        with torch.no_grad():
            given = torch.from_numpy(np.ascontiguousarray(value))
            assert given.shape == place.shape, f"{tuple(given.shape)} for {tuple(place.shape)}"
            place.copy_(given)

    for layer in layers_of(model):
        if isinstance(layer, nn.Linear):
            put(layer.weight, next(rest).T)
            put(layer.bias, next(rest))
        elif isinstance(layer, nn.Conv2d):
            put(layer.weight, next(rest).transpose(3, 2, 0, 1))
            put(layer.bias, next(rest))
        elif isinstance(layer, nn.Embedding):
            put(layer.weight, next(rest))
        elif isinstance(layer, nn.BatchNorm2d | nn.LayerNorm):
            names = ["weight", "bias", "running_mean", "running_var"]
            for name in names if isinstance(layer, nn.BatchNorm2d) else names[:2]:
                put(getattr(layer, name), next(rest))
        elif isinstance(layer, nn.LSTM):
            put(layer.weight_ih_l0, next(rest).T)
            put(layer.weight_hh_l0, next(rest).T)
            put(layer.bias_ih_l0, next(rest))
        elif isinstance(layer, Attention):
            made = [(next(rest).reshape(WIDTH, WIDTH).T, next(rest).reshape(-1)) for _ in range(3)]
            for name, parts in zip(("weight", "bias"), zip(*made, strict=True), strict=True):
                put(getattr(layer.project, name), np.concatenate(parts))
            put(layer.out.weight, next(rest).reshape(WIDTH, WIDTH).T)
            put(layer.out.bias, next(rest))
    assert next(rest, None) is None, "weights are left over"


# ---- optimizers, with Keras's arithmetic -------------------------------------------------------------


class RMSprop:
    """Keras's form: the small number stands under the root."""

    def __init__(self, params, rate: float = 1e-3, rho: float = 0.9, epsilon: float = 1e-7):
        self.params, self.rate, self.rho, self.epsilon = list(params), rate, rho, epsilon
        self.squares = [torch.zeros_like(each) for each in self.params]

    @torch.no_grad()
    def step(self) -> None:
        slopes = [each.grad for each in self.params]
        torch._foreach_mul_(self.squares, self.rho)
        torch._foreach_addcmul_(self.squares, slopes, slopes, 1 - self.rho)
        roots = torch._foreach_add(self.squares, self.epsilon)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self.params, slopes, roots, -self.rate)

    def zero_grad(self) -> None:
        for each in self.params:
            each.grad = None


class Adam(torch.optim.Adam):
    """Keras's form: the small number stands beside the root that is not yet corrected."""

    def __init__(self, params):
        super().__init__(params, eps=1e-7, fused=True)
        self.count = 0

    def step(self) -> None:
        self.count += 1
        self.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - 0.999**self.count)
        super().step()


def optimizer(workload: Workload, model: nn.Module):
    params = [each for each in model.parameters() if each.requires_grad]
    if workload.optimizer == "sgd":
        return torch.optim.SGD(
            params, lr=SGD["learning_rate"], momentum=SGD["momentum"], nesterov=SGD["nesterov"]
        )
    return {"rmsprop": RMSprop, "adam": Adam}[workload.optimizer](params)


def loss(workload: Workload):
    """From logits: of two classes in one number, or of several."""
    if workload.shape == (REVIEW,):
        return F.binary_cross_entropy_with_logits
    return F.cross_entropy


def outputs(workload: Workload, logits):
    """Probabilities, as Keras's models give them."""
    return logits.sigmoid()[:, None] if workload.shape == (REVIEW,) else logits.softmax(-1)

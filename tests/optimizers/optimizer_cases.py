"""The table of optimizers: how each is made, and what makes it take other paths."""

import numpy as np

rng = np.random.default_rng(7)
WEIGHTS = [rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=(3,)).astype("float32")]
STEPS = [[rng.normal(size=w.shape).astype("float32") for w in WEIGHTS] for _ in range(4)]

RULES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adagrad", {}),
    ("Adadelta", {"learning_rate": 0.5}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Ftrl", {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.1, "beta": 0.2}),
    ("Ftrl", {"l2_shrinkage_regularization_strength": 0.1, "learning_rate_power": -0.6}),
    ("Lion", {}),
    ("Lamb", {}),
    ("Adafactor", {}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 3}),
    ("Muon", {"exclude_layers": ["kern"], "adam_lr_ratio": 0.5}),
    ("ScheduleFreeAdamW", {"warmup_steps": 3}),
]
MORE = [
    {"weight_decay": 0.1},
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.5},
    {"use_ema": True, "ema_momentum": 0.6},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
    {
        "gradient_accumulation_steps": 2,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "weight_decay": 0.1,
        "clipnorm": 0.5,
    },
    {"loss_scale_factor": 8.0},
]


def label(case) -> str:
    name, settings = case
    return "-".join([name, *(f"{key}={value}" for key, value in settings.items())])


CASES = [(name, {"learning_rate": 0.01, **settings}) for name, settings in RULES]
CROSSED = [
    *((name, {**settings, "weight_decay": 0.05, "global_clipnorm": 1.0}) for name, settings in CASES),
    *((name, {"learning_rate": 0.01, "momentum": 0.9, **more}) for name in ("SGD",) for more in MORE),
    *((name, {"learning_rate": 0.01, **more}) for name in ("Adam", "Nadam") for more in MORE),
]

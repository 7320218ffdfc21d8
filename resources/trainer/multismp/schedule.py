"""The optimizer and the learning-rate schedules of supervised and of preference training."""

from __future__ import annotations

import math

import torch

BETAS = (0.9, 0.98)
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 20
FLOOR = 0.05  # share of the peak learning rate that the cosine ends at


def make_optimizer(model: torch.nn.Module, learning_rate: float, weight_decay: float = WEIGHT_DECAY) -> torch.optim.AdamW:
    """AdamW over what is trainable."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(parameters, lr=learning_rate, betas=BETAS, weight_decay=weight_decay)


def set_linear_rate(optimizer: torch.optim.Optimizer, peak: float, step: int, steps: int) -> float:
    """A straight line from `peak` down to 5 % of it, without warm-up: preference training. Returns the rate that was set."""
    return _set(optimizer, peak * max(FLOOR, 1 - step / steps))


def set_learning_rate(optimizer: torch.optim.Optimizer, peak: float, step: int, steps: int) -> float:
    """Warm-up, then a cosine from `peak` to 5 % of it; `step` counts from 0. Returns the rate that was set."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
    rate = peak * min(1.0, (step + 1) / WARM_UP_STEPS) * (FLOOR + (1 - FLOOR) * cosine)
    return _set(optimizer, rate)


def _set(optimizer: torch.optim.Optimizer, rate: float) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate

"""Draws from an answer distribution: reproducible for each row and draw, whatever the batches are."""

from __future__ import annotations

import hashlib

import numpy

from .decoding import Distribution


def uniform_draw(seed: int, row_id: str, draw: int) -> float:
    """A number in [0, 1) from the hash of seed, row and draw (method.md, section 5)."""
    digest = hashlib.sha256(f"{seed}\0{row_id}\0{draw}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def sample_answer(distribution: Distribution, uniform: float) -> int | None:
    """The answer, in hundredths, at that place of the renormalised distribution: temperature 1, no cuts. None without mass."""
    total = distribution.mass
    if total <= 0:
        return None
    cumulative = numpy.cumsum(distribution.probabilities)
    place = int(numpy.searchsorted(cumulative, uniform * total, side="right"))
    place = min(place, int(numpy.flatnonzero(distribution.probabilities)[-1]))
    return distribution.smallest + place

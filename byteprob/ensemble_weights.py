"""Weights of ensembles that make a held-out text as likely as they can.

Each objective is concave, so that there is one maximum, and each step makes it larger. The result
is never worse than the best member alone, on the texts it was fitted to.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from byteprob.dist import END
from byteprob.ensembles import Mean, Mixture, Product
from byteprob.errors import ByteprobError, ImpossiblePrefixError
from byteprob.sources import ByteSource

_Floats = NDArray[np.float64]

_MOST_STEPS = 10_000
_LEAST_GAIN = 1e-13
"""Of a step, relative to the objective: less is rounding."""


def fitted_mean(
    members: Sequence[ByteSource], texts: Sequence[bytes], *, ended: bool = False
) -> Mean:
    """The `Mean` with the weights under which the texts are likeliest, by EM (Dempster et al. 1977;
    Jelinek and Mercer 1980 for interpolated models).

    ``ended``: the texts are whole, so that their ends count too. Where a member has become
    impossible it counts as giving nothing, so that a mean, which goes on without it, is at least
    as good as what is maximised.

    Raises ByteprobError where some symbol is impossible to all members, and for no bytes.
    """
    symbols = _symbols(texts, ended=ended)
    read = [_read(member, texts, ended=ended) for member in members]
    logs = np.array([rows[np.arange(len(symbols)), symbols] for rows in read])
    return Mean(tuple(members), _shares(logs.T))


def fitted_mixture(
    members: Sequence[ByteSource], texts: Sequence[bytes], *, ended: bool = False
) -> Mixture:
    """The `Mixture` with the weights under which the texts are likeliest, by EM. Each text is one
    draw from the mixture, so that weights need many texts.

    ``ended`` and errors: as of `fitted_mean`, of a text that is impossible to all members.
    """
    symbols = _symbols(texts, ended=ended)
    stops = np.cumsum([len(text) + ended for text in texts])
    logs = np.zeros((len(texts), len(members)))
    for number, member in enumerate(members):
        rows = _read(member, texts, ended=ended)[np.arange(len(symbols)), symbols]
        logs[:, number] = [part.sum() for part in np.split(rows, stops[:-1])]
    return Mixture(tuple(members), _shares(logs))


def fitted_product(
    members: Sequence[ByteSource], texts: Sequence[bytes], *, ended: bool = False
) -> Product:
    """The `Product` with the weights under which the texts are likeliest, by Newton's method with
    steps halved until they help. Weights may be negative, and sum to anything.

    ``ended``: as of `fitted_mean`. Raises ByteprobError where some byte is impossible to a member.
    """
    symbols = _symbols(texts, ended=ended)
    logs = np.array([_read(member, texts, ended=ended) for member in members])
    return Product(tuple(members), _powers(logs.transpose(1, 0, 2), symbols))


def _symbols(texts: Sequence[bytes], *, ended: bool) -> NDArray[np.int64]:
    """All that is to be likely: bytes, and `END` behind each text if it is whole."""
    found = [symbol for text in texts for symbol in ((*text, END) if ended else text)]
    if not found:
        raise ByteprobError("weights cannot be fitted to no bytes")
    return np.array(found, np.int64)


def _read(source: ByteSource, texts: Sequence[bytes], *, ended: bool) -> _Floats:
    """What a source says at each symbol of texts, float64[symbols, 257]; ``-inf`` from where a
    text is impossible to it."""
    rows = []
    for text in texts:
        found = np.full((len(text) + ended, 257), -np.inf)
        cursor = source.at()
        try:
            for row, symbol in zip(found, (*text, END), strict=False):
                row[:] = cursor.next_byte().log_probs
                if symbol != END:
                    cursor.push(symbol)
        except ImpossiblePrefixError:
            pass
        rows.append(found)
    return np.concatenate(rows)


def _shares(logs: _Floats) -> tuple[float, ...]:
    """Weights of a mean, by EM. ``logs``: float64[draws, members], of each draw to each member."""
    top = logs.max(axis=1, keepdims=True)
    if (top == -np.inf).any():
        raise ByteprobError(
            f"symbol or text {int(np.argmin(top))} is impossible to every member: "
            "no weights make these texts possible"
        )
    probs = np.exp(logs - top)
    weights = np.full(logs.shape[1], 1.0 / logs.shape[1])
    value = _log_likelihood(probs, weights)
    for _ in range(_MOST_STEPS):
        weights, before = em_step(probs, weights), value
        value = _log_likelihood(probs, weights)
        if value - before <= _LEAST_GAIN * max(1.0, abs(value)):
            break
    best = max((weights, *np.eye(len(weights))), key=lambda each: _log_likelihood(probs, each))
    return tuple(best.tolist())


def em_step(probs: _Floats, weights: _Floats) -> _Floats:
    """Each member's share of having made the draws. ``probs``: float64[draws, members], each row
    over any number of its own."""
    shares = probs * weights
    found = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    normalised: _Floats = found / found.sum()
    return normalised


def _log_likelihood(probs: _Floats, weights: _Floats) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(probs @ weights).sum())


def _powers(logs: _Floats, symbols: NDArray[np.int64]) -> tuple[float, ...]:
    """Weights of a product. ``logs``: float64[positions, members, 257]."""
    possible: NDArray[np.bool_] = np.all(logs > -np.inf, axis=1)
    at = np.arange(len(symbols))
    if not possible[at, symbols].all():
        where = int(np.argmin(possible[at, symbols]))
        raise ByteprobError(
            f"symbol {where} of the texts ({int(symbols[where])}) is impossible to a member, and "
            "so to every product of them"
        )
    logs = np.where(possible[:, None, :], logs, 0.0)
    observed = logs[at, :, symbols]

    def measured(weights: _Floats) -> tuple[float, _Floats]:
        powers = np.where(possible, np.einsum("m,pms->ps", weights, logs), -np.inf)
        norms = np.logaddexp.reduce(powers, axis=1)
        return float((powers[at, symbols] - norms).sum()), np.exp(powers - norms[:, None])

    weights = max(np.eye(logs.shape[1]), key=lambda each: measured(each)[0])
    value, probs = measured(weights)
    for _ in range(_MOST_STEPS):
        step = _newton_step(logs, observed, probs)
        for _ in range(60):
            new, its_probs = measured(weights + step)
            if new > value:
                break
            step = step / 2
        gain = new - value
        if not gain > 0:
            break
        weights, value, probs = weights + step, new, its_probs
        if gain <= _LEAST_GAIN * max(1.0, abs(value)):
            break
    return tuple(weights.tolist())


def _newton_step(logs: _Floats, observed: _Floats, probs: _Floats) -> _Floats:
    """To the maximum of the parabola that touches the log-likelihood."""
    means = np.einsum("ps,pms->pm", probs, logs)
    gradient = (observed - means).sum(axis=0)
    curvature = np.einsum("ps,pms,pns->mn", probs, logs, logs) - means.T @ means
    slack = 1e-9 * (np.trace(curvature) + math.ulp(1.0))  # members may be alike
    found: _Floats = np.linalg.solve(curvature + slack * np.eye(len(gradient)), gradient)
    return found

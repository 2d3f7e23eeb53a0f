"""What limits ask of a token, and which merges they forbid.

``traits``: int64[tokens, 4], for each token what the four names below say. The form of whole
characters is their script (0: any); all others are negative. What begins a character has -1 less
the bytes that it misses, and so -1 where nothing can follow.
``limits``: int64[5], the same places and one more.
``characters``: (starts, classes) of `encoders.bpe.training.characters`.
"""

import numpy as np

from encoders.jit import inlined, part
from encoders.utf8._kernels import character_size

BYTES, CHARACTERS, DIGITS, FORM = range(4)
ONE_SCRIPT = FORM  # as a limit: whether no token holds two scripts
WHOLE = 4  # whether no token holds part of a character beside anything else

INSIDE = -8  # the form of bytes that only continue a character
MOST_INSIDE = 3  # of these


@inlined
def may_merge(left, right, traits, limits):
    """Whether a token of two may be made."""
    size = traits[left, BYTES] + traits[right, BYTES]
    if (
        size >= limits[BYTES]
        or traits[left, CHARACTERS] + traits[right, CHARACTERS] > limits[CHARACTERS]
        or traits[left, DIGITS] + traits[right, DIGITS] > limits[DIGITS]
    ):
        return False
    if not limits[WHOLE]:
        return True
    form, then = traits[left, FORM], traits[right, FORM]
    if form >= 0 and then >= 0:
        return not limits[ONE_SCRIPT] or form == 0 or then == 0 or form == then
    if form >= 0 or then != INSIDE:
        return False
    if form == INSIDE:
        return size <= MOST_INSIDE
    return traits[right, BYTES] <= -1 - form


@part
def describe(token, vocab, offsets, characters, traits):
    """Fill in the traits of a token from its bytes; the last has 16 spare ones behind."""
    start, stop = offsets[token], offsets[token + 1]
    leads = 0
    for at in range(start, stop):
        leads += vocab[at] & 0xC0 != 0x80
    digits, form, at = 0, 0, start
    while at < stop:
        size = character_size(vocab, at, stop)
        if size == 0:
            form = form_of_part(vocab[start], stop - start)
            break
        found = class_of(code_point(vocab, at, size), characters)
        digits += found & 1
        if form == 0:
            form = found >> 1
        at += size
    traits[token, BYTES], traits[token, CHARACTERS] = stop - start, leads
    traits[token, DIGITS], traits[token, FORM] = digits, form


@inlined
def form_of_part(first, size):
    """The form of what is no whole characters, by its first byte."""
    if first & 0xC0 == 0x80:
        return INSIDE
    if first < 0xC2 or first > 0xF4:
        return -1
    whole = 2 + (first >= 0xE0) + (first >= 0xF0)
    return -1 - max(0, whole - size)


@inlined
def code_point(text, at, size):
    """The code point of a well-formed character."""
    lead = np.int64(text[at])
    code = lead if size == 1 else lead & (0x7F >> size)
    for k in range(1, size):
        code = code << 6 | np.int64(text[at + k] & 0x3F)
    return code


@inlined
def class_of(code, characters):
    """The class of a code point, that of the last run that starts no later."""
    starts, classes = characters
    low, high = 0, len(starts)
    while high - low > 1:
        middle = (low + high) >> 1
        if starts[middle] <= code:
            low = middle
        else:
            high = middle
    return np.int64(classes[low])

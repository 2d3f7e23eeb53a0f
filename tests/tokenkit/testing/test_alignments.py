"""The laws hold for ours, and catch what breaks them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from tokenkit.domain.alignment import Alignment, align
from tokenkit.domain.noise import Noisy, OcrNoise
from tokenkit.testing.alignments import (
    AlignmentLawViolation,
    check_aligner,
    check_alignment,
    check_channel,
    misread,
)


def test_ours():
    check_aligner(align)
    for rate in (0.02, 1.0):
        check_channel(OcrNoise(rate=rate).read_batch)


@given(misread())
def test_misread_texts(noisy):
    check_alignment(noisy.clean, noisy.text, noisy.alignment)


def wrong_aligner(source, target):
    """Blind to what changed without changing the length."""
    if len(source) == len(target):
        return Alignment(len(source), len(source), *np.zeros((2, 0, 2), np.int64))
    return align(source, target)


def test_a_wrong_aligner():
    with pytest.raises(AlignmentLawViolation, match="edits_make_the_target"):
        check_aligner(wrong_aligner)


def forgetful(texts, seed):
    """A channel that forgets its last edit."""
    found = OcrNoise(rate=0.5, confusions=(("a", "b", 1.0),), drop=0, insert=0, split=0, join=0)
    return [replace_alignment(one) for one in found.read_batch(texts, seed)]


def replace_alignment(one):
    own = one.alignment
    spans = own.source_spans[:-1], own.target_spans[:-1]
    return Noisy(one.clean, one.text, replace(own, source_spans=spans[0], target_spans=spans[1]))


def test_a_forgetful_channel():
    with pytest.raises(AlignmentLawViolation, match="edits_make_the_target"):
        check_channel(forgetful)


def test_a_channel_without_a_seed():
    calls = iter(range(10**6))
    with pytest.raises(AlignmentLawViolation, match="in two ways"):
        check_channel(lambda texts, seed: OcrNoise(rate=0.9).read_batch(texts, next(calls)))

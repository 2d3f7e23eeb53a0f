"""Audits as assertions pass and fail as they should; the law about encodings can fail."""

import pytest
from hypothesis import given

from tests.samples import trained
from tests.tokenkit.audit import broken
from tokenkit.errors import AuditError
from tokenkit.testing.audits import (
    AuditViolation,
    check_audit,
    encodings,
    encodings_read_alike,
)


def test_a_sound_tokenizer_passes():
    assert check_audit(trained()).worst in ("note", "warning")


def test_a_broken_one_fails_and_says_why():
    with pytest.raises(
        AuditViolation, match=r"error shadowed: .* tokens that 1 added token"
    ) as caught:
        check_audit(broken.with_added(" "))
    assert caught.value.audit["shadowed"].count > 100


def test_what_to_fail_on():
    with pytest.raises(AuditViolation, match="note twins"):
        check_audit(trained(), fail_on=["twins"])
    with pytest.raises(AuditError):
        check_audit(trained(), fail_on=["nonsense"])


@given(encodings(trained()))
def test_encodings_read_alike(example):
    encodings_read_alike(trained(), example)


@pytest.mark.parametrize("ids", [[], [trained().vocab["t"]] * 3])
def test_the_law_can_fail(ids):
    with pytest.raises(AssertionError, match="not to"):
        encodings_read_alike(trained(), ("the", ids))


def test_texts_without_encoding_are_not_drawn():
    tokenizer = broken.without_byte("Ę")

    @given(encodings(tokenizer))
    def law(example):
        assert "\x18" not in example[0]

    law()

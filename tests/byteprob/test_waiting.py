"""What may go on without a model: against the list of all that a tokenizer makes."""

from hypothesis import given
from hypothesis import strategies as st

from byteprob.waiting import Waiting, advanced
from tests.byteprob.test_covers import LISTED, TOYS
from tests.byteprob.toys import ListedViability

starts = st.sampled_from(TOYS).flatmap(
    lambda toy: st.tuples(st.just(toy), st.sampled_from(sorted(LISTED[toy])))
)


@given(starts, st.text("ab", min_size=1, max_size=4).map(str.encode))
def test_a_string_lives_while_some_tokens_go_on_with_its_bytes(start, text):
    toy, ids = start
    if len(ids) > 1:  # the list ends at five tokens
        ids = ids[:1]
    waiting = Waiting(ids, ids, None, -1.0)
    whole = toy.spelled(ids) + text
    lives = any(
        other[: len(ids)] == ids and toy.spelled(other).startswith(whole) for other in LISTED[toy]
    )
    found = advanced(waiting, text, toy.vocabulary.ranges, ListedViability(toy, LISTED[toy]))
    assert (found is not None) == lives
    if found is not None:
        assert found.since == text
        assert len({(way.state, way.depth) for way in found.ways}) == len(found.ways)


@given(
    st.sampled_from(TOYS), st.text("ab", min_size=1, max_size=6).map(str.encode), st.integers(1, 5)
)
def test_bytes_one_by_one_are_all_at_once(toy, text, cut):
    viability, ranges = ListedViability(toy, LISTED[toy]), toy.vocabulary.ranges
    at_once = advanced(Waiting((), (), None, 0.0), text, ranges, viability)
    first = advanced(Waiting((), (), None, 0.0), text[:cut], ranges, viability)
    second = first and advanced(first, text[cut:], ranges, viability)
    assert (at_once is None) == (second is None)
    if at_once:
        assert set(at_once.ways) == set(second.ways)
        assert at_once.since == second.since == text


def test_without_a_target_nothing_is_known():
    found = advanced(Waiting((0,), None, None, 0.0), b"ab", TOYS[0].vocabulary.ranges, None)
    assert found.since == b"ab"
    assert not found.ways

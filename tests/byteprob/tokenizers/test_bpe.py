"""Oracle B: what is viable, by encoding every short text there is."""

import itertools
import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.tokenizers.bpe import BpeViability
from byteprob.tokenizers.shapes import completions, cut_character
from byteprob.tokenizers.sights import sight_of
from encoders.byte_ranges import ByteRanges
from encoders.scan import patterns
from tests.samples import documents
from tokenkit import Tokenizer

PATTERNS = {
    "phrases": patterns.PHRASES_PATTERN,
    "lines": patterns.LINES_PATTERN,
    "short": patterns.SHORT4_PATTERN,
}
"""Of those without a name."""
SPLITS = {
    "whole": [],
    "starcoder": [{"type": "Digits", "individual_digits": True}],
    "deepseek": [
        {"type": "Split", "pattern": {"Regex": each}, "behavior": "Isolated", "invert": False}
        for each in patterns.DEEPSEEK_V3_PATTERNS
    ],
}
"""What stands before ``ByteLevel``."""
CASES = (
    ("gpt2", "plain", " et's\n1"),
    ("gpt2", "plain", " ré\u2009'\n"),
    ("cl100k", "plain", " \rt/!1"),
    ("cl100k", "ranks", " ré\u2009'\n"),
    ("llama3", "plain", " et's\n1"),
    ("llama3", "ignore_merges", " et's\n1"),
    ("qwen2", "plain", " re'lS"),
    ("o200k", "plain", "aʰA'S\n"),
    ("o200k", "plain", " \rt/!1"),
    ("o200k", "plain", "日é a\u0301"),
    ("phrases", "plain", " at's\n"),
    ("phrases", "plain", " é\u20091"),
    ("lines", "plain", " a\r\né"),
    ("short", "plain", " aebé\n"),
    ("whole", "plain", " aé1"),
    ("starcoder", "plain", " e's1½"),
    ("deepseek", "plain", " a!1\né"),
    ("deepseek", "plain", "あ a!"),
)
KINDS = [*dict.fromkeys((split, kind) for split, kind, _ in CASES)]
MARGIN = 3  # how far beyond a string of tokens a text must go to show that it is viable


@cache
def tokenizer(split, kind="plain"):
    odd = ["  \n \n\n  x", "I'll 'll we're ''s", "11 111 1111 1", "ʰA aʰAb éé r\u2009e"] * 9
    odd += ["a at at e ate\r\n", "日日あ あa!a !é ½1½"] * 9
    pattern = PATTERNS.get(split, "llama3" if split in SPLITS else split)
    tok = Tokenizer.train([*documents()[:30], *odd], vocab_size=900, pattern=pattern)
    if kind == "ranks":
        return Tokenizer.from_bytes(tok.to_bytes(as_ranks=True), pattern=pattern)
    spec = json.loads(tok.to_bytes())
    if split in SPLITS:
        last = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
        steps = [*SPLITS[split], last | {"use_regex": split == "starcoder"}]
        spec["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
    if kind == "ignore_merges":
        spec["model"]["ignore_merges"] = True
        for word in ("Ġet'", "tes", "Ġ1t", "''s", "étr"):  # which merging does not make
            spec["model"]["vocab"].setdefault(word, len(spec["model"]["vocab"]))
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def viability(tok):
    tokens = {i: tok.id_to_bytes(i) for i in range(tok.vocab_size) if tok.id_to_bytes(i)}
    ranges = ByteRanges.of(tokens)
    engine = tok._engine
    scanner = engine._encoder.scanner
    return BpeViability(engine.tables, scanner, sight_of(scanner), ranges), ranges, tokens


def longest(alphabet):
    return 6 if alphabet.isascii() else 5


def listed(tok, alphabet):
    """Every string of tokens that begins the encoding of a text of few letters."""
    texts = [
        "".join(text)
        for length in range(longest(alphabet) + 1)
        for text in itertools.product(alphabet, repeat=length)
    ]
    begun = {()}
    for row in tok.encode_batch(texts).to_lists():
        begun.update(tuple(row[:n]) for n in range(len(row) + 1))
    return begun


def begins_another(tok, tokens, ids):
    """Whether a string of tokens begins the encoding of a text of other letters too."""
    spelled = b"".join(tokens[id_] for id_ in ids)
    cut = cut_character(spelled)
    inner = [bytes(tail) for n in (1, 2) for tail in itertools.product(range(128, 192), repeat=n)]
    ends = [*tokens.values(), *(inner if cut else ())]
    texts = [spelled + end for end in ends] + [spelled + end + b"a" for end in ends]
    texts = [text for text in texts if text.decode("utf-8", "ignore").encode() == text]
    return any(tuple(row[: len(ids)]) == ids for row in tok.encode_batch(texts).to_lists())


@pytest.mark.parametrize(("split", "kind", "alphabet"), CASES, ids=ascii)
def test_viable_is_what_begins_an_encoding(split, kind, alphabet):
    tok = tokenizer(split, kind)
    found, _, tokens = viability(tok)
    begun = listed(tok, alphabet)
    letters = set(alphabet.encode())
    few = [id_ for id_, raw in tokens.items() if set(raw) <= letters]
    assert len(few) > 3
    compared = 0
    states = {(): found.start}
    while states:
        longer = {}
        for ids, state in states.items():
            spelled = b"".join(tokens[id_] for id_ in ids)
            if not cut_character(spelled):
                complete = tuple(tok.encode(spelled).tolist()) == ids
                assert found.ends(state) == complete, ids
            allowed = found.following(state)
            for id_ in few:
                characters = (spelled + tokens[id_]).decode("utf-8", "replace")
                if len(characters) > longest(alphabet) - MARGIN:
                    continue
                expected = (*ids, id_) in begun
                if bool(allowed[id_]) != expected:
                    expected = begins_another(tok, tokens, (*ids, id_))
                assert bool(allowed[id_]) == expected, [tokens[i] for i in (*ids, id_)]
                compared += 1
                if expected:
                    longer[*ids, id_] = found.after(state, id_)
        states = longer
    assert compared > 30


def test_letters_of_a_contraction_that_lie_in_two_units():
    spec = json.loads(Tokenizer.train(["ab"], vocab_size=256, pattern="gpt2").to_bytes())
    spec["model"]["vocab"] |= {"'r": 256, "'re": 257}
    spec["model"]["merges"] = [["'", "r"], ["'r", "e"]]
    tok = Tokenizer.from_bytes(json.dumps(spec).encode())
    found, _, _ = viability(tok)
    state = found.start
    for id_ in tok.encode("'ra").tolist()[:2]:  # of two pieces, "'" and "ra"
        state = found.after(state, id_)
    allowed = found.following(state)
    assert [bool(allowed[tok.token_to_id(letter)]) for letter in "ae"] == [True, False]


@pytest.mark.parametrize(("split", "kind"), KINDS)
def test_every_encoding_is_viable_token_by_token(split, kind):
    tok = tokenizer(split, kind)
    found, _, tokens = viability(tok)
    for text in [*documents()[:3], "I'll 've\r\n\n  1234567é日本\u2028\u2009x\t", ""]:
        state = found.start
        for id_ in tok.encode(text[:400]).tolist():
            assert found.following(state)[id_], tokens[id_]
            state = found.after(state, id_)
        assert found.ends(state)


@cache
def context(found, state):
    """What `plainly` needs of a state: tokens that may join, and ways to cut by shape."""
    row = found._junctions.after(state.last) if state.units else 0 * found._junctions.whole
    cuts, ways = found._splits.cuts(tuple(unit.shape for unit in state.units)), {}
    for group, bits, kind in zip(cuts.groups, cuts.bits.tolist(), cuts.kinds, strict=True):
        before = bits & ~(-1 << len(state.units))
        first = before.bit_length()
        if found._fits(state.units, before, is_open=first < len(state.units)):
            way = first, bool(bits >> len(state.units) & 1), int(kind)
            ways.setdefault(int(group), set()).add(way)
    return row, [ways.get(group, ()) for group in cuts.group_of.tolist()]


def plainly(found, tokens, state, id_, depth=4):
    """Whether a token may start a piece behind a state, and whether it may join the last: the
    definitions."""
    row, ways = context(found, state)
    units, may = state.units, {True: False, False: False}
    raw, made = tokens[id_], bool(found._junctions.whole[id_])
    begun = cut_character(b"".join(unit.shape for unit in units))
    for first, closed, kind in ways[found._names.index(found._shapes.of(raw))]:
        joins = first < len(units)
        if not (row[id_] if joins else made or raw in found._alone) or may[joins]:
            continue
        if kind >= 0:
            may[joins] = made and kind in kinds_behind(found, begun + raw, id_)
        elif closed:
            piece = b"".join(unit.raw for unit in units[first:]) + raw
            may[joins] = not joins or piece not in found._alone
        elif made and depth:
            after = found.after(state, id_)
            may[joins] = any(plainly(found, tokens, after, i, depth - 1)[1] for i in tokens)
    return may[False], may[True]


@cache
def kinds_behind(found, spelled, id_):
    cut, row, kinds = cut_character(spelled), found._junctions.after(id_), set()
    sight = found._cut_tokens._sight
    for place in found._cut_tokens._inner.tolist():
        longer = cut + found._ranges.token_at(place)
        text = longer.decode("utf-8", "replace")
        if not row[found._ranges.order[place]]:
            continue
        if cut_character(longer) == longer:
            kinds |= set(completions(sight, longer))
        elif len(text) == 1 and text != "\ufffd":
            kinds.add(int(sight.kinds[ord(text)]))
    return kinds


@settings(max_examples=8)
@given(st.sampled_from(KINDS), st.data())
def test_looking_up_equals_the_definitions(kind, data):
    found, _, tokens = viable(kind)
    state = found.start
    for _ in range(data.draw(st.integers(0, 4))):
        allowed = found.following(state).nonzero()[0].tolist()
        short = [id_ for id_ in allowed if len(tokens[id_]) < 4]
        state = found.after(state, data.draw(st.sampled_from(short)))
    mask = found.following(state)
    for id_ in data.draw(st.sets(st.sampled_from(sorted(tokens)), min_size=30, max_size=30)):
        assert bool(mask[id_]) == any(plainly(found, tokens, state, id_)), id_


@cache
def viable(kind):
    return viability(tokenizer(*kind))

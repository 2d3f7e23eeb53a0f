"""Oracle B: what is viable, by encoding every short text there is."""

import itertools
import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.tokenizers.bpe import BpeViability
from byteprob.tokenizers.shapes import completions, cut_character, kind_of
from encoders.byte_ranges import ByteRanges
from tests.samples import documents
from tokenkit import Tokenizer

PATTERNS = ("gpt2", "llama3", "cl100k", "o200k")
KINDS = [*((pattern, "plain") for pattern in PATTERNS), ("llama3", "ignore_merges")]
KINDS += [("cl100k", "ranks")]
ALPHABETS = (" et's\n1", " \rt/!1", " ré\u2009'\n", "aʰA'S\n", "日é a\u0301")
MARGIN = 3  # how far beyond a string of tokens a text must go to show that it is viable


@cache
def tokenizer(pattern, kind="plain"):
    odd = ["  \n \n\n  x", "I'll 'll we're ''s", "11 111 1111 1", "ʰA aʰAb éé r\u2009e"] * 9
    tok = Tokenizer.train([*documents()[:30], *odd], vocab_size=900, pattern=pattern)
    if kind == "plain":
        return tok
    if kind == "ranks":
        return Tokenizer.from_bytes(tok.to_bytes(as_ranks=True), pattern=pattern)
    spec = json.loads(tok.to_bytes())
    spec["model"]["ignore_merges"] = True
    for word in ("Ġet'", "tes", "Ġ1t", "''s", "étr"):  # which merging does not make
        spec["model"]["vocab"].setdefault(word, len(spec["model"]["vocab"]))
    return Tokenizer.from_bytes(json.dumps(spec).encode())


def viability(tok):
    tokens = {i: tok.id_to_bytes(i) for i in range(tok.vocab_size) if tok.id_to_bytes(i)}
    ranges = ByteRanges.of(tokens)
    engine = tok._engine
    return BpeViability(engine.tables, engine._encoder.scanner, ranges), ranges, tokens


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


@pytest.mark.parametrize("alphabet", ALPHABETS, ids=ascii)
@pytest.mark.parametrize(("pattern", "kind"), KINDS)
def test_viable_is_what_begins_an_encoding(pattern, kind, alphabet):
    tok = tokenizer(pattern, kind)
    found, ranges, tokens = viability(tok)
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
                place = int(ranges.place[id_])
                expected = (*ids, id_) in begun
                if bool(allowed[place]) != expected:
                    expected = begins_another(tok, tokens, (*ids, id_))
                assert bool(allowed[place]) == expected, [tokens[i] for i in (*ids, id_)]
                compared += 1
                if expected:
                    longer[*ids, id_] = found.after(state, place)
        states = longer
    assert compared > 30


@pytest.mark.parametrize(("pattern", "kind"), KINDS)
def test_every_encoding_is_viable_token_by_token(pattern, kind):
    tok = tokenizer(pattern, kind)
    found, ranges, tokens = viability(tok)
    for text in [*documents()[:3], "I'll 've\r\n\n  1234567é日本\u2028\u2009x\t", ""]:
        state = found.start
        for id_ in tok.encode(text[:400]).tolist():
            place = int(ranges.place[id_])
            assert found.following(state)[place], tokens[id_]
            state = found.after(state, place)
        assert found.ends(state)


@cache
def context(found, state):
    """What `plainly` needs of a state: tokens that may join, and ways to cut by shape."""
    row = found._junctions.after(state.last) if state.units else 0 * found._junctions.whole
    cuts, ways = found._splits.cuts(tuple(unit.shape for unit in state.units)), {}
    for shape, bits, kind in zip(cuts.shapes, cuts.bits.tolist(), cuts.kinds, strict=True):
        before = bits & ~(-1 << len(state.units))
        first = before.bit_length()
        if found._fits(state.units, before, is_open=first < len(state.units)):
            way = first, bool(bits >> len(state.units) & 1), int(kind)
            ways.setdefault(found._names[shape], set()).add(way)
    return row, ways


def plainly(found, tokens, state, place, depth=4):
    """Whether a token may start a piece behind a state, and whether it may join the last: the
    definitions."""
    row, ways = context(found, state)
    id_, units, may = int(found._ranges.order[place]), state.units, {True: False, False: False}
    raw, made = tokens[id_], bool(found._junctions.whole[id_])
    begun = cut_character(b"".join(unit.shape for unit in units))
    for first, closed, kind in ways.get(found._shapes.of(raw), ()):
        joins = first < len(units)
        if not (row[id_] if joins else made or raw in found._alone) or may[joins]:
            continue
        if kind >= 0:
            may[joins] = made and kind in kinds_behind(found, begun + raw, id_)
        elif closed:
            piece = b"".join(unit.raw for unit in units[first:]) + raw
            may[joins] = not joins or piece not in found._alone
        elif made and depth:
            after = found.after(state, place)
            every = range(len(tokens))
            may[joins] = any(plainly(found, tokens, after, p, depth - 1)[1] for p in every)
    return may[False], may[True]


@cache
def kinds_behind(found, spelled, id_):
    cut, row, kinds = cut_character(spelled), found._junctions.after(id_), set()
    for place in found._cut_tokens._inner.tolist():
        longer = cut + found._raw(place)
        text = longer.decode("utf-8", "replace")
        if not row[found._ranges.order[place]]:
            continue
        if cut_character(longer) == longer:
            kinds |= set(completions(longer))
        elif len(text) == 1 and text != "\ufffd":
            kinds.add(kind_of(ord(text)))
    return kinds


@settings(max_examples=8)
@given(st.sampled_from(KINDS), st.data())
def test_looking_up_equals_the_definitions(kind, data):
    found, _, tokens = viable(kind)
    state = found.start
    for _ in range(data.draw(st.integers(0, 4))):
        allowed = found.following(state).nonzero()[0].tolist()
        short = [place for place in allowed if len(tokens[int(found._ranges.order[place])]) < 4]
        state = found.after(state, data.draw(st.sampled_from(short)))
    mask = found.following(state)
    for place in data.draw(st.sets(st.integers(0, len(tokens) - 1), min_size=30, max_size=30)):
        assert bool(mask[place]) == any(plainly(found, tokens, state, place)), place


@cache
def viable(kind):
    return viability(tokenizer(*kind))

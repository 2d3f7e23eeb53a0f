"""Each corpus kernel against its definition in plain Python."""

import itertools
import json
import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tokenkit.corpus import _kernels

_SPARE = 8


def as_array(raw):
    array = np.frombuffer(raw, np.uint8) if raw else np.empty(0, np.uint8)
    array.flags.writeable = False
    return array


def laid_out(records):
    """Records in one buffer with a byte between them, their starts and stops."""
    stops, at = [], 0
    for record in records:
        stops.append(at + len(record))
        at += len(record) + 1
    starts = [stop - len(record) for stop, record in zip(stops, records, strict=True)]
    text = as_array(b"\xff".join(records))
    return text, np.array(starts, np.int64), np.array(stops, np.int64)


small = st.lists(st.sampled_from(b"ab\n"), max_size=40).map(bytes)


@given(
    text=small | st.binary(max_size=60), separator=st.sampled_from([b"\n", b"ab", b"aa", b"aba"])
)
@example(text=b"\n" * 20, separator=b"\n")
@example(text=b"aaaaaaaaaaa", separator=b"aa")
def test_separators_are_those_of_split(text, separator):
    found = np.empty(len(text) + 1, np.int64)
    count = _kernels.find_separators(as_array(text), 0, as_array(separator), found)
    cuts = [0, *(found[:count] + len(separator)).tolist()]
    ends = [*found[:count].tolist(), len(text)]
    parts = [text[a:b] for a, b in zip(cuts, ends, strict=True)]
    assert parts == text.split(separator)


@given(st.lists(st.binary(max_size=20)))
def test_gather(records):
    text, starts, stops = laid_out(records)
    out = np.empty(sum(map(len, records)) + _SPARE, np.uint8)
    bounds = np.empty(len(records) + 1, np.int64)
    _kernels.gather(text, starts, stops, out, bounds)
    parts = [out[a:b].tobytes() for a, b in itertools.pairwise(bounds)]
    assert parts == records


@given(st.text(alphabet="ab \n\t", max_size=40).map(str.encode))
def test_longest_run(raw):
    runs = re.findall(rb"[ \n\t]+|[^ \n\t]+", raw)
    assert _kernels.longest_run(as_array(raw), 0, len(raw)) == max(map(len, runs), default=0)


def texts_at(lines, path):
    """What the kernel finds in each line: bytes, or None where it leaves the line to Python."""
    text, starts, stops = laid_out(lines)
    names = [name.encode() for name in path]
    bounds_of_path = np.cumsum([0, *map(len, names)]).astype(np.int64)
    out = np.empty(len(text) + _SPARE, np.uint8)
    bounds, plain = np.empty(len(lines) + 1, np.int64), np.empty(len(lines), np.bool_)
    stack = np.zeros(20, np.uint8)
    _kernels.json_texts(
        text, starts, stops, as_array(b"".join(names)), bounds_of_path, stack, out, bounds, plain
    )
    pairs = zip(plain, bounds[:-1], bounds[1:], strict=True)
    return [out[a:b].tobytes() if good else None for good, a, b in pairs]


def by_python(line, path):
    try:
        value = json.loads(line)
        for name in path:
            value = value[name]
        return value.encode() if isinstance(value, str) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


names = st.sampled_from(["text", "a", "t", "é"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.text(alphabet='\\"/\b\n\t é😀', max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
objects = st.dictionaries(names, values, max_size=3)
paths = st.sampled_from([["text"], ["a", "text"], ["é"]])


@given(objects, paths, st.booleans(), st.sampled_from([None, 1]))
def test_json_is_read_as_python_reads_it(value, path, ascii_only, indent):
    line = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        raw = line.encode()
    except UnicodeEncodeError:
        return
    (found,) = texts_at([raw], path)
    expected = by_python(raw, path)
    # A name with an escape is left to Python; everything else must be found here.
    if ascii_only and "\\u00e9" in line:
        assert found in (None, expected)
    else:
        assert found == expected


@given(objects, paths, st.data())
def test_damaged_json_is_never_taken_for_good(value, path, data):
    raw = bytearray(json.dumps(value).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw)))
        change = data.draw(
            st.sampled_from([b"", b'"', b"\\", b"{", b"}", b",", b":", b"0", b"\x01", b"e"])
        )
        raw[at : at + data.draw(st.integers(0, 1))] = change
    (found,) = texts_at([bytes(raw)], path)
    assert found is None or found == by_python(bytes(raw), path)


def test_json_texts_follow_one_another_around_bad_lines():
    lines = [
        b'{"text": "one"}',
        b'{"text": 1}',
        b"",
        b'{"text": "first", "text": "last"}',
        b'{"text": "lone \\ud800"}',
        b'{"text": "pair \\ud83d\\ude00"} ',
        b'{"text": "x"} {}',
        b'{"a": ' + b"[" * 30 + b"]" * 30 + b', "text": "deep"}',
        b'{"text": 01}',
        b'{"a": {"text": "inner"}, "text": "outer", "z": [1, -0.5e+3, true, null]}',
    ]
    assert texts_at(lines, ["text"]) == [
        b"one",
        None,
        None,
        b"last",
        None,
        "pair 😀".encode(),
        None,
        None,
        None,
        b"outer",
    ]


rows = st.lists(st.lists(st.integers(0, 60000), max_size=5), max_size=6)


@given(rows, st.sampled_from([-1, 7]), st.sampled_from([-1, 8]), st.sampled_from(["u2", "u4"]))
def test_frame_rows(rows, before, after, dtype):
    ids = np.array([id_ for row in rows for id_ in row], np.uint32)
    bounds = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    around = (before >= 0) + (after >= 0)
    out = np.empty(len(ids) + around * len(rows), dtype)
    out_bounds = np.empty(len(bounds), np.int64)
    _kernels.frame_rows(ids, bounds, before, after, out, out_bounds)
    framed = [out[a:b].tolist() for a, b in itertools.pairwise(out_bounds)]
    assert framed == [[7] * (before >= 0) + row + [8] * (after >= 0) for row in rows]


@given(rows, st.randoms(use_true_random=False), st.sampled_from(["u2", "u4"]))
def test_reorder_rows(rows, random, dtype):
    values = np.array([id_ for row in rows for id_ in row], dtype)
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    order = list(range(len(rows)))
    random.shuffle(order)
    out, out_offsets = np.empty_like(values), np.empty_like(offsets)
    _kernels.reorder_rows(values, offsets, np.array(order, np.int64), out, out_offsets)
    found = [out[a:b].tolist() for a, b in itertools.pairwise(out_offsets)]
    assert found == [rows[i] for i in order]

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byteprob.models.key_values import KeyValues

torch = pytest.importorskip("torch")

SHAPES = ((2, 3, 3), (1, 4, 2))  # of each layer: heads, width of keys, width of values
NOTHING = np.empty(0, np.int64)


def run(pool, contexts, handles, sizes, stamp):
    """A forward of a model whose every key and value is the token's number; that each new token
    sees those of its context, in every layer. The contexts behind it, and their handles."""
    before = [NOTHING if handle is None else handle.slots for handle in handles]
    forward = pool.forward(before, sizes, "cpu")
    numbers = np.arange(stamp, stamp + sum(sizes))
    assert set(np.unique(forward.mask)) <= {0, -np.inf}
    seen = forward.mask[0, 0] == 0
    for layer, (heads, *widths) in enumerate(SHAPES):
        fresh = [
            torch.from_numpy(numbers)[None, None, :, None].expand(1, heads, -1, width).double()
            for width in widths
        ]
        for found, width in zip(
            forward.cache.update(*fresh, layer, kwargs={}), widths, strict=True
        ):
            assert found.shape == (1, heads, seen.shape[1], width)
            assert forward.cache.get_seq_length(layer) + len(numbers) == found.shape[2]
            at = 0
            for context, size in zip(contexts, sizes, strict=True):
                for number in range(at, at + size):
                    right = [*context, *numbers[at : number + 1]]
                    columns = found[0][:, torch.from_numpy(seen[number])]
                    assert sorted(columns[0, :, 0].tolist()) == sorted(right)
                    assert (columns == columns[:1, :, :1]).all()
                at += size
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    longer = [(*context, *part) for context, part in zip(contexts, parts, strict=True)]
    return longer, forward.hold()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_new_tokens_see_their_contexts_whatever_came_and_went(data):
    pool, live, stamp = KeyValues(), [((), None)], 1
    for _ in range(data.draw(st.integers(1, 12))):
        some = data.draw(st.lists(st.sampled_from(range(len(live))), min_size=1, max_size=4))
        sizes = [data.draw(st.integers(1, 4)) for _ in some]
        chosen = [live[i] for i in some]
        contexts, handles = [each[0] for each in chosen], [each[1] for each in chosen]
        live += zip(*run(pool, contexts, handles, sizes, stamp), strict=True)
        stamp += sum(sizes)
        gone = data.draw(st.sets(st.integers(1, len(live) - 1)))
        live = [each for i, each in enumerate(live) if i not in gone]
        del chosen, handles
        assert pool.held == len({number for context, _ in live for number in context})
    del live
    assert pool.held == 0


def addresses(pool):
    return [part.data_ptr() for layer in range(len(SHAPES)) for part in pool._layers[layer]]


def test_what_lies_together_is_read_where_it_is_and_what_does_not_is_copied():
    pool = KeyValues()
    run(pool, [()], [None], [64], 1)
    held = run(pool, [()], [None], [3], 1)[1][0]
    fresh = torch.zeros(1, 2, 1, 3, dtype=torch.double)
    near = pool.forward([held.slots], [1], "cpu")
    keys, _ = near.cache.update(fresh, fresh, 0)
    assert keys.data_ptr() == pool._layers[0][0].data_ptr()
    others = pool.hold(np.arange(3, 60))
    far = pool.forward([held.slots], [1], "cpu")
    assert far.read.tolist() == [0, 1, 2, 60]
    keys, _ = far.cache.update(fresh + 5, fresh, 0)
    assert keys.data_ptr() != pool._layers[0][0].data_ptr()
    assert keys[0, 0, :, 0].tolist() == [1, 2, 3, 5]
    del others


def test_a_pool_grows_by_what_is_missing_and_keeps_what_it_has():
    pool = KeyValues()
    contexts, handles = run(pool, [()], [None], [5], 1)
    before = addresses(pool)
    contexts, handles = run(pool, contexts, handles, [1], 6)
    assert len(pool._uses) == 10
    assert addresses(pool) != before
    before = addresses(pool)
    for number in range(7, 11):
        contexts, handles = run(pool, contexts, handles, [1], number)
    assert addresses(pool) == before
    assert pool.held == len(pool._uses) == 10


def test_a_forward_that_fails_takes_nothing():
    pool = KeyValues()
    contexts, handles = run(pool, [()], [None], [2], 1)
    pool.forward([handles[0].slots], [30], "cpu")
    assert pool.held == 2
    run(pool, contexts, handles, [1], 9)
    assert len(pool._uses) == 32

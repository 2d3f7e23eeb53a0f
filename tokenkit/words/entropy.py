"""Patches that begin where the next byte is hard to foretell, by counts of n-grams.

BLT (Pagnoni et al. 2024, section 2.3) asks a small language model for the entropy of the next
byte. Here a table of n-gram counts stands in for it: it trains at the speed of reading, and what
patching needs of it is one number for each context.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoders.buffers import Bytes, Offsets, joined
from encoders.patches import Marks
from encoders.patches.entropy import ORDERS, UNITS, Contexts, entropies
from tokenkit.errors import FormatError, PatchError
from tokenkit.text.inputs import Text, as_bytes

_PRIOR = 2.0  # what fits held-out text best, or nearly so, at each order (benchmarks/words.py)
_BATCH = 8 << 20
_HELD_OUT = 16  # one text of so many chooses the threshold and is not counted
_MOST_HELD_OUT = 8 << 20
_FIELDS = {"order", "entropies", "threshold", "trained_bytes"}


@dataclass(frozen=True, eq=False)
class NgramEntropy:
    """The entropy of the next byte after each context of ``order`` bytes.

    ``entropies``: uint16[2**16, 2**18 or 2**20], in `encoders.patches.entropy.UNITS` of a nat;
    ``threshold``: in nats, what `Entropy` uses unless told otherwise; ``trained_bytes``: how many
    it has seen. Models are equal when their fingerprints are.
    """

    order: int
    entropies: NDArray[np.uint16]
    threshold: float
    trained_bytes: int

    @staticmethod
    def train(
        texts: Iterable[Text], *, order: int = 3, mean_patch_length: float = 4.5
    ) -> "NgramEntropy":
        """Count the bytes of ``texts`` as they come, each beginning as if zeros stood before it.

        ``order``: bytes of context, 2, 3 or 4; training takes 32, 128 or 512 MiB. Counts are
        uint16, and all of a context are halved before one would overflow. A byte's probability
        is that of a Dirichlet prior: 2 counts are shared out as bytes occur in all of the text, so
        that a context never seen is as uncertain as no context.

        The threshold is chosen for ``mean_patch_length`` on every 16th text, which is not counted
        (where there are fewer, on the first).

        Raises PatchError for another order, a mean length not above 1, or no bytes at all.
        """
        if order not in ORDERS:
            raise PatchError(f"order {order}: it is 2, 3 or 4")
        contexts, bytes_seen = Contexts(order), np.zeros(256, np.int64)
        counts = contexts.counts()
        held: list[bytes | memoryview] = []
        first: bytes | memoryview = b""
        for batch in _batches(_without_held_out(texts, held)):
            first = first or batch[0][:_MOST_HELD_OUT]
            text, bounds = joined(batch)
            contexts.add(text, bounds, counts)
            bytes_seen += np.bincount(text[: bounds[-1]], minlength=256)
        total = int(bytes_seen.sum())
        if not total:
            raise PatchError("there is nothing to train on: the texts are empty")
        prior = _PRIOR * (bytes_seen + 1) / (total + 256)
        model = NgramEntropy(order, entropies(counts, prior), 0.0, total)
        return model.for_mean_length(held or [first], mean_patch_length)

    def for_mean_length(self, sample: Sequence[Text], mean_patch_length: float) -> "NgramEntropy":
        """The model with the threshold at which patches of ``sample`` are so long in the mean.

        As near as the table's values allow; of two thresholds alike near the one with more patches.
        Raises PatchError where no threshold can: the mean is not above 1, or the sample is empty.
        """
        text, bounds = joined([as_bytes(raw) for raw in sample])
        size, documents = int(bounds[-1]), len(np.unique(bounds)) - 1
        if not size or not mean_patch_length > 1:
            raise PatchError(
                f"no threshold makes patches of {mean_patch_length} bytes in a sample of {size}: "
                "give a mean above 1, and text"
            )
        inside = np.ones(size, np.bool_)
        inside[bounds[:-1][bounds[:-1] < size]] = False  # a document begins a patch anyway
        found = Contexts(self.order).look_up(text, bounds, self.entropies)[inside]
        above = np.bincount(found, minlength=1 << 16)[::-1].cumsum()[::-1]  # at or above each value
        best = int(np.argmin(np.abs(above - (size / mean_patch_length - documents))))
        return replace(self, threshold=(best - 0.5) / UNITS)

    def entropy(self, text: Text) -> NDArray[np.float32]:
        """Nats before each byte of a text: float32[bytes]."""
        buffer, bounds = joined([as_bytes(text)])
        found = Contexts(self.order).look_up(buffer, bounds, self.entropies)
        return found.astype(np.float32) / np.float32(UNITS)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of order, table and threshold."""
        head = f"ngram-entropy 1 {self.order} {self.threshold!r} ".encode()
        return sha256(head + self.entropies.astype("<u2").tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NgramEntropy):
            return NotImplemented
        return self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def to_bytes(self) -> bytes:
        """What `save` writes: a NumPy .npz of the four fields, the same for equal models."""
        file = io.BytesIO()
        np.savez(
            file,
            order=np.int64(self.order),
            entropies=self.entropies,
            threshold=np.float64(self.threshold),
            trained_bytes=np.int64(self.trained_bytes),
        )
        return file.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the model: 0.13, 0.5 or 2 MB by its order."""
        Path(path).write_bytes(self.to_bytes())

    @staticmethod
    def from_bytes(content: bytes) -> "NgramEntropy":
        """As `from_file`, from the bytes of a file."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                fields = {name: file[name] for name in _FIELDS}
            order, table = int(fields["order"]), fields["entropies"]
            if order not in ORDERS or table.shape != (Contexts(order).count,):
                raise ValueError(f"a table of {table.shape} for order {order}")
            if table.dtype != np.uint16:
                raise ValueError(f"a table of {table.dtype}")
            threshold, seen = float(fields["threshold"]), int(fields["trained_bytes"])
            if not np.isfinite(threshold):
                raise ValueError(f"a threshold of {threshold}")
        except Exception as error:  # of a damaged file NumPy raises whatever its parsers raise
            raise FormatError(f"not an n-gram entropy model: {error}") from None
        return NgramEntropy(order, table, threshold, seen)

    @staticmethod
    def from_file(path: str | Path) -> "NgramEntropy":
        """Load what `save` wrote. Raises FormatError, naming the file, where it is none."""
        try:
            return NgramEntropy.from_bytes(Path(path).read_bytes())
        except FormatError as error:
            raise FormatError(f"{path}: {error}") from None


def _without_held_out(
    texts: Iterable[Text], held: list[bytes | memoryview]
) -> Iterator[bytes | memoryview]:
    """The texts as bytes, but every 16th, which goes to ``held`` as long as that is short."""
    size = 0
    for number, text in enumerate(texts, 1):
        raw = as_bytes(text)
        if number % _HELD_OUT == 0 and len(raw) and size < _MOST_HELD_OUT:
            held.append(raw)
            size += len(raw)
        else:
            yield raw


def _batches(texts: Iterable[bytes | memoryview]) -> Iterator[list[bytes | memoryview]]:
    """Texts that are not empty, some megabytes at a time."""
    batch: list[bytes | memoryview] = []
    size = 0
    for text in texts:
        if len(text):
            batch.append(text)
            size += len(text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(frozen=True)
class Entropy:
    """A patch begins where the entropy of the next byte is above ``threshold`` nats.

    ``threshold``: the model's own unless given. ``rise``: begin only where it is also more than so
    many nats above that of the byte before. With BLT's names: plain thresholds are `Entropy(model,
    t)`; ``threshold_add`` is `Entropy(model, t, rise=t_add)`; ``monotonicity`` is `Entropy(model,
    0, rise=t)`.

    What differs from BLT: it makes the second byte of a row a patch start under ``monotonicity``
    and ``threshold_add`` whatever its entropy, and under the latter never the third; here only the
    first byte is one by itself. The first id of a row, bos, is a patch there, as in
    `Patches.framed`. Raises PatchError where ``threshold`` or ``rise`` is not a number.
    """

    model: NgramEntropy
    threshold: float | None = None
    rise: float | None = None

    def __post_init__(self) -> None:
        for name, nats in (("threshold", self.threshold), ("rise", self.rise)):
            if nats is not None and np.isnan(nats):
                raise PatchError(f"{name} {nats}: give a number of nats")

    def marks(self, text: Bytes, bounds: Offsets) -> Marks:
        """See `Rule.marks`."""
        model = self.model
        threshold = model.threshold if self.threshold is None else self.threshold
        rise = -np.inf if self.rise is None else self.rise
        limits = [_in_units(nats) for nats in (threshold, rise)]
        return Contexts(model.order).marks(text, bounds, model.entropies, *limits)


def _in_units(nats: float) -> int:
    """The greatest whole number of units that is not above ``nats``, kept within int32."""
    return int(np.floor(np.clip(nats * UNITS, -(2.0**31), 2.0**31)))

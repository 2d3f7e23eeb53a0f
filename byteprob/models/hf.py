"""Causal language models of `transformers`, with the keys and values of each token made once.

A batch of contexts is one row of new tokens: each sees its own past and nothing else, by a mask
of four dimensions (tree attention). So a forward has no padding, and a beginning that contexts
share is in it once. Tried with transformers 5.24.
"""

import inspect
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byteprob.errors import ByteprobError
from byteprob.models.key_values import Held, KeyValues
from byteprob.token_models import Context, Evaluated
from byteprob.vocabulary import ByteVocabulary
from tokenkit.errors import MissingExtraError
from tokenkit.text import Tokenizer

_LOGITS = 1 << 25
"""Logits that a forward may make, 128 MB in float32, but for 64 tokens at least."""
_SUMMED = 1 << 19
"""Logits that are summed at a time: more of them, as float64, are not in a processor's cache."""
_PACKED = 1024
"""New tokens in a forward, at most: the mask grows with their square."""
_NO_START = "<|endoftext|>"
"""What stands at the start of a text for models without BOS, such as Qwen's."""


class TransformersModel:
    """A `TokenModel` that goes on from keys and values; a `ScoresDocuments` too.

    Logits are those of the model's own dtype, as float64 if it is that, else float32. Handles are
    `Held`; what none holds is forgotten. Contexts longer than a sliding window are evaluated
    afresh every time, as keys and values that left the window are gone for good.
    """

    def __init__(self, model: Any, start: Context | None = None, *, reuse: bool = True) -> None:
        """``model``: of `AutoModelForCausalLM`; it is put into evaluation mode.

        ``start``: ids before every text; by default the model's BOS, or else its end of text.
        Without ``reuse`` every context is evaluated afresh, which any causal model can.

        Raises ByteprobError where there is no start, and where the architecture or its attention
        backend does not take masks of four dimensions ("sdpa" and "eager" do).
        """
        self._model = model.eval()
        self._config = model.config.get_text_config()
        self._weights = model.get_input_embeddings().weight
        head = model.get_output_embeddings() or model.get_input_embeddings()
        self._rows = int(head.weight.shape[0])
        self.start = self._default_start() if start is None else tuple(start)
        if not self.start or not all(0 <= id_ < self._rows for id_ in self.start):
            raise ByteprobError(
                f"a text starts with one or more ids below {self._rows}, not {self.start}: "
                "pass start=(id,)"
            )
        self._pool = KeyValues()
        self._reuse = reuse
        if reuse:
            self._verify()

    @staticmethod
    def from_directory(
        path: str | Path, *, device: str = "cpu"
    ) -> tuple["TransformersModel", Tokenizer]:
        """A model and its tokenizer from a local folder; nothing is downloaded.

        Raises MissingExtraError without transformers, ByteprobError for what is no such folder or
        has no weights that can be read.
        """
        path = Path(path)
        if not (path / "tokenizer.json").is_file() or not (path / "config.json").is_file():
            raise ByteprobError(f"{path} is no model folder: it needs config.json, tokenizer.json")
        try:
            from transformers import AutoModelForCausalLM
        except ImportError:
            raise MissingExtraError("local models need transformers", "hf") from None
        tokenizer = Tokenizer.from_file(path / "tokenizer.json")
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(path, local_files_only=True)
        except (OSError, ValueError) as error:
            raise ByteprobError(f"{path} has no model that can be read: {error}") from error
        stand_in = tokenizer.special_tokens.get(_NO_START)
        bos = model.config.get_text_config().bos_token_id
        start = (stand_in,) if bos is None and stand_in is not None else None
        return TransformersModel(model.to(device), start), tokenizer

    @cached_property
    def limit(self) -> int | None:
        """Ids that a context may have, those of the start among them; None if that is unknown."""
        found = getattr(self._config, "max_position_embeddings", None)
        return int(found) if found else None

    @property
    def held(self) -> int:
        """Tokens whose keys and values are kept."""
        return self._pool.held

    def state(self, context: Context) -> Hashable:
        """See `TokenModel`: the whole context."""
        return context

    def logits(self, contexts: Sequence[Context], parents: Sequence[Any]) -> Evaluated:
        """See `TokenModel`. One forward, unless there are very many new tokens.

        Raises ByteprobError for a context that is too long.
        """
        handles: list[Held | None] = list(parents)
        longest = max(map(len, contexts))
        if self.limit and longest > self.limit:
            raise ByteprobError(f"a context of {longest} ids: this model sees {self.limit}")
        if not self._reusable(longest):
            parts = [rows for _, rows in self._afresh(contexts, whole=False)]
            return Evaluated(_numpy(parts), [None] * len(contexts))
        steps = _steps(contexts, [len(handle or ()) for handle in handles], self._room)
        parts = [self._forward(step, handles, whole=False) for step in steps]
        return Evaluated(_numpy(parts), handles)

    def document_log_probs(
        self, documents: Sequence[Context], vocabulary: ByteVocabulary
    ) -> list[NDArray[np.float64]]:
        """See `ScoresDocuments`. As many documents go into a forward as there is room for.

        Of a document that the model cannot see whole, the later ids are scored in windows that
        begin with the start and go on by half a window, so that each has at least half a window
        before it.

        Raises ByteprobError where the tokenizer has more ids than the model.
        """
        vocabulary.check(self._rows)
        room = (self.limit or max(map(len, documents))) - len(self.start)
        windows = [
            _Window.of(number, self.start, document[len(self.start) :], begin, stop, scored)
            for number, document in enumerate(documents)
            for begin, stop, scored in _windows(len(document) - len(self.start), room)
        ]
        found = [np.zeros(len(document) - len(self.start) + 1) for document in documents]
        for window, rows, logits in self._all_rows([window.context for window in windows]):
            log_probs = _log_probs(logits, windows[window].targets[rows], vocabulary)
            places = windows[window].places[rows]
            kept = places >= 0
            found[windows[window].document][places[kept]] = log_probs[kept]
        return found

    def _all_rows(self, contexts: Sequence[Context]) -> Iterator[tuple[int, slice, Any]]:
        """Which context, which of its ids, and the logits behind those."""
        if not self._reusable(max(map(len, contexts), default=0)):
            for (number,), rows in self._afresh(contexts, whole=True):
                yield number, slice(len(contexts[number])), rows
            return
        handles: list[Held | None] = [None] * len(contexts)
        for step in _steps(contexts, [0] * len(contexts), self._room):
            logits, at = self._forward(step, handles, whole=True), 0
            for piece in step:
                size = piece.stop - piece.begin
                yield piece.row, slice(piece.begin, piece.stop), logits[at : at + size]
                at += size
                if piece.complete:
                    handles[piece.row] = None

    def _forward(self, step: Sequence["_Piece"], handles: list[Held | None], *, whole: bool) -> Any:
        """Logits behind the contexts that are complete, or behind each new token, [some, ids]; the
        handles are then those of the contexts as far as they are."""
        import torch

        before = [_slots(handles[piece.row]) for piece in step]
        sizes = [len(piece.ids) for piece in step]
        stops = zip(step, accumulate(sizes), strict=True)
        keep = range(sum(sizes)) if whole else [n - 1 for piece, n in stops if piece.complete]
        ids = np.concatenate([piece.ids for piece in step])
        places = np.concatenate([np.arange(piece.begin, piece.stop) for piece in step])
        device, dtype = self._weights.device, self._weights.dtype
        with torch.inference_mode():
            forward = self._pool.forward(before, sizes, device)
            mask = torch.from_numpy(forward.mask).to(device, dtype)
            logits = self._run(ids[None], places[None], mask, keep, forward.cache)
        for piece, handle in zip(step, forward.hold(), strict=True):
            handles[piece.row] = handle
        return logits[0]

    def _afresh(
        self, contexts: Sequence[Context], *, whole: bool
    ) -> Iterator[tuple[list[int], Any]]:
        """Which contexts, and the logits behind them; or of one, behind each of its ids."""
        import torch

        size = 1 if whole else max(1, self._room // max(map(len, contexts)))
        for first in range(0, len(contexts), size):
            some = list(range(first, min(first + size, len(contexts))))
            lengths = np.array([len(contexts[i]) for i in some])
            ids = np.zeros((len(some), lengths.max()), np.int64)
            for row, i in zip(ids, some, strict=True):
                row[: len(contexts[i])] = contexts[i]
            at = np.arange(ids.shape[1])
            keep, behind = np.unique(lengths - 1, return_inverse=True)
            places = np.tile(at, (len(some), 1))
            mask = torch.from_numpy((at < lengths[:, None]).astype(np.int64))
            with torch.inference_mode():
                logits = self._run(ids, places, mask, (at if whole else keep).tolist(), None)
            yield some, logits[0] if whole else logits[range(len(some)), behind]

    def _run(
        self, ids: NDArray[Any], places: NDArray[Any], mask: Any, keep: Sequence[int], cache: Any
    ) -> Any:
        """Logits [rows, kept, ids]."""
        import torch

        device, parameters = self._weights.device, self._parameters
        inputs = {
            "input_ids": torch.from_numpy(ids).to(device),
            "position_ids": torch.from_numpy(places).to(device),
            "attention_mask": mask.to(device),
            "use_cache": cache is not None,
        }
        if cache is not None:
            inputs["cache" if "cache" in parameters else "past_key_values"] = cache
        kept = None
        if len(keep) < ids.shape[1]:
            kept = torch.tensor(keep, dtype=torch.long, device=device)
            inputs["logits_to_keep"] = kept
        logits = self._model(**{n: x for n, x in inputs.items() if n in parameters}).logits
        return logits if kept is None or "logits_to_keep" in parameters else logits[:, kept]

    @cached_property
    def _parameters(self) -> frozenset[str]:
        return frozenset(inspect.signature(self._model.forward).parameters)

    @property
    def _room(self) -> int:
        """New tokens in a forward."""
        return min(max(_LOGITS // self._rows, 64), _PACKED)

    def _reusable(self, longest: int) -> bool:
        """Whether all of a context is in every layer's window."""
        return self._reuse and longest <= self._window

    @cached_property
    def _window(self) -> float:
        names = "sliding_window", "attention_chunk_size"
        return min(getattr(self._config, name, None) or math.inf for name in names)

    def _default_start(self) -> Context:
        for found in (self._config.bos_token_id, self._config.eos_token_id):
            if found is not None:
                return (found[0] if isinstance(found, list) else int(found),)
        raise ByteprobError(
            "this model names no start of text and no end that could stand for it: pass start=(id,)"
        )

    def _verify(self) -> None:
        """Two contexts behind a third must be the same with keys and values and afresh."""
        import torch

        shared = (*self.start, 0)
        last, other = self._rows - 1, self._rows // 2
        contexts = [(*shared, last), (*shared, other), (*shared, other, 0)]
        if not self._reusable(len(contexts[-1])):
            return
        try:
            parent = self.logits([shared], [None]).handles[0]
            found = self.logits(contexts, [parent, parent, None]).logits
        except Exception as error:
            raise ByteprobError(f"{self._unfit}: {error}") from error
        right = _numpy([rows for _, rows in self._afresh(contexts, whole=False)])
        # Of float64 no more than of float32, which some architectures compute attention in.
        eps = max(torch.finfo(dtype).eps for dtype in (self._weights.dtype, torch.float32))
        away = np.abs(found - right).max() / right.std()
        if not away <= min(1e4 * eps, 0.5):
            raise ByteprobError(f"{self._unfit}: logits differ by {away:.2g} deviations")

    @property
    def _unfit(self) -> str:
        name = type(self._model).__name__
        return f'{name} does not take tree attention (use attention "sdpa", or pass reuse=False)'


@dataclass(frozen=True)
class _Piece:
    """Ids ``begin`` to ``stop`` of a context, which is number ``row`` and ``complete`` there."""

    row: int
    begin: int
    stop: int
    ids: Context
    complete: bool


def _steps(contexts: Sequence[Context], done: Sequence[int], room: int) -> Iterator[list[_Piece]]:
    """All ids that are not done, in order, ``room`` at a time; no step has a context twice."""
    step: list[_Piece] = []
    left = room
    for row, context in enumerate(contexts):
        begin = done[row]
        if begin >= len(context):
            raise ByteprobError(f"the parent of a context of {len(context)} ids has {begin}")
        while begin < len(context):
            stop = min(len(context), begin + left)
            step.append(_Piece(row, begin, stop, context[begin:stop], stop == len(context)))
            left -= stop - begin
            begin = stop
            if not left:
                yield step
                step, left = [], room
    if step:
        yield step


@dataclass(frozen=True, eq=False)
class _Window:
    """A part of a document. Of each id of ``context``: what comes next (-1 is the end), and where
    in the document's answer that goes (-1 is nowhere)."""

    document: int
    context: Context
    targets: NDArray[np.int64]
    places: NDArray[np.int64]

    @staticmethod
    def of(
        document: int, start: Context, body: Context, begin: int, stop: int, scored: int
    ) -> "_Window":
        places = np.arange(begin, stop + 1)
        places[places < scored] = -1
        unused = np.full(len(start) - 1, -1)
        targets = np.array([*body, -1])[begin : stop + 1]
        return _Window(
            document,
            (*start, *body[begin:stop]),
            np.concatenate([unused, targets]),
            np.concatenate([unused, places]),
        )


def _windows(size: int, room: int) -> Iterator[tuple[int, int, int]]:
    """Windows of a document: their bounds, and the first id that each scores."""
    stop, scored = min(size, room), 0
    while True:
        yield max(0, stop - room), stop, scored
        if stop == size:
            return
        scored = stop + 1
        stop = min(size, stop + (room + 1) // 2)


def _slots(handle: Held | None) -> NDArray[np.int64]:
    return np.empty(0, np.int64) if handle is None else handle.slots


def _log_probs(
    logits: Any, targets: NDArray[np.int64], vocabulary: ByteVocabulary
) -> NDArray[np.float64]:
    """Of each row's target, among the ids of the vocabulary; float64[rows]."""
    import torch

    ids = np.concatenate([vocabulary.ranges.order, vocabulary.counted]).astype(np.int64)
    known = torch.from_numpy(np.sort(ids))
    some = logits.split(max(1, _SUMMED // len(known)))
    totals = torch.cat([rows[:, known].double().logsumexp(-1) for rows in some])
    ends = logits[:, torch.from_numpy(vocabulary.ends.astype(np.int64))].double().logsumexp(-1)
    chosen = logits[np.arange(len(targets)), np.maximum(targets, 0)].double()
    chosen = torch.where(torch.from_numpy(targets < 0).to(chosen.device), ends, chosen)
    found: NDArray[np.float64] = (chosen - totals).cpu().numpy()
    return found


def _numpy(parts: Sequence[Any]) -> NDArray[Any]:
    import torch

    rows = torch.cat(list(parts)) if len(parts) > 1 else parts[0]
    found: NDArray[Any] = (rows if rows.dtype == torch.float64 else rows.float()).cpu().numpy()
    return found

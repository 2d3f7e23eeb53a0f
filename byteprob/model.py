"""Byte-level probabilities of a token model: the one class that most users need."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

from byteprob import sources
from byteprob.covers import Covers, Reading, beginning, pushed
from byteprob.dist import ByteDist, Target
from byteprob.errors import ByteprobError
from byteprob.sources import ByteConstraint, Draft, Score
from byteprob.token_models import Context, Prompted, TokenModel
from byteprob.tokenizers.normal_forms import normal_form_of
from byteprob.tokenizers.spelling import viability_of, vocabulary_of
from tokenkit.text import Tokenizer


class ByteModel:
    """The distribution over byte strings that a token model and its tokenizer make.

    ``target`` says which one (`byteprob.dist.Target`); every `ByteDist` says it again:

    - "marginal": the sum over all strings of tokens that spell a text, which is what drawing tokens
      and decoding them gives;
    - "canonical": the sum over those that the tokenizer makes of some text, normalised byte by
      byte;
    - "canonical-renorm": the same of a model whose other tokens are masked at every step.

    Immutable: where a text goes on byte by byte, `at` gives a cursor that keeps what is known.

    Probabilities are of normal forms where the tokenizer makes them (`normalizes`): the bytes that
    its tokens spell, without a blank that it puts before every text and takes away again. Prefixes
    and texts handed in are normalised first, each by itself
    (`byteprob.tokenizers.normal_forms.NormalForm`); bytes that are pushed, and those that come
    out, are of normal forms.
    """

    def __init__(
        self,
        model: TokenModel,
        tokenizer: Tokenizer,
        target: Target = "marginal",
        *,
        beam: int | None = None,
        tolerance: float = 0.0,
    ) -> None:
        """``beam``: of "marginal" only, strings of tokens kept at each byte; None keeps all.

        ``tolerance``: bound of the total variation distance to the exact distribution that each
        `ByteDist` may have (its ``error``). Strings of tokens that matter less wait, so that the
        model is asked for fewer; those that come to matter are evaluated then. 0 is exact. Under
        "marginal" no string is ever known to be impossible, so that all come to matter in the end:
        there it helps for some dozens of bytes, and then costs more than it saves.

        Raises UnsupportedTokenizerError for a tokenizer whose tokens do not spell the bytes of its
        texts, and for a canonical target where its splits are not known.
        """
        if beam is not None and (target != "marginal" or beam < 1):
            raise ValueError("a beam is at least 1, and goes with the target 'marginal'")
        if not 0 <= tolerance < 1 or (beam is not None and tolerance):
            raise ValueError("a tolerance is at least 0 and below 1, and a beam can keep to none")
        vocabulary = vocabulary_of(tokenizer)
        viability = None if target == "marginal" else viability_of(tokenizer, vocabulary)
        self._form = normal_form_of(tokenizer, vocabulary)
        self._reading = Reading(
            model, vocabulary, target, viability, beam, tolerance, self._form.front
        )

    def __repr__(self) -> str:
        reading = self._reading
        lazy = f", tolerance={reading.tolerance:g}" if reading.tolerance else ""
        beam = f", beam={reading.beam}" if reading.beam else ""
        model, tokens = type(reading.model).__name__, len(reading.vocabulary.ranges)
        return f"ByteModel({model}, {tokens} tokens, target={reading.target!r}{beam}{lazy})"

    @property
    def target(self) -> Target:
        """Which distribution this is."""
        return self._reading.target

    @property
    def normalizes(self) -> bool:
        """Whether a text may have other bytes to the model: then probabilities are of those."""
        return self._form.change is not None

    def normal_form(self, text: bytes) -> bytes:
        """The bytes that stand for a text: itself unless the model `normalizes`."""
        return self._form.of(text)

    @property
    def reading(self) -> Reading:
        """What it is made of, for what works on covers themselves, such as `byteprob.heal`."""
        return self._reading

    def behind(self, ids: Context) -> "ByteModel":
        """The same where these ids come before every text, which begins afresh after them."""
        found = copy(self)
        found._reading = replace(self._reading, model=Prompted(self._reading.model, ids))
        return found

    def at(self, prefix: bytes = b"") -> "Cursor":
        """The place behind a prefix. Raises ImpossiblePrefixError where it has no probability."""
        cursor = Cursor(self._reading, beginning(self._reading))
        for byte in self.normal_form(prefix):
            cursor.push(byte)
        return cursor

    def next_byte(self, prefix: bytes = b"") -> ByteDist:
        """What follows a prefix."""
        return self.at(prefix).next_byte()

    def next_bytes(self, prefixes: Sequence[bytes]) -> list[ByteDist]:
        """What follows each of many prefixes; the model is asked for all of them together, and for
        what several begin with once."""
        prefixes = [self.normal_form(prefix) for prefix in prefixes]
        wanted, found = set(prefixes), {b"": beginning(self._reading)}
        for size in range(1, max(map(len, prefixes), default=0) + 1):
            longer = sorted({prefix[:size] for prefix in wanted if len(prefix) >= size})
            before = [found[prefix[:-1]] for prefix in longer]
            moved = pushed(self._reading, before, [prefix[-1] for prefix in longer])
            kept = {prefix: covers for prefix, covers in found.items() if prefix in wanted}
            found = kept | dict(zip(longer, moved, strict=True))
        dists = {prefix: found[prefix].next_byte(self._reading) for prefix in wanted}
        return [dists[prefix] for prefix in prefixes]

    def score(self, text: bytes, *, ended: bool = False) -> Score:
        """The probability of ``text`` as a prefix; with ``ended``, as a whole text.

        The size, and so bits per byte, are of the normal form.
        """
        return sources.score(self, self.normal_form(text), ended=ended)

    def sample(
        self,
        size: int,
        prefix: bytes = b"",
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int | None = None,
        constraint: ByteConstraint | None = None,
    ) -> bytes:
        """Up to ``size`` bytes that follow a prefix: see `byteprob.sources.sample`."""
        return sources.sample(
            self,
            size,
            prefix,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            constraint=constraint,
        )

    def samples(
        self,
        size: int,
        prefix: bytes = b"",
        *,
        seeds: Sequence[int],
        temperature: float = 1.0,
        top_p: float = 1.0,
        constraint: ByteConstraint | None = None,
    ) -> list[bytes]:
        """Many continuations of one prefix, each what `sample` gives with one of the seeds.

        The model is asked for all of them together, once a byte, and for equal ones once.
        """
        drafts = [Draft.begun(seed, constraint) for seed in seeds]
        places = {b"": self.at(prefix).covers}
        for left in reversed(range(size)):
            dists = {text: covers.next_byte(self._reading) for text, covers in places.items()}
            live = [draft for draft in drafts if not draft.ended]
            for draft in live:
                draft.go_on(dists[draft.text], temperature, top_p)
            longer = sorted({draft.text for draft in live if left and not draft.ended})
            before = [places[text[:-1]] for text in longer]
            moved = pushed(self._reading, before, [text[-1] for text in longer])
            places = dict(zip(longer, moved, strict=True))
        return [draft.text for draft in drafts]


class Cursor:
    """A place in a text that goes on byte by byte."""

    def __init__(self, reading: Reading, covers: Covers) -> None:
        """Not for users: see `ByteModel.at`."""
        self._reading, self._covers = reading, covers

    @property
    def log_prob(self) -> float:
        """Log-probability of the prefix: P of "marginal", S of "canonical", see `Target`; with a
        tolerance or a beam, a lower bound."""
        return self._covers.log_mass

    def log_bounds(self, *, ended: bool = False) -> tuple[float, float]:
        """Between what that log-probability lies, or with ``ended`` that of the prefix as a whole
        text; one number twice without a tolerance or a beam."""
        return self._covers.log_bounds(ended=ended)

    @property
    def covers(self) -> Covers:
        """The strings of tokens that make the prefix."""
        return self._covers

    def next_byte(self) -> ByteDist:
        """What follows."""
        return self._covers.next_byte(self._reading)

    def push(self, byte: int) -> None:
        """Go on by one byte. Raises ImpossiblePrefixError where it has no probability: the cursor
        then stays where it was."""
        if not 0 <= byte <= 255:
            raise ByteprobError(f"{byte} is not a byte: push takes 0 to 255")
        (self._covers,) = pushed(self._reading, [self._covers], [byte])

    def fork(self) -> "Cursor":
        """Another cursor at the same place; the two go on by themselves."""
        return Cursor(self._reading, self._covers)

"""The word-pooled model: words in, words out, bytes inside. Needs the extra ``torch``.

After Thawani et al. 2023, "Learn Your Tokens: Word-Pooled Tokenization for Language Modeling":
an encoder reads the bytes of each word into a few vectors, a causal model runs over those of all
words, and a decoder spells each word from the vectors of the one before. Unlike the published
code, padding is never attended to, the end of a word is a symbol of its own, white space is kept,
and no size depends on a data set.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from tokenkit.errors import PatchError
from tokenkit.words.blocks import Block, initialise
from tokenkit.words.layouts import Dense


@dataclass(frozen=True)
class WordPooledConfig:
    """Sizes of a `WordPooledModel`.

    ``max_word_bytes``: of the longest word; cut longer ones by ``Patcher(max_patch_length=…)``.
    ``prefixes``: vectors a word is pooled to. ``word_layers``: of the encoder and of the decoder
    each. ``alphabet``: symbols that words are made of; the end of a word is one more.
    """

    width: int = 512
    layers: int = 8
    heads: int = 8
    word_layers: int = 2
    word_heads: int = 4
    prefixes: int = 4
    max_word_bytes: int = 16
    alphabet: int = 256

    @property
    def end(self) -> int:
        """The symbol that ends a word, behind those of the alphabet."""
        return self.alphabet


class WordPooledModel(nn.Module):
    """A distribution over sequences of words: strings of 1 to ``max_word_bytes`` symbols.

    A word's probability given those before it is the product of those of its symbols and of its
    end, which is certain behind ``max_word_bytes``, so that all words' probabilities sum to 1.
    Words that a `Patcher` cut are the bytes of a text: their log-likelihood, over the bytes, is
    one of the text, as exact as that of a subword model on the tokens of its tokenizer.

    Everywhere ``words`` is int64[rows, words, max_word_bytes], anything behind a word's length, and
    ``lengths`` int64[rows, words]; rows are filled up with words of length 0. See `word_tensors`.
    """

    def __init__(self, config: WordPooledConfig) -> None:
        super().__init__()
        self.config = config
        width, prefixes = config.width, config.prefixes
        self.embedding = nn.Embedding(config.alphabet, width)
        self.pool = nn.Parameter(torch.empty(prefixes, width))
        """What the encoder puts before each word: there its vectors come out."""
        self.start = nn.Parameter(torch.empty(prefixes, width))
        """Stands for the word before the first."""
        self.encoder = _blocks(config.word_layers, width, config.word_heads)
        self.blocks = _blocks(config.layers, width, config.heads)
        self.norm = nn.LayerNorm(width)
        self.decoder = _blocks(config.word_layers, width, config.word_heads)
        self.out_norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, config.alphabet + 1, bias=False)
        initialise(self, config.layers)

    def encode(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Pool each word by itself; float[rows, words, prefixes, width]."""
        config = self.config
        rows, count = lengths.shape
        keys = _inside(lengths.flatten(), config.max_word_bytes)
        letters = self.embedding(words.flatten(0, 1).where(keys, 0))
        x = torch.cat((self.pool.expand(rows * count, -1, -1), letters), 1)
        keys = torch.cat((keys.new_ones(rows * count, config.prefixes), keys), 1)
        for block in self.encoder:
            x = block(x, keys)
        return x[:, : config.prefixes].reshape(rows, count, config.prefixes, config.width)

    def contexts(self, words: Tensor, lengths: Tensor) -> Tensor:
        """What is known before each word and behind the last.

        float[rows, words + 1, prefixes, width]; item ``i`` has read ``words[:, :i]`` and no more.
        """
        pooled = self.encode(words, lengths)
        start = self.start.expand(len(words), 1, -1, -1)
        x = torch.cat((start, pooled), 1).flatten(1, 2)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x).unflatten(1, (-1, self.config.prefixes))
        return out

    def spell(self, contexts: Tensor, words: Tensor) -> Tensor:
        """Log-probabilities of the symbols of each word, all words side by side.

        ``contexts``: float[n, prefixes, width]; ``words``: int64[n, k], k below
        ``max_word_bytes``: the symbols so far. float[n, k + 1, alphabet + 1]; a word does not end
        before its first symbol.
        """
        x = torch.cat((contexts, self.embedding(words)), 1)
        for block in self.decoder:
            x = block(x)
        logits = self.head(self.out_norm(x[:, self.config.prefixes - 1 :]))
        no_end = torch.zeros_like(logits[0])
        no_end[0, self.config.end] = -torch.inf
        out: Tensor = (logits + no_end).log_softmax(-1)
        return out

    def log_probs(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Log-probability of each word given those before it, float[rows, words]; 0 for filling.

        Raises PatchError where a shape or a length does not fit.
        """
        self._check(words, lengths)
        config = self.config
        present = lengths > 0
        contexts = self.contexts(words[:, :-1], lengths[:, :-1])[present]
        real, size = words[present], lengths[present]
        inside = _inside(size, config.max_word_bytes)
        targets = real.where(inside, config.end)
        spelled = self.spell(contexts, real.where(inside, 0)[:, :-1])
        found = spelled.gather(-1, targets[..., None]).squeeze(-1)
        counted = _inside(size + 1, config.max_word_bytes)
        sums = found.where(counted, 0).sum(-1)
        return sums.new_zeros(lengths.shape).masked_scatter(present, sums)

    @torch.no_grad()
    def draw(
        self,
        contexts: Tensor,
        *,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Spell a word for each context, float[n, prefixes, width] as `contexts` gives them.

        The likeliest symbol each time, or one drawn at ``temperature``. Gives int64[n,
        max_word_bytes], 0 behind the word, and its length, int64[n].
        """
        config, count = self.config, len(contexts)
        spelled = torch.empty(count, 0, dtype=torch.int64, device=contexts.device)
        size = spelled.new_full((count,), config.max_word_bytes)
        for place in range(config.max_word_bytes):
            log_probs = self.spell(contexts, spelled.clamp(max=config.alphabet - 1))[:, -1]
            if temperature > 0:
                odds = (log_probs / temperature).softmax(-1)
                symbol = odds.multinomial(1, generator=generator)
            else:
                symbol = log_probs.argmax(-1, keepdim=True)
            spelled = torch.cat((spelled, symbol), 1)
            size = size.where((symbol[:, 0] != config.end) | (size < place), place)
            if (size <= place).all():
                break
        spelled = functional.pad(spelled, (0, config.max_word_bytes - spelled.shape[1]))
        return spelled.where(_inside(size, config.max_word_bytes), 0), size

    @torch.no_grad()
    def generate(
        self,
        words: Tensor,
        lengths: Tensor,
        count: int,
        *,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Go on by ``count`` words; all words of each row and their lengths, filling at the end.

        int64[rows, words + count, max_word_bytes] and int64[rows, words + count].
        """
        rows = torch.arange(len(words), device=words.device)
        words = functional.pad(words, (0, 0, 0, count))
        lengths = functional.pad(lengths, (0, count))
        for _ in range(count):
            place = (lengths > 0).sum(1)
            last = self.contexts(words, lengths)[rows, place]
            word, size = self.draw(last, temperature=temperature, generator=generator)
            words[rows, place], lengths[rows, place] = word, size
        return words, lengths

    def _check(self, words: Tensor, lengths: Tensor) -> None:
        widest = self.config.max_word_bytes
        if words.shape != (*lengths.shape, widest):
            raise PatchError(
                f"words {tuple(words.shape)} for lengths {tuple(lengths.shape)}: "
                f"give [rows, words, {widest}]"
            )
        if lengths.numel() and not 0 <= lengths.min() <= lengths.max() <= widest:
            raise PatchError(f"a word has {int(lengths.max())} bytes: cut words at {widest}")
        if ((lengths[:, 1:] > 0) & (lengths[:, :-1] == 0)).any():
            raise PatchError("a word stands behind filling: fill rows up at their end")


def word_tensors(dense: Dense) -> tuple[Tensor, Tensor]:
    """Words and lengths of a dense layout as the model takes them, a row for each text.

    ``dense`` is as wide as ``max_word_bytes`` and without overflow, as ``Dense.of(patches, width)``
    of a ``Patcher(rule, max_patch_length=width)`` is. Raises PatchError where something overflows.
    """
    if len(dense.overflow):
        raise PatchError(f"{len(dense.overflow)} bytes overflow: set max_patch_length")
    rows = dense.rows.tolist()
    spans = [slice(*span) for span in pairwise(rows)]
    words = [torch.from_numpy(dense.ids[span]).long() for span in spans]
    lengths = [torch.from_numpy(dense.lengths[span]) for span in spans]
    return pad_sequence(words, batch_first=True), pad_sequence(lengths, batch_first=True)


def _blocks(count: int, width: int, heads: int) -> nn.ModuleList:
    return nn.ModuleList(Block(width, heads) for _ in range(count))


def _inside(lengths: Tensor, width: int) -> Tensor:
    """bool[…, width]: whether a place is within a length."""
    return torch.arange(width, device=lengths.device) < lengths[..., None]

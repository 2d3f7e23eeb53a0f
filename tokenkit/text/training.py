"""Training byte-level BPE into a tokenizer.json."""

import json
from collections.abc import Iterable, Sequence

from tokenkit.text.formats.tiktoken import NAMED_PATTERNS, for_oniguruma


def train(
    texts: Iterable[str],
    *,
    vocab_size: int,
    pattern: str,
    min_frequency: int,
    special_tokens: Sequence[str],
    max_token_length: int | None,
) -> bytes:
    """The tokenizer.json of a byte-level BPE trained by the `tokenizers` library.

    See `tokenkit.Tokenizer.train`, which this serves.
    """
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, trainers

    least = 256 + len(special_tokens)
    if vocab_size < least:
        raise ValueError(
            f"vocab_size {vocab_size} is less than {least}: 256 bytes and the specials"
        )
    tokenizer = tokenizers.Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern == "gpt2")
    if pattern == "gpt2":
        tokenizer.pre_tokenizer = byte_level
    else:
        split = tokenizers.Regex(for_oniguruma(NAMED_PATTERNS.get(pattern, pattern)))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(split, "isolated"), byte_level]
        )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(special_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        max_token_length=max_token_length,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False).encode()

"""Text and tokenizers that many tests share; nothing here needs the data folder."""

from functools import cache
from pydoc_data import topics

from hypothesis import strategies as st

from tokenkit import Tokenizer


@cache
def documents() -> tuple[str, ...]:
    """Technical English, as every Python brings it."""
    return tuple(text for _, text in sorted(topics.topics.items()))


@cache
def trained(pattern: str = "gpt2", vocab_size: int = 2000) -> Tokenizer:
    """A small tokenizer with two special tokens, ids 0 and 1."""
    return Tokenizer.train(
        documents()[:30],
        vocab_size=vocab_size,
        pattern=pattern,
        special_tokens=["<|endoftext|>", "<|pad|>"],
    )


texts = st.one_of(
    st.text(),
    st.text(alphabet="ab cd\n\t.'s123é日 Ċ"),
    st.lists(
        st.sampled_from(
            [
                "the ",
                "<|endoftext|>",
                "<|pad|>",
                " x",
                "čau",
                "\u2581",
                "\x00",
                "\x18",
                "\xa0",
                "½",
                "ﬁ",
                "12345",
                "a" * 80,
            ]
        )
    ).map("".join),
)

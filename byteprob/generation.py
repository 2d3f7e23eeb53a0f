"""Healed prompts for `transformers`: the cover is drawn first, and `generate` goes on from it.

The cover is handed over as the prompt and not forced by a LogitsProcessor: what `generate` does
with logits, scores and beams is then only about tokens that follow, and every option of it means
what it says.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from byteprob.healing import Cover, heal
from byteprob.model import ByteModel
from tokenkit.errors import MissingExtraError

if TYPE_CHECKING:
    import torch


def prompt_tensors(
    model: ByteModel, covers: Sequence[Cover], *, pad: int = 0, device: str | None = None
) -> dict[str, "torch.Tensor"]:
    """What `generate` takes, for covers of prompts of a model, padded on the left.

    ``input_ids``, ``attention_mask``: int64[covers, ids of the longest], with the ids that the
    model wants at the start. ``pad``: the id to pad with; it is masked, so that any will do.

    Raises MissingExtraError without torch.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError("tensors need torch", "torch") from None
    rows = [(*model.reading.model.start, *cover.ids) for cover in covers]
    width = max(map(len, rows), default=0)
    ids = [[pad] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return {
        "input_ids": torch.tensor(ids, dtype=torch.long, device=device),
        "attention_mask": torch.tensor(mask, dtype=torch.long, device=device),
    }


def healed_generate(
    network: Any,
    model: ByteModel,
    prompts: Sequence[bytes],
    *,
    max_new_tokens: int = 64,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int | None = None,
) -> list[bytes]:
    """The bytes that follow each prompt, by one call of `generate` for all of them.

    ``network``: a causal model of transformers. ``model``: the `ByteModel` of the same network
    (`byteprob.models.hf.TransformersModel`), which draws the covers. ``max_new_tokens``: behind the
    cover, which may reach beyond the prompt itself; fewer where the text ends.

    Behind the cover all ids with bytes, and those that end the text, may follow: of the targets
    that is "marginal", and the others for a model without leak; `byteprob.decode` masks the rest.

    ``temperature`` is that of covers (`byteprob.heal`) and of tokens; at 0 the likeliest are taken.
    ``top_k`` (0: all) and ``top_p`` are those of tokens. ``seed`` fixes covers and tokens; torch's
    own random numbers are as before afterwards.

    For more options draw covers with `heal` and give `prompt_tensors` of them to ``generate``.
    Raises ImpossiblePrefixError for a prompt without probability.
    """
    import torch

    seeds = np.random.SeedSequence(seed).generate_state(len(prompts) + 1).tolist()
    covers = [
        heal(model, prompt, temperature=temperature, seed=each)
        for prompt, each in zip(prompts, seeds[1:], strict=True)
    ]
    vocabulary = model.reading.vocabulary
    ends = vocabulary.ends.tolist()
    known = {*ends, *vocabulary.ranges.order.tolist()}
    unknown = [id_ for id_ in range(len(network.get_input_embeddings().weight)) if id_ not in known]
    inputs = prompt_tensors(model, covers, pad=ends[0] if ends else 0, device=network.device)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p} if temperature else {}
    with torch.random.fork_rng():
        torch.manual_seed(seeds[0])
        found = network.generate(
            **inputs,
            do_sample=temperature > 0,
            max_new_tokens=max_new_tokens,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else None,
            suppress_tokens=unknown or None,
            **sampling,
        )
    new = found[:, inputs["input_ids"].shape[1] :].tolist()
    return [cover.surplus + _spelled(model, row) for cover, row in zip(covers, new, strict=True)]


def _spelled(model: ByteModel, ids: Sequence[int]) -> bytes:
    """The bytes of ids up to an end of text."""
    vocabulary = model.reading.vocabulary
    ends = set(vocabulary.ends.tolist())
    return b"".join(vocabulary.token(id_) for id_ in takewhile(lambda id_: id_ not in ends, ids))

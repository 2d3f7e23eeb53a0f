"""ByteSampler on a model folder: ``byteprob_bytesampler.py FOLDER TEXT exact|default``, the text in
hexadecimal. Exact: the canonical target, by its ``filter_tensors``.

Run by the Python of an environment that has it, and transformers 4.53, as it looks into caches as
they were then; see `benchmarks.byteprob.Peer`.
"""

import sys

import torch
from byte_sampling import ByteConditioning
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast


def main(place: str, raw: bytes, how: str) -> None:
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(place).float()
    made = ByteConditioning(model, PreTrainedTokenizerFast.from_pretrained(place))
    print("ready", flush=True)
    for _ in sys.stdin:
        sampler = made.get_bytewise_sampler()
        with torch.inference_mode():
            for byte in raw:
                sampler.add_context([bytes([byte])])
                sampler.get_dists(filter_tensors=how == "exact")
        print(len(raw), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], bytes.fromhex(sys.argv[2]), sys.argv[3])

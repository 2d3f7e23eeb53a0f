"""genlm-bytes on a model folder: ``byteprob_genlm.py FOLDER TEXT BEAM``, the text in hexadecimal.

Run by the Python of an environment that has it; see `benchmarks.byteprob.Peer`.
"""

import asyncio
import sys

import torch
from genlm.backend import load_model_by_name
from genlm.bytes import BeamParams, ByteBeamState


async def main(place: str, raw: bytes, beam: int) -> None:
    torch.set_num_threads(1)
    model = load_model_by_name(place, backend="hf", llm_opts={"timeout": 0.0})
    begun = await ByteBeamState.initial(model, BeamParams(K=beam))
    print("ready", flush=True)
    for _ in sys.stdin:
        model.clear_cache()  # of logits: a second pass would ask the model for nothing
        state = begun
        for byte in raw:
            state = await (state.prune() << byte)
            await state.logp_next()
        print(len(raw), flush=True)
    await begun.cleanup()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])))

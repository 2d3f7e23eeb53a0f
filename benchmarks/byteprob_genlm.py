"""genlm-bytes on a model folder: ``byteprob_genlm.py FOLDER BEAM``, the text on standard input.

Run by the Python of an environment that has it; prints one line of JSON.
"""

import asyncio
import json
import statistics
import sys
import time

from genlm.backend import load_model_by_name
from genlm.bytes import BeamParams, ByteBeamState


async def main(place: str, beam: int, raw: bytes) -> None:
    import torch

    torch.set_num_threads(1)
    start = time.perf_counter()
    model = load_model_by_name(place, backend="hf", llm_opts={"timeout": 0.0})
    calls, fed = [0], [0]

    def count(_module: object, args: tuple, named: dict) -> None:
        ids = named.get("input_ids", args[0] if args else None)
        calls[0], fed[0] = calls[0] + len(ids), fed[0] + ids.numel()

    model.model.register_forward_pre_hook(count, with_kwargs=True)
    state = await ByteBeamState.initial(model, BeamParams(K=beam))
    ready, spent = time.perf_counter() - start, []
    for byte in raw:
        begun = time.perf_counter()
        state = await (state.prune() << byte)
        await state.logp_next()
        spent.append(1e3 * (time.perf_counter() - begun))
    found = {
        "ms": statistics.median(spent),
        "mean ms": statistics.mean(spent),
        "evaluations a byte": calls[0] / len(raw),
        "tokens fed a byte": fed[0] / len(raw),
        "start-up ms": 1e3 * ready,
    }
    await state.cleanup()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read()))

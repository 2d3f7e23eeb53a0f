"""What genlm-bytes says: ``genlm_next_bytes.py FOLDER BEAM PRUNE``, prefixes in hex on lines.

Run by the Python of an environment that has it; prints a JSON list of rows of 257 logarithms.
"""

import asyncio
import json
import sys

from genlm.backend import load_model_by_name
from genlm.bytes import BeamParams, ByteBeamState


async def main(folder: str, beam: int, prune: float, prefixes: list[bytes]) -> None:
    model = load_model_by_name(folder, backend="hf", llm_opts={"timeout": 0.0})
    end = model.tokenizer.eos_token.encode()
    params = BeamParams(K=beam, prune_threshold=prune, heal=False, eos_byte_strings=[end])
    rows = []
    for prefix in prefixes:
        state = await ByteBeamState.initial(model, params)
        for byte in prefix:
            state = await (state.prune() << byte)
        found = (await state.logp_next()).ps
        rows.append([float(value) for value in [*found[:256], found[257]]])
        await state.cleanup()
    print(json.dumps(rows))


if __name__ == "__main__":
    lines = [bytes.fromhex(line.strip()) for line in sys.stdin]
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), lines))

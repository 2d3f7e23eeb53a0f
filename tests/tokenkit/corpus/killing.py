"""Run by test_prepare: kill a job at many moments, go on, and compare with one never killed.

Everything is loaded once; each run is a forked process, so that a kill falls into the work itself.
Arguments: a folder to work in, a seed, the number of runs to kill. Prints how many were killed.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from tokenkit import Tokenizer
from tokenkit.corpus import PrepareOptions, ReadOptions, prepare
from tokenkit.words import PatchedBytes, Patcher, Word

SETTINGS = {
    "plain": PrepareOptions(eos=0, shard_tokens=4000, read=ReadOptions(separator=b"\n\n")),
    "packed": PrepareOptions(eos=0, seed=3, pack=64, shard_tokens=9000),
    "megatron": PrepareOptions(format="megatron", bos=1, shard_tokens=2000),
    "patches": PrepareOptions(seed=4, eos=257, shard_tokens=20_000),
}
PATCHES = PatchedBytes(Patcher(Word(), max_patch_length=9))


def tree(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main(folder: Path, seed: int, kills: int) -> None:
    trained = Tokenizer.from_file(folder / "tok.json")
    inputs = [str(folder / "in")]
    dice, killed = random.Random(seed), 0
    for name, options in SETTINGS.items():
        tokenizer = PATCHES if name == "patches" else trained
        whole = folder / f"{name}-whole"
        prepare(inputs, tokenizer, folder / "warm", options, workers=2)
        shutil.rmtree(folder / "warm")
        start = time.perf_counter()
        prepare(inputs, tokenizer, whole, options, workers=2)
        seconds = time.perf_counter() - start
        for attempt in range(kills):
            out = folder / f"{name}-{attempt}"
            for _ in range(dice.randint(1, 4)):
                child = os.fork()
                if child == 0:
                    prepare(inputs, tokenizer, out, options, workers=2)
                    os._exit(0)
                time.sleep(seconds * dice.random())
                os.kill(child, signal.SIGKILL)
                killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            prepare(inputs, tokenizer, out, options, workers=2)
            if tree(out) != tree(whole):
                sys.exit(f"{out} differs from {whole}")
            shutil.rmtree(out)
    print(killed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""Run the tables: ``python -m benchmarks [TABLE ...]``; all of them without a name."""

import os
import subprocess
import sys

ONE = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
TWO = {"RAYON_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "true"}
TABLES = {
    "encode": ("encode", ONE),
    "encode-2": ("encode", TWO),
    "models": ("models", ONE),
    "models-2": ("models", TWO),
    "threads": ("threads", TWO),
    "decode": ("decode", ONE),
    "training": ("training", TWO),
    "prepare": ("prepare", TWO),
    "words": ("words", ONE),
    "compare": ("compare", ONE),
    "domain": ("domain", TWO),
    "stability": ("stability", ONE),
    "audit": ("audit", ONE),
    "numbers": ("numbers", ONE),
    "byteprob": ("byteprob", ONE),
    "byteprob-costs": ("byteprob_costs", ONE),
    "startup": ("startup", ONE),
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(TABLES)
    if unknown:
        print(f"no such table: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
        return 2
    worst = 0
    for name in names or TABLES:
        module, setting = TABLES[name]
        command = [sys.executable, "-m", f"benchmarks.{module}"]
        if setting is ONE and module != "startup":
            command = ["taskset", "-c", "0", *command]
        worst = max(
            worst, subprocess.run(command, check=False, env={**os.environ, **setting}).returncode
        )
    return worst


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

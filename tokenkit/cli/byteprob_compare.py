"""``tokenkit byteprob compare``."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokenkit.cli.byteprob_json import finite, of_dist
from tokenkit.cli.byteprob_models import (
    AsJson,
    Beam,
    Hex,
    Prompt,
    TargetName,
    Top,
    loaded,
    read_file,
    text_of,
)

if TYPE_CHECKING:
    from byteprob import ByteDist, ByteModel, ByteSource


def command(
    prompt: Prompt = None,
    file: Annotated[
        Path | None, typer.Option(help="Score the text of a file, and what follows it.")
    ] = None,
    hf: Annotated[
        list[Path] | None,
        typer.Option("--hf", metavar="DIR", help="A local model of transformers; repeatable."),
    ] = None,
    default: Annotated[
        bool, typer.Option(help="Have the n-gram model that comes with byteprob among them.")
    ] = True,
    target: TargetName = "canonical",
    beam: Beam = None,
    top: Top = 10,
    as_hex: Hex = False,
    as_json: AsJson = False,
) -> None:
    """Several models side by side, and as one: bits a byte, and the next byte.

    Mean, mixture and product have equal weights. Of ensembles there is no figure with leaks.
    """
    if prompt is not None and file is not None:
        raise typer.BadParameter("give a prompt or --file")
    folders: list[Path | None] = [*([None] if default else []), *(hf or [])]
    if not folders:
        raise typer.BadParameter("nothing to compare: give --hf, or leave --no-default out")
    text = read_file(file) if file else text_of(prompt, as_hex)
    members: dict[str, ByteModel] = {}
    for folder in folders:
        found = loaded(folder)
        name = found.name if found.name not in members else f"{found.name} {len(members) + 1}"
        members[name] = found.read(target, beam)
        if members[name].normal_form(text) != text:
            _tell(f"{name} would read another text: bytes are taken as they are")
    bits, dists = _measured(members, text)
    if as_json:
        print(json.dumps(_plain(bits, dists)))
        return
    from tokenkit.cli.byteprob_view import show_comparison

    show_comparison(bits, dists, _likeliest(list(dists.values()), top))


_Bits = dict[str, tuple[float | None, float]]


def _measured(members: "dict[str, ByteModel]", text: bytes) -> "tuple[_Bits, dict[str, ByteDist]]":
    """Bits a byte with leaks (None of ensembles) and without, and what comes next."""
    from byteprob import Mean, Mixture, Product, score

    voters = tuple(members.values())
    sources: dict[str, ByteSource] = {**members}
    if len(voters) > 1:
        sources |= {"mean": Mean(voters), "mixture": Mixture(voters), "product": Product(voters)}
    bits: _Bits = {}
    dists = {}
    for name, source in sources.items():
        found = score(source, text)
        chained = -found.chained / math.log(2) / found.size if found.size else math.nan
        bits[name] = (found.bits_per_byte if name in members else None, chained)
        if found.log_prob > -math.inf:
            dists[name] = source.at(text).next_byte()
    return bits, dists


def _plain(bits: _Bits, dists: "dict[str, ByteDist]") -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for name, (with_leaks, chained) in bits.items():
        found[name] = {"chained_bits_per_byte": finite(chained)}
        if with_leaks is not None:
            found[name]["bits_per_byte"] = finite(with_leaks)
        if name in dists:
            found[name] |= of_dist(dists[name])
    return found


def _likeliest(dists: "Sequence[ByteDist]", count: int) -> list[int]:
    """Symbols that are the likeliest to all together."""
    import numpy as np

    total = np.sum([dist.probs for dist in dists], axis=0)
    return np.argsort(-total, kind="stable")[:count].tolist() if dists else []


def _tell(message: str) -> None:
    print(f"tokenkit: {message}", file=sys.stderr)

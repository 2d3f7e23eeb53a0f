"""``tokenkit byteprob``: what a language model says of bytes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokenkit.cli import byteprob_compare
from tokenkit.cli.arguments import Separator, TextField
from tokenkit.cli.byteprob_json import of_bits, of_cover, of_dist, of_score, of_text
from tokenkit.cli.byteprob_models import (
    AsJson,
    Beam,
    Hex,
    Hf,
    Loaded,
    Prompt,
    Seed,
    TargetName,
    Temperature,
    Tolerance,
    Top,
    TopP,
    loaded,
    read_file,
    text_of,
)

if TYPE_CHECKING:
    from byteprob import ByteConstraint, ByteModel, Cover

app = typer.Typer(
    help="Exact probabilities of bytes, from a language model over tokens.", no_args_is_help=True
)


@app.command("next")
def next_(
    prompt: Prompt = None,
    hf: Hf = None,
    target: TargetName = "canonical",
    beam: Beam = None,
    tolerance: Tolerance = 0.0,
    top: Top = 10,
    as_hex: Hex = False,
    as_json: AsJson = False,
) -> None:
    """Which byte comes next, and the strings of tokens (covers) behind that."""
    from byteprob import cover_distribution

    text, source = text_of(prompt, as_hex), loaded(hf)
    model = source.read(target, beam, tolerance)
    exact, covers = model.next_byte(text), cover_distribution(model, text)
    naive = source.naive(tuple(source.tokenizer.encode(text).tolist()))
    if as_json:
        found = of_dist(exact) | {"naive": naive.probs.tolist()}
        print(json.dumps(found | {"covers": [of_cover(model, each) for each in covers[:top]]}))
        return
    from tokenkit.cli.byteprob_view import show_next

    show_next(model, exact, naive, covers, top)


@app.command()
def score(
    text: Annotated[str | None, typer.Argument(help="The text; standard input if none.")] = None,
    file: Annotated[
        str | None, typer.Option(help="Score a file; with --documents, directory or glob too.")
    ] = None,
    documents: Annotated[
        bool,
        typer.Option("--documents", help="Whole documents along their encodings, with ends."),
    ] = False,
    separator: Separator = None,
    text_field: TextField = "text",
    hf: Hf = None,
    target: TargetName = "canonical",
    beam: Beam = None,
    tolerance: Tolerance = 0.0,
    as_hex: Hex = False,
    as_json: AsJson = False,
) -> None:
    """How likely a text is: its log-probability as a prefix, and bits a byte.

    With --documents, what each document costs along its encoding, whatever the target, and beside
    it what is published under that name elsewhere.
    """
    if text is not None and file is not None:
        raise typer.BadParameter("give a text or --file")
    if documents:
        given = None if file else text_of(text, as_hex)
        _score_documents(loaded(hf), given, file, separator, text_field, as_json=as_json)
        return
    content = read_file(Path(file)) if file else text_of(text, as_hex)
    found = loaded(hf).read(target, beam, tolerance).score(content)
    if as_json:
        print(json.dumps(of_score(target, found)))
        return
    from tokenkit.cli.byteprob_view import show_score

    show_score(target, found)


def _score_documents(
    source: Loaded,
    text: bytes | None,
    path: str | None,
    separator: str | None,
    text_field: str,
    *,
    as_json: bool,
) -> None:
    from byteprob import bits_per_byte
    from tokenkit.cli.arguments import unescaped
    from tokenkit.cli.texts import Texts
    from tokenkit.corpus.records import ReadOptions

    left_out = 0
    if text is None:
        cut = None if separator is None else unescaped(separator)
        texts = Texts([path or ""], ReadOptions(cut, text_field))
        found = bits_per_byte(source.model, source.tokenizer, texts)
        left_out = texts.problems
    else:
        found = bits_per_byte(source.model, source.tokenizer, [text])
    if as_json:
        print(json.dumps(of_bits(found)))
    else:
        from tokenkit.cli.byteprob_view import show_bits

        show_bits(found)
    if left_out:
        raise typer.Exit(3)


@app.command()
def sample(
    prompt: Annotated[str, typer.Argument(help="What comes before; nothing unless given.")] = "",
    size: Annotated[int, typer.Option(min=1, help="Bytes, at most.")] = 100,
    count: Annotated[int, typer.Option(min=1, help="Samples, drawn together.")] = 1,
    temperature: Temperature = 1.0,
    top_p: TopP = 1.0,
    seed: Seed = None,
    matching: Annotated[
        str | None, typer.Option(metavar="REGEX", help="What it must match, from end to end.")
    ] = None,
    one_of: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="What it may be; repeatable.")
    ] = None,
    hf: Hf = None,
    target: TargetName = "canonical",
    beam: Beam = None,
    tolerance: Tolerance = 0.0,
    as_hex: Hex = False,
    as_json: AsJson = False,
) -> None:
    """Go on from a prompt byte by byte; temperature and nucleus are those of bytes."""
    text, model = text_of(prompt, as_hex), loaded(hf).read(target, beam, tolerance)
    constraint = _constraint(matching, one_of)
    first = _drawn_seed() if seed is None else seed
    found = model.samples(
        size,
        text,
        seeds=range(first, first + count),
        temperature=temperature,
        top_p=top_p,
        constraint=constraint,
    )
    if as_json:
        print(json.dumps({"seed": first, "samples": [of_text(each) for each in found]}))
        return
    from tokenkit.cli.byteprob_view import show_samples

    show_samples(text, found)


def _constraint(pattern: str | None, strings: list[str] | None) -> "ByteConstraint | None":
    from byteprob import matching, one_of

    if pattern is not None and strings:
        raise typer.BadParameter("give --matching or --one-of")
    if pattern is not None:
        return matching(pattern)
    return one_of([each.encode() for each in strings]) if strings else None


def _drawn_seed() -> int:
    from random import SystemRandom

    return SystemRandom().randrange(1 << 31)


@app.command()
def heal(
    prompt: Prompt = None,
    size: Annotated[int, typer.Option(min=1, help="Bytes to go on by, at most.")] = 60,
    temperature: Temperature = 1.0,
    top_p: TopP = 1.0,
    seed: Seed = None,
    hf: Hf = None,
    target: TargetName = "canonical",
    beam: Beam = None,
    top: Top = 10,
    as_hex: Hex = False,
    as_json: AsJson = False,
) -> None:
    """Draw the tokens that hold a prompt, and go on by ordinary tokens.

    Beside it, what others do: go on behind the encoded prompt (naive), or take its last token back
    (token healing). Temperature is that of covers and of tokens.
    """
    from byteprob import cover_distribution

    text, source = text_of(prompt, as_hex), loaded(hf)
    model = source.read(target, beam)
    first = _drawn_seed() if seed is None else seed
    chosen = _healed(source, model, text, temperature, first)
    drawn = {
        name: (cover, _decoded(how, cover, size, temperature, top_p, first))
        for name, (how, cover) in chosen.items()
    }
    covers = cover_distribution(model, text)
    if as_json:
        methods = {
            name: of_cover(model, cover) | {"continuation": of_text(rest)}
            for name, (cover, rest) in drawn.items()
        }
        likeliest = [of_cover(model, each) for each in covers[:top]]
        print(json.dumps({"seed": first, "covers": likeliest, "methods": methods}))
        return
    from rich.console import Console

    from tokenkit.cli.byteprob_view import pieces, show_continuations, show_covers

    show_covers(Console(highlight=False), model, covers, top)
    show_continuations({n: (pieces(model, cover), rest) for n, (cover, rest) in drawn.items()})


def _healed(
    source: Loaded, model: "ByteModel", text: bytes, temperature: float, seed: int
) -> "dict[str, tuple[ByteModel, Cover]]":
    """By method, the cover of the prompt and the model that goes on behind it."""
    from byteprob import Cover, heal, token_healing

    ids = tuple(source.tokenizer.encode(text).tolist())
    plain = source.read("marginal")  # what others go on with
    found = {"naive": (plain, Cover(ids, b"", 0.0))}
    if ids:
        taken_back = token_healing(plain, ids, temperature=temperature, seed=seed)
        found["token healing"] = (plain, taken_back)
    return found | {"exact": (model, heal(model, text, temperature=temperature, seed=seed))}


def _decoded(
    model: "ByteModel", cover: "Cover", size: int, temperature: float, top_p: float, seed: int
) -> bytes:
    """What follows the cover, so that ``size`` bytes follow the prompt."""
    from byteprob import decode

    left = size - len(cover.surplus)
    if left <= 0:
        return b""
    return decode(model, cover.ids, left, temperature=temperature, top_p=top_p, seed=seed)


app.command("compare")(byteprob_compare.command)

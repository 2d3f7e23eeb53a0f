"""``tokenkit prepare``."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokenkit.cli.arguments import (
    Kind,
    OptionalTokenizerFile,
    Pattern,
    Separator,
    Special,
    TextField,
    kind,
    load,
    one_of,
    unescaped,
    without_numbers,
)
from tokenkit.cli.patching import (
    MaxPatchLength,
    PatcherName,
    Rise,
    SnapUtf8,
    Threshold,
    patcher_of,
)
from tokenkit.cli.schemes import Group, LocaleName, ModeName, SchemeName, scheme_of

if TYPE_CHECKING:
    from tokenkit.cli.arguments import AnyTokenizer
    from tokenkit.corpus.encoding import Encoder
    from tokenkit.corpus.prepare import Progress
    from tokenkit.numbers import NumericTokenizer, Scheme

_USUAL_EOS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|end|>", "[SEP]")


def command(
    inputs: Annotated[
        list[str], typer.Argument(help="Files, directories, globs, or - for standard input.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Directory for the shards.")],
    tokenizer: OptionalTokenizerFile = None,
    patcher: PatcherName = None,
    max_patch_length: MaxPatchLength = None,
    snap_utf8: SnapUtf8 = False,
    threshold: Threshold = None,
    rise: Rise = None,
    numbers: SchemeName = None,
    number_mode: ModeName = None,
    number_group: Group = None,
    number_locale: LocaleName = None,
    format: Annotated[
        str, typer.Option(help="shards, megatron, nanogpt, parquet or arrow.")
    ] = "shards",
    separator: Separator = None,
    text_field: TextField = "text",
    bos: Annotated[str, typer.Option(help="Token before each document, its id, or none.")] = "none",
    eos: Annotated[
        str, typer.Option(help="Token after each document, its id, none, or auto: the usual one.")
    ] = "auto",
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Shuffle the order of inputs, and documents within each shard."),
    ] = None,
    pack: Annotated[
        int | None, typer.Option(min=1, help="Cut into sequences of that many tokens.")
    ] = None,
    shard_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens in a shard, about; memory is 8 bytes for each.")
    ] = 1 << 24,
    invalid_utf8: Annotated[
        str, typer.Option(help="quarantine, replace (by U+FFFD) or keep.")
    ] = "quarantine",
    max_document_bytes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Longer records are quarantined. [default: 200 MiB; 32 MiB where a tokenizer "
            "normalises, or with --pack, parquet or arrow; 8 MiB on other engines]",
        ),
    ] = None,
    input_format: Kind = None,
    workers: Annotated[int, typer.Option(min=0, help="Encoding threads; 0 for all cores.")] = 0,
    pattern: Pattern = None,
    special: Special = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON at the end.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Show what would be done.")] = False,
) -> None:
    """Encode a corpus into token shards with a manifest.

    With --patcher: into bytes (ids 0 to 255, <bos> 256, <eos> 257) and where patches begin.

    Interrupted at any moment and run again, it goes on where it was, with the same result.
    Records that are no documents go to quarantine.jsonl. Exit codes: 0 all is done; 1 an error;
    2 wrong usage; 3 done, but records are quarantined or inputs broken.
    """
    from tokenkit.corpus.options import PrepareOptions
    from tokenkit.corpus.prepare import inputs_of, prepare
    from tokenkit.corpus.records import ReadOptions
    from tokenkit.errors import CorpusError

    base = None if tokenizer is None else load(tokenizer, pattern, special)
    scheme = scheme_of(numbers, number_mode, number_group, number_locale)
    if scheme is not None:
        base = _with_numbers(base, scheme)
    if patcher is None:
        if base is None:
            raise typer.BadParameter("give --tokenizer, or --patcher")
        tok: Encoder = base
    else:
        from tokenkit.words import PatchedBytes

        if base is not None and patcher != "tokenizer":
            raise typer.BadParameter("--tokenizer goes with --patcher tokenizer only")
        limits = (max_patch_length, snap_utf8, threshold, rise)
        plain = None if base is None else without_numbers(base)
        tok = PatchedBytes(patcher_of(patcher, plain, *limits))
    end = _token(tok, eos, "--eos")
    options = PrepareOptions(
        format=one_of(format, ("shards", "megatron", "nanogpt", "parquet", "arrow"), "--format"),
        bos=_token(tok, bos, "--bos"),
        eos=end,
        seed=seed,
        pack=pack,
        fill=end or 0,
        shard_tokens=shard_tokens,
        read=ReadOptions(
            separator=None if separator is None else unescaped(separator),
            text_field=text_field,
            longest=max_document_bytes,
            invalid_utf8=one_of(invalid_utf8, ("quarantine", "replace", "keep"), "--invalid-utf8"),
            kind=kind(input_format),
        ),
    )
    try:
        options.check()
    except CorpusError as error:
        raise typer.BadParameter(str(error)) from None
    paths, sizes = inputs_of(inputs, out, options)
    total = sum(size or 0 for size in sizes)
    if dry_run:
        plan = {"inputs": paths, "bytes": total, "options": options.to_json(), "out": str(out)}
        about = {"tokenizer": tok.fingerprint, "engine": tok.engine, "state": _state(out)}
        print(json.dumps({**plan, **about}, indent=None if as_json else 1))
        return
    with _bar(total if None not in sizes else None) as progress:
        summary = prepare(inputs, tok, out, options, workers=workers or None, progress=progress)
    facts: dict[str, Any] = {**asdict(summary), "folder": str(summary.folder)}
    if as_json:
        print(json.dumps(facts))
    else:
        _tell(facts)
    if not summary.clean:
        raise typer.Exit(3)


def _with_numbers(base: "AnyTokenizer | None", scheme: "Scheme") -> "NumericTokenizer":
    from tokenkit.numbers import NumericTokenizer

    if base is None or isinstance(base, NumericTokenizer):
        raise typer.BadParameter("--numbers needs a --tokenizer that has no numbers of its own")
    return NumericTokenizer(base, scheme)


def _state(out: Path) -> str:
    """What is in the output directory."""
    from tokenkit.corpus.journal import NAME
    from tokenkit.corpus.shards import MANIFEST

    if (out / MANIFEST).exists():
        return "finished"
    return "begun" if (out / NAME).exists() else "new"


def _token(tok: "Encoder", given: str, option: str) -> int | None:
    if given == "none":
        return None
    if given == "auto":
        known = tok.special_tokens
        return next((known[name] for name in _USUAL_EOS if name in known), None)
    id_ = int(given) if given.isdigit() else tok.token_to_id(given)
    if id_ is None or id_ >= tok.vocab_size:
        raise typer.BadParameter(f"{given!r} is not a token of this tokenizer", param_hint=option)
    return id_


@contextmanager
def _bar(total: int | None) -> Iterator["Progress | None"]:
    """A progress bar with MB/s and the time left; nothing where nobody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("preparing"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total)
        yield lambda read, _text: bar.update(task, completed=read)


def _tell(facts: dict[str, Any]) -> None:
    from rich.console import Console

    state = "already done" if facts["already_done"] else "done"
    per_token = facts["text_bytes"] / max(facts["tokens"], 1)
    console = Console(highlight=False)
    console.print(
        f"{state}: {facts['documents']:,} documents, {facts['tokens']:,} tokens "
        f"({per_token:.2f} bytes a token) in {facts['shards']} shards under {facts['folder']}"
    )
    if facts["patches"]:
        per_patch = facts["tokens"] / facts["patches"]
        console.print(f"{facts['patches']:,} patches, {per_patch:.2f} ids each")
    if facts["quarantined"] or facts["broken_inputs"]:
        console.print(
            f"[yellow]{facts['quarantined']:,} records quarantined, {facts['broken_inputs']} "
            "inputs broken[/]: see quarantine.jsonl and manifest.json there",
            soft_wrap=True,
        )

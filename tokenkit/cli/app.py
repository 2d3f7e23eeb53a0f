"""All commands under one roof."""

import typer

from tokenkit.cli import (
    audit,
    bench,
    byteprob,
    compare,
    corpus,
    decode,
    encode,
    info,
    inspect,
    numbers,
    patch,
    prepare,
    train,
    train_entropy,
    verify,
    warmup,
)

app = typer.Typer(
    help="Exact, fast tokenization and corpus preprocessing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("prepare")(prepare.command)
app.command("train")(train.command)
app.command("train-entropy")(train_entropy.command)
app.command("encode")(encode.command)
app.command("decode")(decode.command)
app.command("inspect")(inspect.command)
app.command("numbers")(numbers.command)
app.command("patch")(patch.command)
app.command("info")(info.command)
app.command("audit")(audit.command)
app.command("compare")(compare.command)
app.command("verify")(verify.command)
app.command("warmup")(warmup.command)
app.command("bench")(bench.command)
app.add_typer(corpus.app, name="corpus")
app.add_typer(byteprob.app, name="byteprob")

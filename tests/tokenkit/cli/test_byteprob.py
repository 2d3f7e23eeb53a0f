"""``tokenkit byteprob`` prints what byteprob finds."""

import json
import math
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tokenizers
from typer.testing import CliRunner

from byteprob import (
    ByteModel,
    ByteprobError,
    FunctionModel,
    ImpossiblePrefixError,
    Mean,
    PatternError,
    Product,
    TransformersModel,
    UnsupportedTokenizerError,
    bits_per_byte,
    cover_distribution,
    decode,
    default_model,
    heal,
    score,
)
from tests.byteprob.tokenizers import pieces
from tests.samples import trained
from tokenkit.cli.app import app
from tokenkit.cli.byteprob_models import Loaded
from tokenkit.errors import InputError, MissingExtraError

PROMPT = "The followi"


def run(*command, stdin=None):
    found = CliRunner().invoke(app, ["byteprob", *map(str, command)], input=stdin)
    assert found.exit_code == 0, f"{found.output} {found.exception!r}"
    return found.stdout


def parsed(*command, stdin=None):
    return json.loads(run(*command, "--json", stdin=stdin))


def model_of(target="canonical", **options):
    return ByteModel(*default_model(), target, **options)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A folder of a tiny random Llama."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tok = trained(vocab_size=600)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=tok.vocab_size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tok.save(folder / "tokenizer.json")
    return folder


# --- next


@pytest.mark.parametrize(
    "options", [{"target": "marginal"}, {"target": "marginal", "beam": 2}, {"tolerance": 0.01}]
)
def test_next(options):
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    found, model = parsed("next", PROMPT, *given, "--top", 3), model_of(**options)
    dist = model.next_byte(PROMPT.encode())
    assert found["probabilities"] == dist.probs.tolist()
    assert (found["target"], found["leak"], found["error"]) == (dist.target, dist.leak, dist.error)
    covers = cover_distribution(model, PROMPT.encode(), 3)
    assert [tuple(each["ids"]) for each in found["covers"]] == [each.ids for each in covers]
    assert [each["probability"] for each in found["covers"]] == [
        math.exp(each.log_prob) for each in covers
    ]


def test_next_has_what_ordinary_tokens_would_do():
    model, tok = default_model()
    ids = tok.encode(PROMPT).tolist()
    logits = model.logits([(*model.start, *ids)], [None]).logits[0].astype(float)
    weights = [math.exp(each) for each in logits.tolist()]
    total = sum(weights)
    first = [0.0] * 257
    for id_, weight in enumerate(weights):
        end = id_ in tok.special_tokens.values()
        first[256 if end else tok.id_to_bytes(id_)[0]] += weight / total
    assert parsed("next", PROMPT)["naive"] == pytest.approx(first, abs=1e-9)


def test_naive_puts_no_second_blank_in_front():
    tok = pieces.trained("llama")  # puts a blank before every text
    logits = np.random.default_rng(0).normal(size=(1, tok.vocab_size))
    network = FunctionModel(lambda contexts: np.repeat(logits, len(contexts), 0), start=(0,))
    ids = tuple(tok.encode("ab").tolist())
    vocabulary = ByteModel(network, tok).reading.vocabulary
    weights = np.exp(logits[0])
    first = np.zeros(257)
    for id_ in vocabulary.ranges.order.tolist():
        first[vocabulary.token(id_)[0]] += weights[id_]
    first[256] = weights[vocabulary.ends].sum()
    found = Loaded("any", network, tok).naive(ids)
    assert found.probs == pytest.approx(first / first.sum())


def test_next_shows_bars_and_the_tree():
    shown = run("next", PROMPT, "--top", 4)
    assert "canonical, exact, leak 0.0000" in shown
    bar = next(line for line in shown.splitlines() if line.startswith(" n "))
    assert bar.count("█") == 36
    assert "0.9999" in bar or "1.0000" in bar
    assert "The\n├── 1.0000 | followi·ng\n└── 0.0000 | follow\n" in shown
    assert "more" in shown.splitlines()[-1]


def test_of_long_prompts_the_end_is_shown():
    shown = run("next", "One word. " * 400 + PROMPT, "--top", 2)
    (branch,) = (line for line in shown.splitlines() if "…" in line)
    assert branch.endswith(" O|ne| word|.| The")
    assert branch.count("|") == 12


def test_nothing_has_no_bits():
    assert "–" in run("score", "")
    assert "–" in run("score", "--documents", "")
    assert "–" in run("compare", "")


def test_odd_bytes_are_shown():
    shown = run("next", "--hex", "e697", "--top", 256)
    assert "\\xa5" in shown
    assert "END" in run("next", "Done.\n", "--top", 257)
    assert "within 0." in run("next", PROMPT, "--tolerance", "0.1")


def test_prompts_arrive_by_standard_input_and_in_digits():
    expected = parsed("next", PROMPT)
    assert parsed("next", stdin=PROMPT) == expected
    assert parsed("next", "--hex", PROMPT.encode().hex()) == expected
    assert parsed("next", "--hex", stdin=PROMPT.encode().hex(" ")) == expected


# --- score


def test_score(tmp_path):
    text = "The function returns"
    (tmp_path / "text").write_text(text)
    found, expected = parsed("score", text), model_of().score(text.encode())
    assert found["log_prob"] == expected.log_prob
    assert found["chained"] == expected.chained
    assert found["bits_per_byte"] == expected.bits_per_byte
    assert parsed("score", "--file", tmp_path / "text") == found
    shown = run("score", text)
    assert f"{expected.log_prob:.4f}" in shown
    assert f"{-expected.chained / math.log(2) / len(text):.4f}" in shown
    assert "chained" not in run("score", text, "--target", "marginal")
    assert "at most" in run("score", PROMPT, "--tolerance", "0.1")


def test_what_cannot_be_is_null():
    assert parsed("score", "--hex", "ff")["log_prob"] is None


def test_score_documents(tmp_path):
    texts = ["One document.\n", "Another document of the two.\n"]
    lines = [json.dumps({"body": {"text": text}}) for text in texts]
    (tmp_path / "texts.jsonl").write_text("\n".join([*lines, "{broken"]))
    (tmp_path / "texts.txt").write_text("%".join(texts))
    expected = bits_per_byte(*default_model(), texts)
    found = parsed("score", "--documents", "--file", tmp_path / "texts.txt", "--separator", "%")
    assert found["documents"] == 2
    assert found["bits_per_byte"] == expected.per_byte
    assert found["without_ends"] == expected.open
    assert found["without_ends_and_first_tokens"] == expected.shifted
    assert found["bits_per_token"] == expected.per_token
    options = ["--text-field", "body.text", "--json"]
    command = ["byteprob", "score", "--documents", "--file", str(tmp_path / "texts.jsonl")]
    told = CliRunner().invoke(app, [*command, *options])
    assert told.exit_code == 3  # a record is broken
    assert json.loads(told.stdout) == found
    shown = run("score", "--documents", texts[0])
    assert f"{bits_per_byte(*default_model(), texts[:1]).per_byte:.4f}" in shown
    assert f"1 documents, {len(texts[0])} bytes" in shown


# --- sample


def test_sample():
    found = parsed("sample", "def ", "--size", 12, "--count", 2, "--seed", 5, "--top-p", 0.9)
    expected = model_of().samples(12, b"def ", seeds=[5, 6], top_p=0.9)
    assert found == {"seed": 5, "samples": [each.decode() for each in expected]}
    shown = run("sample", "def ", "--size", 12, "--count", 2, "--seed", 5, "--top-p", 0.9)
    assert shown == "\n---\n".join(f"def {each.decode()}" for each in expected) + "\n"


def test_samples_differ_unless_a_seed_is_given():
    assert parsed("sample", "--size", 40) != parsed("sample", "--size", 40)


def test_sample_within_a_constraint():
    found = parsed("sample", "On ", "--matching", r"\d{4}-\d\d", "--count", 3)
    assert all(len(each) == 7 and each[4] == "-" for each in found["samples"])
    found = parsed("sample", "It is ", "--one-of", "true", "--one-of", "false", "--count", 3)
    assert set(found["samples"]) <= {"true", "false"}


# --- heal


def test_heal():
    found = parsed("heal", PROMPT, "--seed", 1, "--size", 30, "--top", 2)
    model, prompt = model_of(), PROMPT.encode()
    cover = heal(model, prompt, seed=1)
    rest = decode(model, cover.ids, 30 - len(cover.surplus), seed=1)
    exact = found["methods"]["exact"]
    assert tuple(exact["ids"]) == cover.ids
    assert exact["surplus"].encode() == cover.surplus == b"ng"
    assert exact["continuation"].encode() == rest
    assert found["methods"]["naive"]["ids"] == default_model()[1].encode(PROMPT).tolist()
    healed = found["methods"]["token healing"]
    assert healed["tokens"][:2] == ["The", " follow"]
    assert healed["surplus"] == "".join(healed["tokens"]).removeprefix(PROMPT)
    assert len(found["covers"]) == 2
    shown = run("heal", PROMPT, "--seed", 1, "--size", 30)
    assert "The| followi·ng" in shown.splitlines()[-1]
    assert [line.split("  ")[0] for line in shown.splitlines()[-3:]] == [
        "naive",
        "token healing",
        "exact",
    ]


def test_healing_nothing():
    assert set(parsed("heal", "", "--size", 5)["methods"]) == {"naive", "exact"}


# --- models of transformers, and several


def test_a_local_model(llama):
    model, tok = TransformersModel.from_directory(llama)
    dist = ByteModel(model, tok, "canonical").next_byte(b"The f")
    found = parsed("next", "The f", "--hf", llama)
    assert found["probabilities"] == pytest.approx(dist.probs.tolist(), abs=1e-6)


def test_compare(llama):
    text = "The f"
    found = parsed("compare", text, "--hf", llama)
    members = (model_of(), ByteModel(*TransformersModel.from_directory(llama), "canonical"))
    assert list(found) == ["n-gram", "tiny", "mean", "mixture", "product"]
    assert found["n-gram"]["bits_per_byte"] == members[0].score(text.encode()).bits_per_byte
    for name, kind in (("mean", Mean), ("product", Product)):
        bits = score(kind(members), text.encode()).bits_per_byte
        assert found[name]["chained_bits_per_byte"] == pytest.approx(bits, abs=1e-6)
        dist = kind(members).at(text.encode()).next_byte()
        assert found[name]["probabilities"] == pytest.approx(dist.probs.tolist(), abs=1e-6)
    assert "bits_per_byte" not in found["mean"]
    only = parsed("compare", text, "--hf", llama, "--no-default")
    assert list(only) == ["tiny"]
    both = parsed("compare", text, "--hf", llama, "--hf", llama, "--no-default")
    assert list(both) == ["tiny", "tiny 2", "mean", "mixture", "product"]


def test_compare_shows(tmp_path):
    (tmp_path / "text").write_text(PROMPT)
    shown = run("compare", "--file", tmp_path / "text", "--top", 3)
    assert f"{model_of().score(PROMPT.encode()).bits_per_byte:.4f}" in shown
    assert "n-gram" in shown
    assert "mean" not in shown  # of one


# --- what is refused


@pytest.mark.parametrize(
    "command",
    [
        ["next", "x", "--target", "other"],
        ["next", "x", "--beam", "2"],
        ["next", "x", "--tolerance", "1"],
        ["next", "--hex", "xx"],
        ["score", "x", "--file", "y"],
        ["sample", "--top-p", "0"],
        ["heal", "x", "--top-p", "0"],
        ["sample", "--matching", "a", "--one-of", "b"],
        ["compare", "x", "--no-default"],
        ["compare", "x", "--file", "y"],
    ],
)
def test_wrong_usage(command):
    assert CliRunner().invoke(app, ["byteprob", *command]).exit_code == 2


@pytest.mark.parametrize(
    ("command", "error", "message"),
    [
        (["next", "x", "--hf", "nowhere"], ByteprobError, "no model folder"),
        (["next", "--hex", "ff"], ImpossiblePrefixError, "no probability"),
        (["score", "--file", "nowhere"], InputError, "nowhere: No such file"),
        (["sample", "--matching", "(?=a)"], PatternError, ""),
    ],
)
def test_errors(command, error, message):
    found = CliRunner().invoke(app, ["byteprob", *command])
    assert isinstance(found.exception, error)
    assert message in str(found.exception)


def test_folders_that_are_no_models(tmp_path):
    trained(vocab_size=600).save(tmp_path / "tokenizer.json")
    pytest.importorskip("transformers")
    for config in ("{}", '{"model_type": "llama"}'):
        (tmp_path / "config.json").write_text(config)
        found = CliRunner().invoke(app, ["byteprob", "next", "x", "--hf", str(tmp_path)])
        assert isinstance(found.exception, ByteprobError)
        assert str(tmp_path) in str(found.exception)


def test_tokenizers_that_lose_text_are_refused(llama, tmp_path):
    shutil.copytree(llama, tmp_path / "bert")
    words = tokenizers.Tokenizer(tokenizers.models.WordPiece({"[UNK]": 0, "a": 1}))
    words.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    words.save(str(tmp_path / "bert" / "tokenizer.json"))
    found = CliRunner().invoke(app, ["byteprob", "next", "a", "--hf", str(tmp_path / "bert")])
    assert isinstance(found.exception, UnsupportedTokenizerError)
    assert "WordPiece drops the blanks" in str(found.exception)


def test_what_is_missing_is_named(llama, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    found = CliRunner().invoke(app, ["byteprob", "next", "x", "--hf", str(llama)])
    assert isinstance(found.exception, MissingExtraError)


def test_help_loads_nothing():
    code = (
        "import sys\nfrom tokenkit.cli.app import app\n"
        "try: app(['byteprob', '--help'])\nexcept SystemExit: pass\n"
        "print(*sorted({'byteprob', 'torch', 'transformers', 'numba', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""

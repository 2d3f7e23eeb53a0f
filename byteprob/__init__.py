"""Exact byte-level probabilities over any token-level language model.

from byteprob import ByteModel, FunctionModel
model = ByteModel(FunctionModel(logits), tokenizer, target="canonical")
model.next_byte(b"The ").top(5)
"""

from byteprob.constraints import Automaton, choose, matching, one_of
from byteprob.default import default_model
from byteprob.dist import END, ByteDist, Target
from byteprob.documents import Bits, ScoresDocuments, bits_per_byte
from byteprob.ensemble_weights import fitted_mean, fitted_mixture, fitted_product
from byteprob.ensembles import Mean, Mixture, Product, proxy_tuned
from byteprob.errors import (
    ByteprobError,
    ImpossiblePrefixError,
    PatternError,
    UnsupportedTokenizerError,
)
from byteprob.generation import healed_generate, prompt_tensors
from byteprob.healing import Cover, cover_distribution, decode, heal, token_healing
from byteprob.infill import Sentinels, infill, middle_log_prob
from byteprob.model import ByteModel, Cursor
from byteprob.models.hf import TransformersModel
from byteprob.models.look_ahead import LookAhead
from byteprob.models.ngram import NgramModel
from byteprob.models.vllm import VllmModel
from byteprob.sources import ByteConstraint, ByteCursor, ByteSource, Score, sample, score
from byteprob.token_models import Context, Counted, Evaluated, FunctionModel, TokenModel

__all__ = [
    "END",
    "Automaton",
    "Bits",
    "ByteConstraint",
    "ByteCursor",
    "ByteDist",
    "ByteModel",
    "ByteSource",
    "ByteprobError",
    "Context",
    "Counted",
    "Cover",
    "Cursor",
    "Evaluated",
    "FunctionModel",
    "ImpossiblePrefixError",
    "LookAhead",
    "Mean",
    "Mixture",
    "NgramModel",
    "PatternError",
    "Product",
    "Score",
    "ScoresDocuments",
    "Sentinels",
    "Target",
    "TokenModel",
    "TransformersModel",
    "UnsupportedTokenizerError",
    "VllmModel",
    "bits_per_byte",
    "choose",
    "cover_distribution",
    "decode",
    "default_model",
    "fitted_mean",
    "fitted_mixture",
    "fitted_product",
    "heal",
    "healed_generate",
    "infill",
    "matching",
    "middle_log_prob",
    "one_of",
    "prompt_tensors",
    "proxy_tuned",
    "sample",
    "score",
    "token_healing",
]

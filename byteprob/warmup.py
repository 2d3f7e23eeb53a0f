"""Running every kernel of byteprob once, so that it is compiled and on disk."""

import numpy as np

from byteprob.models.ngram import NgramModel
from byteprob.tokenizers.bpe import BpeViability, Tail
from byteprob.tokenizers.sights import Sight
from byteprob.tokenizers.unigram import UnigramViability
from byteprob.vocabulary import ByteVocabulary
from encoders.bpe import tables_from_merges
from encoders.bpe.junctions import Junctions
from encoders.byte_ranges import ByteRanges
from encoders.scan import WholeScanner
from encoders.unigram import unigram_tables


def compile_kernels() -> None:
    """Compile all kernels under `byteprob`; nothing to do where they are cached."""
    ranges = ByteRanges.of({0: b"a", 1: b"ab"})
    ends = np.empty(0, np.uint32)
    for logits in (np.zeros(2, np.float32), np.zeros(2)):
        weights, _, _ = ranges.weights(logits, ends)
    ranges.next_byte_bounds(ranges.whole, 0)
    ranges.add_next_bytes(ranges.starting_with(b"a"), 1, weights, np.zeros(256))
    ranges.pushed(ranges.whole, 0, 97, weights)
    merges = np.array([[97, 98, 256]], np.uint32)
    tables = tables_from_merges([b"a"] * 256 + [b"ab"], merges, np.arange(256, dtype=np.uint32))
    Junctions(tables).after(97)
    BpeViability(tables, WholeScanner(), Sight(), ranges).following(Tail())
    model = NgramModel.train([[0, 1]], vocab_size=3, start=2, end=2)
    model.logits([(2,)], [None])
    model.document_log_probs([(2, 0)], ByteVocabulary.of({0: b"a", 1: b"b"}, [2]))
    for single in (True, False):
        pieces = unigram_tables([b"a", b"ab", b""], [-1.0, -2.0, 0.0], 2, least=-2.0, single=single)
        viability = UnigramViability(pieces, ranges, cut_at_blanks=False)
        viability.following(viability.after(viability.start, 0))

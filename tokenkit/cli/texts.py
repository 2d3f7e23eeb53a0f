"""The texts of inputs as commands read them that train or compare."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenkit.corpus.records import ReadOptions

_MOST_TOLD = 20


class Texts:
    """All documents of files, directories, globs or "-", as UTF-8, read anew by each ``iter``.

    What is no document is left out and told on standard error; `problems` counts it. Raises
    CorpusError where an input names no file.
    """

    def __init__(self, inputs: Sequence[str], options: "ReadOptions") -> None:
        from tokenkit.corpus.inputs import expand

        self._paths, self._options = expand(inputs), options
        self.problems = 0

    def __iter__(self) -> Iterator[bytes]:
        from tokenkit.corpus.documents import read_documents
        from tokenkit.corpus.inputs import InputStream
        from tokenkit.errors import InputError

        for path in self._paths:
            try:
                stream = InputStream(path)
                for documents in read_documents(stream, self._options):
                    for record in documents.rejected:
                        self._tell(f"{record.file}, record {record.record}: {record.reason}")
                    yield from documents
                if stream.broken:
                    self._tell(f"{path} {stream.broken}")
            except InputError as error:
                self._tell(str(error))

    def _tell(self, problem: str) -> None:
        self.problems += 1
        if self.problems <= _MOST_TOLD:
            print(f"tokenkit: left out: {problem}", file=sys.stderr)

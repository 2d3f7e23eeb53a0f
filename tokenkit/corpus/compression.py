"""gzip and zstd, read so that nothing before a break is lost and the break has an address."""

import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

Read = Callable[[], bytes]
"""The next block of compressed bytes; empty at the end."""

_OUTPUT = 1 << 22
_BLOCK_LIMIT = 1 << 17


@dataclass(frozen=True)
class Broken:
    """Where (in the file as it lies on disk) and why a stream could not be read on."""

    offset: int
    reason: str

    def __str__(self) -> str:
        return f"at byte {self.offset}: {self.reason}"


def gunzip(block: bytes, read: Read) -> Generator[bytes, None, Broken | None]:
    """All members of a gzip stream that begins with ``block``; returns where it broke, if it did.

    Zero padding behind a member is skipped, as gzip does; other trailing bytes are a break.
    """
    member = zlib.decompressobj(wbits=31)
    offset = 0  # in the file, of block[0]
    while block:
        before = member.copy()
        try:
            out = member.decompress(block, _OUTPUT)
        except zlib.error as error:
            at = yield from _up_to_the_break(before, block)
            return Broken(offset + at, f"broken gzip: {_reason(error)}")
        if out:
            yield out
        if not member.eof:
            offset += len(block) - len(member.unconsumed_tail)
            block = member.unconsumed_tail or read()
            continue
        rest = member.unused_data
        offset += len(block) - len(rest)
        block = rest.lstrip(b"\0")
        offset += len(rest) - len(block)
        while not block and (more := read()):
            block = more.lstrip(b"\0")
            offset += len(more) - len(block)
        if block:
            member = zlib.decompressobj(wbits=31)
    while not member.eof:  # what zlib still holds back for want of room
        out = member.decompress(member.unconsumed_tail, _OUTPUT)
        if not out:
            return Broken(offset, "gzip ends early")
        yield out
    return None


def _up_to_the_break(member: Any, block: bytes) -> Generator[bytes, None, int]:
    """What ``block`` gives before it breaks; returns the index of the byte that breaks it.

    zlib drops the output of a call that fails, so ever shorter pieces are tried on copies.
    """
    at, step = 0, 1 << 16
    while step:
        piece = block[at : at + step]
        before = member.copy()
        try:
            out = member.decompress(piece)
        except zlib.error:
            member = before
            step //= 16
            continue
        if out:
            yield out
        at += len(piece)
        if not piece:
            break
    return at


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2]


def unzstd(block: bytes, read: Read) -> Generator[bytes, None, Broken | None]:
    """As `gunzip`, for the frames of a zstd stream (RFC 8878).

    The library drops the output of a call that fails, so it is handed block by block.
    """
    import zstandard

    source = _Source(block, read)
    frames = zstandard.ZstdDecompressor()
    while source.has(1):
        start = source.offset
        try:
            magic = int.from_bytes(source.take(4), "little")
            if magic & 0xFFFFFFF0 == 0x184D2A50:
                source.skip(int.from_bytes(source.take(4), "little"))
                continue
            if magic != 0xFD2FB528:
                return Broken(start, "broken zstd: no frame begins here")
            frame = frames.decompressobj()
            header = source.frame_header()
            yield frame.decompress(magic.to_bytes(4, "little") + header)
            last = False
            while not last:
                start = source.offset
                head = source.take(3)
                bits = int.from_bytes(head, "little")
                last = bool(bits & 1)
                kind, size = bits >> 1 & 3, bits >> 3
                if size > _BLOCK_LIMIT or kind == 3:
                    return Broken(start, "broken zstd: no block begins here")
                yield frame.decompress(head + source.take(1 if kind == 1 else size))
            if header[0] & 4:
                start = source.offset
                yield frame.decompress(source.take(4))
        except zstandard.ZstdError as error:
            return Broken(start, f"broken zstd: {_reason(error)}")
        except EOFError:
            return Broken(source.offset, "zstd ends early")
    return None


class _Source:
    """Bytes by number instead of by block."""

    def __init__(self, block: bytes, read: Read) -> None:
        self.offset = 0
        self._held = block
        self._at = 0
        self._read = read

    def has(self, size: int) -> bool:
        while len(self._held) - self._at < size:
            block = self._read()
            if not block:
                return False
            self._held = self._held[self._at :] + block
            self._at = 0
        return True

    def take(self, size: int) -> bytes:
        if not self.has(size):
            self.offset += len(self._held) - self._at
            self._at = len(self._held)
            raise EOFError
        taken = self._held[self._at : self._at + size]
        self._at += size
        self.offset += size
        return taken

    def skip(self, size: int) -> None:
        while size:
            part = min(size, 1 << 16)
            self.take(part)
            size -= part

    def frame_header(self) -> bytes:
        """Descriptor, window, dictionary id and content size (RFC 8878, 3.1.1.1)."""
        descriptor = self.take(1)
        bits = descriptor[0]
        single = bits >> 5 & 1
        dictionary = (0, 1, 2, 4)[bits & 3]
        content = (single, 2, 4, 8)[bits >> 6]
        return descriptor + self.take(1 - single + dictionary + content)

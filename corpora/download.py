"""Resumable HTTP downloads with the standard library.

A part file is continued with ``Range`` and ``If-Range`` (RFC 9110, 13.1.5 and 14.2) when the
server gave a strong validator; in every other case it is begun again. A finished file appears by
atomic rename.
"""

import errno
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from corpora.documents import Progress
from tokenkit.errors import DownloadError

_BLOCK = 1 << 18
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_PAUSE = 120.0
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True)
class Patience:
    """How to treat a server: ``retries`` in a row without a new byte, first pause and time limit
    in seconds. Pauses double; the server's ``Retry-After`` is kept to."""

    retries: int = 6
    pause: float = 1.0
    timeout: float = 60.0
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class _Validator:
    """What tells that the rest of a file belongs to the part that is here."""

    url: str
    value: str
    total: int | None


class _DroppedError(Exception):
    """The connection ended before the file did."""


class _BusyError(Exception):
    """The server asks to come back later."""

    def __init__(self, reason: str, after: float) -> None:
        super().__init__(reason)
        self.after = after


def download(
    url: str,
    path: Path,
    headers: Mapping[str, str],
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> None:
    """Fetch ``url`` to ``path``, going on from what an earlier call left in ``<path>.part``.

    Raises DownloadError, naming the URL, where the server refuses or patience runs out; the part
    is kept for the next call.
    """
    patience = patience or Patience()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    failures, pause = 0, patience.pause
    while True:
        before = _size(part)
        try:
            _attempt(url, part, headers, patience.timeout, progress)
            break
        except HTTPError as error:
            raise DownloadError(f"{url}: the server answers {error.code} {error.reason}") from None
        except (_DroppedError, _BusyError, URLError, HTTPException, OSError) as error:
            if isinstance(error, OSError) and (error.filename or error.errno in _OF_THE_DISK):
                raise
            if _size(part) > before:
                failures, pause = 0, patience.pause
            failures += 1
            if failures > patience.retries:
                raise DownloadError(
                    f"{url}: given up after {failures} attempts without progress ({error}); "
                    f"{_size(part)} bytes are kept in {part}, run again to go on"
                ) from None
            patience.sleep(min(_LONGEST_PAUSE, max(pause, getattr(error, "after", 0.0))))
            pause *= 2
    os.replace(part, path)
    _note(part).unlink(missing_ok=True)


def _attempt(
    url: str, part: Path, headers: Mapping[str, str], timeout: float, progress: Progress | None
) -> None:
    known = _read_validator(part, url)
    have = _size(part) if known else 0
    if known and known.total == have:
        return
    asked = {"Accept-Encoding": "identity", **headers}
    if known and have:
        asked |= {"Range": f"bytes={have}-", "If-Range": known.value}
    try:
        response = urlopen(Request(url, headers=asked), timeout=timeout)
    except HTTPError as error:
        with error:
            if error.code == 416:  # the part is longer than the file is now
                part.unlink(missing_ok=True)
                raise _DroppedError("the range is gone") from None
            if error.code in _PASSING:
                raise _BusyError(f"{error.code} {error.reason}", _retry_after(error)) from None
        raise
    with response:
        start, total = _place(response, have)
        validator = _validator(response)
        if validator:
            _write_validator(part, _Validator(url, validator, total))
        else:
            _note(part).unlink(missing_ok=True)
        _receive(response, part, start, total, url, progress)


def _place(response: HTTPResponse, have: int) -> tuple[int, int | None]:
    """Where the body belongs in the file, and the size of the file, if told."""
    if response.status == 206:
        found = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if not found or found[1] is None or int(found[1]) != have:
            raise HTTPException("the server sent another range than asked for")
        return have, None if found[2] == "*" else int(found[2])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None


def _receive(
    response: HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    url: str,
    progress: Progress | None,
) -> None:
    done = start
    with open(part, "ab") as file:
        file.truncate(start)
        while block := response.read(_BLOCK):
            file.write(block)
            done += len(block)
            if progress:
                progress(url, done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise _DroppedError(f"the connection ended at byte {done} of {total}")


def _validator(response: HTTPResponse) -> str | None:
    """A strong validator: an entity tag that is not weak, or else a date of change."""
    tag: str | None = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return tag
    date: str | None = response.headers.get("Last-Modified")
    return date


def _retry_after(error: HTTPError) -> float:
    value = error.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_validator(part: Path, url: str) -> _Validator | None:
    try:
        found = _Validator(**json.loads(_note(part).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.url == url else None


def _write_validator(part: Path, validator: _Validator) -> None:
    _note(part).write_text(json.dumps(asdict(validator)))

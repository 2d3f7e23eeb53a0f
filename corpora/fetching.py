"""`fetch`: download the files of a recipe, check them, and extract their documents."""

import re
from collections.abc import Iterator
from hashlib import sha1
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote, urlsplit

from corpora.documents import Document, Progress, sha256_of, write_jsonl
from corpora.download import Patience, download
from corpora.manifest import Download, Entry, Manifest, entry_of
from corpora.recipes import RECIPES, Recipe
from tokenkit.errors import DownloadError

AGENT = "tokenkit/0.1 (corpus fetch; standard library urllib)"


def fetch(
    recipe: str | Recipe,
    folder: str | Path,
    *,
    base_url: str | None = None,
    contact: str | None = None,
    max_bytes: int | None = None,
    accept_changed: bool = False,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Entry:
    """Get a public corpus: files into ``folder/.raw/<name>/``, documents into ``<name>.jsonl``.

    Stopped at any moment and called again, it goes on where it was; files that are here and match
    their checksum are not fetched again. ``base_url`` stands in for scheme and host of all URLs
    (a mirror); ``contact``: your name and e-mail address for User-Agent, which EDGAR requires;
    ``max_bytes``: stop extraction after so much text; ``accept_changed``: take a file that differs
    from the one recorded at the first fetch.

    Raises DownloadError for an unknown name, a missing contact, a server that refuses, a file
    with another checksum than the publisher's or the recorded one, or one that cannot be read.
    """
    recipe = recipe if isinstance(recipe, Recipe) else _find(recipe)
    if recipe.needs_contact and not contact:
        raise DownloadError(
            f"{recipe.name}: the publisher wants to know who asks; "
            "pass contact='Your Name you@example.org'"
        )
    manifest = Manifest.read(folder).here()
    agent = f"{AGENT} {contact}" if contact else AGENT
    courier = _Courier(
        {"User-Agent": agent, **dict(recipe.headers)},
        base_url,
        patience or Patience(),
        recipe.pause,
        progress,
    )
    raw = manifest.folder / ".raw" / recipe.name
    recorded = _recorded(manifest, recipe.name, accept_changed)
    published = _published(courier, recipe, raw) if recipe.checksums else {}
    files = []
    for url, pinned in zip_longest(recipe.urls, recipe.sha256):
        path = raw / _file_name(url)
        digest = _checked(courier, url, path, pinned or recorded.get(url), published)
        files.append(Download(url, f".raw/{recipe.name}/{path.name}", path.stat().st_size, digest))
    out = manifest.folder / f"{recipe.name}.jsonl"
    written = write_jsonl(_documents(recipe, manifest.folder, files), out, max_bytes, progress)
    entry = entry_of(
        recipe.name, recipe.what, recipe.urls[0], recipe.licence, written, tuple(files)
    )
    manifest.with_entry(entry).save()
    return entry


class _Courier:
    """Fetches one file after another, with a pause between requests."""

    def __init__(
        self,
        headers: dict[str, str],
        base_url: str | None,
        patience: Patience,
        pause: float,
        progress: Progress | None,
    ) -> None:
        self._headers, self._base_url, self._patience = headers, base_url, patience
        self._pause, self._progress, self._first = pause, progress, True

    def get(self, url: str, path: Path) -> None:
        if not self._first:
            self._patience.sleep(self._pause)
        self._first = False
        if self._base_url is not None:
            url = self._base_url.rstrip("/") + urlsplit(url).path
        download(url, path, self._headers, self._patience, self._progress)


def _find(name: str) -> Recipe:
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    known = ", ".join(recipe.name for recipe in RECIPES)
    raise DownloadError(f"no recipe is called {name!r}: there are {known}")


def _file_name(url: str) -> str:
    return re.sub(r"[^\w.@-]", "_", unquote(urlsplit(url).path.rsplit("/", 1)[-1]))


def _recorded(manifest: Manifest, name: str, accept_changed: bool) -> dict[str, str]:
    if accept_changed or name not in manifest:
        return {}
    return {file.url: file.sha256 for file in manifest[name].downloads}


def _published(courier: _Courier, recipe: Recipe, raw: Path) -> dict[str, str]:
    """File name to SHA-1. A dump called "latest" is listed under its date, as ``-20240101-``."""
    assert recipe.checksums is not None
    path = raw / _file_name(recipe.checksums)
    courier.get(recipe.checksums, path)
    lines = (line.split() for line in path.read_text().splitlines())
    pairs = [(line[1].lstrip("*"), line[0]) for line in lines if len(line) == 2]
    return {re.sub(r"-\d{8}-", "-latest-", name): digest for name, digest in pairs}


def _checked(
    courier: _Courier, url: str, path: Path, wanted: str | None, published: dict[str, str]
) -> str:
    """sha256 of the file, fetched unless a right one is here. Wrong ones are moved aside."""
    sha1_wanted = published.get(path.name)
    if path.exists():
        digest = sha256_of(path)
        if wanted in (None, digest) and (not sha1_wanted or sha1_wanted == _sha1_of(path)):
            return digest
    courier.get(url, path)
    digest = sha256_of(path)
    if (wanted and digest != wanted) or (sha1_wanted and sha1_wanted != _sha1_of(path)):
        aside = path.with_name(path.name + ".wrong")
        path.replace(aside)
        reason = (
            f"sha256 is {digest}, not {wanted}"
            if wanted and digest != wanted
            else f"its SHA-1 is not the published {sha1_wanted}"
        )
        raise DownloadError(
            f"{url}: {reason}; the file is kept as {aside}. If the publisher has changed it on "
            "purpose, pass accept_changed=True"
        )
    return digest


def _sha1_of(path: Path) -> str:
    digest = sha1(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _documents(recipe: Recipe, folder: Path, files: list[Download]) -> Iterator[Document]:
    for file in files:
        try:
            yield from recipe.extract(folder / file.file)
        except Exception as error:  # whatever a parser says of a file that is not what it should be
            raise DownloadError(
                f"{folder / file.file} ({file.url}) is unreadable: {error!r}"
            ) from None

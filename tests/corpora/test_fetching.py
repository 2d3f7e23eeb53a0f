"""`corpora.fetch` against a server on loopback that misbehaves as asked."""

import bz2
import errno
import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import corpora
from corpora.documents import Document
from corpora.download import Patience, download
from tokenkit.errors import DownloadError

BODY = bytes(range(256)) * 4000


@dataclass
class Site:
    """What the server serves and how: changed by the tests, read by the handler."""

    files: dict[str, bytes] = field(default_factory=dict)
    drops: list[int] = field(default_factory=list)
    """Number of body bytes after which each of the next responses breaks off."""
    answers: list[int] = field(default_factory=list)
    """Status codes of the next responses."""
    ranges: bool = True
    etag: str | None = '"1"'
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked_for_ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            site.requests.append((self.path, dict(self.headers)))
            if site.answers:
                self.send_response(site.answers.pop(0))
                self.send_header("Retry-After", "7")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = site.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = self._start(body)
            if start is None:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if site.etag:
                self.send_header("ETag", site.etag)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            stop = start + site.drops.pop(0) if site.drops else len(body)
            self.wfile.write(body[start:stop])
            self.close_connection = True

        def _start(self, body):
            asked = self.headers.get("Range")
            if not asked or not site.ranges or self.headers.get("If-Range") != site.etag:
                return 0
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            return start if start < len(body) else None

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def patience(naps) -> Patience:
    return Patience(retries=3, pause=1.0, timeout=5.0, sleep=naps.append)


def _get(site, path, patience):
    download(site.url + "/f", path, {}, patience)
    assert not path.with_name(path.name + ".part").exists()
    assert not path.with_name(path.name + ".part.json").exists()
    return path.read_bytes()


def test_a_download_goes_on_after_every_drop(site, tmp_path, patience, naps):
    site.files["/f"], site.drops = BODY, [300_000, 100_000, 1]
    assert _get(site, tmp_path / "f", patience) == BODY
    assert site.asked_for_ranges() == [None, "bytes=300000-", "bytes=400000-", "bytes=400001-"]
    assert naps == [1.0, 1.0, 1.0]


def test_a_killed_download_goes_on_in_the_next_call(site, tmp_path, naps):
    site.files["/f"], site.drops = BODY, [500_000, 0]
    with pytest.raises(DownloadError, match="500000 bytes are kept"):
        _get(site, tmp_path / "f", Patience(retries=1, sleep=naps.append))
    assert not (tmp_path / "f").exists()
    assert _get(site, tmp_path / "f", Patience(sleep=naps.append)) == BODY
    assert site.asked_for_ranges()[-1] == "bytes=500000-"


def test_a_file_that_changed_meanwhile_is_fetched_whole(site, tmp_path, naps):
    site.files["/f"], site.drops = BODY, [500_000, 0]
    with pytest.raises(DownloadError):
        _get(site, tmp_path / "f", Patience(retries=1, sleep=naps.append))
    site.files["/f"], site.etag = BODY[::-1] + b"!", '"2"'
    assert _get(site, tmp_path / "f", Patience(sleep=naps.append)) == BODY[::-1] + b"!"


def test_a_part_longer_than_the_file_is_now(site, tmp_path, naps):
    site.files["/f"], site.drops = BODY, [500_000, 0]
    with pytest.raises(DownloadError):
        _get(site, tmp_path / "f", Patience(retries=1, sleep=naps.append))
    site.files["/f"] = b"short"  # under the same tag: the server answers 416
    assert _get(site, tmp_path / "f", Patience(sleep=naps.append)) == b"short"


def test_a_server_without_ranges(site, tmp_path, patience):
    site.files["/f"], site.drops, site.ranges = BODY, [300_000, 600_000], False
    assert _get(site, tmp_path / "f", patience) == BODY
    assert len(site.requests) == 3


def test_nothing_is_pieced_together_without_a_strong_validator(site, tmp_path, patience):
    for etag in (None, 'W/"1"'):
        site.files["/f"], site.drops, site.etag = BODY, [300_000], etag
        site.requests.clear()
        assert _get(site, tmp_path / "f", patience) == BODY
        assert site.asked_for_ranges() == [None, None]


def test_patience_has_an_end_and_pauses_double(site, tmp_path, patience, naps):
    site.files["/f"], site.drops = BODY, [0] * 9
    with pytest.raises(DownloadError, match="4 attempts"):
        _get(site, tmp_path / "f", patience)
    assert naps == [1.0, 2.0, 4.0]


def test_a_busy_server_is_given_the_time_it_asks_for(site, tmp_path, patience, naps):
    site.files["/f"], site.answers = BODY, [429, 503]
    assert _get(site, tmp_path / "f", patience) == BODY
    assert naps == [7.0, 7.0]


def test_refusals_are_not_repeated(site, tmp_path, patience, naps):
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1.*404"):
        _get(site, tmp_path / "f", patience)
    assert len(site.requests) == 1
    assert naps == []


def test_a_server_that_is_not_there(tmp_path, patience, naps):
    with pytest.raises(DownloadError, match="given up"):
        download("http://127.0.0.1:9/f", tmp_path / "f", {}, patience)
    assert len(naps) == 3


# --- recipes


def _lines(path: Path) -> Iterator[Document]:
    for number, line in enumerate(path.read_text().splitlines()):
        yield Document(f"{path.name}/{number}", line)


def _recipe(**changes) -> corpora.Recipe:
    made = {
        "name": "tiny",
        "what": "two files",
        "urls": ("https://example.org/a/one.txt", "https://example.org/b/two.txt"),
        "licence": "CC0-1.0",
        "extraction": "lines",
        "extract": _lines,
    }
    return corpora.Recipe(**{**made, **changes})


@pytest.fixture
def get(site, tmp_path, patience):
    site.files.update({"/a/one.txt": b"first\nsecond", "/b/two.txt": b"third"})

    def get(recipe, **options):
        options = {"base_url": site.url, "patience": patience, **options}
        return corpora.fetch(recipe, tmp_path, **options)

    return get


def test_fetch_extracts_and_records(site, tmp_path, get, naps):
    steps = []
    entry = get(_recipe(), progress=lambda *step: steps.append(step))
    manifest = corpora.Manifest.read(tmp_path)
    assert manifest["tiny"] == entry
    assert entry.documents == 3
    assert [d.sha256 for d in entry.downloads] == [
        hashlib.sha256(body).hexdigest() for body in (b"first\nsecond", b"third")
    ]
    assert '"third"' in (tmp_path / "tiny.jsonl").read_text()
    assert (f"{site.url}/a/one.txt", 12, 12) in steps
    assert naps == [1.0]  # one pause between two files
    manifest.verify()


def test_a_second_fetch_asks_for_nothing(site, get):
    get(_recipe())
    site.requests.clear()
    get(_recipe())
    assert site.requests == []


def test_a_damaged_file_here_is_fetched_again(site, tmp_path, get):
    get(_recipe())
    (tmp_path / ".raw/tiny/one.txt").write_text("damaged")
    site.requests.clear()
    get(_recipe())
    assert [path for path, _ in site.requests] == ["/a/one.txt"]


def test_a_file_that_differs_from_the_recorded_one_is_refused(site, tmp_path, get):
    get(_recipe())
    (tmp_path / ".raw/tiny/one.txt").unlink()
    site.files["/a/one.txt"] = b"changed"
    with pytest.raises(DownloadError, match="accept_changed"):
        get(_recipe())
    assert (tmp_path / ".raw/tiny/one.txt.wrong").read_bytes() == b"changed"
    assert get(_recipe(), accept_changed=True).documents == 2


def test_a_pinned_checksum_is_required(get):
    right = tuple(hashlib.sha256(body).hexdigest() for body in (b"first\nsecond", b"third"))
    assert get(_recipe(name="right", sha256=right)).documents == 3
    with pytest.raises(DownloadError, match="sha256"):
        get(_recipe(name="wrong", sha256=(right[0], "0" * 64)))


def test_published_sums_are_required(site, get):
    url = "https://example.org/w/w-latest-x.txt"
    site.files["/w/w-latest-x.txt"] = b"text"
    good = hashlib.sha1(b"text").hexdigest()
    site.files["/w/sums.txt"] = f"{good}  w-20240101-x.txt\n".encode()
    recipe = _recipe(urls=(url,), checksums="https://example.org/w/sums.txt")
    assert get(recipe).documents == 1
    site.files["/w/sums.txt"] = f"{'0' * 40}  w-20240101-x.txt\n".encode()
    with pytest.raises(DownloadError, match="SHA-1"):
        get(recipe, accept_changed=True)


def test_a_publisher_who_wants_a_contact_gets_one(site, get):
    recipe = _recipe(needs_contact=True, headers=(("Accept-Language", "eng"),))
    with pytest.raises(DownloadError, match="contact="):
        get(recipe)
    assert site.requests == []
    get(recipe, contact="A. Reader reader@example.org")
    headers = site.requests[0][1]
    assert headers["User-Agent"].startswith("tokenkit/")
    assert headers["User-Agent"].endswith("reader@example.org")
    assert headers["Accept-Language"] == "eng"


def test_an_unreadable_file_is_named(get):
    def fail(path):
        raise ValueError("no such format")
        yield

    with pytest.raises(DownloadError, match=r"one\.txt.*no such format"):
        get(_recipe(extract=fail))


def test_unknown_recipes_are_refused(tmp_path):
    with pytest.raises(DownloadError, match="us-code"):
        corpora.fetch("nonsense", tmp_path)


def test_recipes_are_complete():
    assert len({recipe.name for recipe in corpora.RECIPES}) == len(corpora.RECIPES)
    for recipe in corpora.RECIPES:
        assert all(url.startswith("https://") for url in recipe.urls)
        assert len({url.rsplit("/", 1)[-1] for url in recipe.urls}) == len(recipe.urls)
        assert all((recipe.what, recipe.licence, recipe.extraction))
        assert len(recipe.sha256) in (0, len(recipe.urls))


@pytest.mark.parametrize("name", ["us-code", "ecfr", "edgar", "court-opinions", "wikipedia-simple"])
def test_truncated_files_are_named(site, tmp_path, patience, name):
    (recipe,) = (recipe for recipe in corpora.RECIPES if recipe.name == name)
    bodies = {
        "us-code": b"PK\x03\x04 cut",
        "ecfr": b"<DLPSTEXTCLASS><TEXT>",
        "edgar": gzip.compress(b"x" * 2000)[:30],
        "court-opinions": bz2.compress(b"id,plain_text\n1,x\n" * 99)[:-9],
        "wikipedia-simple": bz2.compress(b"<mediawiki><page>"),
    }
    url = "https://example.org/" + recipe.urls[0].rsplit("/", 1)[-1]
    recipe = replace(recipe, urls=(url,), checksums=None)
    site.files[url.removeprefix("https://example.org")] = bodies[name]
    with pytest.raises(DownloadError, match="unreadable"):
        corpora.fetch(recipe, tmp_path, base_url=site.url, contact="a@b.org", patience=patience)
    assert not (tmp_path / f"{name}.jsonl").exists()


def test_a_full_disk_is_not_taken_for_the_network(site, tmp_path, patience, naps, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    site.files["/f"] = BODY
    monkeypatch.setattr("corpora.download._receive", full)
    with pytest.raises(OSError, match="No space"):
        download(site.url + "/f", tmp_path / "f", {}, patience)
    assert naps == []

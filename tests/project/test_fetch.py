"""`recondense fetch`: from a server on loopback that has the real PhysioNet-2012 files, and cuts, lies or changes."""

import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from recondense.cohorts.readers import Downloads, physionet2012
from recondense.errors import InputError
from recondense.project.fetch import fetch_cohort
from recondense.wizard.download import CHUNK, fetch
from tests.support.project import QUICK, Project, make_project

NAMES = ("set-a.tar.gz", "Outcomes-a.txt")
ARCHIVE = NAMES[0]
CUT = 15 * CHUNK


class Server(ThreadingHTTPServer):
    """Serves ``folder`` with ETag and ranges. ``cuts``: how many more answers end after ``cut_after`` bytes.
    ``lies``: how many bytes fewer it sends than HEAD announces. ``asked``: (method, name, Range) of each request."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.cuts, self.cut_after, self.lies, self.etags = folder, 0, CUT, 0, True
        self.asked: list[tuple[str, str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/1.0.0/"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""

    def publish_hashes(self, *names: str) -> None:
        lines = [f"{hashlib.sha256((self.folder / name).read_bytes()).hexdigest()} {name}\n" for name in names]
        (self.folder / "SHA256SUMS.txt").write_text("".join(lines))

    def downloaded(self, name: str) -> list[str | None]:
        return [part for method, asked, part in self.asked if (method, asked) == ("GET", name)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        name, server = self.path.removeprefix("/1.0.0/"), self.server
        server.asked.append((self.command, name, self.headers.get("Range")))
        path = server.folder / name
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = path.read_bytes()
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        start = 0
        if self.headers.get("Range") and self.headers.get("If-Range", etag) == etag:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        sent = content[start : len(content) - (server.lies if body else 0)]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(sent)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if server.etags:
            self.send_header("ETag", etag)
        self.end_headers()
        if body and server.cuts and len(sent) > server.cut_after:
            server.cuts -= 1
            self.wfile.write(sent[: server.cut_after])
            self.close_connection = True
        elif body:
            self.wfile.write(sent)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def server(physionet: Path, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "published"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(physionet / name, folder / name)
        (folder / name).chmod(0o644)
    with Server(folder) as running:
        running.publish_hashes(*NAMES)
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def get(server: Server, raw: Path, **options: Any) -> dict[str, str]:
    """Fetch; the state of each file."""
    return {found.name: found.state for found in fetch(Downloads(server.url, NAMES), raw, **options)}


def same(server: Server, raw: Path) -> bool:
    """Whether all files are the published ones, and nothing else is in the folder."""
    return sorted(path.name for path in raw.iterdir()) == sorted(NAMES) and all(
        (raw / name).read_bytes() == (server.folder / name).read_bytes() for name in NAMES
    )


# Downloading


def test_all_files_come_whole_and_are_not_downloaded_again(server: Server, raw: Path) -> None:
    assert get(server, raw) == dict.fromkeys(NAMES, "downloaded")
    assert same(server, raw)
    server.asked.clear()
    assert get(server, raw) == dict.fromkeys(NAMES, "current")
    assert not server.downloaded(ARCHIVE)


def test_what_a_cut_connection_left_is_not_downloaded_again(server: Server, raw: Path) -> None:
    server.cuts = 1
    assert get(server, raw)[ARCHIVE] == "downloaded"
    assert server.downloaded(ARCHIVE) == [None, f"bytes={CUT}-"]
    assert same(server, raw)


def test_a_download_that_failed_goes_on_in_the_next_run(server: Server, raw: Path) -> None:
    server.cuts = 3
    with pytest.raises(InputError, match=rf"cut after {3 * CUT} of \d+ bytes: run the same command again, it goes on"):
        get(server, raw)
    assert not (raw / ARCHIVE).exists()
    server.asked.clear()
    assert get(server, raw)[ARCHIVE] == "downloaded"
    assert server.downloaded(ARCHIVE) == [f"bytes={3 * CUT}-"]
    assert same(server, raw)


def test_the_rest_of_another_version_is_not_put_behind_the_first_half(server: Server, raw: Path) -> None:
    server.cuts = 3
    with pytest.raises(InputError):
        get(server, raw)
    content = (server.folder / ARCHIVE).read_bytes()
    (server.folder / ARCHIVE).write_bytes(content[::-1])
    server.publish_hashes(*NAMES)
    get(server, raw)
    assert same(server, raw)


def test_a_server_that_names_no_version_is_never_asked_for_the_rest(server: Server, raw: Path) -> None:
    server.etags, server.cuts = False, 1
    get(server, raw)
    assert server.downloaded(ARCHIVE) == [None, None]
    assert same(server, raw)


# Checking


@pytest.mark.parametrize("fault", ["hash", "size"])
def test_a_file_that_is_not_the_published_one_is_refused_and_the_old_one_kept(
    server: Server, raw: Path, fault: str
) -> None:
    raw.mkdir()
    (raw / ARCHIVE).write_bytes(b"old")
    if fault == "size":
        server.lies = 10
    else:
        with (server.folder / ARCHIVE).open("r+b") as stream:
            stream.write(b"x")
    with pytest.raises(InputError, match="as it was"):
        get(server, raw)
    assert [path.name for path in raw.iterdir()] == [ARCHIVE]
    assert (raw / ARCHIVE).read_bytes() == b"old"


def test_a_file_that_someone_changed_here_is_replaced_by_the_published_one(server: Server, raw: Path) -> None:
    get(server, raw)
    (raw / NAMES[1]).write_text("RecordID,In-hospital_death\n")
    assert get(server, raw) == {ARCHIVE: "current", NAMES[1]: "replaced"}
    assert same(server, raw)


def test_without_published_hashes_the_etag_tells_whether_a_file_changed(server: Server, raw: Path) -> None:
    (server.folder / "SHA256SUMS.txt").unlink()
    first = list(fetch(Downloads(server.url, NAMES), raw))
    known = {found.name: found.etag for found in first}
    assert not any(found.hashed for found in first)
    assert get(server, raw, known=known) == dict.fromkeys(NAMES, "current")
    text = (server.folder / NAMES[1]).read_text()
    (server.folder / NAMES[1]).write_text(text.replace("132539", "132530"))  # as long as before
    assert get(server, raw, known=known) == {ARCHIVE: "current", NAMES[1]: "replaced"}
    assert same(server, raw)


@pytest.mark.parametrize("address", ["ftp://example.org/", "set-a.tar.gz", "http:///x", "file:///etc/"])
def test_only_web_addresses_are_mirrors(raw: Path, address: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        list(fetch(Downloads("https://physionet.org/", NAMES), raw, address))


def test_a_file_or_server_that_is_not_there_is_named(server: Server, raw: Path) -> None:
    (server.folder / ARCHIVE).unlink()
    with pytest.raises(InputError, match=r"set-a\.tar\.gz cannot be downloaded: the server answered 404"):
        get(server, raw)
    with pytest.raises(InputError, match=r"cannot download from http://127\.0\.0\.1:9/"):
        list(fetch(Downloads("http://127.0.0.1:9/", NAMES), raw))


def test_physionet2012_names_the_files_of_the_sets_that_are_chosen() -> None:
    chosen = physionet2012.downloads(physionet2012.Options(sets=("b", "a")))
    assert chosen.names == ("set-a.tar.gz", "Outcomes-a.txt", "set-b.tar.gz", "Outcomes-b.txt")
    assert chosen.base == "https://physionet.org/files/challenge-2012/1.0.0/"


# The command


@pytest.fixture
def project(tmp_path: Path) -> Project:
    cohorts = {"pbcseq": QUICK, "icu": {**QUICK, "ingestion": {**QUICK["ingestion"], "dataset": "physionet2012"}}}
    cohorts["icu"]["ingestion"] |= {"raw": "data/1_raw/icu", "options": {"sets": ["a"]}}
    return make_project(tmp_path / "project", cohorts)


def command(project: Project, server: Server, *options: str, check: bool = True) -> CompletedProcess[str]:
    return project.call("recondense.cli", "fetch", "icu", "--from", server.url, "--json", *options, check=check)


def test_nothing_is_downloaded_until_the_licence_is_accepted(project: Project, server: Server) -> None:
    refused = command(project, server, check=False)
    assert refused.returncode == 1
    assert "ODC-BY" in refused.stderr and "--accept-licence" in refused.stderr
    assert not server.asked and not (project.root / "data/1_raw/icu").exists()
    other = project.call("recondense.cli", "fetch", "pbcseq", "--accept-licence", check=False)
    assert other.returncode == 1 and "pbcseq names no files to download" in other.stderr


def test_a_change_upstream_is_seen_by_dvc_and_by_the_next_fetch(project: Project, server: Server) -> None:
    rows = json.loads(command(project, server, "--accept-licence").stdout)
    assert [row["state"] for row in rows] == ["downloaded", "downloaded"]
    assert {row["followed by DVC"] for row in rows} == {"yes"} and {row["checked"] for row in rows} == {
        "size and SHA-256"
    }
    folder = project.root / "data/1_raw/icu"
    record = folder / "Outcomes-a.txt.dvc"
    assert f"{server.url}Outcomes-a.txt" in record.read_text()
    listed = ["git", "ls-files", "-o", "--exclude-standard", "data"]
    untracked = subprocess.run(listed, cwd=project.root, capture_output=True, text=True, check=True).stdout.split()
    assert untracked == [f"data/1_raw/icu/{name}.dvc" for name in sorted(NAMES)]  # git gets the records of no patient
    before = record.read_bytes()

    fetch_cohort(project.root, "icu", server.url)
    assert record.read_bytes() == before

    for end, fetch_again in (("9999991,1,1,1,1,0\n", True), ("9999992,1,1,1,1,0\n", False)):
        with (server.folder / "Outcomes-a.txt").open("a") as stream:
            stream.write(end)
        server.publish_hashes(*NAMES)
        if fetch_again:
            rows = fetch_cohort(project.root, "icu", server.url)
            assert [row.state for row in rows] == ["current", "replaced"]
        else:
            project.call("dvc", "update", "-q", str(record.relative_to(project.root)))
        assert (folder / "Outcomes-a.txt").read_text().endswith(end)
        assert record.read_bytes() != before
        before = record.read_bytes()

"""What is asked before a command works: servers that are down, raw files without permission, users without a name."""

import http.server
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recondense import cli
from recondense.diagnostics.preflight import before_inspecting, before_reading, before_releasing
from recondense.diagnostics.project import unreadable
from recondense.errors import FAULT, InputError
from recondense.probes.finding import check
from recondense.probes.servers import LOOK_SECONDS, answer, servers
from recondense.probes.state import folders, user
from tests.support.project import QUICK, Project, make_project
from tests.support.services import free_port

NOBODY = 65534


@contextmanager
def answering(status: int) -> Iterator[str]:
    """The address of a server on loopback that gives every request this ``status``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql", "postgresql+asyncpg", "mysql+pymysql"])
def test_an_address_where_nothing_listens_is_told_in_the_system_s_words(scheme: str) -> None:
    assert answer(f"{scheme}://ada:s3cret@127.0.0.1:{free_port()}/x") == "Connection refused"


@pytest.mark.parametrize(
    ("status", "said"), [(200, ""), (401, ""), (404, ""), (502, "status 502"), (503, "status 503")]
)
def test_a_server_that_is_there_answers_whatever_it_says_and_a_proxy_without_one_does_not(
    status: int, said: str
) -> None:
    with answering(status) as address:
        assert answer(f"{address}/api") == said


@pytest.mark.parametrize("address", ["sqlite:////srv/mlflow.db", "file:///srv/mlruns", "databricks://board", "mlruns"])
def test_a_store_without_a_server_is_not_asked(address: str) -> None:
    assert answer(address) == ""


def test_a_host_that_nobody_knows_and_one_that_never_answers_cost_seconds() -> None:
    began = time.monotonic()
    assert answer("http://recondense.invalid/api")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert answer(f"http://127.0.0.1:{deaf.getsockname()[1]}") == f"no answer within {LOOK_SECONDS:g} s"
    assert time.monotonic() - began < 20


def test_both_servers_are_named_at_once_with_what_to_do_and_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://ada:s3cret@127.0.0.1:{free_port()}/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://ada:s3cret@127.0.0.1:{free_port()}/mlflow")
    with pytest.raises(InputError) as told:
        check(servers())
    first, second = str(told.value).splitlines()
    assert "Prefect does not answer at http://127.0.0.1" in first and "recondense ui" in first
    assert "MLflow does not answer at postgresql://127.0.0.1" in second and "MLFLOW_TRACKING_URI" in second
    assert "s3cret" not in str(told.value)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("preflight"), {"alpha": QUICK})


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ([], "MLFLOW_TRACKING_URI=http://127.0.0.1:9"),
        ([], "PREFECT_API_URL=http://127.0.0.1:9/api"),
        (["--server", "http://127.0.0.1:9"], "NOTHING=1"),
    ],
)
def test_a_run_whose_server_is_down_ends_at_once_with_one_message(
    project: Project, options: list[str], environment: str
) -> None:
    name, _, value = environment.partition("=")
    began = time.monotonic()
    asked = [*project.command("recondense.cli", "run", "alpha"), *options]
    ended = subprocess.run(
        asked, cwd=project.root, env=project.env | {name: value}, capture_output=True, text=True, timeout=100
    )
    assert time.monotonic() - began < 30
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    [message] = ended.stderr.splitlines()
    assert message.startswith("error: ") and "does not answer at http://127.0.0.1:9" in message


@pytest.fixture
def raw() -> Iterator[Path]:
    """A raw folder that any user can pass into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "132539.txt").write_text("Time,Parameter,Value\n")
    (folder / "132540.txt").write_text("Time,Parameter,Value\n")
    for file in folder.iterdir():
        file.chmod(0o644)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_raw_files_without_permission_are_counted_and_not_named(raw: Path) -> None:
    with as_nobody():
        assert unreadable(raw, "data/1_raw/icu") == ""
    (raw / "132539.txt").chmod(0)
    (raw / "gone.txt").symlink_to(raw / "nowhere")  # which is not there, whoever asks
    with as_nobody():
        said = unreadable(raw, "data/1_raw/icu")
    assert said == "1 of 3 files in data/1_raw/icu cannot be read: Permission denied"
    with as_nobody(), pytest.raises(InputError, match=r"1 of 3 files in .*: let this user read them"):
        before_reading(raw)
    (raw / "set-a").mkdir(mode=0o700)
    (raw / "set-a").chmod(0)
    with as_nobody():
        assert unreadable(raw, "data/1_raw/icu") == "data/1_raw/icu cannot be read: Permission denied"


def test_inspecting_needs_no_server_and_says_what_cannot_be_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before_inspecting(project.root, "alpha")
    (project.root / "data/4_condensed").write_text("a file where a folder should be")
    (project.root / "data/5_trained").write_text("a file where a folder should be")
    [found] = folders(project.root)
    (project.root / "data/4_condensed").unlink()
    (project.root / "data/5_trained").unlink()
    assert found.found == "data/4_condensed, data/5_trained cannot be written to: Not a directory", "one line a reason"


def test_a_release_whose_vault_cannot_be_reached_is_refused_before_its_work(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    (project.root / ".dvc/config").write_text("['remote \"vault\"']\n    url = http://127.0.0.1:9/vault\n")
    with pytest.raises(InputError, match=r"http://127.0.0.1:9/vault takes no files: .*see that its host is up"):
        before_releasing(project.root)


def test_a_place_for_keys_that_cannot_be_written_to_is_said_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RECONDENSE_KEYS", str(tmp_path / "file/keys"))
    [found] = user(tmp_path)
    assert (found.level, "export RECONDENSE_KEYS=FOLDER" in found.next) == ("fault", True)


ASK = """
import getpass, pathlib, recondense.engines
from dvc.repo import Repo
Repo.init(pathlib.Path.cwd(), no_scm=True)
print(getpass.getuser(), pathlib.Path.home(), bool(Repo(pathlib.Path.cwd()).site_cache_dir))
"""


def test_a_user_id_without_a_name_or_a_home_gets_one_with_which_dvc_works(tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root, with setpriv(1), can become a user whom the system does not know")
    os.chown(tmp_path, 12345, 12345)
    become = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
    become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # Python itself may be root's
    unnamed = {k: v for k, v in os.environ.items() if k not in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME")}
    asked = [*become, sys.executable, "-c", ASK]
    answered = subprocess.run(asked, cwd=tmp_path, env=unnamed, capture_output=True, text=True, timeout=100)
    assert answered.stdout.endswith("user-12345 /nonexistent True\n"), answered.stderr[-2000:]


def test_an_error_that_nobody_foresaw_is_one_message_without_its_text(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("could not convert: 'Mrs Miller'")

    monkeypatch.chdir(project.root)
    monkeypatch.setattr(cli, "app", fail)
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "RECONDENSE_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == FAULT and said.startswith("error: RuntimeError") and "Miller" not in said
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(SystemExit):
        cli.main()
    assert "MLflow does not answer" in capsys.readouterr().err, "what is wrong now is the likely cause"
    monkeypatch.setenv("RECONDENSE_DEBUG", "1")
    with pytest.raises(RuntimeError, match="Mrs Miller"):
        cli.main()

"""The servers that recondense starts, as a stranger on the web and another user of the machine would try them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import httpx
import psutil
import pytest

from recondense.engines import tethered
from recondense.engines.settings import LOGIN, login, use_local_services
from tests.support.paths import REPO
from tests.support.project import QUICK, Project, make_project
from tests.support.services import PREFECT_LOGIN, free_port

AUTH = httpx.BasicAuth(*PREFECT_LOGIN.split(":"))
STRANGER = {"Origin": "https://evil.example"}
PATIENCE = 120


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("served pages"), {"alpha": QUICK})


@dataclass
class Pages:
    """`recondense ui` in a project."""

    project: Project
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    process: subprocess.Popen[str] | None = None

    @property
    def addresses(self) -> tuple[str, str]:
        """Prefect's and MLflow's."""
        prefect, mlflow = (f"http://127.0.0.1:{port}" for port in self.ports)
        return prefect, mlflow

    def started(self) -> psutil.Process:
        """Its process, which is started where there is none, or none any more."""
        if self.process is None or self.process.poll() is not None:
            options = ["--prefect-port", str(self.ports[0]), "--mlflow-port", str(self.ports[1])]
            self.process = subprocess.Popen(
                self.project.command("recondense.cli", "ui", *options),
                cwd=self.project.root,
                env=self.project.env | {"MLFLOW_TRACKING_URI": f"sqlite:///{self.project.root}/mlflow.db?timeout=20"},
                stdout=subprocess.PIPE,
                text=True,
            )
        prefect, mlflow = self.addresses
        until(lambda: answers(f"{prefect}/api/health") and answers(f"{mlflow}/health"))
        return psutil.Process(self.process.pid)


@pytest.fixture(scope="module")
def ui(project: Project) -> Iterator[Pages]:
    ui = Pages(project)
    yield ui
    if ui.process:
        ui.process.kill()
        ui.process.wait()


@pytest.fixture
def pages(ui: Pages) -> tuple[str, str, psutil.Process]:
    """Prefect's address, MLflow's, and the process of `recondense ui` that serves both."""
    process = ui.started()
    return *ui.addresses, process


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def deployment(api: str) -> str:
    """A deployment that a stranger would want to change: its id."""
    flow = httpx.post(f"{api}/flows/", json={"name": "due"}, auth=AUTH).raise_for_status().json()["id"]
    asked = {"name": "alpha", "flow_id": flow, "pull_steps": []}
    made: str = httpx.post(f"{api}/deployments/", json=asked, auth=AUTH).raise_for_status().json()["id"]
    return made


def test_nobody_without_the_login_reads_or_changes_anything_at_prefect(
    pages: tuple[str, str, psutil.Process],
) -> None:
    api = f"{pages[0]}/api"
    place = f"{api}/deployments/{deployment(api)}"
    steps = {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "touch stolen"}}]}
    wrong = httpx.BasicAuth("steward", "guessed")
    for auth in (None, wrong):
        assert httpx.patch(place, json=steps, auth=auth, headers=STRANGER).status_code == httpx.codes.UNAUTHORIZED
        assert httpx.post(f"{api}/flow_runs/filter", json={}, auth=auth).status_code == httpx.codes.UNAUTHORIZED
        plain = {"Content-Type": "text/plain", **STRANGER}  # which a browser sends without asking first
        posted = httpx.post(f"{place}/create_flow_run", content="{}", auth=auth, headers=plain)
        assert posted.status_code == httpx.codes.UNAUTHORIZED
    kept: dict[str, Any] = httpx.get(place, auth=AUTH).raise_for_status().json()
    assert kept["pull_steps"] == []
    assert httpx.post(f"{api}/flow_runs/filter", json={}, auth=AUTH).json() == []


def test_no_foreign_page_is_let_in_and_the_servers_own_is(pages: tuple[str, str, psutil.Process]) -> None:
    prefect, mlflow, _ = pages
    for origin, allowed in (("https://evil.example", False), ("null", False), (prefect, True)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH"}
        told = httpx.options(f"{prefect}/api/deployments/filter", headers=asked).headers
        assert (told.get("access-control-allow-origin") == origin) == allowed
        assert told.get("access-control-allow-origin") != "*"
    settings = httpx.get(f"{prefect}/ui-settings").json()
    assert (settings["auth"], settings["api_url"]) == ("BASIC", f"{prefect}/api"), "the page asks who one is"

    search = f"{mlflow}/api/2.0/mlflow/experiments/create"
    made = httpx.post(search, json={"name": "theirs"}, headers=STRANGER)
    assert made.status_code == httpx.codes.FORBIDDEN
    rebound = httpx.get(f"{mlflow}/", headers={"Host": f"evil.example:{mlflow.rsplit(':', 1)[1]}"})
    assert rebound.status_code == httpx.codes.FORBIDDEN
    assert httpx.get(f"{mlflow}/").is_success


def test_the_login_is_the_user_s_own_file_and_in_no_process_s_arguments(
    pages: tuple[str, str, psutil.Process], keys_of_the_tests: Path
) -> None:
    assert (keys_of_the_tests / LOGIN).stat().st_mode & 0o777 == 0o600
    every = [pages[2], *pages[2].children(recursive=True)]
    assert len(every) > 2
    said = json.dumps([process.cmdline() for process in every])
    assert PREFECT_LOGIN.split(":")[1] not in said and "sqlite" not in said


def test_the_servers_end_with_whoever_serves_the_pages_even_by_sigkill(
    pages: tuple[str, str, psutil.Process],
) -> None:
    prefect, mlflow, starter = pages
    servers = starter.children(recursive=True)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    until(lambda: not any(process.is_running() and process.status() != "zombie" for process in servers), 15)
    assert not answers(f"{prefect}/api/health") and not answers(f"{mlflow}/health")


def test_a_run_s_own_server_asks_for_the_login_and_ends_with_a_run_that_was_killed(project: Project) -> None:
    run = subprocess.Popen(
        project.command("recondense.cli", "run", "alpha"),
        cwd=project.root,
        env=project.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ran = psutil.Process(run.pid)

    def of_server() -> list[psutil.Process]:
        return [one for one in ran.children(recursive=True) if "temporary_server.py" in " ".join(one.cmdline())]

    try:
        until(lambda: bool(of_server()))
        servers = of_server()
        until(lambda: any(one.net_connections("tcp") for one in servers))
        address = next(one.laddr.port for each in servers for one in each.net_connections("tcp"))
        api = f"http://127.0.0.1:{address}/api"
        until(lambda: answers(f"{api}/health"))
        assert httpx.post(f"{api}/flow_runs/filter", json={}).status_code == httpx.codes.UNAUTHORIZED
        until(lambda: bool(httpx.post(f"{api}/flow_runs/filter", json={}, auth=AUTH).json()))
    finally:
        run.kill()
        run.wait()
    until(lambda: not any(one.is_running() and one.status() != "zombie" for one in servers), 15)


def test_a_command_ends_with_its_starter_with_all_that_it_started_even_where_it_will_not(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; sleep 600 & echo $! > worker; wait; sleep 600"
    process = tethered.start(["sh", "-c", stubborn], cwd=tmp_path)
    until(lambda: (tmp_path / "worker").exists() and bool((tmp_path / "worker").read_text()))
    worker = int((tmp_path / "worker").read_text())
    assert process.stdin
    process.stdin.close()  # as the system does when a starter dies
    process.wait(30)
    until(lambda: not psutil.pid_exists(worker) or psutil.Process(worker).status() == "zombie", 5)


def test_a_tethered_command_gives_its_own_status(tmp_path: Path) -> None:
    assert tethered.start(["sh", "-c", "exit 7"], cwd=tmp_path).wait(30) == 7


def test_the_login_is_made_once_and_shown_to_servers_of_this_machine_only(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    for server, shown in (("https://prefect.hospital.example", False), ("http://127.0.0.1:4200", True)):
        with patch.dict(os.environ, kept | {"RECONDENSE_KEYS": str(tmp_path / "keys")}, clear=True):
            word = login()
            assert word == login() and len(word) > 40
            use_local_services(tmp_path, server)
            assert os.environ.get("PREFECT_API_AUTH_STRING") == (word if shown else None)
    assert (tmp_path / "keys" / LOGIN).stat().st_mode & 0o777 == 0o600
    with patch.dict(os.environ, {"PREFECT_SERVER_API_AUTH_STRING": "board:chosen"}):
        assert login() == "board:chosen"


class Proxy(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_hospital_s_proxy_is_not_shown_the_login(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        through = f"http://127.0.0.1:{proxy.server_address[1]}"
        proxies = {"RECONDENSE_KEYS": str(tmp_path / "keys"), "http_proxy": through, "HTTP_PROXY": through}
        with patch.dict(os.environ, {**proxies, "no_proxy": "", "NO_PROXY": "registry.hospital.example"}):
            for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"):
                os.environ.pop(name, None)
            word = login()
            use_local_services(tmp_path, f"http://127.0.0.1:{free_port()}")
            assert os.environ["PREFECT_API_AUTH_STRING"] == word
            assert "registry.hospital.example" in os.environ["NO_PROXY"] == os.environ["no_proxy"]
            asked = "from recondense.engines.servers import answers; print(answers())"
            done = subprocess.run([sys.executable, "-c", asked], cwd=REPO, capture_output=True, text=True, check=True)
        proxy.shutdown()
    assert done.stdout == "False\n" and Proxy.asked == []

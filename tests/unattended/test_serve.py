"""Runs that nobody starts: on a schedule and when records change, held to the cohort's policies."""

import contextlib
import http.server
import json
import os
import shutil
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL, temporary_settings

from recondense.errors import InputError
from recondense.project.params_file import set_params
from recondense.stages.params import section
from recondense.unattended.inbox import Inbox, fingerprint
from recondense.unattended.notify import send
from recondense.unattended.params import Params
from recondense.unattended.policy import Standing, reasons_to_wait
from tests.support.paths import REPO
from tests.support.project import SENTINELS, STAGES
from tests.support.services import free_port, running_server
from tests.support.serving import (
    AUTH,
    POLL,
    Served,
    as_a_work_pool,
    cause_of,
    lines_of_patient_2,
    make_served,
    processes_of,
    until,
)

STANDS = Standing(new=5, gone=0, hours=10.0, spent=2.0)


# Policies


@pytest.mark.parametrize(
    ("standing", "params", "reasons"),
    [
        (STANDS, {}, []),
        (STANDS, {"min_new_patients": 5, "min_interval_hours": 10, "budget": 2.5}, []),
        (STANDS, {"min_new_patients": 6}, ["5 new patients"]),
        (STANDS, {"min_interval_hours": 10.1}, ["10.0 h old"]),
        (STANDS, {"budget": 2}, ["epsilon 2 is spent"]),
        (STANDS, {"min_new_patients": 6, "min_interval_hours": 24}, ["5 new patients", "10.0 h old"]),
        (Standing(0, 1, 0.0, 0.0), {"min_new_patients": 6, "min_interval_hours": 24}, []),  # a withdrawal never waits
        (Standing(0, 1, 0.0, 2.0), {"budget": 2}, ["epsilon 2 is spent"]),  # but a promise to all the others stands
        (Standing(None, None, 48.0, 0.0), {"min_new_patients": 6}, []),  # what cannot be told is no reason to wait
        (Standing(262, 0, None, 0.0), {"min_interval_hours": 24}, []),  # there is no candidate yet
        (Standing(262, 0, None, None), {"budget": 3}, ["cannot be kept"]),
    ],
)
def test_a_run_waits_for_what_its_cohort_asks_for(
    standing: Standing, params: dict[str, Any], reasons: list[str]
) -> None:
    found = reasons_to_wait(standing, Params(**params))
    assert len(found) == len(reasons)
    assert all(words in reason for words, reason in zip(reasons, found, strict=True))


def test_a_wrong_schedule_is_named_and_a_url_in_it_is_refused_without_being_repeated(tmp_path: Path) -> None:
    shutil.copy(REPO / "params.yaml", tmp_path)
    (tmp_path / "dvc.yaml").touch()
    assert section(tmp_path, "pbcseq", "schedule", Params) == Params(), "the section may be left out"
    set_params(tmp_path, "pbcseq", ["schedule.notify=STEWARD_WEBHOOK", "schedule.budget=3"])
    assert section(tmp_path, "pbcseq", "schedule", Params).budget == 3
    for wrong, said in (
        ("schedule.min_patients=1", "schedule.min_patients is not a known parameter"),
        ("schedule.budget=0", "schedule.budget"),
        ("schedule.notify=https://hooks.example.org/T0KEN", "environment variable"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            set_params(tmp_path, "pbcseq", [wrong])
        assert "T0KEN" not in str(refused.value).replace(wrong, "")


# The inbox


def put(path: Path) -> None:
    """An empty file, in a folder that may be new."""
    path.parent.mkdir(exist_ok=True)
    path.touch()


def test_any_change_of_a_raw_folder_changes_its_fingerprint(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    seen = {fingerprint(raw)}
    raw.mkdir()
    for change in (
        lambda: (raw / "a.csv").write_text("1"),
        lambda: (raw / "a.csv").write_text("12"),
        lambda: os.utime(raw / "a.csv", (1, 1)),
        lambda: (raw / "a.csv").rename(raw / "b.csv"),
        lambda: put(raw / "set-a" / "c.txt"),
        lambda: (raw / "withdrawn.txt").write_text("7\n"),
        lambda: (raw / "b.csv").unlink(),
    ):
        change()
        assert fingerprint(raw) not in seen
        assert fingerprint(raw) == fingerprint(raw)
        seen.add(fingerprint(raw))


def test_a_folder_is_ripe_once_it_has_stood_still_and_until_it_is_dealt_with() -> None:
    inbox = Inbox()
    assert [inbox.ripe(found) for found in "abccc"] == [False, False, False, True, True]
    inbox.settle()
    assert [inbox.ripe(found) for found in "ccddc"] == [False, False, False, True, False]
    assert not inbox.ripe("c"), "as it was when it was dealt with"


# Telling


class Webhook(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted; a path that ends in 404 does not exist."""

    said: list[str] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(404 if self.path.endswith("404") else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def webhook() -> Iterator[str]:
    """The URL of a real webhook on loopback, with a secret in it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/T0KEN"
        server.shutdown()


def test_a_webhook_that_does_not_take_the_message_is_named_but_not_its_url(
    webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (f"{webhook}404", "http://127.0.0.1:1/T0KEN", "T0KEN"):
        monkeypatch.setenv("STEWARD_WEBHOOK", url)
        with pytest.raises(InputError, match="STEWARD_WEBHOOK") as failed:
            send("STEWARD_WEBHOOK", "recondense alpha: Failed", "why")
        assert "T0KEN" not in str(failed.value)
    monkeypatch.delenv("STEWARD_WEBHOOK")
    with pytest.raises(InputError, match="not set"):
        send("STEWARD_WEBHOOK", "recondense alpha: Failed", "why")


class MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as takes a message; keeps envelope and content."""

    said: list[str] = []  # noqa: RUF012

    def handle(self) -> None:
        self.answer("220 mail")
        taken = ""
        while line := self.rfile.readline().decode().strip():
            taken += f"{line}\n"
            if line.upper() == "DATA":
                self.answer("354 go on")
                while (text := self.rfile.readline().decode()) != ".\r\n":
                    taken += text
            self.answer("250 taken")
            if line.upper() == "QUIT":
                self.said.append(taken)
                return

    def answer(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def test_a_failure_is_told_by_e_mail_and_a_mail_server_that_is_away_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        query = "mode=insecure&from=recondense@hospital.example&to=steward@hospital.example&format=text"
        monkeypatch.setenv("STEWARD_MAIL", f"mailto://127.0.0.1:{server.server_address[1]}?{query}")
        send("STEWARD_MAIL", "recondense alpha: Failed", "a reason")
        server.shutdown()
    (mail,) = MailServer.said
    for part in ("RCPT TO:<steward@hospital.example>", "Subject: recondense alpha: Failed", "a reason"):
        assert part.lower() in mail.lower()
    for url in ("mailto://steward:T0KEN@127.0.0.1:1?to=steward@hospital.example&mode=insecure", "nowhere://T0KEN"):
        monkeypatch.setenv("STEWARD_MAIL", url)
        with pytest.raises(InputError, match="STEWARD_MAIL") as failed:
            send("STEWARD_MAIL", "recondense alpha: Failed", "why")
        assert "T0KEN" not in str(failed.value)


def test_a_prefect_block_is_told_and_one_that_cannot_tell_is_refused(prefect_server: str, webhook: str) -> None:
    with temporary_settings({PREFECT_API_URL: f"{prefect_server}/api"}):
        told = {"text": "{{subject}}\n{{body}}"}
        CustomWebhookNotificationBlock(name="steward", url=webhook, json_data=told).save("steward")
        send("custom-webhook/steward", "recondense alpha: Failed", "a reason")
        assert Webhook.said[-1] == "recondense alpha: Failed\na reason"
        Secret(value="no receiver").save("mute")
        with pytest.raises(InputError, match="secret/mute sends no notifications"):
            send("secret/mute", "recondense alpha: Failed", "why")
        with pytest.raises(InputError, match="no block custom-webhook/nobody"):
            send("custom-webhook/nobody", "recondense alpha: Failed", "why")


# A project that is served. Each fixture goes on from where the one before left it; the tests look at what it found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, prefect_server: str, webhook: str) -> Iterator[Served]:
    """A project under `recondense serve`, with a schedule that fires every other minute."""
    served = make_served(tmp_path_factory.mktemp("served"), prefect_server, STEWARD_WEBHOOK=webhook)
    with served.process(
        served.project.command("recondense.cli", "serve", "--poll", str(POLL), "--cron", "*/2 * * * *")
    ):
        yield served


@pytest.fixture(scope="module")
def first_run(served: Served) -> dict[str, Any]:
    """The run that records found at the start began, with the ledger and whether anything was normalised then."""
    run = served.ended("HeldBack", "262 new patients, min_new_patients is 1000", cause="records")
    normalised = (served.project.root / "data/3_normalised/arriving").exists()
    return {**run, "events": served.events(), "normalised": normalised}


@pytest.fixture(scope="module")
def messages_of_growth(served: Served, first_run: dict[str, Any]) -> list[str | None]:
    """What runs said while three patients were written into the file, slowly."""
    lines = "".join(lines_of_patient_2(served.raw, name) for name in ("9001", "9002", SENTINELS[0]))
    before = {run["id"] for run in served.runs()}
    with served.raw.open("a") as file:
        for start in range(0, len(lines), len(lines) // 10):
            file.write(lines[start : start + len(lines) // 10])
            file.flush()
            time.sleep(POLL / 2)
    served.ended("HeldBack", "265 new patients", cause="records")
    return [run["state"]["message"] for run in served.runs() if run["id"] not in before]


@pytest.fixture(scope="module")
def failed_run(served: Served, messages_of_growth: list[str | None]) -> dict[str, Any]:
    """The run of a file whose column had another name, until whoever is named was told; the file is mended after."""
    whole = served.raw.read_text()
    served.raw.write_text(whole.replace(",bili,", ",bilirubin,", 1))
    run = served.ended("Failed", "bili", cause="records")
    until(lambda: any("arriving: Failed" in said and "bili" in said for said in Webhook.said), 30)
    served.raw.write_text(whole)
    return run


@pytest.fixture(scope="module")
def freed(served: Served, failed_run: dict[str, Any]) -> dict[str, Any]:
    """The run once nothing but its own guarantee held the cohort back, after which all was run, with its ledger."""
    policy = ["schedule.min_new_patients=0", "schedule.release=true", "schedule.budget=1"]
    set_params(served.project.root, "arriving", policy)
    # By the schedule, or by the mended file where that is seen first; what is made has no guarantee, so it stays here
    run = served.ended("HeldBack", "this candidate gives no guarantee")
    events = served.events()
    set_params(
        served.project.root, "arriving", ["schedule.release=false", "schedule.budget=null", "release.min_test_auc=0.4"]
    )
    served.ended("Completed", "ran release")
    served.ended("NothingNew", cause="schedule")
    assert served.events().count("nothing new") <= len([r for r in served.runs() if r["state_name"] == "NothingNew"])
    set_params(served.project.root, "arriving", ["schedule.min_interval_hours=1000", "schedule.budget=1"])
    return {**run, "events": events, "status": served.project.status()}


def test_records_found_at_the_start_are_read_and_held_back_by_the_policy(first_run: dict[str, Any]) -> None:
    assert first_run["state_type"] == "COMPLETED"
    assert "held back" in first_run["events"]
    assert not first_run["normalised"], "nothing after ingestion was run"


def test_a_file_that_is_written_slowly_is_read_once_and_whole(messages_of_growth: list[str | None]) -> None:
    assert not [message for message in messages_of_growth if message and message.startswith(("263", "264"))]


def test_a_failure_says_why_in_its_state_and_to_whom_the_cohort_names_and_no_patient_is_in_it(
    served: Served, failed_run: dict[str, Any]
) -> None:
    asked = {"logs": {"flow_run_id": {"any_": [failed_run["id"]]}}}
    logs = httpx.post(f"{served.api}/logs/filter", json=asked, auth=AUTH, timeout=60)
    for text in (logs.raise_for_status().text, json.dumps(served.runs()), "".join(Webhook.said)):
        assert not [sentinel for sentinel in SENTINELS if sentinel in text]
    assert failed_run["run_count"] == 1, "a mistake in the input is not tried again"


def test_what_a_policy_no_longer_holds_back_is_run_and_then_the_schedule_finds_nothing_new(
    served: Served, freed: dict[str, Any]
) -> None:
    assert all(stage in freed["state"]["message"] for stage in STAGES[1:])
    assert freed["events"][freed["events"].index("gate passed") + 1] == "held back"
    assert freed["status"] == {}, "no stage reads the schedule"
    manifest = json.loads((served.project.root / "data/7_released/arriving/candidate/manifest.json").read_text())
    assert sorted(manifest["params"]) == sorted(STAGES)


def test_a_touched_file_starts_nothing_and_a_withdrawal_does_not_wait_for_time_to_pass(
    served: Served, freed: dict[str, Any]
) -> None:
    runs = [run for run in served.runs() if cause_of(run) == "records"]
    os.utime(served.raw)
    time.sleep(4 * POLL)
    assert [run for run in served.runs() if cause_of(run) == "records"] == runs
    with served.raw.open("a") as file:
        file.write(lines_of_patient_2(served.raw, "9003"))
    held = served.ended("HeldBack", "h old", cause="records")["state"]["message"]
    assert "what is condensed gives no guarantee" in held, "every reason is given"
    (served.raw.parent / "withdrawn.txt").write_text(f"{SENTINELS[0]}\n")
    held = served.ended("HeldBack", "what is condensed gives", cause="records")["state"]["message"]
    assert "h old" not in held


# Restarts


@pytest.mark.slow
def test_a_work_pool_runs_what_prefect_yaml_says_and_outlives_its_server_and_its_worker(tmp_path: Path) -> None:
    home, port = tmp_path / "prefect", free_port()
    home.mkdir()
    served = make_served(tmp_path / "project", f"http://127.0.0.1:{port}", STEWARD_WEBHOOK="unused")
    as_a_work_pool(served, "*/2 * * * *")
    worker = served.project.command("prefect", "worker", "start", "--pool", "recondense", "--limit", "1")
    with contextlib.ExitStack() as outliving:
        with running_server(home, port):
            served.project.call("prefect", "work-pool", "create", "recondense", "--type", "process")
            served.project.call("prefect", "--no-prompt", "deploy", "--all")
            outliving.enter_context(
                served.process(served.project.command("recondense.cli", "watch", "--poll", str(POLL)))
            )
            first = outliving.enter_context(served.process(worker))
            served.ended("HeldBack", "262 new patients", cause="records")
            served.ended("HeldBack", "262 new patients", cause="schedule")
        with served.raw.open("a") as file:
            file.write(lines_of_patient_2(served.raw, "9001"))
        time.sleep(20)
        with running_server(home, port):
            served.ended("HeldBack", "263 new patients", cause="records")
            set_params(served.project.root, "arriving", ["schedule.min_new_patients=0"])
            until(lambda: bool(processes_of(served, "condensation")), 240)
            first.kill()
            first.wait()
            for process in processes_of(served, "prefect.engine"):
                process.kill()
            served.ended("Crashed", "its process is gone")
            set_params(served.project.root, "arriving", ["schedule.min_new_patients=1000"])
            with served.raw.open("a") as file:
                file.write(lines_of_patient_2(served.raw, "9002"))
            with served.process(worker):
                served.ended("HeldBack", "264 new patients", cause="records")


@pytest.mark.slow
def test_serving_outlives_its_server_and_a_run_whose_process_was_killed_is_reported(
    tmp_path: Path, webhook: str
) -> None:
    home, port = tmp_path / "prefect", free_port()
    home.mkdir()
    served = make_served(tmp_path / "project", f"http://127.0.0.1:{port}", STEWARD_WEBHOOK=webhook)
    set_params(served.project.root, "arriving", ["schedule.min_new_patients=0"])
    serve = served.project.command("recondense.cli", "serve", "--poll", str(POLL), "--cron", "*/2 * * * *")
    with contextlib.ExitStack() as outliving:
        with running_server(home, port):
            with served.process(serve) as serving:
                _kill_while_condensing(served)
                served.ended("Crashed", cause="records")
                until(lambda: any("arriving: Crashed" in said for said in Webhook.said), 30)
                until(lambda: bool(processes_of(served, "condensation")), 240)
                serving.kill()
                serving.wait()
                _kill_while_condensing(served)
            outliving.enter_context(served.process(serve))
            served.ended("Crashed", "its process is gone")
            served.ended("Completed", "release")
        time.sleep(60)  # longer than Prefect's own loop has patience
        with running_server(home, port):
            with served.raw.open("a") as file:
                file.write(lines_of_patient_2(served.raw, "9001"))
            served.ended("Completed", "release")  # by the event, or by the schedule where that was due first


def _kill_while_condensing(served: Served) -> None:
    until(lambda: bool(processes_of(served, "condensation")), 240)
    flows = processes_of(served, "prefect.engine")
    assert flows
    for process in flows:
        process.kill()

"""A cohort that grows, served unattended: PhysioNet-2012's set a arrives in ten parts, each is released.

    python -m benchmarks.growing_cohort              # an hour on 2 cores; a real Prefect server on loopback

A scratch clone of the last commit is served by `recondense serve`, with the policy ``release: true`` and a budget of
epsilon. Records are put into its raw folder part by part; everything else happens by itself. Then it is run once more
without a new record, and every release is verified against the published ledger. Writes
``docs/results/growing_cohort.{json,md,png}``.
"""

import argparse
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from ruamel.yaml import YAML

from benchmarks.harness import DATA, OUT, ROOT, header
from recondense.bundle.phrases import in_words
from recondense.charts import GREEN
from recondense.charts.picture import intervals, paper, rule, save
from recondense.engines.settings import NO_ORIGIN
from recondense.files.strict_json import write_json
from recondense.results.audit import Audit
from recondense.stages.renamed import VERSION

COHORT = "growing"
RAW = f"data/1_raw/{COHORT}"
NETWORKS = ["rnn_beta", "lstm_beta", "tcn_beta"]
SEARCH = {"networks": NETWORKS, "learning_rates": [5e-4, 2e-3], "steps": [16, 32, 64], "seeds": 1}
EPSILON, BUDGET = 1, 3  # of each release, and of all together
PARAMS = {
    "ingestion": {
        "dataset": "physionet2012",
        "raw": RAW,
        "split": {"kind": "hashed", "validation": 0.2, "test": 0.25},  # who arrives moves nobody to another split
        "options": {"sets": ["a"]},
    },
    "normalisation": {"step_hours": 1, "n_steps": 48, "scale": "public"},
    "reference": {"networks": NETWORKS, "steps": 150},
    "condensation": {
        "method": "private_statistics",
        "options": {"private_statistics": {"epsilon": EPSILON}},
        "records_per_class": 5,
        "steps": 120,
        "recipe_search": SEARCH,
    },
    "shadows": {"count": 0},
    "training": {"networks": NETWORKS, "baselines": ["random_records", "kmeans"], "baseline_search": SEARCH},
    "privacy": {},
    "release": {"max_epsilon": EPSILON, "allow_inconclusive": True, "allow_above_guessing": True},  # no shadows
    "schedule": {"release": True, "budget": BUDGET},
}
PATIENCE = 1800  # seconds for one part
POLL = 5


@dataclass(frozen=True)
class Hospital:
    """A served project, and beside it its two remotes."""

    folder: Path
    api: str

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def environment(self) -> dict[str, str]:
        scripts = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        keys = str(self.folder / "keys")
        return {**os.environ, "PATH": scripts, "PREFECT_API_URL": self.api, "RECONDENSE_KEYS": keys, "PYTHONPATH": ""}

    def call(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def recondense(self, *arguments: str) -> str:
        return self.call(sys.executable, "-m", "recondense.cli", *arguments)

    def entries(self) -> list[dict[str, Any]]:
        path = self.root / "data" / "ledger" / f"{COHORT}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def audit(self) -> Audit:
        return Audit.load(self.root / "data/6_audited" / COHORT / "metrics.json")

    def metrics(self, stage: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "data" / stage / COHORT / "metrics.json").read_text())
        return found

    def megabytes(self, place: str) -> float:
        files = [path for path in (self.folder / place).rglob("*") if path.is_file()]
        return round(sum(path.stat().st_size for path in files) / 1e6, 1)


def main() -> None:
    """Serve, let the parts arrive, look at what came of each, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=10)
    arguments = parser.parse_args()
    about = header()
    with tempfile.TemporaryDirectory() as scratch, running_server(Path(scratch)) as api:
        hospital = prepared(Path(scratch), api)
        rows = []
        with serving(hospital):
            for part, (files, outcomes) in enumerate(parts(arguments.parts), start=1):
                began, seen = time.monotonic(), len(hospital.entries())
                arrive(hospital, files, outcomes)
                rows.append({"part": part, **outcome(hospital, seen), "seconds": round(time.monotonic() - began)})
                print(line(rows[-1]), flush=True)
        checked = afterwards(hospital)
    results = {"rows": rows, "afterwards": checked, "measured": about}
    write_json(OUT / "growing_cohort.json", results)
    (OUT / "growing_cohort.md").write_text(page(results), encoding="utf-8")
    save(figure(rows), OUT / "growing_cohort.png")
    print(checked)


@contextlib.contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """The API of a Prefect server of this benchmark's own, which this process and its children can log in to."""
    word = f"benchmark:{secrets.token_urlsafe(32)}"
    os.environ |= {"PREFECT_SERVER_API_AUTH_STRING": word, "PREFECT_API_AUTH_STRING": word}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).parent / "prefect")
    environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = NO_ORIGIN
    command = [program, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with process(command, folder, environment, folder / "server.log"):
        for _ in range(240):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2).close()
                break
            time.sleep(0.5)
        else:
            raise SystemExit(f"Prefect's server does not answer: {(folder / 'server.log').read_text()[-2000:]}")
        yield f"http://127.0.0.1:{port}/api"


@contextlib.contextmanager
def process(command: list[str], folder: Path, environment: dict[str, str], log: Path) -> Iterator[None]:
    """``command`` runs while the block does."""
    with log.open("ab") as output:
        running = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            yield
        finally:
            running.terminate()
            running.wait(60)


def prepared(folder: Path, api: str) -> Hospital:
    """A clone of the last commit with this one cohort, a vault and a public remote."""
    hospital = Hospital(folder, api)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(hospital.root)], check=True)
    for name in ("vault", "public"):
        (folder / name).mkdir()
    (hospital.root / RAW / "set-a").mkdir(parents=True)
    YAML().dump({"version": VERSION, "cohorts": {COHORT: PARAMS}}, hospital.root / "params.yaml")
    for setting in (("user.name", "growing cohort"), ("user.email", "benchmark@localhost")):
        hospital.call("git", "config", *setting)
    for name, place in (("vault", "vault"), ("release", "public")):
        hospital.call("dvc", "remote", "add", name, str(folder / place))
    hospital.call("dvc", "remote", "default", "vault")
    hospital.call("git", "add", "-A")
    hospital.call("git", "commit", "-qm", "A cohort that grows")
    return hospital


@contextlib.contextmanager
def serving(hospital: Hospital) -> Iterator[None]:
    """`recondense serve`, every minute and whenever records change."""
    command = [sys.executable, "-m", "recondense.cli", "serve", COHORT, "--poll", str(POLL), "--cron", "* * * * *"]
    with process(command, hospital.root, hospital.environment, hospital.folder / "serve.log"):
        yield


def parts(number: int) -> Iterator[tuple[list[tuple[str, bytes]], str]]:
    """Files of set a, by name, and lines of its outcomes, in ``number`` parts by record id."""
    raw = DATA / "physionet2012"
    head, *rows = (raw / "Outcomes-a.txt").read_text().splitlines(keepends=True)
    with tarfile.open(raw / "set-a.tar.gz") as tar:
        members = sorted((member for member in tar if member.isfile()), key=lambda member: member.name)
        files = [(Path(member.name).name, tar.extractfile(member).read()) for member in members]
    outcome_of = {row.split(",")[0]: row for row in rows}
    for part in range(number):
        chosen = files[part * len(files) // number : (part + 1) * len(files) // number]
        lines = "".join(outcome_of[name.removesuffix(".txt")] for name, _ in chosen)
        yield chosen, lines if part else head + lines


def arrive(hospital: Hospital, files: list[tuple[str, bytes]], outcomes: str) -> None:
    """Put records and outcomes into the raw folder, as a hospital's export would."""
    raw = hospital.root / RAW
    for name, content in files:
        (raw / "set-a" / name).write_bytes(content)
    with (raw / "Outcomes-a.txt").open("a") as file:
        file.write(outcomes)


def is_end(entry: dict[str, Any]) -> bool:
    """Whether nothing more comes of the records: released, refused by the gate, or held back by the budget."""
    reasons = entry["details"].get("reasons", [])
    return entry["event"] in ("released", "gate refused") or any("budget" in reason for reason in reasons)


def outcome(hospital: Hospital, seen: int) -> dict[str, Any]:
    """Wait until what came of new records is in the ledger; its first ``seen`` lines are old."""
    deadline = time.monotonic() + PATIENCE
    while True:
        new = hospital.entries()[seen:]
        ended = [entry for entry in new if is_end(entry)]
        if ended:
            break
        if time.monotonic() > deadline:
            log = (hospital.folder / "serve.log").read_text(errors="replace")[-3000:]
            raise SystemExit(f"nothing came of new records in {PATIENCE} s\n{log}")
        time.sleep(2)
    last, scores = ended[-1], hospital.metrics("5_trained")
    return {
        "event": last["event"],
        "version": last["details"].get("version", ""),
        "reasons": [reason.split(". ")[0] for reason in last["details"].get("reasons", [])],  # not what to do
        "subjects": hospital.metrics("2_ingested")["subjects"],
        "test_auc": scores["test_auc"]["condensed"],
        "attacks": {
            name: {"found": f"{in_words(found)} {found.verdict}", **found.model_dump(include={"auc", "low", "high"})}
            for name, found in hospital.audit().attacks.items()
        },
        "epsilon": spent(hospital.entries()),
        "megabytes": {place: hospital.megabytes(place) for place in ("project/.dvc/cache", "vault", "public")},
    }


def spent(entries: list[dict[str, Any]]) -> float:
    """Epsilon of all releases together, as the ledger says."""
    released = [entry["details"]["privacy"] for entry in entries if entry["event"] == "released"]
    return float(released[-1]["cumulative_epsilon"]) if released else 0.0


def afterwards(hospital: Hospital) -> dict[str, Any]:
    """What holds once all have arrived: trail, releases, and that what is current is not made again."""
    entries = hospital.entries()
    states = json.loads(hospital.recondense("run", COHORT, "--json"))["states"]
    ledger = hospital.folder / "public" / "releases" / COHORT / "ledger.jsonl"
    versions = sorted(path for path in ledger.parent.iterdir() if path.is_dir())
    for bundle in versions:
        hospital.recondense("verify", str(bundle), "--ledger", str(ledger))  # ends with 1 where a claim fails
    hospital.recondense("ledger", COHORT)
    events = [entry["event"] for entry in entries]
    return {
        "events": {event: events.count(event) for event in sorted(set(events))},
        "states_of_one_more_run": states,
        "verified_releases": len(versions),
    }


def line(row: dict[str, Any]) -> str:
    """One row of the table, in Markdown."""
    auc, sizes = row["test_auc"], row["megabytes"]
    came_of_it = [row["event"], row["version"], "; ".join(row["reasons"])]
    attacks = ", ".join(f"{name} {found['found']}" for name, found in row["attacks"].items())
    cells = [
        row["part"], sum(row["subjects"].values()), " ".join(filter(None, came_of_it)),
        f"{row['epsilon']:.2f}", f"{auc['mean']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})", attacks, row["seconds"],
        *(f"{size:.0f}" for size in sizes.values()),
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def page(results: dict[str, Any]) -> str:
    """The table with its headers."""
    after = results["afterwards"]
    events = ", ".join(f"{event} {count}" for event, count in after["events"].items())
    states = ", ".join(f"{stage} {state}" for stage, state in after["states_of_one_more_run"].items())
    table = "\n".join(line(row) for row in results["rows"])
    return f"""# A cohort that grows

`python -m benchmarks.growing_cohort`: PhysioNet-2012's set a arrives in parts; `recondense serve` recondenses and
releases, unattended. 10 records, {len(NETWORKS)} networks; the split is by hash, so the test patients of a row are
those of the row before and some more. Each release costs epsilon {EPSILON} at delta 1e-5, and all together may cost
{BUDGET}: what would exceed that is held back. Epsilon in the table is of all releases so far, by composition.

| part | subjects | what came of it | epsilon | test AUC | attacks | s | DVC cache, MB | vault, MB | public, MB |
|---|---|---|---|---|---|---|---|---|---|
{table}

The ledger's events: {events}. One more run: {states}. {after["verified_releases"]} releases verify against the
published ledger, and the trail holds.

![AUC and attacks over releases](growing_cohort.png)

Measured: {"; ".join(results["measured"].values())}
"""


def figure(rows: list[dict[str, Any]]) -> Figure:
    """Utility and attacks with intervals, and epsilon of all releases, over the number of subjects."""
    drawn, (above, below, cost) = paper(8, 8, rows=3, sharex=True)
    subjects = [sum(row["subjects"].values()) for row in rows]
    bars(above, subjects, [row["test_auc"] for row in rows], "mean", "condensed", GREEN)
    scored = [name for name, found in rows[-1]["attacks"].items() if "auc" in found]
    for place, name in enumerate(scored):
        bars(below, subjects, [row["attacks"][name] for row in rows], "auc", name.replace("_", " "), f"C{place}")
    rule(below, 0.5)
    above.set_ylabel("test AUC")
    below.set_ylabel("AUC of attacks")
    cost.step(subjects, [row["epsilon"] for row in rows], where="post", marker="o", color="#b3541e", label="spent")
    rule(cost, BUDGET, line="--", label="budget")
    cost.set_ylabel("epsilon of all releases")
    cost.set_xlabel("subjects")
    for axes in (above, below, cost):
        axes.grid(axis="y", color="#dddddd")
        axes.legend(frameon=False)
    return drawn


def bars(axes: Any, x: list[int], found: list[dict[str, float]], key: str, label: str, colour: str) -> None:
    """A line of ``key`` with its intervals."""
    values = [each[key] for each in found]
    bounds = [(each["low"], each["high"]) for each in found]
    intervals(axes, x, values, bounds, "o-", capsize=3, color=colour, label=label)


if __name__ == "__main__":
    main()

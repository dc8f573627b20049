"""Whether a change of the code changed any byte of what the stages write: digests of before and after.

    python -m benchmarks.stage_digests --scratch FOLDER --out before.json                        # before the change
    python -m benchmarks.stage_digests --scratch OTHER --out after.json --compare before.json    # after it

A scratch copy of this working tree runs `python -m tasks STAGE COHORT` for every stage of the cohorts in
``stage_digests.yaml``, one thread each. The SHA-256 of every file that a stage wrote is kept, of JSON files that of
each top-level key. Left out is what differs between two runs of the same code: see `DIFFER`.

With --compare there is a line a stage, and the exit status is 1 where anything differs. Noise of a guarantee is new in
each project; so the answers of before are put among the keys of the scratch project, where the stage takes them again
for the same records and the same question. Digests of other packages or on another kind of machine do not compare.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from benchmarks.harness import DATA, ROOT, header, read

SETTINGS = Path(__file__).with_suffix(".yaml")
# In the order in which they run, and where each writes below data/
STAGES = {
    "ingestion": "2_ingested",
    "normalisation": "3_normalised",
    "reference": "3_reference",
    "condensation": "4_condensed",
    "shadows": "5_shadows",
    "training": "5_trained",
    "privacy": "6_audited",
    "release": "7_released",
}
SECONDS = "seconds"  # keys of metrics that begin so
# Top-level keys by file: when, on what commit and machine, and by which version of the code
DIFFER = {"manifest.json": ("created", "code", "environment", "documents")}
PACKAGES = ("tasks", "flows", "recondense")
LANDMARK, HORIZON, HOURS = 365, 1826, 24  # days; hours of a day
Digests = dict[str, Any]  # of a file by its name: SHA-256, or of JSON one a key


def main() -> int:
    """Run all stages, write their digests, say which are others than before."""
    arguments = parse()
    before = read(arguments.compare) if arguments.compare else {}
    settings = hashlib.sha256(SETTINGS.read_bytes()).hexdigest()
    if arguments.compare and before.get("settings") != settings:
        raise SystemExit(f"{arguments.compare} is missing, or of other settings than {SETTINGS.name} has now")
    results: dict[str, Any] = {"measured": header(settings=settings[:12]), "settings": settings, "stages": {}}
    root, keys = make_project(arguments.scratch, arguments.data), arguments.scratch / "keys"
    restore(keys, before.get("answers", {}))
    check_imports(root, environment(root, keys))
    cohorts = YAML(typ="safe").load(root / "params.yaml")["cohorts"]
    same = True
    for cohort in arguments.cohorts or cohorts:
        raw = root / cohorts[cohort]["ingestion"]["raw"]
        if not raw.is_dir():
            print(f"{cohort}: left out, no {raw.name} in {arguments.data}", flush=True)
            continue
        for stage in STAGES:
            name, started = f"{stage}@{cohort}", time.perf_counter()
            results["stages"][name] = now = run(root, keys, stage, cohort)
            taken = f"{time.perf_counter() - started:.0f} s"
            told = verdict(before["stages"].get(name), now) if before else now["ended"]
            same = same and told in ("equal", "done", "refused")
            print(f"{name}: {told} ({taken})", flush=True)
        results["answers"] = {
            path.relative_to(keys).as_posix(): path.read_text() for path in sorted(keys.glob("askings/**/*.json"))
        }
        arguments.out.write_text(json.dumps(results, indent=1))
    return 0 if same else 1


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the open cohorts")
    parser.add_argument("--scratch", type=Path, required=True, help="a new folder, in no git work tree; it is kept")
    parser.add_argument("--out", type=Path, required=True, help="where the digests are written")
    parser.add_argument("--compare", type=Path, help="digests of before")
    parser.add_argument("--cohorts", nargs="+", help="of the settings; by default all")
    return parser.parse_args()


def make_project(scratch: Path, data: Path) -> Path:
    """A project in the new folder ``scratch`` of what git tracks or would track, with the settings' cohorts."""
    root = scratch / "project"
    root.mkdir(parents=True)
    files = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(files, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # not deleted since
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes((ROOT / name).read_bytes())
    settings = YAML(typ="safe").load(SETTINGS)
    plain = json.loads(json.dumps(settings["cohorts"]))  # nothing shared between cohorts
    YAML().dump({"cohorts": plain}, root / "params.yaml")
    (root / "shared").symlink_to(data.resolve())
    visits = pd.read_csv(root / "data/1_raw/pbcseq/pbcseq.csv")
    for name, write in RAW.items():
        write(visits, root / "data/1_raw" / name)
    return root


def classes(visits: pd.DataFrame, raw: Path) -> None:
    """The trial as a table of visits and one of patients, whose stage is that of the last visit."""
    raw.mkdir()
    visits.drop(columns=["age", "sex", "stage"]).to_csv(raw / "visits.csv", index=False)
    people = visits.groupby("id")[["age", "sex", "stage"]].last()
    people.reset_index().to_csv(raw / "patients.csv", index=False)


def meds(visits: pd.DataFrame, raw: Path) -> None:
    """The trial in MEDS, everybody enrolled on the same day; labels of those at risk at the landmark, whose outcome
    is known."""
    enrolled = pd.Timestamp("2000-01-01")
    visits = visits.assign(time=enrolled + pd.to_timedelta(visits["day"], "D"), subject_id=visits["id"])
    people = visits.groupby("subject_id").first().reset_index()
    born = enrolled - pd.to_timedelta((people["age"] * 365.25).round(), "D")
    large = visits["hepato"].map({1.0: "LIVER//LARGE", 0.0: "LIVER//NOT"})
    parts = [
        people.assign(time=born, code="MEDS_BIRTH", numeric_value=None),
        people.assign(time=None, code="GENDER//" + people["sex"].str.upper(), numeric_value=None),
        visits.assign(code="LAB//bili", numeric_value=visits["bili"]),
        visits.assign(code="LAB//albumin", numeric_value=10 * visits["albumin"]),
        visits.assign(code=large, numeric_value=None)[large.notna()],
    ]
    types = {"time": "datetime64[us]", "numeric_value": "float32"}
    columns = ["subject_id", "time", "code", "numeric_value"]
    events = pd.concat([part[columns].astype(types) for part in parts], ignore_index=True)
    event, end = people["status"] > 0, people["futime"]
    known = (end > LANDMARK) & (event | (end >= LANDMARK + HORIZON))
    labels = pd.DataFrame(
        {
            "subject_id": people["subject_id"],
            "prediction_time": (enrolled + pd.Timedelta(days=LANDMARK)).as_unit("us"),
            "boolean_value": event & (end <= LANDMARK + HORIZON),
        }
    )[known]
    codes = pd.DataFrame({"code": sorted(set(events["code"]))})
    tables = {"data/0": events, "labels/0": labels, "metadata/codes": codes}
    for name, table in tables.items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(raw / f"{name}.parquet", index=False)
    (raw / "metadata/dataset.json").write_text(json.dumps({"dataset_name": "pbcseq", "meds_version": "0.4"}))


RAW: dict[str, Callable[[pd.DataFrame, Path], None]] = {"table_classes": classes, "meds": meds}


def restore(keys: Path, answers: dict[str, str]) -> None:
    """Make the folder of ``keys``: one for noise, the same each time, and the ``answers`` drawn by it before."""
    files = {"noise.key": hashlib.sha256(b"stage_digests").digest(), **{k: v.encode() for k, v in answers.items()}}
    for name, content in files.items():
        (keys / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (keys / name).write_bytes(content)
        (keys / name).chmod(0o600)


def environment(root: Path, keys: Path) -> dict[str, str]:
    """Of every command: the project's own code, the keys, one thread, no GPU."""
    foreign = ("RECONDENSE_", "PREFECT_", "MLFLOW_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {"PYTHONPATH": str(root), "RECONDENSE_KEYS": str(keys), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return {**inherited, **own}


def check_imports(root: Path, env: dict[str, str]) -> None:
    """Stop unless the copy's own packages are those that a command would import in it."""
    ask = "import importlib.util as u, sys; [print(s.origin) for s in map(u.find_spec, sys.argv[1:]) if s]"
    command = [sys.executable, "-c", ask, *PACKAGES]
    found = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    if foreign := [path for path in found if not Path(path).resolve().is_relative_to(root.resolve())]:
        raise SystemExit(f"{', '.join(foreign)} would run in place of the code in {root}")


def run(root: Path, keys: Path, stage: str, cohort: str) -> dict[str, Any]:
    """Run one stage as both engines do. Returns how it ``ended``, the digest of why, and those of its ``files``.

    Its metrics then say that it took one second, so that nothing that is made from them differs.
    """
    command = [sys.executable, "-m", "tasks", stage, cohort]
    done = subprocess.run(command, cwd=root, env=environment(root, keys), capture_output=True, text=True, check=False)
    if done.returncode:
        _, place, why = done.stderr.rpartition(f"{stage}@{cohort}: ")
        if done.returncode != 3:
            print(done.stderr[-3000:], file=sys.stderr)
        ended = "refused" if done.returncode == 3 else f"failed with {done.returncode}"
        return {"ended": ended, "why": sha256((place + why).encode()), "files": {}}
    folder = root / "data" / STAGES[stage] / cohort
    if stage != "release":
        metrics = read(folder / "metrics.json")
        (folder / "metrics.json").write_text(json.dumps(alike(metrics), indent=2))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): digest(path) for path in paths}
    return {"ended": "done", "files": files}


def alike(content: Any) -> Any:
    """``content`` of a JSON file with every number of seconds made one."""
    if isinstance(content, dict):
        return {key: 1.0 if key.startswith(SECONDS) else alike(value) for key, value in content.items()}
    return [alike(value) for value in content] if isinstance(content, list) else content


def digest(path: Path) -> str | dict[str, str]:
    """SHA-256 of a file; of a JSON file that of each top-level key, and of its bytes where nothing is left out."""
    content = path.read_bytes()
    found = json.loads(content) if path.suffix == ".json" else None
    if not isinstance(found, dict):
        return sha256(content)
    left_out = DIFFER.get(path.name, ())
    keys = {key: sha256(json.dumps(value).encode()) for key, value in found.items() if key not in left_out}
    return keys if left_out else {**keys, "bytes": sha256(content)}


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def verdict(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    """ "equal", or what is not."""
    if before is None:
        return "was not run before"
    if before["ended"] != now["ended"]:
        return f"{before['ended']} before, {now['ended']} now"
    others = [] if before.get("why") == now.get("why") else ["why"]
    for name in sorted({*before["files"], *now["files"]}):
        others += differing(name, before["files"].get(name), now["files"].get(name))
    return f"differs: {', '.join(others)}" if others else "equal"


def differing(name: str, before: Any, now: Any) -> list[str]:
    """The file ``name`` where its digests differ, with the keys that do where it is JSON."""
    if before == now:
        return []
    if before is None or now is None:
        return [f"{name} (only {'before' if now is None else 'now'})"]
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [name]
    keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    return [f"{name} ({', '.join(keys)})"]


if __name__ == "__main__":
    sys.exit(main())

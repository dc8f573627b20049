"""Ingestion of MIMIC-III at the size of the full database: rows a second, and the most memory that it takes.

    python -m benchmarks.mimic3_streaming                     # 50 million rows of CHARTEVENTS
    python -m benchmarks.mimic3_streaming --rows 330712483    # as many as the full database has

The tables of the demo (below ``RECONDENSE_DATA``, like other real files) are repeated under new ids, as CSV.gz in a
temporary folder that is removed afterwards: about 12 bytes of disk a row. The stage runs as the pipeline runs it, in a
process of its own.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from ruamel.yaml import YAML

from benchmarks.harness import DATA, ROOT, header
from recondense.cohorts.readers.mimic3 import TABLES
from recondense.stages.layout import Layout
from recondense.stages.renamed import VERSION

DEMO = DATA / "mimic3-demo"
IDS = ("subject_id", "hadm_id", "icustay_id")
COPY = 1_000_000  # greater than any id of the demo, so that no two copies share one
BYTES_PER_ROW = 20  # of disk, to be on the safe side
# A process counts as its own the memory of the one that it was forked from, so that a small one has to come between
LAUNCHER = """
import json, resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), used.ru_utime + used.ru_stime]))
"""


def main() -> None:
    """Repeat the demo's tables, ingest them, print what it took."""
    arguments = parse()
    header(pyarrow=version("pyarrow"))
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        if shutil.disk_usage(scratch).free < 2 * arguments.rows * BYTES_PER_ROW:
            sys.exit(f"{scratch} has too little room for {arguments.rows:,} rows: choose another --folder")
        layout = Layout(Path(scratch), "mimic3")
        started = time.perf_counter()
        n_rows, n_copies = repeat_demo(layout.root / "raw", arguments.rows)
        print(f"made {n_rows:,} rows in {time.perf_counter() - started:.0f} s, the demo {n_copies} times", flush=True)
        started = time.perf_counter()
        peak, cpu = ingest(layout)
        seconds = time.perf_counter() - started
        counts = json.loads((layout.folder("ingestion") / "metrics.json").read_text())["counts"]
    print(f"ingestion: {seconds:.1f} s, {n_rows / seconds:,.0f} rows of CHARTEVENTS a second")
    print(f"processor time: {cpu:.1f} s, {n_rows / cpu:,.0f} rows of CHARTEVENTS a second")
    print(f"peak memory: {peak / 2**30:.2f} GiB")
    print(f"stays: {counts['subjects']['in']:,} in, {counts['subjects']['kept']:,} kept")
    print(f"rows of all event tables: {counts['measurements']['in']:,} in, {counts['measurements']['kept']:,} kept")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000_000, help="least number of rows of CHARTEVENTS")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made; the system's, unless given")
    return parser.parse_args()


def repeat_demo(raw: Path, rows: int) -> tuple[int, int]:
    """Write the tables into ``raw``; returns how many rows CHARTEVENTS then has, and how often the demo is in it."""
    raw.mkdir()
    demo = {name: read_demo(name) for name in TABLES}
    copies = -(-rows // len(demo["CHARTEVENTS"]))
    for name, table in demo.items():
        with (raw / f"{name}.csv.gz").open("wb") as stream:
            for copy in range(copies):
                # A gzip file may consist of several; each is compressed as it is made
                stream.write(gzip.compress(csv_bytes(renumbered(table, copy), with_header=copy == 0), compresslevel=1))
    return copies * len(demo["CHARTEVENTS"]), copies


def read_demo(name: str) -> Any:
    """One of the demo's tables: ids as numbers, everything else as text."""
    path = DEMO / f"{name}.csv.gz"
    if not path.is_file():
        sys.exit(f"{path} is missing; RECONDENSE_DATA names the folder above mimic3-demo")
    with gzip.open(path, "rt") as stream:
        columns = stream.readline().strip().split(",")
    types = {column: pa.int64() if column in IDS else pa.string() for column in columns}
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types))


def renumbered(table: Any, copy: int) -> Any:
    """The table as of other patients."""
    for name in set(IDS) & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, pc.add(table.column(name), copy * COPY))
    return table


def csv_bytes(table: Any, with_header: bool) -> bytes:
    """The table as CSV."""
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=with_header, quoting_style="needed")
    pyarrow.csv.write_csv(table, sink, options)
    return bytes(sink.getvalue())


def ingest(layout: Layout) -> tuple[int, float]:
    """Run the stage in a process of its own: bytes of its peak resident memory, and seconds of processor time."""
    section = {
        "dataset": "mimic3",
        "raw": str(layout.root / "raw"),
        "split": {"kind": "random", "validation": 0.15, "test": 0.15},
        "options": {"edition": "demo"},
    }
    (layout.root / "dvc.yaml").touch()
    YAML(typ="safe").dump(
        {"version": VERSION, "cohorts": {layout.cohort: {"ingestion": section}}}, layout.root / "params.yaml"
    )
    stage = [sys.executable, "-m", "tasks", "ingestion", layout.cohort]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *stage],
        cwd=layout.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
    )
    peak, cpu = json.loads(done.stdout)
    return peak, cpu


if __name__ == "__main__":
    main()

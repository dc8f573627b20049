"""docs/developer/first-plugins.md, done as it says, in a copy of this repository."""

import re
import subprocess
import tomllib
from pathlib import Path

from tests.support.paths import REPO
from tests.support.project import STAGES, make_project

PAGE = REPO / "docs/developer/first-plugins.md"
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
BLOCKS = [(language, title, text) for language, title, text in FENCE.findall(PAGE.read_text(encoding="utf-8"))]
RUN = "recondense run wearable\n"
# The stages that the command runs, in one process and without a server
STAGE_BY_STAGE = f"""python - <<'STAGES'
from pathlib import Path
from recondense.stages import command, software
software.write(Path())
for stage in {STAGES}:
    assert command.main([stage, "wearable"]) == 0, stage
STAGES
"""


def follow(root: Path) -> str:
    """Write the page's files into a copy and run its shell blocks, the run stage by stage. Returns what they print."""
    project = make_project(root, sources=True)
    environment = {**project.env, "PYTHONPATH": f"{root}:{root / 'hospital-methods'}"}
    said = ""
    for language, title, text in BLOCKS:
        if title == "params.yaml":
            file = root / title
            file.write_text(file.read_text().replace("\ncohorts:\n", f"\ncohorts:\n{text}", 1))
        elif title:
            (root / title).parent.mkdir(parents=True, exist_ok=True)
            (root / title).write_text(text)
            if language == "toml":
                register(root / "hospital-methods")
        elif language == "sh":
            command = text.replace(RUN, STAGE_BY_STAGE)
            done = subprocess.run(["bash", "-euc", command], cwd=root, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            said += done.stdout
    return said


def register(package: Path) -> None:
    """Leave beside the package's modules what `pip install` would: its name, and the entry points that it declares."""
    about = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    folder = package / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    lines = [
        line
        for group, points in about["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {module}" for name, module in points.items()))
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")


def test_four_new_plug_ins_keep_the_contracts_and_make_a_bundle_that_verifies(tmp_path: Path) -> None:
    said = follow(tmp_path)
    assert (tmp_path / "data/7_released/wearable/candidate/condensed.safetensors").is_file()
    assert re.search(r"(succeeded|above guessing|inconclusive|resisted)", said)
    ran = int(re.search(r"(\d+) passed", said)[1])  # type: ignore[index]
    assert ran >= 15 and "failed" not in said

"""What a run does before DVC is asked: software.yaml takes up edits of code, and params.yaml names each method."""

from importlib.metadata import version
from pathlib import Path

from recondense.condensation.params import Params as Condensation
from recondense.errors import InputError
from recondense.project.params_file import set_params
from recondense.stages import software
from recondense.stages.params import read
from recondense.terminal import say


def follow(root: Path) -> None:
    """Bring software.yaml up to date under the version that it names, and write out a method that is the default.

    Raises `InputError` where another version of recondense is installed.
    """
    there = software.named(root)
    if there["version"] != version("recondense"):
        raise InputError(
            f"recondense {version('recondense')} is installed, and this project is at {there['version']}: `recondense "
            "upgrade` shows what changes and which stages will run again"
        )
    for cohort, sections in read(root).items():
        own = sections.get("condensation") if isinstance(sections, dict) else None
        if isinstance(own, dict) and "method" not in own:
            set_params(root, cohort, [f"condensation.method={Condensation().method}"])
            say(f"params.yaml: wrote out cohorts.{cohort}.condensation.method, {Condensation().method}, the default")
    if there != software.installed(root):
        software.write(root)

"""The machine and what is installed on it."""

import importlib.metadata
import os
import shutil
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from recondense.probes.finding import GB, Finding, Found, section_of
from recondense.stages import params

CODE = Path(__file__).resolve().parents[2]
OF_READERS = {"coswara": "audio"}  # the extra that a reader needs
BUSY, MEMORY = 3, 2 * GB


def machine(root: Path) -> Found:
    import psutil
    from joblib import cpu_count

    cores = cpu_count()
    busy = os.getloadavg()[0] / cores
    words = f"{cores} core{'s' if cores > 1 else ''}"
    if busy < BUSY:
        yield Finding("ok", words)
    else:
        words = f"{words}, for each of which {busy:.0f} programs wait"
        yield Finding("warning", words, "a run will take that much longer: let them end first")
    memory = psutil.virtual_memory()
    words = f"{memory.total / GB:.1f} GB of memory, {memory.available / GB:.1f} GB of it free"
    if memory.available >= MEMORY:
        yield Finding("ok", words)
    else:
        yield Finding("warning", words, "end other programs, or the system may kill a stage for want of memory")


def packages(root: Path) -> Found:
    """Python, and each package that the installed recondense asks for, with the extras that this project needs."""
    about = importlib.metadata.metadata("recondense")
    version = ".".join(map(str, sys.version_info[:3]))
    if version in SpecifierSet(about["Requires-Python"]):
        yield Finding("ok", f"Python {version}")
    else:
        mend = "make an environment with such a Python, and install recondense there"
        yield Finding("fault", f"Python {version}, where {about['Requires-Python']} is asked for", mend)
    extras = _extras(root)
    install = f'{sys.executable} -m pip install --upgrade "recondense[{",".join(extras)}]=={about["Version"]}"'
    listed = [Requirement(text) for text in importlib.metadata.requires("recondense") or ()]
    wanted = [one for one in listed if one.marker is None or any(one.marker.evaluate({"extra": e}) for e in extras)]
    right = 0
    for requirement in wanted:
        found = _installed(requirement.name)
        if found and requirement.specifier.contains(found, prereleases=True):
            right += 1
        else:
            requirement.marker = None
            yield Finding(
                "fault", f"{requirement.name} {found or 'is missing'}, where {requirement} is asked for", install
            )
    if right == len(wanted):
        yield Finding("ok", f"{right} packages are as recondense {about['Version']} asks")


def _extras(root: Path) -> list[str]:
    """What this project needs of recondense beside its core."""
    read = {section_of(block, "ingestion").get("dataset") for block in params.read(root).values()}
    return ["pipeline", *(extra for reader, extra in OF_READERS.items() if reader in read)]


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def gpu(root: Path) -> Found:
    import torch

    asking = [
        name for name, block in params.read(root).items() if section_of(block, "condensation").get("device") == "cuda"
    ]
    if torch.cuda.is_available():
        torch.ones(8, device="cuda").sum().item()  # what the driver cannot do shows here
        free, total = torch.cuda.mem_get_info()
        words = f"{free / GB:.1f} of {total / GB:.1f} GB free, CUDA {torch.version.cuda}, torch {torch.__version__}"
        yield Finding("ok", f"{torch.cuda.get_device_name()}, {words}")
    elif asking:
        words = f"none that torch {torch.__version__} can use, and params.yaml asks for one: {', '.join(asking)}"
        yield Finding("fault", words, "condensation.device: auto takes what there is")
    elif shutil.which("nvidia-smi"):
        mend = "update the driver, or install the torch for its CUDA version; the processor is used until then"
        yield Finding("warning", f"there is a driver of NVIDIA's, and torch {torch.__version__} finds no GPU", mend)
    else:
        yield Finding("ok", f"none: torch {torch.__version__} uses the processor")

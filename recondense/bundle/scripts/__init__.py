"""Programs that go into every bundle as they stand. They import nothing of this project but each other."""

import sys
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from recondense.records import cells

SCRIPTS = (*(Path(__file__).with_name(name) for name in ("quickstart.py", "apply.py")), Path(cells.__file__))

# SHA-256 of every form in which they ever went into a bundle, by name, the latest last: whatever else a bundle holds
# under these names, nobody here wrote
SHIPPED = {
    "quickstart.py": (
        "3e8a1e5809fbd51833e5aaf983389c1d21fd757503f3f6f94b8fe71f6739c676",
        "c2322479c010daa9041a203d4090dc12d4c9b62fb412087bc9eb9a992673b817",
    ),
    "apply.py": (
        "2adeda3f09388dee899034b11e62b639e1dbdc88d34937cc4fe8cd0677df521e",
        "121055252713b0e764c908894ab65f84a24f0bc37a8bcc9c8554c2eaa010bbd1",
        "2fc92114f5b4e79b717d4f1a1804bb71d36809140ed6a96a74684802ad2a721f",
        "54cbdfecab104818cd31da25b87de3ab4bf1e526ce5adef879d7a0bdcfa78383",
        "b6205c77a86c1dd20549c6c75bd867f39aa98865aa4fdca7ab1c9943aec7514e",
    ),
    "cells.py": ("b2e66012a2eb2a43c3ca05ecbb33d7778b86db501acbfa286eaa44b596efead0",),
}


@cache
def program(name: str) -> ModuleType:
    """A program of `SCRIPTS`, imported as it stands: it finds cells.py beside itself, as in a bundle."""
    loader = SourceFileLoader(name, str(Path(__file__).with_name(f"{name}.py")))
    spec = spec_from_loader(name, loader)
    assert spec
    module, before = module_from_spec(spec), sys.dont_write_bytecode
    module.__file__ = str(Path(cells.__file__).with_name(f"{name}.py"))
    loader.exec_module(module)
    sys.dont_write_bytecode = before  # the program's own wish is about bundles
    return module

"""What a stage did, for whoever asks later: ``.recondense/logs/COHORT/TIME-STAGE.log``, one file a run, of mode 600.

It holds names, counts, seconds, versions and places in code, and no patient's value. The text of a library's warning or
error may quote a record, so only its type and place are kept, unless RECONDENSE_DEBUG is 1. Outside of a stage's run
nobody listens: the library is quiet.
"""

import hashlib
import logging
import platform
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from recondense.errors import InputError, without_its_text
from recondense.settings import settings

FOLDER = ".recondense/logs"
KEPT = 200  # of one cohort; a shadow has one, too
VERSIONS = ("recondense", "torch", "numpy", "pandas", "pyarrow", "scikit-learn", "safetensors")

log = logging.getLogger("recondense")
log.addHandler(logging.NullHandler())


@contextmanager
def run(root: Path, cohort: str, name: str) -> Iterator[str]:
    """Keep a log while stage ``name`` runs. Gives its path from ``root``, "" where none can be written."""
    began = time.perf_counter()
    path = root / FOLDER / cohort / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{name}.log"
    try:
        handler = _handler(path)
    except OSError:  # the disk is full or cannot be written: no reason to do nothing
        yield ""
        return
    everything = logging.getLogger()
    everything.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    packages = ", ".join(f"{package} {version(package)}" for package in VERSIONS)
    log.info("%s of %s, Python %s, %s", name, cohort, platform.python_version(), packages)
    try:
        with _warnings_withheld():
            yield path.relative_to(root).as_posix()
        log.info("done in %.1f s", time.perf_counter() - began)
    except Exception as error:
        log.error("stopped after %.1f s: %s", time.perf_counter() - began, _said(error))
        raise
    finally:
        log.setLevel(level)
        everything.removeHandler(handler)
        handler.close()


def params(section: str, content: str) -> None:
    """Which params a stage runs with, as a digest."""
    log.info("params of %s: SHA-256 %s", section, hashlib.sha256(content.encode()).hexdigest())


def folder(does: str, place: Path) -> None:
    """That a stage ``does`` read or write the files of a folder of ours, with their sizes."""
    for path in sorted(place.rglob("*")):
        if path.is_file():
            log.info("%s %s: %s bytes", does, "/".join(path.parts[-3:]), f"{path.stat().st_size:,}")


def counts(found: Mapping[str, Any]) -> None:
    """The whole numbers among a stage's metrics, as of subjects and records."""
    log.info("counts: %s", ", ".join(_whole_numbers(found)) or "none")


def _whole_numbers(found: Mapping[str, Any], below: str = "") -> Iterator[str]:
    for name, value in found.items():
        if type(value) is int:  # and not a bool
            yield f"{below}{name} {value:,}"
        elif isinstance(value, Mapping):
            yield from _whole_numbers(value, f"{below}{name}.")


class _Formatter(logging.Formatter):
    """Of what others log, only who and where."""

    def format(self, record: logging.LogRecord) -> str:
        place = f"{record.name} at {record.filename}:{record.lineno} (its text is withheld)"
        said = record.getMessage() if _ours(record) else place
        return f"{self.formatTime(record)} {record.levelname} {said}"


class _File(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk is told by the stage itself, once it writes its result."""


def _ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "recondense" or settings().debug


def _handler(path: Path) -> logging.Handler:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in sorted(path.parent.glob("*.log"))[: -KEPT + 1]:
        old.unlink(missing_ok=True)
    path.touch(mode=0o600)
    handler = _File(path, encoding="utf-8")
    handler.setFormatter(_Formatter())
    return handler


@contextmanager
def _warnings_withheld() -> Iterator[None]:
    """Warnings go into the log; on the terminal they would show their text."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            text = f": {message}" if settings().debug else ""
            log.warning("%s at %s:%s%s", category.__name__, Path(filename).name, lineno, text)
            if settings().debug:
                shown(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _said(error: Exception) -> str:
    if settings().debug:
        return "".join(traceback.format_exception(error))
    return str(error) if isinstance(error, InputError) else without_its_text(error)

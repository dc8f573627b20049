"""The exceptions a user is meant to read, and what may be said of all others."""

import traceback
from pathlib import Path


class InputError(Exception):
    """Something given from outside (a file, a parameter, an option) cannot be used.

    The message says which file, record position and column, and how to mend it. It never holds a patient's values.
    """


class Refusal(InputError):
    """Everything was read, and a rule forbids to go on. ``reasons``: every one, without patients' values."""

    def __init__(self, what: str, reasons: list[str]) -> None:
        super().__init__(f"{what}:" + "".join(f"{BULLET}{reason}" for reason in reasons))
        self.reasons = reasons


BULLET = "\n  - "
REFUSED = 3  # the exit status of a stage that ended with a `Refusal`


def without_its_text(error: Exception) -> str:
    """Type and places in the code of a foreign ``error``. Its text may quote a record ("could not convert string to
    float: ..."), so it is withheld; RECONDENSE_DEBUG=1 shows all of it on the steward's own terminal."""
    frames = [
        f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    said = "its text is withheld since it may quote a record; set RECONDENSE_DEBUG=1 to see it"
    return "\n".join([f"{type(error).__name__} ({said})", *frames])

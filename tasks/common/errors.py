"""The exceptions a user is meant to read."""


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

"""What a verification found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One claim and whether it was found true."""

    claim: str
    holds: bool
    detail: str = ""

"""What a verification found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One claim and whether it was found true; None where nothing here can tell, which is no yes."""

    claim: str
    holds: bool | None
    detail: str = ""

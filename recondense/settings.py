"""Every environment variable that recondense itself knows: read here, by its name below with ``RECONDENSE_`` before it.

Those of Prefect, DVC and MLflow are theirs; recondense.engines.settings sets some of them.
"""

import os
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recondense.errors import InputError

PREFIX = "RECONDENSE_"
INTERNAL = "Set by recondense for a stage that it starts"


class Settings(BaseModel):
    """What the environment says; an empty variable counts as none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    debug: bool = Field(
        False,
        description="Errors, and warnings of libraries, show their whole text, in a stage's log too. It may quote a "
        "record: only for the steward's own terminal and machine",
    )
    keys: Path | None = Field(
        None, description="The folder of this user's keys, by default ~/.config/recondense/keys; not in a git work tree"
    )
    data: Path | None = Field(
        None, description="The folder of the real data sets, for tests and benchmarks; by default ../shared/data"
    )
    asking: int = Field(0, ge=0, description="The number of an asking that is repeated, none begun. Set by `reproduce`")
    mlflow_run: str | None = Field(None, description=f"The MLflow run that a manifest names. {INTERNAL}")
    parent_pipe: bool = Field(False, description=f"The stage ends once its standard input is closed. {INTERNAL}")
    reason_file: Path | None = Field(None, description=f"Where the stage writes why it stopped. {INTERNAL}")
    kills: int = Field(50, ge=1, description="How often the tests of kills kill what runs")
    seed: int | None = Field(None, description="The seed of the tests of kills, to repeat what they did")
    timings: bool = Field(False, description="Tests that measure how long reading takes are run, too")


def settings() -> Settings:
    """What the environment says now. Raises `InputError` where a variable holds what it cannot be."""
    given = {name.lower(): value for name, value in _given().items() if value}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        raise InputError(f"{variable(str(wrong['loc'][0]))}: {wrong['msg']}: mend it, or unset it") from None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def unknown() -> dict[str, str]:
    """Variables of our prefix that nothing reads, each with the nearest that is read, or ""."""
    known = [name.upper() for name in Settings.model_fields]
    near = {name: get_close_matches(name, known, n=1) for name in _given() if name not in known}
    return {variable(name): "".join(map(variable, found)) for name, found in near.items()}


def _given() -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}

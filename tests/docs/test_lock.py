"""requirements.lock: the environment that CI installs is one that pyproject.toml allows."""

import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import REPO

PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def asked() -> Iterator[Requirement]:
    """Every requirement, of all extras, but for the extras themselves."""
    for line in [
        *PROJECT["dependencies"],
        *(each for extra in PROJECT["optional-dependencies"].values() for each in extra),
    ]:
        requirement = Requirement(line)
        if requirement.name != PROJECT["name"]:
            yield requirement


def locked() -> dict[str, str]:
    lines = (REPO / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_every_requirement_is_locked_at_a_version_that_it_allows() -> None:
    versions = locked()
    wrong = [
        f"{each}: {versions.get(canonicalize_name(each.name), 'not locked')}"
        for each in asked()
        if not each.specifier.contains(versions.get(canonicalize_name(each.name), "0"), prereleases=True)
    ]
    assert wrong == [], "run `make lock`"


def test_the_lock_names_versions_alone_no_place_and_no_machine_s_build() -> None:
    text = (REPO / "requirements.lock").read_text(encoding="utf-8")
    assert not [line for line in text.splitlines() if line.startswith("-") or any(sign in line for sign in "@+/:")]
    assert len(locked()) > len({each.name for each in asked()})

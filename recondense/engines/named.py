"""Anybody's names, nested in each other, as one: readable, and two names stay two. In MLflow, as it allows them.

MLflow takes letters, digits, ``_-. :/``, 250 characters, and no name that a file system would read as another one
(``..``, ``//``). So what else is in a name is written as ``:`` and its bytes in hex, as an address writes ``%``.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 250
DIGEST = 16


def flat(nested: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The leaves of nested dictionaries with dotted names, in which a name with a dot of its own is in quotation marks.

    >>> dict(flat({"test_auc": {"kmeans": {"mean": 0.75}}, "a.b": 1, "a": {"b": 2}}))
    {'test_auc.kmeans.mean': 0.75, '"a.b"': 1, 'a.b': 2}
    """
    for names, value in leaves(nested):
        yield dotted(*names), value


def dotted(*names: str) -> str:
    """The names that lead to a value as one, see `flat`."""
    return ".".join(
        name if name and not set(name) & {".", '"'} else json.dumps(name, ensure_ascii=False) for name in names
    )


def leaves(nested: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves of nested dictionaries, each with the names that lead to it."""
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*above, str(name)))
        else:
            yield (*above, str(name)), value


def named(*names: str) -> str:
    """The names that lead to a figure as one that MLflow takes; different ones never come to the same.

    >>> named("coverage", "NEUT%"), named("coverage", "NEUT#"), named("a.b"), named("a", "b"), named("pCO2 [kPa]")
    ('coverage.NEUT:25', 'coverage.NEUT:23', 'a:2eb', 'a.b', 'pCO2 :5bkPa:5d')
    """
    whole = ".".join(map(_escaped, names))
    if len(whole) <= LONGEST:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:DIGEST]
    return f"{whole[: LONGEST - DIGEST - 2]}:-{digest}"  # no escape begins with a dash


def _escaped(name: str) -> str:
    """``name`` without a dot or a slash of its own; a colon stands for a name of no characters."""
    allowed = "".join(one if one.isalnum() or one in "_- " else _bytes(one) for one in name)
    return allowed or ":"


def _bytes(one: str) -> str:
    return "".join(f":{byte:02x}" for byte in one.encode(errors="surrogatepass"))

"""On what terms a bundle is given, and how it is cited."""

import json
import re

from recondense.bundle.contents import CANDIDATE, Contents
from recondense.escape import printable

# Of licences that data providers use: what their names contain, their SPDX identifier, where they stand
LICENCES = (
    (r"ODC-BY", "ODC-By-1.0", "https://opendatacommons.org/licenses/by/1-0/"),
    (r"ODbL", "ODbL-1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    (r"CC0", "CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    (r"CC[ -]BY[ -]4", "CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"),
    (r"CC[ -]BY[ -]SA[ -]4", "CC-BY-SA-4.0", "https://creativecommons.org/licenses/by-sa/4.0/"),
    (r"LGPL", "LGPL-2.0-or-later", "https://www.gnu.org/licenses/old-licenses/lgpl-2.0.html"),
)


def spdx(licence: str) -> tuple[str, str] | None:
    """The SPDX identifier and the address of a licence that is known by its name.

    >>> spdx("Open Data Commons Attribution License v1.0 (ODC-BY 1.0)")
    ('ODC-By-1.0', 'https://opendatacommons.org/licenses/by/1-0/')
    """
    return next((found[1:] for found in LICENCES if re.search(found[0], licence, re.IGNORECASE)), None)


def licence(contents: Contents) -> str:
    """LICENSE: the terms of the records it was learned from, which hold for what was made of them."""
    known = spdx(contents.source.licence)
    source = {key: printable(value) for key, value in contents.source}
    stands = f"SPDX: {known[0]}\nText: {known[1]}\n" if known else "Its text is with the provider of the records.\n"
    return f"""{printable(contents.title)}

The data in this folder was made from
    {source["title"]}
    {source["url"]}
which its provider gives under
    {source["licence"]}
{stands}
What was made of those records is passed on under the same terms, as far as these reach. Name the source where you show
results:
    {source["citation"]}

quickstart.py, apply.py and cells.py are part of recondense, under Apache-2.0 (https://www.apache.org/licenses/LICENSE-2.0).
There is no warranty of any kind.
"""


def citation(contents: Contents) -> str:
    """CITATION.cff, Citation File Format 1.2.0; strings are written as JSON, which YAML reads."""
    source, known = contents.source, spdx(contents.source.licence)
    address = source.url if source.url.startswith("http") else ""
    lines = [
        "cff-version: 1.2.0",
        'message: "Please cite this data set, and the records it was learned from."',
        "type: dataset",
        f"title: {_text(contents.title)}",
        *([f"version: {_text(contents.version)}"] if contents.version != CANDIDATE else []),
        "authors:",
        f"  - name: {_text(f'The stewards of the cohort {contents.cohort}')}",
        *([f"license: {known[0]}"] if known else []),
        "references:",
        "  - type: dataset",
        f"    title: {_text(source.title)}",
        *([f"    url: {_text(address)}"] if address else []),
        "    authors:",
        '      - name: "Provider of the records"',
        f"    notes: {_text(source.citation)}",
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """As a string of JSON without control characters, of which YAML reads some otherwise."""
    return json.dumps(printable(text), ensure_ascii=False)

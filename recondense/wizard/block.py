"""A proposal as the text of a cohort's block in params.yaml, with comments on what a person has to check.

Names of columns and levels come from files, and may hold anything. So the YAML library writes them all, and no comment
holds a character that ends it.
"""

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from recondense.escape import printable
from recondense.wizard import Proposal

# All else is quoted, in which the library escapes what has to be; older YAML knows "no" and "off" as false
TAME = re.compile(r"(?!(?:y|n|yes|no|on|off)$)([^\W\d_][\w .%/()+-]*)?", re.IGNORECASE)
ORDER = ("measurements", "subjects", "outcomes", "time", "labels", "window_hours", "use", "outcome")
AT = 34  # the column of comments behind a value
TO_ADD = (
    "CHECK: add what is publicly known: unit, low and high (the widest plausible range, never the least\n"
    "and greatest of these records), and 'skewed: true' with a low where they span orders of magnitude."
)


def block(name: str, found: Proposal) -> str:
    """The text of a cohort's block in params.yaml, commented, indented as the blocks there."""
    options = CommentedMap(source=CommentedMap(title=name, licence="all rights reserved, not to be shared"))
    _say(options["source"], "title", "CHECK: what recipients may know of its origin")
    _say(options["source"], "licence", "CHECK: state the licence")
    options.update({key: _lines(found.options[key]) for key in ORDER if key in found.options})
    if "outcome" in options:
        _say(options, "outcome", "CHECK: levels named neither way are set aside")
    options["variables"] = CommentedMap({_quoted(name): _line(declared) for name, declared in found.variables.items()})
    options.yaml_set_comment_before_after_key("variables", before=TO_ADD, indent=6)
    for variable, declared in found.variables.items():
        if "unit" in declared:
            _say(options["variables"], variable, "low: , high:")
    grid = CommentedMap(step_hours=found.step_hours, n_steps=found.n_steps)
    _say(grid, "step_hours", "CHECK: time is cut into n_steps of step_hours")
    ingestion = CommentedMap(dataset=found.dataset, raw=_quoted(found.raw))
    _say(ingestion, "dataset", "the documentation's page 'Your own cohort' explains every key")
    ingestion["split"] = _line({"kind": "hashed", "validation": 0.2, "test": 0.2})
    _say(ingestion, "split", "who comes or goes moves nobody else")
    ingestion["options"] = options
    cohort = CommentedMap(ingestion=ingestion, normalisation=grid, reference=_line({}))
    cohort["condensation"] = _line({"method": "unrolled", "records_per_class": 10, "seed": 0, "device": "auto"})
    cohort.update({section: _line({}) for section in ("shadows", "training", "privacy")})
    cohort["release"] = _line({"allow_inconclusive": ["reconstruction"]})
    _say(cohort, "release", "twenty records are too few guesses for it to decide")
    if found.left_out:
        left_out = "\n".join(f"left out: {printable(one)}" for one in found.left_out)
        cohort.yaml_set_comment_before_after_key("normalisation", before=left_out, indent=8)
    document = CommentedMap({name: cohort})
    document.yaml_set_start_comment(
        "Guessed from the files: check every line, labels, units and levels against your code book."
    )
    return _indented(document)


def _lines(value: Any) -> Any:
    """A mapping on one line, or each mapping of a list on one of its own; all else as it is."""
    if isinstance(value, list):
        return [_line(one) for one in value]
    return _line(value) if isinstance(value, dict) else _quoted(value)


def _line(value: dict[str, Any]) -> CommentedMap:
    """A mapping on one line."""
    line = CommentedMap(_quoted(value))
    line.fa.set_flow_style()
    return line


def _quoted(value: Any) -> Any:
    """``value`` with every text in it in quotation marks that may need them."""
    if isinstance(value, dict):
        return {_quoted(key): _quoted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_quoted(inner) for inner in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not TAME.fullmatch(value) else value


def _say(about: CommentedMap, key: str, comment: str) -> None:
    about.yaml_add_eol_comment(comment, key, column=AT)


def _indented(document: CommentedMap) -> str:
    yaml, stream = YAML(), io.StringIO()
    yaml.width = 1 << 20
    yaml.dump(document, stream)
    return "".join(f"  {line}\n" if line else "\n" for line in stream.getvalue().rstrip("\n").split("\n"))

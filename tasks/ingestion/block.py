"""A proposal as the text of a cohort's block in params.yaml, with comments on what a person has to check."""

import io
from typing import Any

from ruamel.yaml import YAML

from tasks.ingestion.propose import Proposal


def block(name: str, found: Proposal) -> str:
    """The text of a cohort's block in params.yaml, commented, indented as the blocks there."""
    rows = [
        "  # Guessed from the files: check every line, labels, units and levels against your code book.",
        f"  {name}:",
        "    ingestion:",
        "      dataset: table                   # docs/your-own-cohort.md explains every key",
        f"      raw: {_flow(found.raw)}",
        "      split: {kind: hashed, validation: 0.2, test: 0.2}   # who comes or goes moves nobody else",
        "      options:",
        "        source:",
        f"          title: {_flow(name)}                # CHECK: what recipients may know of its origin",
        "          licence: all rights reserved, not to be shared   # CHECK: state the licence",
    ]
    for key in ("measurements", "subjects", "time"):
        if key in found.options:
            rows.append(f"        {key}: {_flow(found.options[key])}")
    rows.append(f"        outcome: {_flow(found.options['outcome'])}   # CHECK: levels named neither way are set aside")
    rows += [
        "        # CHECK: add what is publicly known: unit, low and high (the widest plausible range, never the least",
        "        # and greatest of these records), and 'skewed: true' with a low where they span orders of magnitude.",
        "        variables:",
    ]
    for variable, declared in found.variables.items():
        hint = "   # low: , high:" if "unit" in declared else ""
        rows.append(f"          {_flow(variable)}: {_flow(declared)}{hint}")
    rows += [f"          # left out: {one}" for one in found.left_out]
    rows += [
        "    normalisation:",
        f"      step_hours: {found.step_hours}                   # CHECK: time is cut into n_steps of step_hours",
        f"      n_steps: {found.n_steps}",
        "    reference: {}",
        "    condensation: {method: unrolled, records_per_class: 10, seed: 0, device: auto}",
        "    shadows: {}",
        "    training: {}",
        "    privacy: {}",
        "    release: {allow_inconclusive: [reconstruction]}   # twenty records are too few guesses for it to decide",
    ]
    return "\n".join(rows) + "\n"


def _flow(value: Any) -> str:
    """On one line of YAML, quoted where it has to be."""
    yaml, stream = YAML(typ="safe"), io.StringIO()
    yaml.default_flow_style, yaml.width, yaml.allow_unicode = True, 1 << 20, True
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump({"x": value}, stream)
    return stream.getvalue().strip().removeprefix("{x: ").removesuffix("}")

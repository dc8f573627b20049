"""Names that files have, and a cohort whose variables, levels and classes have them all."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LONG = "serum " * 50
NAMES = [
    # Of a blood count, of LOINC, of ward charts
    "NEUT%", "NEUT#", "HF [/min]", "Erythrocytes [#/volume] in Blood", "pCO₂ [kPa]", "Größe/cm", "a.b", "a_b",
    # Marks of terminals, Markdown, HTML, YAML, JSON, Jinja, formatting, matplotlib
    "[/red]", "[bold]", "$a$", "$\\frac{", "a|b", "`code`", "**b**", "![x](y)", "<b>x</b>", "<script>alert(1)</script>",
    "&amp;", "&", "{x}", "{{ x }}", "{% if %}", "${y}", "%s", "%(x)d", "'quoted'", '"quoted"', "a\\b", "\\n", "a: b",
    "# no comment", "## no heading", "- item", "---", "1. item", "12) item",
    "__b__", "? key", "*anchor", "!tag", "~", "null", "true", "nan", "1e5", "#REF!",
    # Places of a file system
    "../../x", "/etc/x", "a//b", "a/./b", "..", ".", "C:\\x", "CON",
    # What a spreadsheet takes for a formula
    "=1+1", "+a", "-a", "@a",
    # Characters that look alike, are seen by nobody, or turn what follows
    "caf\u00e9", "cafe\u0301", "a\u202eb", "a\u200bb", "a\u00a0b", "two\nlines", "a\tb", "\U0001f600", "中文",
    "Hb", "HB",
    # Longer than MLflow's 250, and different at the end alone
    f"{LONG}one", f"{LONG}two",
    # What a feature of another variable could be called
    "Hb_observed", "a=b", "n_measurements", "raw", "path",
]  # fmt: skip
LEVELS = [
    name for name in NAMES if name not in ("HB", "nan", "null", "cafe\u0301")
]  # those that no reader takes for one
CLASSES = ["=no event", "[red]dead[/red]", "<b>moved</b> | 100 %"]
SEARCH = {"networks": ["rnn_beta"], "learning_rates": [0.001], "noises": [0.5], "steps": [5], "seeds": 1}
SUBJECTS = 180
STEWARD = "Test Steward"


def cohort(raw: Path) -> dict[str, Any]:
    """A block of params.yaml for tables that are written into ``raw``: every name is one of a series, of a level of a
    static and of a label; quick to run."""
    drawn = np.random.default_rng(0)
    people = [f"p{number}" for number in range(SUBJECTS)]
    classes = np.arange(SUBJECTS) % len(CLASSES)
    raw.mkdir(parents=True, exist_ok=True)
    rows = [
        (person, step, f"c{place}", round(float(drawn.normal(10 + k, 1)), 2))
        for person, k in zip(people, classes, strict=True)
        for step in (0, 1)
        for place in range(len(NAMES))
    ]
    pd.DataFrame(rows, columns=["id", "day", "code", "value"]).to_csv(raw / "labs.csv", index=False)
    levels = [LEVELS[number % len(LEVELS)] for number in range(SUBJECTS)]
    table = {
        "id": people,
        "level": levels,
        "age": drawn.integers(20, 90, SUBJECTS),
        "end": [CLASSES[k] for k in classes],
    }
    pd.DataFrame(table).assign(sex=["f", "m"] * (SUBJECTS // 2)).to_csv(raw / "people.csv", index=False)
    series = {
        name: {"label": f"{name} as such", "role": "series", "unit": name, "column": f"c{place}"}
        for place, name in enumerate(NAMES)
    }
    statics = {
        "= [b]level": {"label": "level", "role": "static", "kind": "categorical", "levels": LEVELS, "column": "level"},
        "age": {"label": "age | [years]", "role": "static", "unit": "years", "low": 0, "high": 120},
        "sex": {"label": "sex", "role": "static", "kind": "binary", "positive": ["f"], "negative": ["m"]},
    }
    options = {
        "source": {"title": "[bold]A cohort[/bold] | <b>", "licence": "none"},
        "measurements": {"file": "labs.csv", "subject": "id", "time": "day", "variable": "code", "value": "value"},
        "subjects": {"file": "people.csv", "subject": "id"},
        "time": {"unit": "days"},
        "outcome": {"column": "end", "classes": {name: [name] for name in CLASSES}},
        "variables": series | statics,
    }
    split = {"kind": "random", "seed": 0, "validation": 0.2, "test": 0.4}
    return {
        "ingestion": {"dataset": "table", "raw": "data/1_raw/names", "split": split, "options": options},
        "normalisation": {"step_hours": 24, "n_steps": 2, "missingness": "mask"},
        "reference": {"networks": ["rnn_beta"], "steps": 5},
        "condensation": {"method": "group_means", "records_per_class": 1, "seed": 0, "recipe_search": SEARCH},
        "shadows": {"count": 0},
        "training": {"networks": ["rnn_beta"], "seeds": 1, "bootstrap": 100, "baselines": []},
        "privacy": {"options": {"loss_membership": {"networks": ["rnn_beta"], "repeats": 1}}},
        "release": {
            "min_patients_per_class": 5, "min_patients_per_record": 1, "min_test_auc": 0, "min_test_events": 4,
            "min_share_of_simple_model": 0, "min_distance_ratio": 0, "allow_no_gain_over_one_variable": True,
            "allow_test_beyond_validation": True, "allow_inconclusive": True, "allow_above_guessing": True,
            "override": {"by": STEWARD, "reason": "Nobody in this cohort exists, so nothing of anybody is given away."},
        },
    }  # fmt: skip

"""The bundle described for machines: Croissant 1.0, MLCommons' vocabulary for data sets (mlcommons.org/croissant)."""

import json
from typing import Any
from urllib.parse import quote

from recondense.bundle.contents import CANDIDATE, Contents
from recondense.bundle.dictionary import COLUMNS
from recondense.bundle.phrases import MAY, MAY_NOT, guarantee, nobody
from recondense.bundle.terms import spdx

# Croissant's own words, each as itself, and the few that mean something else
TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
    "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
OTHERS = {
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    **dict(sorted({**{term: f"cr:{term}" for term in TERMS}, **OTHERS}.items())),
}
PARQUET, CSV = "condensed.parquet", "dictionary.csv"
KINDS = {PARQUET: "application/x-parquet", CSV: "text/csv"}
IN_PARQUET = {
    "record": ("sc:Integer", "number of the condensed record"),
    "step": ("sc:Integer", "number of the step"),
    "from_hours": ("sc:Float", "where the step begins, hours from the subject's time zero"),
    "to_hours": ("sc:Float", "where it ends"),
    "feature": ("sc:Text", "name of the feature, see dictionary.csv"),
    "unit": ("sc:Text", "its unit"),
    "value": ("sc:Float", "its value, in that unit"),
}


def croissant(contents: Contents, hashes: dict[str, str]) -> str:
    """croissant.json; ``hashes``: the SHA-256 of the files it describes, by name."""
    known = spdx(contents.source.licence)
    labels = [f"label_{name}" for name in contents.preprocessing.classes] or ["label"]
    columns = {"record": IN_PARQUET["record"]}
    columns |= {
        name: ("sc:Float", "the record's risk of the outcome, or of this class, from 0 to 1") for name in labels
    }
    columns |= IN_PARQUET
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": f"{contents.cohort}-condensed",
        "description": f"{len(contents.condensed.labels)} synthetic records, learned from {contents.source.title} "
        f"so that a model of its outcome can be trained on them alone. {_said(contents)}".rstrip(),
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "license": known[1] if known else contents.source.licence,
        "url": contents.source.url,
        "citeAs": contents.source.citation,
        **({"version": contents.version} if contents.version != CANDIDATE else {}),
        "isLiveDataset": False,
        "rai:dataUseCases": list(MAY),
        "rai:dataLimitations": list(MAY_NOT),
        "rai:personalSensitiveInformation": [guarantee(contents)],
        "distribution": [
            {
                "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name,
                "encodingFormat": KINDS[name], "sha256": hashes[name],
            }
            for name in KINDS
        ],
        "recordSet": [
            _record_set("condensed", "The condensed records, in clinical units.", PARQUET, columns),
            _record_set("dictionary", "What each feature is.", CSV, {c: ("sc:Text", t) for c, t in COLUMNS.items()}),
        ],
    }  # fmt: skip
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _said(contents: Contents) -> str:
    predicted = f"What is predicted: {contents.predicted}." if contents.predicted else ""
    return " ".join(filter(None, (predicted, nobody(contents.metrics))))


def _record_set(name: str, description: str, file: str, columns: dict[str, tuple[str, str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": [
            {
                "@type": "cr:Field", "@id": f"{name}/{quote(column)}",
                "name": column, "description": text, "dataType": kind,
                "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
            }
            for column, (kind, text) in columns.items()
        ],
    }  # fmt: skip

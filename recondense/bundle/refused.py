"""What a refusal by the gate shows: what the set is worth beside others, each reason, and what to change.

The figures of a refused candidate stay with the steward: they are in no bundle, and in no folder that is released.
"""

from pathlib import Path

from recondense.bundle.gate import failed
from recondense.bundle.phrases import interval
from recondense.bundle.sentences import CHANGES, sentence
from recondense.files.strict_json import write_json
from recondense.models.predictions import TRAINING_SETS
from recondense.results.public import Public
from recondense.stages.layout import Layout


def place(layout: Layout) -> Path:
    """Where the figures of the cohort's last candidate are, if the gate refused that."""
    return layout.root / ".recondense" / "refused" / f"{layout.cohort}.json"


def keep(layout: Layout, metrics: Public) -> None:
    """Write the figures of a refused candidate, whose ``gate`` says what each condition came to."""
    write_json(place(layout), metrics.as_json())


def kept(layout: Layout) -> Public | None:
    """What `keep` wrote, None where the last candidate was not refused."""
    path = place(layout)
    return Public.load(path) if path.is_file() else None


def forget(layout: Layout) -> None:
    """Remove what `keep` wrote: another candidate is about to be judged."""
    place(layout).unlink(missing_ok=True)


def worth(metrics: Public) -> list[tuple[str, str]]:
    """What models were trained on, and their test AUC: the condensed set first, then all that it is compared with."""
    return [
        (words, interval(metrics.test_auc[name])) for name, words in TRAINING_SETS.items() if name in metrics.test_auc
    ]


def epsilon(metrics: Public) -> list[str]:
    """The guarantee in a sentence, where there is one."""
    given = metrics.privacy.guarantee
    return [f"Differential privacy: epsilon {given.epsilon:g} at delta {given.delta:g}."] if given else []


def to_change(metrics: Public) -> list[tuple[str, str, str, str]]:
    """Of every reason: what was looked at, what was found, what is required, and what to change."""
    outcomes = failed(metrics.gate)
    said = [(sentence(outcome), CHANGES[outcome.id]) for outcome in outcomes]
    return [(words.name, words.found, words.required, change) for words, change in said]

"""Why the last ingestion of a cohort was refused, for whoever asks before the next: `doctor` and `cohorts`.

A refused ingestion leaves the last cohort and its notices as they were, so that they cannot say it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recondense.errors import InputError
from recondense.files import atomic
from recondense.stages.layout import Layout


@contextmanager
def remembered(layout: Layout) -> Iterator[None]:
    """Keep the message of an `InputError` in this block; without one, forget what was kept."""
    path = _place(layout)
    try:
        yield
    except InputError as error:
        atomic.write(path, str(error))
        raise
    path.unlink(missing_ok=True)


def kept(layout: Layout) -> str:
    """Why the last ingestion was refused, "" where it was not."""
    path = _place(layout)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _place(layout: Layout) -> Path:
    folder = layout.folder("ingestion")
    return folder.with_name(".refused") / folder.name

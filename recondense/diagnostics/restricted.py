"""Whether git has, or would take, a file of the folders that are for the steward alone."""

from pathlib import Path

from recondense.probes.finding import Finding, Found
from recondense.stages.layout import STAGE_FOLDERS

RULES = "data/.gitignore"
CLOSED = ("1_raw", *STAGE_FOLDERS.values())
COMMITTED = ("README.md", "metrics.json", ".dvc")  # ends of the names that `RULES` lets git have
SHOWN = 3


def restricted(root: Path) -> Found:
    """What `RULES` holds back and git has all the same, and what a ``.gitignore`` further down has opened.

    A file that `RULES` lets through by its own name, as pbcseq's embedded records, is tracked on purpose.
    """
    from recondense.git import git

    below = [f"data/{name}" for name in dict.fromkeys(CLOSED)]

    def listed(*options: str) -> list[str]:
        return list(filter(None, git.git(root, "ls-files", "-z", *options, "--", *below).split("\0")))

    held = set(listed("--cached", "--ignored", "--exclude-standard"))
    inside = [name for name in listed("--cached") if name.endswith("/.gitignore")]
    loose = [name for name in listed("--others", "--exclude-standard") if not name.endswith(COMMITTED)]
    if tracked := sorted({*held, *inside} - {name for name in held if name.endswith(COMMITTED)}):
        mend = "git rm --cached FILE for each, then commit; what was pushed before has to leave the history, too"
        yield Finding("fault", f"git has {_named(tracked)}, which {RULES} holds back", mend)
    if loose:
        mend = f"delete the .gitignore that opens the folder, or restore {RULES} from git"
        yield Finding("fault", f"`git add` would take {_named(loose)}", mend)
    if not tracked and not loose:
        yield Finding("ok", "git has no restricted file, and takes none unforced")


def _named(names: list[str]) -> str:
    """How many files, and the folders they lie in: a raw file's own name may be an id."""
    folders = sorted({str(Path(name).parent) for name in names})
    more = f" and {len(folders) - SHOWN} more folders" if len(folders) > SHOWN else ""
    return f"{len(names)} file{'s' if len(names) > 1 else ''} in {', '.join(folders[:SHOWN])}{more}"

"""The code that a module runs, as a digest.

The code of a module is its file without comments, docstrings and empty lines, and with it that of every module it
imports, wherever in the file, from the same packages. A string that names a family of plug-ins stands for all of them,
unless params.yaml says which one is run. So a page, a progress bar or a comment changes no digest, and a constant
changes that of all which import it.
"""

import ast
import hashlib
import importlib.util
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from recondense.stages import plugins

# They show how a stage is doing, or say where things are; nothing of them is in a result
SHOWN = ("recondense", "recondense.progress", "recondense.terminal", "recondense.log", "recondense.settings")
ALL_RUN = ("recondense.models.networks", "recondense.privacy.attacks")  # families, whichever of them a stage runs


def digest(*names: str, root: Path | None = None) -> str:
    """SHA-256 of the code that importing modules ``names`` runs or may run; those of a project are its at ``root``."""
    found = hashlib.sha256()
    for name, path in sorted(modules(*names, root=root).items()):
        found.update(f"{name} {_code(path, path.stat().st_mtime_ns)}\n".encode())
    return found.hexdigest()


def modules(*names: str, root: Path | None = None) -> dict[str, Path]:
    """The files of modules ``names`` and of all that they import from their own top-level packages, by module.

    ``tasks`` and ``flows`` are those of the project at ``root``, or without one those that are importable.
    """
    tops = {name.partition(".")[0] for name in (*names, "recondense", *plugins.from_elsewhere())}
    found: dict[str, Path] = {}
    pending = [*names]
    while pending:
        name = pending.pop()
        if name in found or name in SHOWN or name.partition(".")[0] not in tops:
            continue
        path = _file(name, root)
        if path is None:
            continue
        found[name] = path
        if parent := name.rpartition(".")[0]:
            pending.append(parent)
        pending += imported(path, name, path.stat().st_mtime_ns)
    return found


@cache
def imported(path: Path, name: str, changed: int) -> tuple[str, ...]:
    """Names of modules that the module ``name`` at ``path``, imports or may import as plug-ins."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: list[str] = []
    for node in _running(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, [above, node.module or ""]))
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and node.value in ALL_RUN and package != "recondense.stages":
            found += plugins.modules(node.value).values()
    return tuple(dict.fromkeys(found))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of ``tree`` but those that only a type checker sees."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        else:
            pending += ast.iter_child_nodes(node)


@cache
def _file(name: str, root: Path | None) -> Path | None:
    """The source file of module ``name``, None where there is none such."""
    top, *rest = name.split(".")
    if root and top in ("tasks", "flows"):
        folders = [str(root / top)]
    else:
        spec = importlib.util.find_spec(top)  # of what is below, it would import whatever is above
        folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        place = Path(folder).joinpath(*rest)
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
    return None


@cache
def _code(path: Path, changed: int) -> str:
    return hashlib.sha256(without_comments(path.read_text(encoding="utf-8")).encode()).hexdigest()


def without_comments(source: str) -> str:
    r"""``source`` without comments, docstrings and empty lines; strings keep theirs.

    >>> without_comments("'Doc.'\n\nx = 1  # why\n\n\ndef f():\n    'Doc'\n    return '#'\n")
    "x = 1\ndef f():\n    return '#'\n"
    """
    tree, lines = ast.parse(source), source.encode().splitlines(keepends=True)
    docstrings = {id(node) for node in _docstrings(tree)}
    kept, cuts = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno and node.end_col_offset is not None:
            if id(node) in docstrings:
                cuts.append(((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)))
            else:
                kept |= set(range(node.lineno, node.end_lineno))
    for token in tokenize.tokenize(io.BytesIO(source.encode()).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            start = len(token.line[:column].encode()) if token.line else column
            cuts.append(((row, start), (row, start + len(token.string.encode()))))
    for (row, column), (last, end) in cuts:
        rest = lines[last - 1][end:]
        lines[row - 1] = lines[row - 1][:column] + rest
        for between in range(row, last):
            lines[between] = b""
    found = [
        line if row in kept else line.rstrip() + b"\n"
        for row, line in enumerate(lines, start=1)
        if row in kept or line.strip()
    ]
    return b"".join(found).decode()


def _docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.value

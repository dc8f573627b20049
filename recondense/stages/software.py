"""Which code a stage runs, as a digest: what DVC reads as a param in place of folders of code.

The code of a module is its file without comments, docstrings and empty lines, and with it that of every module it
imports, wherever in the file, from the same packages. A string that names a package of plug-ins stands for all of them.
So a page, a progress bar or a comment stales nothing, and a constant stales what imports it.
"""

import ast
import hashlib
import importlib.util
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# They show how far a stage is; nothing of them is in a result
SHOWN = ("recondense.progress", "recondense.terminal")


def digest(*names: str, without: tuple[str, ...] = ()) -> str:
    """SHA-256 of the code that importing modules ``names`` runs or may run; packages ``without`` are left out."""
    found = hashlib.sha256()
    for name, path in sorted(modules(*names, without=without).items()):
        found.update(f"{name} {_code(path)}\n".encode())
    return found.hexdigest()


def modules(*names: str, without: tuple[str, ...] = ()) -> dict[str, Path]:
    """The files of modules ``names`` and of all that they import from the same top-level packages, by module."""
    tops = {name.partition(".")[0] for name in names} | {"recondense"}
    found: dict[str, Path] = {}
    pending = [*names]
    while pending:
        name = pending.pop()
        if name in found or name in SHOWN or name.partition(".")[0] not in tops or _within(name, without):
            continue
        path = _file(name)
        if path is None:
            continue
        found[name] = path
        if parent := name.rpartition(".")[0]:
            pending.append(parent)
        pending += imported(path, name)
    return found


@cache
def imported(path: Path, name: str) -> tuple[str, ...]:
    """Names of modules that the module ``name`` at ``path`` imports, or may import as plug-ins."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: list[str] = []
    for node in _running(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, [above, node.module or ""]))
            found += [source, *(f"{source}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("recondense."):
            found += plugins_of(node.value)
    return tuple(dict.fromkeys(found))


def plugins_of(package: str) -> list[str]:
    """The plug-ins in ``package``, where it is one."""
    path = _file(package)
    if path is None or path.name != "__init__.py":
        return []
    return [f"{package}.{file.stem}" for file in sorted(path.parent.glob("*.py")) if not file.stem.startswith("_")]


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


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def _file(name: str) -> Path | None:
    """The source file of module ``name``, None where there is none such."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)  # of what is below, it would import whatever is above
    for folder in spec.submodule_search_locations or () if spec else ():
        place = Path(folder).joinpath(*rest)
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
    return None


@cache
def _code(path: Path) -> str:
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

"""The record files of a set, from its archive or its extracted folder. Nothing is unpacked onto the disk."""

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from recondense.errors import InputError
from recondense.files.folders import hidden, visible

RECORD_NAME = re.compile(r"([0-9]{1,15})\.txt")


@dataclass(frozen=True)
class RecordFile:
    """One file of a set: ``name`` is its path, ``record`` the id in its name ("" where there is none).

    ``content`` ends its lines, the last one too, with a single line feed.
    """

    name: str
    record: str
    content: bytes


def read_set(source: Path) -> list[RecordFile]:
    """The files of one set in the order of their record ids; ``source`` is ``set-a/`` or ``set-a.tar.gz``.

    Folders and hidden files (``._132539.txt`` of macOS) are no records and passed over. Raises `InputError` for an
    archive that is damaged, or that holds anything but plain files and folders below its own top.
    """
    found = _of_folder(source) if source.is_dir() else _of_archive(source)
    files = [_record_file(PurePosixPath(name), content) for name, content in found]
    return sorted((file for file in files if file), key=lambda file: (int(file.record or 0), file.name))


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    paths = [path for path in visible(folder, folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder.parent).as_posix() for path in paths]
    with ThreadPoolExecutor(8) as pool:
        yield from zip(names, pool.map(Path.read_bytes, paths), strict=True)


def _of_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    damaged = f"{archive} is damaged or cut short: download it again"
    try:
        # All at once, since gzip compares its checksum only at the end; a set is about 30 MB.
        content = gzip.decompress(archive.read_bytes())
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                _check_safe(archive, member)
                if member.isfile() and (stream := tar.extractfile(member)):
                    yield member.name, stream.read()
            rest = content[tar.offset :]
    except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError) as error:
        raise InputError(damaged) from error
    # tarfile takes a torn header for the end of the archive; the true end is nothing but zeros.
    if len(rest) < tarfile.BLOCKSIZE or rest.strip(b"\0"):
        raise InputError(damaged)


def _check_safe(archive: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
        raise InputError(
            f"{archive} holds a link, a device or a path that leaves its folder, so all of it is "
            "refused: use the archive as PhysioNet publishes it"
        )


def _record_file(path: PurePosixPath, content: bytes) -> RecordFile | None:
    if hidden(path):
        return None
    match = RECORD_NAME.fullmatch(path.name)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if content and not content.endswith(b"\n"):
        content += b"\n"
    name = str(path).encode(errors="replace").decode()  # a name that is no Unicode could not be written down
    return RecordFile(name, str(int(match[1])) if match else "", content)

"""The bytes of a text file, unpacked where its first bytes say that it is packed: its name may say something else."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from recondense.errors import InputError

LARGEST = 2**31 - 2  # pyarrow counts the bytes of a block in 32 bits
ZIP, OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
PACKED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda path: pa.input_stream(str(path), compression="zstd"),
}


def first_bytes(path: Path) -> bytes:
    """By which a file's kind is known."""
    with path.open("rb") as file:
        return file.read(8)


def contents(path: Path) -> bytes:
    """All of ``path``, plain or packed with gzip, bzip2, xz, Zstandard or, alone in its archive, zip. Raises
    `InputError` where it is damaged, of another kind, or longer than `LARGEST`."""
    start = first_bytes(path)
    if start.startswith(OLD_OFFICE):
        raise InputError(f"{path} is a spreadsheet of Excel before 2007: save it as .xlsx or as CSV")
    try:
        with _opened(path, start) as stream:
            content = bytes(stream.read(LARGEST + 1))
    except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise InputError(f"{path} is damaged or cut short: copy it again from where it comes") from error
    if len(content) > LARGEST:
        raise too_large(path)
    return content


def too_large(path: Path) -> InputError:
    """The error for text that no block of pyarrow can hold."""
    return InputError(f"{path} is over 2 GB as text: save it as Parquet, which is read faster, too")


def _opened(path: Path, start: bytes) -> IO[bytes]:
    for mark, opened in PACKED.items():
        if start.startswith(mark):
            return opened(path)  # type: ignore[no-any-return]
    return _member(path) if start.startswith(ZIP) else path.open("rb")


def _member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    # Macs put files of their own beside it
    files = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        raise InputError(f"{path} holds {len(files)} files: unpack it, and name one with 'file'")
    if files[0].flag_bits & 1:
        raise InputError(f"{path} is locked with a password: unpack it, and name the file in it")
    return archive.open(files[0])

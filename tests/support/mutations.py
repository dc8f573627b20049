"""Ways in which raw files go wrong on their way to the inbox: each turns the files of a folder into damaged ones.

A mutation takes a seeded generator and the files by name, ``{"set-a/132539.txt": b"..."}``, and returns them changed;
one that ends in None stands for a folder of that name.
"""

import codecs
import gzip
from collections.abc import Callable
from random import Random

Files = dict[str, bytes]
Mutation = Callable[[Random, Files], dict[str, bytes | None]]
MUTATIONS: dict[str, Mutation] = {}

HOSTILE = (
    "NaN", "nan", "inf", "-inf", "Infinity", "1e400", "-1e308", "1e-320", "-1", "-0", "+5", "0x1F", "1_000", "1e5",
    "", " ", "NA", "NULL", "None", "-", ".", "1.2.3", "1;2", "5,3", "٣", "５", "½", "à", "\ufeff7", "\x1a", "\x85",
    "\x0b", '"', '""', '"7', "'7'", "=1+1", "99999999999999999999", "9" * 400, "x" * 5000, "true", "24:61", "-00:10",
    "49:00",
)  # fmt: skip


def mutation(change: Callable[[Random, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    """Register a change of one file's content, of whichever file the generator picks."""

    def mutate(random: Random, files: Files) -> dict[str, bytes | None]:
        # Half the time one of the few files that many records share
        shared = [name for name in files if "/" not in name]
        name = random.choice(sorted(shared if shared and random.random() < 0.5 else files))
        return {**files, name: change(random, files[name])}

    MUTATIONS[change.__name__] = mutate
    return change


def of_folder(change: Mutation) -> Mutation:
    """Register a change of which files there are."""
    MUTATIONS[change.__name__] = change
    return change


def _some(random: Random, size: int) -> list[int]:
    return sorted(random.sample(range(size), min(size, random.choice([1, 1, 2, 5, 20]))))


def _lines(content: bytes) -> list[bytes]:
    return content.split(b"\n")


# Bytes


@mutation
def bits_flipped(random: Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for place in _some(random, len(damaged)):
        damaged[place] ^= 1 << random.randrange(8)
    return bytes(damaged)


@mutation
def bytes_replaced(random: Random, content: bytes) -> bytes:
    damaged = bytearray(content)
    for place in _some(random, len(damaged)):
        damaged[place] = random.choice(b'",\n\r\0;\t\xff\xc3 -.9e')
    return bytes(damaged)


@mutation
def bytes_lost(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + content[start + random.choice([1, 2, 10, 500]) :]


@mutation
def cut_short(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content))]


@mutation
def emptied(random: Random, content: bytes) -> bytes:
    return random.choice([b"", b"\n", b" ", b"\0", b"\r\n\r\n", b",", b"\xef\xbb\xbf", b'"'])


@mutation
def rubbish(random: Random, content: bytes) -> bytes:
    return random.randbytes(random.choice([1, 100, 5000]))


@mutation
def rubbish_appended(random: Random, content: bytes) -> bytes:
    return content + random.randbytes(random.choice([1, 50, 512]))


@mutation
def twice_in_a_row(random: Random, content: bytes) -> bytes:
    return content + content


@mutation
def packed(random: Random, content: bytes) -> bytes:
    return gzip.compress(content)


# Encodings and line ends


@mutation
def byte_order_mark(random: Random, content: bytes) -> bytes:
    return random.choice([codecs.BOM_UTF8, codecs.BOM_UTF16_LE]) + content


@mutation
def another_encoding(random: Random, content: bytes) -> bytes:
    return content.decode("latin-1").encode(random.choice(["utf-16", "utf-16-le", "utf-32", "cp037", "utf-7"]))


@mutation
def other_line_ends(random: Random, content: bytes) -> bytes:
    return content.replace(b"\n", random.choice([b"\r\n", b"\r", b"\r\r\n", b"\n\n", b"\x0b", b"\x1e"]))


@mutation
def no_last_line_end(random: Random, content: bytes) -> bytes:
    return content.rstrip(b"\n") + random.choice([b"", b"\n\n\n", b"\r", b"\x1a"])


# Lines


@mutation
def lines_dropped(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    for place in reversed(_some(random, len(lines))):
        del lines[place]
    return b"\n".join(lines)


@mutation
def lines_repeated(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    for place in reversed(_some(random, len(lines))):
        lines.insert(random.randrange(len(lines)), lines[place])
    return b"\n".join(lines)


@mutation
def lines_shuffled(random: Random, content: bytes) -> bytes:
    header, *lines = _lines(content)
    random.shuffle(lines)
    return b"\n".join([header, *lines])


@mutation
def lines_torn(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    for place in _some(random, len(lines)):
        lines[place] = lines[place][: random.randrange(len(lines[place]) + 1)]
    return b"\n".join(lines)


@mutation
def header_lost(random: Random, content: bytes) -> bytes:
    return b"\n".join(_lines(content)[1:])


@mutation
def header_repeated(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    for _ in range(random.choice([1, 3])):
        lines.insert(random.randrange(len(lines)), lines[0])
    return b"\n".join(lines)


@mutation
def blank_lines(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    for _ in range(5):
        lines.insert(random.randrange(len(lines)), random.choice([b"", b" ", b",", b",,", b"\t"]))
    return b"\n".join(lines)


# Columns and cells


def _cells(random: Random, content: bytes, change: Callable[[list[bytes]], list[bytes]], everywhere: bool) -> bytes:
    lines = _lines(content)
    chosen = range(len(lines)) if everywhere else _some(random, len(lines))
    for place in chosen:
        lines[place] = b",".join(change(lines[place].split(b",")))
    return b"\n".join(lines)


@mutation
def columns_swapped(random: Random, content: bytes) -> bytes:
    first, second = random.randrange(20), random.randrange(20)

    def swap(cells: list[bytes]) -> list[bytes]:
        a, b = first % len(cells), second % len(cells)
        cells[a], cells[b] = cells[b], cells[a]
        return cells

    return _cells(random, content, swap, everywhere=random.random() < 0.5)


@mutation
def column_lost(random: Random, content: bytes) -> bytes:
    place = random.randrange(20)
    return _cells(random, content, lambda cells: cells[: place % len(cells)] + cells[place % len(cells) + 1 :], True)


@mutation
def column_twice(random: Random, content: bytes) -> bytes:
    place = random.randrange(20)
    return _cells(random, content, lambda cells: [*cells, cells[place % len(cells)]], everywhere=True)


@mutation
def other_separator(random: Random, content: bytes) -> bytes:
    return content.replace(b",", random.choice([b";", b"\t", b" ", b"|", b", ", b",,"]))


@mutation
def all_quoted(random: Random, content: bytes) -> bytes:
    quote = random.choice([b'"', b"'"])
    return _cells(random, content, lambda cells: [quote + cell + quote for cell in cells], everywhere=True)


@mutation
def a_quote_opened_and_closed_elsewhere(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    for place in random.sample(range(len(lines)), min(2, len(lines))):
        cells = lines[place].split(b",")
        chosen = random.randrange(len(cells))
        cells[chosen] = random.choice([b'"' + cells[chosen], cells[chosen] + b'"'])
        lines[place] = b",".join(cells)
    return b"\n".join(lines)


@mutation
def hostile_cells(random: Random, content: bytes) -> bytes:
    def replace(cells: list[bytes]) -> list[bytes]:
        cells[random.randrange(len(cells))] = random.choice(HOSTILE).encode()
        return cells

    return _cells(random, content, replace, everywhere=False)


@mutation
def hostile_column(random: Random, content: bytes) -> bytes:
    place, word = random.randrange(20), random.choice(HOSTILE).encode()
    header, *lines = _lines(content)

    def replace(cells: list[bytes]) -> list[bytes]:
        cells[place % len(cells)] = word
        return cells

    return header + b"\n" + _cells(random, b"\n".join(lines), replace, everywhere=True)


@mutation
def times_negated(random: Random, content: bytes) -> bytes:
    header, *lines = _lines(content)
    place = random.randrange(8)

    def negate(cells: list[bytes]) -> list[bytes]:
        cells[place % len(cells)] = b"-" + cells[place % len(cells)]
        return cells

    return header + b"\n" + _cells(random, b"\n".join(lines), negate, everywhere=random.random() < 0.5)


@mutation
def a_huge_cell(random: Random, content: bytes) -> bytes:
    def blow_up(cells: list[bytes]) -> list[bytes]:
        cells[random.randrange(len(cells))] = random.choice([b"9", b"x", b'"', b"-", b"0"]) * 200_000
        return cells

    return _cells(random, content, blow_up, everywhere=False)


@mutation
def ids_doubled(random: Random, content: bytes) -> bytes:
    lines = _lines(content)
    first, second = (lines[random.randrange(len(lines))].split(b",")[0] for _ in range(2))
    return b"\n".join(
        second + line.removeprefix(first) if first and line.startswith(first + b",") else line for line in lines
    )


# Files


@of_folder
def a_file_lost(random: Random, files: Files) -> dict[str, bytes | None]:
    lost = random.choice(sorted(files))
    return {name: content for name, content in files.items() if name != lost}


@of_folder
def a_file_renamed(random: Random, files: Files) -> dict[str, bytes | None]:
    old, other = random.choice(sorted(files)), random.choice(sorted(files))
    stem, _, ending = old.rpartition(".")
    new = random.choice([f"{stem} (1).{ending}", f"{stem}.{ending.upper()}", f"{stem}.bak", other, f"{stem}0.{ending}"])
    kept = {name: content for name, content in files.items() if name != old}
    return {**kept, new: files[old]}


@of_folder
def a_file_copied(random: Random, files: Files) -> dict[str, bytes | None]:
    old = random.choice(sorted(files))
    folder, _, name = old.rpartition("/")
    new = random.choice([f"{old}.bak", f"copy/{name}", f"{folder or '.'}/copy/{name}", f"{folder or '.'}/._{name}"])
    return {**files, new: files[old]}


@of_folder
def two_files_exchanged(random: Random, files: Files) -> dict[str, bytes | None]:
    first, second = random.choice(sorted(files)), random.choice(sorted(files))
    return {**files, first: files[second], second: files[first]}


@of_folder
def a_folder_in_place_of_a_file(random: Random, files: Files) -> dict[str, bytes | None]:
    return {**files, random.choice(sorted(files)): None}

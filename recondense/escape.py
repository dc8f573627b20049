"""Text that somebody else wrote, made harmless for the place it goes to: a terminal, Markdown, a spreadsheet.

Names of files, columns and variables, reasons and titles come from strangers. HTML is escaped by its template.
"""

import contextlib
import re
import unicodedata
from typing import TypeVar

T = TypeVar("T")

# What is markup anywhere; underscores but within a word; and at the beginning what makes it a heading, a list or a rule
_MARKDOWN = re.compile(
    r"([\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_])"
    r"|^#(?=#*(?:\s|$))|^[+-](?=[\s-]|$)|^=(?==*$)|(?:(?<=^\d)|(?<=^\d\d))[.)](?=\s|$))"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what spreadsheets take for one's beginning


def printable(text: str, keep: str = "") -> str:
    r"""``text`` with its control and format characters written out: no escape code, no turned writing, no false line.

    Those in ``keep`` stay as they are.

    >>> printable("a\x1b[2Jb\u202ec\nok"), printable("a\nb", keep="\n")
    ('a\\x1b[2Jb\\u202ec\\nok', 'a\nb')
    """
    if text.isprintable():
        return text
    return "".join(one if one in keep or _seen(one) else one.encode("unicode_escape").decode() for one in text)


def _seen(one: str) -> bool:
    return one.isprintable() or unicodedata.category(one) == "Zs"  # other spaces, as in "1 000"


def markdown(text: str) -> str:
    r"""``text`` as it reads in Markdown, on one line and in a table's cell, too: no markup, no HTML, no mathematics.

    >>> markdown("a|b <img src=x>\n# c [d](e)"), markdown("# &amp; $a_b$ _c_")
    ('a\\|b \\<img src=x\\> # c \\[d\\](e)', '\\# \\&amp; \\$a_b\\$ \\_c\\_')
    """
    return _MARKDOWN.sub(r"\\\1", printable(" ".join(text.splitlines())))


def cell(value: T) -> T | str:
    """``value`` as a cell of a CSV file that no spreadsheet takes for a formula; numbers stay numbers.

    See https://owasp.org/www-community/attacks/CSV_Injection.

    >>> cell("=1+1"), cell("-2.5"), cell(-2.5), cell("a=b")
    ("'=1+1", '-2.5', -2.5, 'a=b')
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    with contextlib.suppress(ValueError):
        float(value)
        return value
    return f"'{value}"

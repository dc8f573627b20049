"""What a real browser makes of a page: headless Chromium, and axe-core, which looks for what keeps people out."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=60000",
    "--enable-logging=stderr", "--dump-dom",
]  # fmt: skip
DARK = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]
ASK = """
axe.run(document).then(found => parent.postMessage(JSON.stringify({
  width: window.innerWidth,
  too_broad: Math.max(0, document.documentElement.scrollWidth - window.innerWidth),
  dark: matchMedia('(prefers-color-scheme: dark)').matches,
  violations: found.violations.map(one => one.id)
}), '*'))"""
# A window of Chromium has 500 pixels at least, a frame has what it is given
FRAME = """<!doctype html><body><pre id="seen"></pre><script>
addEventListener('message', event => { document.getElementById('seen').textContent = event.data })
</script><iframe src="asking.html" width="WIDTH" height="900" style="border: 0"></iframe></body>"""


@dataclass(frozen=True)
class Seen:
    """``console``: what the page, as it is, made the browser say. ``too_broad``: pixels to scroll sideways.
    ``violations``: axe's rules that it breaks."""

    console: list[str]
    width: int
    too_broad: int
    dark: bool
    violations: list[str]


def check_page(text: str, folder: Path, width: int, dark: bool) -> None:
    """Assert that a page in HTML fits, says nothing on the console and breaks none of axe's rules.

    Skips the test where Chromium is missing.
    """
    assert seen(text, folder, width, dark) == Seen(console=[], width=width, too_broad=0, dark=dark, violations=[])


def seen(text: str, folder: Path, width: int, dark: bool) -> Seen:
    """Open the page, which has no script of its own, in a frame of ``width`` pixels."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    axe = (files("axe_core_python") / "axe.min.js").read_text().replace("</script", "<\\/script")
    asking = re.sub(r"<meta http-equiv=[^>]*>", "", text)  # the page's own policy, which would keep axe from running
    asking = asking.replace("</body>", f"<script>{axe}</script><script>{ASK}</script></body>")
    for name, content in (("page", text), ("asking", asking), ("frame", FRAME.replace("WIDTH", str(width)))):
        (folder / f"{name}.html").write_text(content)

    def opened(name: str) -> "subprocess.CompletedProcess[str]":
        command = [chromium, *OPTIONS, *(DARK if dark else []), f"--user-data-dir={folder / name}"]
        window = f"--window-size={width + 100},1000"
        url = (folder / f"{name}.html").as_uri()
        return subprocess.run([*command, window, url], capture_output=True, text=True, timeout=300, check=True)

    answer = re.search(r'<pre id="seen">(.+?)</pre>', opened("frame").stdout)
    assert answer, "axe did not end"
    console = [line for line in opened("page").stderr.splitlines() if "CONSOLE" in line]
    return Seen(console, **json.loads(html.unescape(answer[1])))


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "path", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle"):
            assert self.open.pop() == tag

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]

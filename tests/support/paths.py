"""Where tests find this tree, the real data sets, and the small files kept for them."""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
REAL_DATA = Path(os.environ.get("RECONDENSE_DATA", REPO.parent / "shared" / "data"))
CASES = REPO / "tests" / "cases"
BUNDLE_OF_FORMAT_2 = REPO / "tests" / "bundles" / "format-2.tar.xz"

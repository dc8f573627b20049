"""Where tests find this tree, the real data sets, and the small files kept for them."""

from pathlib import Path

from recondense.settings import settings

REPO = Path(__file__).resolve().parents[2]
REAL_DATA = settings().data or REPO.parent / "shared" / "data"
CASES = REPO / "tests" / "cases"
BUNDLE_OF_FORMAT_2 = CASES / "format-2.tar.xz"
BUNDLES_OF_SCHEMA_1 = CASES / "format-3.tar.xz"

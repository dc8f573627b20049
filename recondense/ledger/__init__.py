"""The ledger: what was done to a cohort, by whom and with what result, in a file that cannot be changed unnoticed.

One file a cohort, ``data/ledger/COHORT.jsonl``, tracked by git; one signed line an event, each naming the hash of the
line before it. `entry` is a line, `chain` the rules that hold between lines, `keys` who may sign, `history` what git
remembers, `ledger` the file. Nothing here knows Prefect, DVC or MLflow, and no detail is ever a patient's id or value.
"""

from recondense.ledger.entry import EVENTS, Entry
from recondense.ledger.ledger import Ledger

__all__ = ["EVENTS", "Entry", "Ledger"]

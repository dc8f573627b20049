"""What a run, a release or a schedule would stumble over on this machine, looked for before it does.

Each check is a process of its own with a time limit: a server that never answers, a disk that is gone or a broken
driver costs its own lines and no others. Nothing said holds a password: of an address only its place is shown, of a
foreign error only its kind (RECONDENSE_DEBUG=1 shows all of it on the steward's own terminal).
"""

from recondense.diagnostics.doctor import examine
from recondense.probes.finding import Finding

__all__ = ["Finding", "examine"]

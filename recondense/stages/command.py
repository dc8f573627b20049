"""``python -m tasks STAGE COHORT [UNIT]``: run one stage for one cohort. Both engines run a stage by this command.

``UNIT``: of a stage that is many units of work, such as shadows, compute only this one, for the stage to find it.
"""

import importlib
import os
import sys
import threading

from recondense import log
from recondense.errors import FAULT, REFUSED, InputError, Refusal, needing_extras, without_its_text
from recondense.escape import printable
from recondense.settings import Settings, settings
from recondense.stages import software
from recondense.stages.layout import STAGE_FOLDERS, Layout, find_root
from recondense.stages.params import check_cohort_name
from recondense.stages.tiers import OWNER_ALONE

IN_UNITS = ("shadows",)
SEE_LOG = "\n(what the stage did: "


def main(arguments: list[str]) -> int:
    """Exit status: 0 done, 1 a mistake in the input (one readable message), 2 wrong use, 3 refused by the gate, 70 a
    fault of the program."""
    known = len(arguments) in (2, 3) and arguments[0] in STAGE_FOLDERS
    if not known or (len(arguments) == 3 and not (arguments[0] in IN_UNITS and arguments[2].isdecimal())):
        print(
            f"usage: python -m tasks {{{','.join(STAGE_FOLDERS)}}} COHORT\n"
            f"       python -m tasks {{{','.join(IN_UNITS)}}} COHORT UNIT",
            file=sys.stderr,
        )
        return 2
    name, cohort, *unit = arguments
    os.umask(OWNER_ALONE)
    given, kept = Settings(), ""
    try:
        given = settings()
        if given.parent_pipe:
            threading.Thread(target=_leave_with_parent, daemon=True).start()
        layout = Layout(find_root(), cohort)
        check_cohort_name(cohort)
        with log.run(layout.root, cohort, "-".join([name, *unit])) as kept, needing_extras():
            software.check(layout, name)
            if unit:
                importlib.import_module(f"tasks.{name}").unit(layout, int(unit[0]))
            else:
                getattr(importlib.import_module(f"tasks.{name}"), name)(layout)
    except Refusal as error:
        return _stop(f"{name}@{cohort}: {error}", REFUSED, given)
    except InputError as error:
        return _stop(f"{name}@{cohort}: {error}{_more(kept)}", 1, given)
    except Exception as error:
        if given.debug:
            raise
        return _stop(f"{name}@{cohort}: {without_its_text(error)}{_more(kept)}", FAULT, given)
    return 0


def _more(kept: str) -> str:
    return f"{SEE_LOG}{kept})" if kept else ""


def _stop(message: str, status: int, given: Settings) -> int:
    """Say why: to the flow that asked, which tells it once, or else on standard error."""
    reason = given.reason_file
    try:
        if reason:
            reason.write_text(message, encoding="utf-8")
    except OSError:  # the disk is full
        reason = None
    if not reason:
        print(printable(message, keep="\n"), file=sys.stderr)
    return status


def _leave_with_parent() -> None:
    """End this process when the flow that started it is gone, even by SIGKILL: its end of our standard input closes."""
    while os.read(0, 1):
        pass
    os._exit(75)

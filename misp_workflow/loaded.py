"""What misp-modules has loaded stays as long as it runs: Python's garbage collector need not look through it.

It does so again and again while requests come, each time for some fifty milliseconds in which no module's call goes on.
"""

from __future__ import annotations

import gc
import sys
from functools import cache


@cache
def keep() -> None:
    """Take what is loaded now out of the collector's sight, once; in misp-modules only, not in somebody's program.

    What a call made is let go of as before: that is counted, and needs no collector.
    """
    if "misp_modules" in sys.modules:
        gc.collect()  # what is garbage by now would stay, too
        gc.freeze()

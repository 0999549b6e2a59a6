"""Determines which rank failed first, and why."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHUTDOWN_S = 10
"""Maximum time for ranks to end after one rank has failed; then the agent kills them."""

AGAIN = "Run the same command again to resume from the last complete epoch."


class Exit(NamedTuple):
    """The end of a rank, as reported by the agent.

    Attributes:
        code: Exit code; negative: the signal that ended it.
        time: Seconds since 1970.
    """

    code: int
    time: float


@dataclass(frozen=True)
class Failure:
    """The cause of a failed training.

    Attributes:
        message: The cause, the path of the log, and the remedy.
        out_of_memory: Whether a batch did not fit a device's memory.
    """

    message: str
    out_of_memory: bool = False


def first_failure(stage: str, ranks: Path, exits: Mapping[int, Exit], world: int) -> Failure:
    """The rank that failed first.

    A killed rank has an exit code, and the ranks that waited for it record errors. A rank with an error writes a record; other
    ranks then also record errors, or are killed by the agent after a timeout.

    Args:
        stage: The stage of the training.
        ranks: Folder of the ranks' logs and records.
        exits: Exits of the failed ranks, as reported by the agent.
        world: Number of ranks.
    """
    records = {int(path.stem.split("_")[1]): json.loads(path.read_text(encoding="utf-8")) for path in ranks.glob("rank_*.json")}
    first_error = min((float(record["time"]) for record in records.values()), default=float("inf"))
    killed = {
        rank: seen
        for rank, seen in exits.items()
        if seen.code < 0 and -seen.code != signal.SIGTERM and seen.time < first_error + SHUTDOWN_S / 2
    }
    if killed:
        rank = min(killed, key=lambda rank: killed[rank].time)
        number = signal.Signals(-killed[rank].code)
        hint = ", as the system does when memory runs out" if number.name == "SIGKILL" else ""
        what, out_of_memory = f"was killed by {number.name}{hint}", False
    elif records:
        rank = min(records, key=lambda rank: float(records[rank]["time"]))
        what, out_of_memory = f"failed:\n{records[rank]['message']}\n", bool(records[rank]["out_of_memory"])
    else:
        return Failure(f"{stage}: the ranks did not start or were stopped; see {ranks / 'agent_0.log'}. {AGAIN}")
    log = ranks / f"rank_{rank}.log"
    return Failure(f"{stage}: rank {rank} of {world} {what}; its log is {log}. {AGAIN}", out_of_memory)

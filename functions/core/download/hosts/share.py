"""What a batch may use of a host in one round, and what it tells the other batches about the host afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from functions.core.download.hosts.pace import INCREASE, SLOW_START, HostPace, HostState
from functions.core.download.hosts.places import is_known
from functions.core.download.hosts.ticks import Ticks
from functions.core.model.types import CoolDown, HostChange, HostRecord

MAX_COOL_DOWN_SECONDS = 14 * 86_400.0
"""Longest wait that the fleet keeps for a host, in seconds: as long as a run takes at most, by default. Then a single
request asks the host again."""


@dataclass(slots=True, eq=False)
class HostShare:
    """`capacity` is the number of requests at once, `leases` are those of this batch by place, of `places` in all.

    `seen` is the cool-down in the hosts table. `is_probe` says that this batch alone sends the one request after a
    cool-down. Unless `is_recorded`, the table did not answer, and is not told of the share.
    """

    capacity: int
    leases: Mapping[int, float] = field(default_factory=dict)
    places: int = 1
    ticks: Ticks | None = None
    seen: CoolDown = CoolDown()  # noqa: RUF009 - frozen
    is_probe: bool = False
    is_recorded: bool = True

    @property
    def part(self) -> float:
        """The part of the rate of the host that this batch may use."""
        return len(self.leases) / self.places if self.leases else 1.0


def learned_state(cool_down: CoolDown, part: float, carried: HostState | None, now: float) -> HostState | None:
    """The state with which a host begins that may be asked: None if nothing is known about it. `carried` is that of
    the round before, with times in seconds from now."""
    if not is_known(cool_down, now) or not (cool_down.refusals or cool_down.rate):
        return carried
    rate = cool_down.rate * part
    increase = SLOW_START if cool_down.refusals else INCREASE
    if carried is None:
        return HostState(0.0, 0, rate, increase, others=cool_down.refusals)
    others = max(0, cool_down.refusals - carried.refusals)
    return replace(carried, rate=rate or carried.rate, others=others)


def cool_down_after(share: HostShare, pace: HostPace, now: float, clock: float) -> CoolDown | None:
    """What the other batches must know about the host; None if the table has it. `now` is in seconds since the epoch,
    `clock` the same time on the clock of `pace`."""
    if not pace.is_changed:
        return replace(share.seen, not_before=round(now, 6)) if share.is_probe else None
    seen, refusals = share.seen, pace.refusals + pace.others
    rate = round(pace.rate / share.part, 2) if pace.is_limited or seen.rate else 0.0
    if refusals:
        seconds = min(MAX_COOL_DOWN_SECONDS, max(0.0, pace.end_of_wait - clock))
        return CoolDown(round(now + seconds, 6), refusals, rate)
    is_same = rate == seen.rate or (seen.rate > 0 and 0.9 <= rate / seen.rate <= 1.1)
    if is_same and not seen.refusals:
        return None
    last = now if pace.was_refused or not seen.not_before else min(now, seen.not_before)
    return CoolDown(round(last, 6), 0, rate)


def against(change: HostChange, record: HostRecord) -> HostChange | None:
    """What is left of a change that did not hold, as the record is now; None if that is nothing.

    Leases that another batch has taken since they expired are its own. The longer of two waits holds.
    """
    returned = {place: end for place, end in change.returned.items() if record.leases.get(place) == end}
    cool_down = change.cool_down
    if cool_down is not None and record.cool_down != change.seen:
        is_news = cool_down.refusals > 0 and cool_down.not_before > record.cool_down.not_before
        cool_down = cool_down if is_news else None
    if not returned and cool_down is None:
        return None
    return replace(change, returned=returned, cool_down=cool_down, seen=record.cool_down)

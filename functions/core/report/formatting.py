"""Figures as a person reads them."""

from datetime import UTC, datetime

from functions.core.report.markup import Markup, tag

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def number(value: int) -> str:
    return f"{value:,}"


def figure(value: int) -> Markup:
    """For people with thousands separated, for programs as it is."""
    return tag("data", number(value), value=value)


def plural(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def share(part: int, whole: int) -> str:
    """In percent; what is something is never told as nothing, what is not all never as all."""
    if not part or not whole:
        return "0%"
    if part == whole:
        return "100%"
    percent = min(max(part * 100 / whole, 0.1), 99.9)
    return f"{percent:.0f}%" if 1 <= percent <= 99 else f"{percent:.1f}%"


def size(count: float) -> str:
    """Decimal units, as the bills have them."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"


def seconds(value: float) -> str:
    """A length of time in its two largest units."""
    if not value:
        return "0 s"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h"


def rate(per_second: float) -> str:
    """In images a second where that is a number to speak of, else in images a minute."""
    if per_second >= 10:
        return f"{per_second:,.0f} images/s"
    return f"{per_second:.1f} images/s" if per_second >= 1 else f"{per_second * 60:.1f} images/min"


def moment(iso: str) -> Markup:
    """A time of UTC, with the machine's own spelling of it."""
    try:
        when = datetime.fromisoformat(iso).astimezone(UTC)
    except ValueError:
        return tag("span", iso)
    return tag("time", f"{when.day} {when:%B %Y, %H:%M:%S} UTC", datetime=iso)

"""Figures as text for people."""

from datetime import UTC, datetime

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def number(value: int) -> str:
    return f"{value:,}"


def plural(count: int, noun: str) -> str:
    ending = "" if count == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number(count)} {noun}{ending}"


def share(part: int, total: int) -> str:
    """In percent; 0% and 100% only where they are exact."""
    if not part or not total:
        return "0%"
    if part == total:
        return "100%"
    percent = min(max(part * 100 / total, 0.1), 99.9)
    return f"{percent:.0f}%" if 1 <= percent <= 99 else f"{percent:.1f}%"


def size(count: float) -> str:
    """Bytes in decimal units, as AWS bills them."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"


def seconds(value: float) -> str:
    """A duration in its two largest units."""
    if not value:
        return "0 s"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, remainder = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {remainder} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h"


def dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def rate(per_second: float) -> str:
    """Images per second, or per minute below one a second."""
    if per_second >= 10:
        return f"{per_second:,.0f} images/s"
    return f"{per_second:.1f} images/s" if per_second >= 1 else f"{per_second * 60:.1f} images/min"


def utc_time(iso: str) -> str:
    """An RFC 3339 time as date and time in UTC."""
    time = datetime.fromisoformat(iso).astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M:%S} UTC"

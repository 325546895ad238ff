"""The names of things: `arn:aws:states:REGION:ACCOUNT:KIND:NAME…`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.states.base.errors import ApiError

_NAME = re.compile(r"""[^\x00-\x1f\x7f-\x9f\s<>{}\[\]?*"#%\\^|~`$&,;:/]{1,80}""")
_ARN = re.compile(r"arn:aws:states:[\w-]+:\d{12}:(\w+):\S+")


@dataclass(frozen=True)
class Arns:
    region: str
    account: str

    def of(self, kind: str, *names: str) -> str:
        return ":".join(("arn:aws:states", self.region, self.account, kind, *names))


def checked_name(name: str) -> str:
    """Raises InvalidName."""
    if not _NAME.fullmatch(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")
    return name


def checked_arn(arn: str, *kinds: str) -> str:
    """Raises InvalidArn."""
    found = _ARN.fullmatch(arn)
    if not found or found.group(1) not in kinds:
        raise ApiError("InvalidArn", f"Invalid Arn: '{arn}'")
    return arn

"""Amazon Resource Names of Step Functions: `arn:aws:states:REGION:ACCOUNT:TYPE:NAME...`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local.states.base import quotas

PARTITION = "aws"
"""The partition of the account. Others are aws-cn (China) and aws-us-gov (GovCloud)."""

_NAME = re.compile(rf"""[^\x00-\x1f\x7f-\x9f\s<>{{}}\[\]?*"#%\\^|~`$&,;:/]{{1,{quotas.MAX_NAME_LENGTH}}}""")
_ARN = re.compile(r"arn:aws:states:[\w-]+:\d{12}:(\w+):\S+")


@dataclass(frozen=True)
class ArnBuilder:
    """Builds the ARNs of one account in one region."""

    region: str
    account: str

    def build(self, resource_type: str, *names: str) -> str:
        """`build("execution", "machine", "name")` returns `arn:aws:states:REGION:ACCOUNT:execution:machine:name`."""
        return ":".join((f"arn:{PARTITION}:states", self.region, self.account, resource_type, *names))


def is_valid_name(name: str) -> bool:
    """Checks the name of a state machine or an execution. Developer Guide, "Service quotas", "General quotas"."""
    return _NAME.fullmatch(name) is not None


def resource_type(arn: str) -> str | None:
    """The resource type of an ARN, such as `stateMachine`; None for text that is not an ARN of Step Functions."""
    match = _ARN.fullmatch(arn)
    return match.group(1) if match else None

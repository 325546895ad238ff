"""Which addresses may be connected to: public ones on the web's ports, and networks that a setting allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WEB_PORTS = frozenset({80, 443})

_GLOBAL_UNICAST = ip_network("2000::/3")  # all that the IANA has given out of IPv6
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_NEVER = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays, deprecated by RFC 7526
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",  # documentation, RFC 9637
    )
)
"""What `ipaddress` takes for global in some version of Python from 3.11 on."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """`allowed` networks are let through on every port; they are how a demo or a test reaches loopback."""

    allowed: Sequence[Network] = ()

    @classmethod
    def parse(cls, networks: str) -> "AddressPolicy":
        """From comma-separated CIDRs. Raises ValueError naming the one that is none."""
        return cls(tuple(ip_network(text.strip()) for text in networks.split(",") if text.strip()))

    def refusal(self, text: str, port: int) -> str | None:
        """Why this address and port are refused, or None. Decides on the address as it will be dialled."""
        try:
            address = ip_address(text)
        except ValueError:
            return "is no address"
        if any(address in network for network in self.allowed):
            return None
        if not _is_public(_innermost(address)):
            return "is not a public address"
        if port not in WEB_PORTS:
            return f"would be asked on port {port}, not 80 or 443"
        return None


def _innermost(address: Address) -> Address:
    """The IPv4 address that a mapped or NAT64 one leads to, else the address itself."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_UNICAST):
        return False
    never = any(address in network for network in _NEVER)
    return address.is_global and not address.is_multicast and not address.is_reserved and not never

"""The policy for destination addresses: public addresses on ports 80 and 443, and networks that a setting allows."""

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

_GLOBAL_UNICAST = ip_network("2000::/3")  # all of IPv6 that the IANA has allocated
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_ALWAYS_BLOCKED = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays, deprecated by RFC 7526
        "2001::/23",  # protocol assignments, including Teredo
        "2002::/16",  # 6to4: embeds an IPv4 address
        "3fff::/20",  # documentation, RFC 9637
    )
)
"""Networks that `ipaddress` reports as global in some Python version from 3.11 on."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Decides which addresses may be connected to.

    `allowed` networks are permitted on every port: demos and tests reach loopback addresses this way.
    """

    allowed: Sequence[Network] = ()

    @classmethod
    def parse(cls, networks: str) -> "AddressPolicy":
        """Parse comma-separated CIDRs. Raises ValueError, which names the invalid one."""
        return cls(tuple(ip_network(text.strip()) for text in networks.split(",") if text.strip()))

    def blocked_because(self, text: str, port: int) -> str | None:
        """The reason to block this address and port, or None. `text` is the address exactly as it will be dialled."""
        try:
            address = ip_address(text)
        except ValueError:
            return "the host resolves to an invalid address"
        if any(address in network for network in self.allowed):
            return None
        if not _is_public(_embedded_ipv4(address) or address):
            return "the host resolves to a non-public address"
        if port not in WEB_PORTS:
            return f"port {port} is neither 80 nor 443"
        return None


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    """The IPv4 destination of an IPv4-mapped or NAT64 address."""
    if isinstance(address, IPv4Address):
        return None
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.ipv4_mapped


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _GLOBAL_UNICAST):
        return False
    always_blocked = any(address in network for network in _ALWAYS_BLOCKED)
    return address.is_global and not address.is_multicast and not address.is_reserved and not always_blocked

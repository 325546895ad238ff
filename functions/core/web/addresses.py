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

_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_NEVER = (
    ip_network("fec0::/10"),  # site-local, deprecated by RFC 3879, global to the ipaddress module
    ip_network("192.88.99.0/24"),  # 6to4 relays, deprecated by RFC 7526
)


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
        if any(address in network for network in self.allowed if network.version == address.version):
            return None
        embedded = innermost(address)
        if not _is_public(address) or not _is_public(embedded):
            return "is not a public address"
        if port not in WEB_PORTS:
            return f"would be asked on port {port}, not 80 or 443"
        return None


def innermost(address: Address) -> Address:
    """The IPv4 address inside a mapped, NAT64, 6to4 or Teredo one, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or address in _NAT64):
        return _is_public(innermost(address))
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    never = any(address in network for network in _NEVER if network.version == address.version)
    return address.is_global and not address.is_multicast and not address.is_reserved and not never

"""The peers, in the order in which they are shown."""

from peers.bind import Bind
from peers.dnsdist import Dnsdist
from peers.knot import Knot
from peers.local_zone import LocalZone
from peers.ours import Ours
from peers.plain import Plain
from peers.powerdns import PowerDns
from peers.unbound_rpz import UnboundRpz

PEERS = {peer.name: peer for peer in (Plain, Ours, LocalZone, UnboundRpz, Bind, PowerDns, Knot, Dnsdist)}

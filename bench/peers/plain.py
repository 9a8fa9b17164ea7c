"""Unbound without any list: the floor."""

from peers.unbound import Unbound


class Plain(Unbound):
    name = "plain"
    title = "Unbound, no list"
    blocks = False

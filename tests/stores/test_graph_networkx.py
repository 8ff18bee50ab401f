"""The graph through networkx keeps the port's promises."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from memos.ports.graph import Edge, Relation
from memos.stores.graph_networkx import NetworkxGraph
from memos.testing.graph import GraphSuite, ListedEdges

if TYPE_CHECKING:
    from collections.abc import Collection

    from memos.ports.graph import Edges, Graph


class TestNetworkxGraph(GraphSuite):
    def over(self, edges: Edges) -> Graph:
        return NetworkxGraph(edges)


class CountingEdges(ListedEdges):
    """Notes which nodes were asked about."""

    def __init__(self, *edges: Edge) -> None:
        super().__init__(*edges)
        self.asked: list[set[str]] = []

    def edges_of(
        self, nodes: Collection[str], relations: Collection[Relation] | None = None
    ) -> list[Edge]:
        self.asked.append(set(nodes))
        return super().edges_of(nodes, relations)


def test_only_the_neighbourhood_is_fetched_and_each_node_once() -> None:
    nodes = [f"{number:03}" for number in range(100)]
    chain = [Edge(a, Relation.NEXT, b) for a, b in pairwise(nodes)]
    edges = CountingEdges(*chain)
    NetworkxGraph(edges).near(["050"], relations=[Relation.NEXT], hops=3)
    assert edges.asked == [{"050"}, {"049", "051"}, {"048", "052"}]

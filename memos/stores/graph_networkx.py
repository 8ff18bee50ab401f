"""How cubes hang together, seen through networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.ports.graph import Edge, Relation
from memos.ports.near import Near

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from memos.ports.graph import Edges


class NetworkxGraph:
    """Fetches the part of the graph that a question needs, and keeps none of it."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    def near(
        self, nodes: Collection[str], *, relations: Collection[Relation], hops: int
    ) -> list[Near]:
        """The nodes reached from ``nodes`` over at most ``hops`` edges, either way round."""
        import networkx as nx

        starts = set(nodes)
        graph = nx.Graph()
        graph.add_nodes_from(starts)
        fetched = self._fetch(starts, relations, _both_ends, hops=hops)
        graph.add_edges_from((edge.source, edge.target) for edge in fetched)
        if not starts:
            return []
        distances = nx.multi_source_dijkstra_path_length(graph, starts, cutoff=hops)
        reached = [Near(node, 1 / far) for node, far in distances.items() if node not in starts]
        return sorted(reached, key=lambda near: (-near.score, near.id))

    def ancestors(self, node: str) -> list[Edge]:
        """The DERIVED edges on every way from ``node`` up to its origins, nearest first."""
        return self._fetch({node}, (Relation.DERIVED,), _upwards)

    def descendants(self, nodes: Collection[str]) -> Sequence[str]:
        """Everything derived from ``nodes``, children before grandchildren."""
        import networkx as nx

        graph = nx.DiGraph()
        fetched = self._fetch(set(nodes), (Relation.DERIVED,), _downwards)
        graph.add_edges_from((edge.target, edge.source) for edge in fetched)
        # Provenance has no loops; should damage have made one, its members go as one.
        loops = nx.condensation(graph)
        starts = set(nodes)
        return [
            node
            for generation in nx.topological_generations(loops)
            for node in sorted(set().union(*(loops.nodes[loop]["members"] for loop in generation)))
            if node not in starts
        ]

    def _fetch(
        self,
        starts: set[str],
        relations: Collection[Relation],
        onwards: Callable[[Edge, set[str]], Collection[str]],
        hops: int | None = None,
    ) -> list[Edge]:
        """Every edge that is met on the way from ``starts``, a level at a time.

        ``onwards`` says to which nodes an edge leads from those just reached; to none, and it is
        not met. No node is left twice, so a loop ends.
        """
        met: dict[Edge, None] = {}
        seen, frontier = set(starts), set(starts)
        while frontier and (hops is None or hops > 0):
            leading = [
                (edge, ends)
                for edge in self._edges.edges_of(frontier, relations)
                if (ends := onwards(edge, frontier))
            ]
            met.update(dict.fromkeys(edge for edge, _ in leading))
            frontier = {node for _, ends in leading for node in ends} - seen
            seen |= frontier
            hops = None if hops is None else hops - 1
        return list(met)


def _both_ends(edge: Edge, _reached: set[str]) -> Collection[str]:
    return (edge.source, edge.target)


def _upwards(edge: Edge, reached: set[str]) -> Collection[str]:
    return (edge.target,) if edge.source in reached else ()


def _downwards(edge: Edge, reached: set[str]) -> Collection[str]:
    return (edge.source,) if edge.target in reached else ()

"""What every graph must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from memos.ports.graph import Edge, Edges, Graph, Relation

if TYPE_CHECKING:
    from collections.abc import Collection

NEXT, MENTIONS, DERIVED = Relation.NEXT, Relation.MENTIONS, Relation.DERIVED


class ListedEdges:
    """Edges in a list, for tests."""

    def __init__(self, *edges: Edge) -> None:
        self.edges = list(edges)

    def edges_of(
        self, nodes: Collection[str], relations: Collection[Relation] | None = None
    ) -> list[Edge]:
        """Every edge that starts or ends in one of ``nodes``, in ascending order."""
        return sorted(
            edge
            for edge in self.edges
            if (edge.source in nodes or edge.target in nodes)
            and (relations is None or edge.relation in relations)
        )


class GraphSuite(ABC):
    """Inherit from it and say how a graph is laid over edges."""

    @abstractmethod
    def over(self, edges: Edges) -> Graph:
        """A graph that reads ``edges``."""

    def test_nearness_is_one_over_the_distance_nearest_first(self) -> None:
        graph = self.over(ListedEdges(*_chain("a", "b", "c", "d", "e")))
        found = graph.near(["a"], relations=[NEXT], hops=3)
        assert [tuple(near) for near in found] == [("b", 1.0), ("c", 0.5), ("d", 1 / 3)]

    def test_edges_are_walked_either_way_round(self) -> None:
        graph = self.over(ListedEdges(*_chain("a", "b", "c")))
        assert _ids(graph, ["b"], hops=1) == ["a", "c"]
        assert _ids(graph, ["c"], hops=2) == ["b", "a"]

    def test_ties_are_ordered_by_id(self) -> None:
        star = [Edge("hub", NEXT, leaf) for leaf in ("c", "a", "b")]
        assert _ids(self.over(ListedEdges(*star)), ["hub"], hops=1) == ["a", "b", "c"]

    def test_the_distance_is_that_from_the_nearest_start_and_starts_are_left_out(self) -> None:
        graph = self.over(ListedEdges(*_chain("a", "b", "c", "d", "e")))
        found = graph.near(["a", "e"], relations=[NEXT], hops=4)
        assert [tuple(near) for near in found] == [("b", 1.0), ("d", 1.0), ("c", 0.5)]

    def test_only_the_relations_asked_for_are_walked(self) -> None:
        edges = ListedEdges(Edge("a", NEXT, "b"), Edge("a", MENTIONS, "Lisbon"))
        found = self.over(edges).near(["a"], relations=[MENTIONS], hops=1)
        assert [near.id for near in found] == ["Lisbon"]

    def test_two_cubes_meet_at_the_entity_that_both_mention(self) -> None:
        edges = ListedEdges(Edge("a", MENTIONS, "Lisbon"), Edge("b", MENTIONS, "Lisbon"))
        found = self.over(edges).near(["a"], relations=[MENTIONS], hops=2)
        assert [near.id for near in found] == ["Lisbon", "b"]

    @pytest.mark.parametrize(("nodes", "hops"), [([], 2), (["a"], 0), (["unknown"], 2)])
    def test_from_nowhere_nothing_is_reached(self, nodes: list[str], hops: int) -> None:
        graph = self.over(ListedEdges(*_chain("a", "b")))
        assert graph.near(nodes, relations=[NEXT], hops=hops) == []

    def test_ancestors_are_the_edges_up_to_every_origin_nearest_first(self) -> None:
        near, far = [_derived("d", "b"), _derived("d", "c")], [_derived("b", "a")]
        sideways = [_derived("other", "a"), _derived("child", "d"), Edge("d", NEXT, "x")]
        graph = self.over(ListedEdges(*far, *sideways, *near))
        assert graph.ancestors("d") == [*near, *far]
        assert graph.ancestors("a") == []

    def test_an_ancestor_on_two_ways_is_met_on_both_but_each_edge_once(self) -> None:
        edges = [
            _derived("d", "b"),
            _derived("d", "c"),
            _derived("b", "a"),
            _derived("c", "a"),
            _derived("a", "root"),
        ]
        assert self.over(ListedEdges(*edges)).ancestors("d") == edges

    def test_ancestors_tell_which_version_was_used(self) -> None:
        edges = [Edge("b", DERIVED, "a", 1), Edge("b", DERIVED, "a", 2)]
        assert self.over(ListedEdges(*edges)).ancestors("b") == edges

    def test_descendants_come_children_before_grandchildren(self) -> None:
        edges = [_derived("z", "a"), _derived("y", "a"), _derived("b", "z"), _derived("x", "root")]
        assert list(self.over(ListedEdges(*edges)).descendants(["a"])) == ["y", "z", "b"]

    def test_a_descendant_on_a_short_and_a_long_way_comes_after_all_its_parents(self) -> None:
        edges = [_derived("c", "a"), _derived("b", "a"), _derived("c", "b"), _derived("d", "c")]
        assert list(self.over(ListedEdges(*edges)).descendants(["a"])) == ["b", "c", "d"]

    def test_the_nodes_asked_for_are_not_among_their_descendants(self) -> None:
        edges = [_derived("b", "a"), _derived("c", "b")]
        assert list(self.over(ListedEdges(*edges)).descendants(["a", "b"])) == ["c"]

    def test_without_edges_there_are_no_descendants(self) -> None:
        assert list(self.over(ListedEdges()).descendants(["a"])) == []
        assert list(self.over(ListedEdges()).descendants([])) == []

    def test_a_loop_in_damaged_data_ends(self) -> None:
        loop = [_derived("b", "a"), _derived("c", "b"), _derived("a", "c"), _derived("d", "c")]
        graph = self.over(ListedEdges(*loop, _derived("a", "a")))
        assert sorted(graph.descendants(["a"])) == ["b", "c", "d"]
        assert {(edge.source, edge.target) for edge in graph.ancestors("a")} == {
            ("a", "a"),
            ("a", "c"),
            ("c", "b"),
            ("b", "a"),
        }
        found = graph.near(["a"], relations=[DERIVED], hops=9)
        assert [near.id for near in found] == ["b", "c", "d"]

    def test_a_change_of_the_edges_is_seen_at_once(self) -> None:
        edges = ListedEdges()
        graph = self.over(edges)
        assert list(graph.descendants(["a"])) == []
        edges.edges.append(_derived("b", "a"))
        assert list(graph.descendants(["a"])) == ["b"]
        edges.edges.clear()
        assert list(graph.descendants(["a"])) == []


def _chain(*nodes: str) -> list[Edge]:
    return [Edge(one, NEXT, other) for one, other in pairwise(nodes)]


def _derived(child: str, parent: str) -> Edge:
    return Edge(child, DERIVED, parent)


def _ids(graph: Graph, nodes: list[str], *, hops: int) -> list[str]:
    return [near.id for near in graph.near(nodes, relations=[NEXT], hops=hops)]

"""A search may be asked in other words and put in another order, and is what it was without."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import islice, permutations
from typing import TYPE_CHECKING, Any

import pytest

from memos import MemOS
from memos.config import FindingSettings, LLMSettings, RedactionSettings, Settings
from memos.errors import BadAnswer, BadInput, MissingModel, UnknownBackend, Unreachable
from memos.retrieval.spans import distinct
from memos.testing.endpoint import Endpoint, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from memos.retrieval.hit import Hit

TEXTS = ["Alice likes tea.", "Alice likes coffee.", "Alice likes juice.", "Bob rides a bicycle."]


def data(request: Mapping[str, Any]) -> Any:
    return json.loads(request["messages"][-1]["content"])


@contextmanager
def assisted(
    settings: Settings, answer: Callable[[Any], object], **more: Any
) -> Iterator[tuple[MemOS, Endpoint]]:
    """A store of a few texts, with an endpoint that answers the data that it is shown."""
    with serving(lambda request: json.dumps(answer(data(request)))) as endpoint:
        llm = LLMSettings(backend="openai", url=endpoint.url, model="tiny", timeout_seconds=5)
        chosen = settings.model_copy(update={"llm": llm, **more})
        with MemOS.open(None, settings=chosen) as mem:
            for text in TEXTS:
                mem.add(text, user_id="alice")
            yield mem, endpoint


def last_first(shown: Any) -> object:
    """The order upside down."""
    return {"order": [one["memory"] for one in reversed(shown["memories"])]}


def texts(hits: list[Hit]) -> list[str]:
    for hit in hits:
        assert hit.score == pytest.approx(sum(hit.parts.values()))
    return [hit.cube.text for hit in hits]


def test_by_default_no_model_is_asked(settings: Settings) -> None:
    with assisted(settings, last_first) as (mem, endpoint):
        hits = mem.search("what does alice like?")
        assert hits == mem.search("what does alice like?", rewrite="none", rerank="none")
        assert endpoint.asked == []


def test_another_order_is_taken_of_more_hits_than_are_asked_for(settings: Settings) -> None:
    with assisted(settings, last_first) as (mem, endpoint):
        usual = texts(mem.search("what does alice like?", k=4))
        hits = mem.search("what does alice like?", k=2, rerank="llm")
        assert texts(hits) == usual[:1:-1]
        assert "rerank" in hits[0].parts
        assert data(endpoint.asked[0])["question"] == "what does alice like?"
        assert set(mem.audit()[-1].subjects) == {cube.id for cube in mem.get_all()}


def test_other_wordings_find_what_the_question_misses(settings: Settings) -> None:
    queries = {"queries": ["bicycle", "\x00", "riding a bicycle"]}
    with assisted(settings, lambda _: queries) as (mem, _):
        found = mem.search("tea, or how does he get to work?", k=4, rewrite="llm")
        bicycle = next(hit for hit in found if hit.cube.text == TEXTS[3])
        assert bicycle.parts["rewrite"] > 0
        assert "words" not in mem.search("how does he get to work?", k=4)[0].parts


def test_the_settings_may_take_steps_by_themselves_and_a_call_may_leave_them(
    settings: Settings,
) -> None:
    finding = FindingSettings(rerank="auto")
    with assisted(settings, last_first, finding=finding) as (mem, endpoint):
        usual = texts(mem.search("what does alice like?", rerank="none"))
        assert texts(mem.search("what does alice like?")) == usual[::-1]
        mem.chat("what does alice like?", max_tokens=1)
        assert len(endpoint.asked) == 2


def test_steps_are_taken_of_what_held_then_and_never_of_the_past(settings: Settings) -> None:
    with assisted(settings, last_first) as (mem, endpoint):
        mem.add("I live in Lisbon", user_id="bob", timestamp="2023-01-01")
        mem.add("I live in Porto", user_id="bob", timestamp="2024-01-01")
        mem.add("Where I live it is warm", user_id="bob", timestamp="2022-01-01")

        def asked(**more: Any) -> set[str]:
            assert mem.search("where do I live?", user_id="bob", rerank="llm", **more)
            return {one["text"] for one in data(endpoint.asked[-1])["memories"]}

        assert not any("Lisbon" in one for one in asked())
        assert not any("Porto" in one for one in asked(as_of="2023-06-01"))
        assert len(asked(include_superseded=True)) == 3
        hits = mem.search("where?", user_id="bob", rerank="llm", include_superseded=True)
        assert sorted(hit.superseded for hit in hits) == [False, False, True]
        assert sum(len(hit.links) for hit in hits) == 2
        with pytest.raises(BadInput, match="known_at and rewrite='llm' exclude"):
            mem.search("where?", known_at="2024-01-01", rewrite="llm")
        with pytest.raises(BadInput, match="known_at and rerank='llm' exclude"):
            mem.search("where?", known_at="2024-01-01", rerank="llm")
        moment = mem.get_all()[-1].provenance.time
        assert mem.search("where?", known_at=moment, rewrite="none", rerank="none")


def test_other_wordings_bring_no_passage_twice(settings: Settings) -> None:
    with assisted(settings, lambda _: {"queries": ["bicycle", "tea and juice"]}) as (mem, _):
        chat = [{"role": "user", "content": text} for text in ("I ride a bicycle", "I like tea")]
        mem.ingest(chat, uri="chat:1", views=["turn", "session"], user_id="bob")
        hits = mem.search("bicycle tea", user_id="bob", k=9, rewrite="llm")
        cubes = [hit.cube for hit in hits]
        assert cubes == distinct(cubes)


LATEST = "What is my latest address?"
ORDERS = list(islice(permutations("seven brown foxes jump over hedges".split()), 203))


def alike(mem: MemOS, user: str, days: dict[str, int], **more: Any) -> dict[str, str]:
    """Notes of the same words, between which neither meaning nor words choose; one's id by day."""
    stretched = [day for day, times in days.items() for _ in range(times)]
    notes = [
        {"content": " ".join(order), "timestamp": day}
        for order, day in zip(ORDERS, stretched, strict=False)
    ]
    made = mem.add(notes, user_id=user, supersede="never", **more)
    return {day: cube.id for day, cube in zip(stretched, made, strict=True)}


def found(mem: MemOS, query: str, **more: Any) -> list[str]:
    return [hit.cube.id for hit in mem.search(query, k=100, **more)]


def test_the_newest_is_found_where_nothing_but_its_time_leads_to_it(mem: MemOS) -> None:
    ids = alike(mem, "alice", {"2023-01-01": 200, "2024-02-01": 1, "2024-01-01": 1})
    new, newer = ids["2024-01-01"], ids["2024-02-01"]
    assert not {new, newer} & set(found(mem, "What is my address?"))
    hits = mem.search(LATEST, user_id="alice")
    assert [hit.cube.id for hit in hits[:2]] == [newer, new]
    assert hits[0].parts["recency"] > hits[1].parts["recency"] > 0
    assert found(mem, LATEST, as_of="2024-01-15")[0] == new
    assert newer not in found(mem, LATEST, as_of="2024-01-15")
    newest = mem.supersede(newer, " ".join(ORDERS[-1]), timestamp="2024-03-01")
    assert found(mem, LATEST)[:2] == [newest.id, new]
    assert newer not in found(mem, LATEST)


def test_the_newest_of_what_a_filter_admits_is_found_and_nothing_newer(mem: MemOS) -> None:
    ids = alike(mem, "alice", {"2023-01-01": 200, "2024-01-01": 1}, labels=["home"])
    other = alike(mem, "alice", {"2024-02-01": 60}, labels=["work"])["2024-02-01"]
    hits = found(mem, LATEST, filters={"labels": "home"})
    assert hits[0] == ids["2024-01-01"]
    assert other not in hits
    assert found(mem, LATEST)[0] != ids["2024-01-01"]


def test_the_newest_of_others_is_never_shown_and_takes_no_place(mem: MemOS) -> None:
    hers = alike(mem, "alice", {"2023-01-01": 200, "2024-01-01": 1})["2024-01-01"]
    alone = found(mem.acting("user:alice"), LATEST)
    alike(mem, "bob", {"2024-02-01": 60})
    shown = mem.acting("user:alice").search(LATEST, k=100)
    assert [hit.cube.id for hit in shown] == alone
    assert shown[0].cube.id == hers
    assert {hit.cube.scope.user_id for hit in shown} == {"alice"}
    assert mem.acting("user:carol").search(LATEST) == []


def test_what_is_optional_is_left_out_where_there_is_no_model(mem: MemOS) -> None:
    mem.add("Alice likes tea.")
    assert mem.search("tea", rewrite="auto", rerank="auto") == mem.search("tea")


def test_a_step_that_is_not_there_or_not_possible_is_told(mem: MemOS) -> None:
    with pytest.raises(UnknownBackend, match="auto, llm, none"):
        mem.search("tea", rerank="magic")
    with pytest.raises(MissingModel):
        mem.search("tea", rewrite="llm")
    for wrong in ("", 7, ["llm"]):
        with pytest.raises(BadInput, match="rerank is"):
            mem.search("tea", rerank=wrong)  # type: ignore[arg-type]


def test_a_store_whose_settings_need_a_model_without_naming_one_is_not_opened(
    settings: Settings, tmp_path: Path
) -> None:
    chosen = settings.model_copy(update={"finding": FindingSettings(rerank="llm")})
    with pytest.raises(MissingModel, match="'llm' needs a language model"):
        MemOS.open(tmp_path / "store", settings=chosen)
    assert not (tmp_path / "store").exists()


def test_a_model_that_answers_badly_or_not_at_all_fails_the_search_that_asked_it(
    settings: Settings,
) -> None:
    with assisted(settings, lambda _: {"order": [99]}) as (mem, _):
        with pytest.raises(BadAnswer, match="99"):
            mem.search("what does alice like?", rerank="llm")
        assert mem.audit()[-1].outcome == "BadAnswer"
        assert mem.search("what does alice like?")
    llm = LLMSettings(backend="openai", url="http://127.0.0.1:9", model="x", timeout_seconds=0.1)
    with MemOS.open(None, settings=settings.model_copy(update={"llm": llm})) as mem:
        mem.add("tea")
        with pytest.raises(Unreachable):
            mem.search("tea", rewrite="llm")


def test_a_model_sees_what_the_principal_sees(settings: Settings) -> None:
    redaction = RedactionSettings(backend="patterns")
    with assisted(settings, last_first, redaction=redaction) as (mem, endpoint):
        mail = "Alice likes mail to ada@example.com."
        mem.add(mail, user_id="alice", sensitivity="confidential")
        mem.grant("agent:helper", "read", user_id="alice")
        mem.acting("agent:helper").search("alice likes", rerank="llm")
        shown = json.dumps(endpoint.asked[-1])
        assert "[email]" in shown
        assert "ada@example.com" not in shown
        mem.acting("user:alice").search("alice likes", rerank="llm")
        assert "ada@example.com" in json.dumps(endpoint.asked[-1])


def test_a_model_on_this_machine_may_see_what_is_secret(settings: Settings) -> None:
    with assisted(settings, last_first) as (mem, endpoint):
        mem.add("Alice likes the code 4711.", user_id="alice", sensitivity="secret")
        mem.search("alice likes", rerank="llm")
        assert "4711" in json.dumps(endpoint.asked[-1])


def test_a_model_on_another_machine_is_not_shown_what_is_secret(settings: Settings) -> None:
    with assisted(settings, last_first) as (mem, endpoint):
        mem.add("Alice likes the code 4711.", user_id="alice", sensitivity="secret")
        llm = mem._steps._opened()
        assert llm is not None
        # The endpoint of the test is on this machine: it is treated as if it were not.
        mem._steps._llm = Elsewhere(llm)
        mem._steps._made.clear()
        usual = [hit.cube.text for hit in mem.search("the code 4711", k=5)]
        assert usual[0] == "Alice likes the code 4711."
        found = texts(mem.search("the code 4711", k=5, rerank="llm"))
        assert found == [usual[0], *usual[:0:-1]]
        assert "4711" not in json.dumps(data(endpoint.asked[-1])["memories"])
        told = mem.extract(user_id="alice", dry_run=True, by="rules")
        assert told.withheld == ()


class Elsewhere:
    """A model that says that it is on another machine."""

    remote = True

    def __init__(self, llm: Any) -> None:
        self.name, self.complete, self.close = llm.name, llm.complete, llm.close

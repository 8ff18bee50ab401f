"""What prompt caches find of contexts: of vLLM, of SGLang, and of providers.

Each cache below does what the engine's own does with the token ids of prompts: it is asked how much
of a prompt it has, and then keeps it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Protocol

import platformdirs
import pytest

from memos import Context, MemOS
from memos.models.runtime_torch import TorchRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from memos.config import Settings

    Tokens = tuple[int, ...]
    Tokenize = Callable[[str], Tokens]

INSTRUCTIONS = "Answer from these memories, and cite them by their marks.\n\n"
BLOCK, STEP = 16, 128
PLACES = ("garden", "kitchen", "attic", "cellar", "yard")
THINGS = ("roses", "a clock", "old letters", "a ladder", "two chairs", "the piano")
SAID = [
    {
        "role": "user",
        "name": "Ann",
        "content": f"I have put {thing} into the {place}, where {other} had been.",
        "timestamp": f"2024-05-{1 + number:02}",
    }
    for number, (place, thing, other) in enumerate(
        (place, thing, THINGS[at - 1]) for place in PLACES for at, thing in enumerate(THINGS)
    )
]
ASKED = [f"what about {THINGS[n % 3]} in the {PLACES[n // 5]}?" for n in range(20)]


# --- the caches ----------------------------------------------------------------------------------


class Cache(Protocol):
    """What an engine keeps of prompts."""

    def hit(self, tokens: Tokens, salt: str) -> int:
        """How many of the first tokens are there; from now on all of them are."""
        ...


@dataclass
class Chained:
    """vLLM: whole blocks, each under a hash of its tokens and of the block before.

    The salt of a request goes into the hash of its first block (``cache_salt``).
    """

    kept: set[bytes] = field(default_factory=set)

    def hit(self, tokens: Tokens, salt: str) -> int:
        names = list(_chain(tokens, salt))
        found = sum(1 for _ in takewhile(lambda name: name in self.kept, names))
        self.kept.update(names)
        return found * BLOCK


def _chain(tokens: Tokens, salt: str) -> Iterator[bytes]:
    before = salt.encode()
    for end in range(BLOCK, len(tokens) + 1, BLOCK):
        before = hashlib.sha256(before + repr(tokens[end - BLOCK : end]).encode()).digest()
        yield before


@dataclass
class Radix:
    """SGLang: the longest beginning in common with any prompt before, to the token.

    Prompts with other salts (``extra_key``) lie in other trees.
    """

    kept: dict[str, list[Tokens]] = field(default_factory=dict)

    def hit(self, tokens: Tokens, salt: str) -> int:
        seen = self.kept.setdefault(salt, [])
        found = max((common(tokens, one) for one in seen), default=0)
        seen.append(tokens)
        return found


@dataclass
class Stepped:
    """Providers without marks: the longest beginning, cut off at a multiple of 128 tokens."""

    whole: Radix = field(default_factory=Radix)

    def hit(self, tokens: Tokens, salt: str) -> int:
        return self.whole.hit(tokens, salt) // STEP * STEP


@dataclass
class Marked:
    """Providers with marks: what lies before a mark is found by all of its text, or not at all."""

    kept: set[tuple[str, str]] = field(default_factory=set)

    def hit(self, parts: Sequence[str], salt: str) -> int:
        """How many of the first parts are there."""
        begun = [(salt, "".join(parts[: n + 1])) for n in range(len(parts))]
        found = max((n + 1 for n, one in enumerate(begun) if one in self.kept), default=0)
        self.kept.update(begun)
        return found


def common(one: Tokens, other: Tokens) -> int:
    """How many of the first tokens are the same."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


ENGINES: dict[str, type[Chained | Radix | Stepped]] = {
    "vllm": Chained,
    "sglang": Radix,
    "provider": Stepped,
}


# --- what is asked -------------------------------------------------------------------------------


@pytest.fixture(
    scope="module",
    params=["bytes", pytest.param("smollm2", marks=[pytest.mark.weights, pytest.mark.slow])],
)
def tokenize(
    request: pytest.FixtureRequest, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Tokenize:
    """A tokenizer of bytes, whose tokens never join; and a real one, whose tokens do."""
    if request.param == "smollm2":
        model, cache = "smollm2", platformdirs.user_cache_path("agent-memos") / "models"
    else:
        model, cache = str(tiny_model), tmp_path_factory.mktemp("cache")
    chat = TorchRuntime(model, cache_folder=cache, device="cpu")._lm.chat
    return lambda text: tuple(chat.tokens_of(text))


def asked(mem: MemOS, query: str, **more: object) -> Context:
    return mem.context(query, **{"budget_tokens": 400, "user_id": "ann", **more})  # type: ignore[arg-type]


def growing(mem: MemOS) -> list[tuple[str, Context]]:
    """A conversation of twenty questions, before every second of which a memory is added."""
    told = iter(SAID)
    mem.add([next(told) for _ in range(18)], user_id="ann", session_id="s")
    made = []
    for number, query in enumerate(ASKED):
        if number % 2:
            mem.add([next(told)], user_id="ann", session_id="s")
        made.append((query, asked(mem, query)))
    return made


def prompt(text: str, query: str) -> str:
    return f"{INSTRUCTIONS}{text}\n{query}\n"


def kept_up_to(before: Context, after: Context) -> int:
    """The last breakpoint that both have: so many characters were taken over."""
    mine = {(one.characters, one.digest) for one in before.breakpoints}
    shared = [one.characters for one in after.breakpoints if (one.characters, one.digest) in mine]
    return max((one for one in shared if one <= after.reused), default=0)


# --- what they find ------------------------------------------------------------------------------


def test_what_was_taken_over_has_the_same_bytes_and_the_same_tokens(
    mem: MemOS, tokenize: Tokenize
) -> None:
    taken = 0
    for (_, before), (_, after) in pairwise(growing(mem)):
        edge = kept_up_to(before, after)
        assert (edge > 0) == (after.reused >= before.breakpoints[0].characters)
        assert after.text.encode().startswith(before.text[:edge].encode())
        for place in (one.characters for one in after.breakpoints):
            head = tokenize(INSTRUCTIONS + after.text[:place])
            assert tokenize(INSTRUCTIONS + after.text)[: len(head)] == head
            if place <= edge:
                assert tokenize(INSTRUCTIONS + before.text)[: len(head)] == head
        taken += edge > 0
    assert taken >= 15


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_blocks_before_the_last_breakpoint_taken_over_are_found(
    mem: MemOS, tokenize: Tokenize, engine: str
) -> None:
    cache: Cache = ENGINES[engine]()
    grain = {"vllm": BLOCK, "sglang": 1, "provider": STEP}[engine]
    hits, total, before = 0, 0, Context()
    for query, after in growing(mem):
        tokens = tokenize(prompt(after.text, query))
        found = cache.hit(tokens, "ann")
        edge = kept_up_to(before, after)
        if edge:
            assert found >= len(tokenize(INSTRUCTIONS + after.text[:edge])) // grain * grain
        hits, total, before = hits + found, total + len(tokens), after
    assert hits > 0.5 * total
    assert hits / total > _by_rank(mem, tokenize, ENGINES[engine]())


def _by_rank(mem: MemOS, tokenize: Tokenize, cache: Cache) -> float:
    """The share that is found of the best hits in their order, in a store that does not grow."""
    found, total = 0, 0
    for query in ASKED:
        text = "".join(f"{hit.cube.text}\n" for hit in mem.search(query, k=14, user_id="ann"))
        tokens = tokenize(prompt(text, query))
        found, total = found + cache.hit(tokens, "ann"), total + len(tokens)
    return found / total


def test_a_provider_with_marks_finds_what_lies_before_one(mem: MemOS) -> None:
    cache, before, found = Marked(), Context(), 0
    for _, after in growing(mem):
        assert "".join(after.parts) == after.text
        assert len(after.parts) <= 4
        hit = len("".join(after.parts[: cache.hit(after.parts, "ann")]))
        assert hit >= kept_up_to(before, after)
        found, before = found + (hit > 0), after
    assert found >= 15


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_found_of_another_tenant(mem: MemOS, tokenize: Tokenize, engine: str) -> None:
    cache: Cache = ENGINES[engine]()
    for user in ("ann", "bob"):
        mem.add(SAID, user_id=user, session_id="s")
    anns = asked(mem, ASKED[0])
    bobs = mem.context(ASKED[0], budget_tokens=400, user_id="bob")
    mine = tokenize(prompt(anns.text, ASKED[0]))
    assert cache.hit(mine, "ann") == 0
    assert cache.hit(mine, "ann") > 0
    assert cache.hit(mine, "bob") == 0  # not even of the very same text
    assert cache.hit(tokenize(prompt(bobs.text, ASKED[0])), "carl") == 0
    assert (bobs.reused, {cube.user_id for cube in bobs.cubes}) == (0, {"bob"})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_conversation_that_is_taken_up_again_finds_what_the_engine_has(
    mem: MemOS, settings: Settings, tokenize: Tokenize, engine: str
) -> None:
    cache: Cache = ENGINES[engine]()
    made = growing(mem)
    for query, each in made:
        cache.hit(tokenize(prompt(each.text, query)), "ann")
    last = Context.model_validate_json(made[-1][1].model_dump_json())
    folder = str(mem._folder)
    mem.close()
    with MemOS.open(folder, settings=settings) as again:
        after = asked(again, ASKED[-1], previous=last)
        edge = kept_up_to(last, after)
        assert edge > 0
        assert after.text.encode().startswith(last.text[:edge].encode())
        head = tokenize(INSTRUCTIONS + after.text[:edge])
        assert tokenize(prompt(last.text, ASKED[-1]))[: len(head)] == head
        grain = {"vllm": BLOCK, "sglang": 1, "provider": STEP}[engine]
        tokens = tokenize(prompt(after.text, ASKED[-1]))
        assert cache.hit(tokens, "ann") >= len(head) // grain * grain > 0
        assert cache.hit(tokens, "bob") == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_forgotten_is_asked_of_no_cache(
    mem: MemOS, tokenize: Tokenize, engine: str
) -> None:
    cache: Cache = ENGINES[engine]()
    mem.add(SAID, user_id="ann", session_id="s")
    before = asked(mem, ASKED[0])
    cache.hit(tokenize(prompt(before.text, ASKED[0])), "ann")
    gone = before.cubes[len(before.cubes) // 2]
    mem.forget(gone.id)
    after = asked(mem, ASKED[0])
    found = cache.hit(tokenize(prompt(after.text, ASKED[0])), "ann")
    assert gone.text not in after.text
    assert found <= len(tokenize(INSTRUCTIONS + before.text[: before.text.index(gone.text)])) + 1

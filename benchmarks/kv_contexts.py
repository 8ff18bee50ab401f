"""Six memories, questions about them and what may be answered: contexts to measure KV states with.

Made of sentences here, or of turns of LoCoMo (a file of one JSON object a line, with ``memories``
and ``queries``) where a path is given; to those there is nothing to choose from.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.ports.runtime import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch

    from memos.models.runtime_torch import TorchRuntime

MEMORIES = 6
SYSTEM = "You answer questions about people from these notes."
_NAMES = "Anna Bruno Clara David Elena Frank Greta Henry Irene Jacob Karla Louis".split()
_PLACES = "Lisbon Berlin Madrid Oslo Paris Rome Tokyo London Boston Dublin Cairo Athens".split()
_JOBS = "baker teacher nurse pilot lawyer farmer painter doctor driver singer chef writer".split()
_AROUND = (
    "We spoke about it on a rainy Tuesday, over a cup of coffee near the old station.",
    "It came up at the end of a long walk along the river, when it was already dark.",
    "The two of us had not met for years, and there was much to catch up on that evening.",
    "A letter about it arrived in the spring, written in a hand that was hard to read.",
    "Nobody at the table knew this, and for a moment it was quiet enough to hear the clock.",
    "The phone rang twice while we talked, and each time it was somebody for the neighbours.",
)
STOCK = (
    "Thank you for telling me about this.",
    "That is very interesting, and I am glad to hear it.",
    "Please let me know if there is anything else that I can help you with today.",
    "I will keep that in mind for the next time that we talk.",
    "Is there anything else that you would like to tell me?",
    "Of course, I am always happy to help you with that.",
)
"""What is said between memories in a chat: the same again and again."""
VARIED = (
    "The weather in this part of the country is mild for most of the year, with rain in March.",
    "To install the program, open a terminal, go to the folder and run the command that is shown.",
    "A good soup needs time more than it needs salt, and it is always better on the second day.",
    "The train leaves the main station every thirty minutes and stops at each town on the way.",
    "If the test fails, read the message from the top, since the first error explains the others.",
    "Most of the old houses in the street were built of brick, with a small garden at the back.",
    "In the morning the market is full of people who have come to buy bread, cheese and flowers.",
    "The first chapter of the book tells how the two families came to own the land by the sea.",
    "Water boils at one hundred degrees, but high in the mountains it boils at less than that.",
    "The meeting was moved to the large room on the second floor, where there were more chairs.",
    "When the battery is low, a red light goes on, and the machine saves its work and stops.",
    "It is said that the bridge was painted once a year, and that the work never came to an end.",
    "Before you plant the seeds, make sure that the ground is not too wet and not too cold.",
    "The museum is closed on Mondays, but the garden around it is open on every day of the week.",
    "Each of the players takes a card from the pile, and the one with the highest card begins.",
    "A long time ago there was a king who had three sons, and the youngest of them was a fool.",
    "The results of the study were published in the spring and were soon read all over the world.",
    "There is nothing better than a quiet evening at home with a book and a cup of hot tea.",
)
"""What is said between memories where each sentence is of something else."""


@dataclass(frozen=True, slots=True)
class Question:
    """Tokens up to where the answer begins."""

    tokens: tuple[int, ...]
    choices: tuple[int, ...] = ()
    """The first token of each answer that could be; none where there is nothing to choose from."""
    right: int = -1


@dataclass(frozen=True, slots=True)
class Context:
    """What is read before a question, cut into the prefix and the memories."""

    prefix: tuple[int, ...]
    alone: tuple[int, ...]
    """What stands before a memory that is read all by itself: one token."""
    memories: tuple[tuple[int, ...], ...]
    questions: tuple[Question, ...]

    @property
    def tokens(self) -> tuple[int, ...]:
        """All of it but the questions."""
        return (*self.prefix, *(token for memory in self.memories for token in memory))

    @property
    def turns(self) -> list[int]:
        """The number of the memory that each token is of; the prefix is number 0."""
        parts = enumerate((self.prefix, *self.memories))
        return [number for number, part in parts for _ in part]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How close the answers from a state come to those from a full prefill."""

    divergence: float
    """Mean KL(full || this) of the next token's distribution, in nats."""
    same_token: float
    same_choice: float
    """Not a number where there was nothing to choose from."""
    right: float

    @classmethod
    def mean(cls, several: Sequence[Agreement]) -> Agreement:
        """Of contexts with equally many questions."""
        rows = [(a.divergence, a.same_token, a.same_choice, a.right) for a in several]
        return cls(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))

    def cells(self) -> tuple[str, ...]:
        """For a row of a table."""
        shares = (self.same_token, self.same_choice, self.right)
        told = ("-" if share != share else f"{share:.2f}" for share in shares)  # noqa: PLR0124
        return (f"{self.divergence:.4f}", *told)


def contexts(
    runtime: TorchRuntime,
    count: int,
    locomo: Path | None,
    *,
    between: Sequence[str] = (),
    each: int = 4,
    vivid: bool = True,
) -> list[Context]:
    """So many contexts, the same ones each time.

    Args:
        runtime: whose tokens they are of.
        count: how many.
        locomo: a file of conversations; where it is None, contexts are made of sentences.
        between: some of these come after each memory that is made; no question is about them.
        each: how many of them.
        vivid: whether a memory that is made also tells how it came up, in words of its own.
    """
    dice = random.Random(5)  # noqa: S311 - the same contexts at every run
    if locomo is None:
        return [_made(runtime, dice, (between, each), vivid=vivid) for _ in range(count)]
    found = _turns(runtime, locomo, dice)
    return [next(found) for _ in range(count)]


def told_of(runtime: TorchRuntime, found: Sequence[Context]) -> str:
    """What was measured, in words."""
    lengths = [len(context.tokens) for context in found]
    asked = sum(len(context.questions) for context in found)
    model = runtime.fingerprint
    return (
        f"{model.name}, {model.dtype}; {len(found)} contexts of {min(lengths)} to {max(lengths)}"
        f" tokens, {asked} questions\n"
    )


def agreement(full: torch.Tensor, other: torch.Tensor, questions: Sequence[Question]) -> Agreement:
    """Compare logits [questions, vocabulary] with those of a full prefill."""
    import torch

    p, q = full.float().log_softmax(-1), other.float().log_softmax(-1)
    divergence = (p.exp() * (p - q)).sum(-1).mean()
    same = (p.argmax(-1) == q.argmax(-1)).float().mean()
    picked = [
        (
            int(p[row, list(one.choices)].argmax()),
            int(q[row, list(one.choices)].argmax()),
            one.right,
        )
        for row, one in enumerate(questions)
        if one.choices
    ]
    told = torch.tensor([[a == b, b == right] for a, b, right in picked]).float().reshape(-1, 2)
    choice, right = told.mean(0).tolist()
    return Agreement(float(divergence), float(same), choice, right)


def _made(
    runtime: TorchRuntime, dice: random.Random, talk: tuple[Sequence[str], int], *, vivid: bool
) -> Context:
    chat = runtime._lm.chat  # noqa: SLF001 - a benchmark cuts where no user may
    names = dice.sample(_NAMES, MEMORIES)
    places, jobs = dice.sample(_PLACES, MEMORIES), dice.sample(_JOBS, MEMORIES)
    around = dice.sample(_AROUND, MEMORIES)
    facts = zip(names, places, jobs, around, strict=True)
    said, each = talk
    memories = [
        f"- {n} lives in {p} and works as a {j}."
        + "".join(f" {sentence}" for sentence in ([a] if vivid else []))
        + "".join(f" {sentence}" for sentence in (dice.choices(said, k=each) if said else []))
        + "\n"
        for n, p, j, a in facts
    ]
    prefix, after = _frame(runtime)

    def asked(question: str, stem: str, answers: Sequence[str], right: str) -> Question:
        tokens = (*chat.tokens_of(question), *after, *chat.tokens_of(stem))
        choices = tuple(chat.tokens_of(f" {answer}")[0] for answer in answers)
        return Question(tokens, choices, answers.index(right))

    questions = [
        one
        for name, place, job in zip(names, places, jobs, strict=True)
        for one in (
            asked(f"Where does {name} live?", f"{name} lives in", _PLACES, place),
            asked(f"What does {name} work as?", f"{name} works as a", _JOBS, job),
        )
    ]
    return Context(prefix, prefix[:1], tuple(map(chat.tokens_of, memories)), tuple(questions))


def _turns(runtime: TorchRuntime, path: Path, dice: random.Random) -> Iterator[Context]:
    chat = runtime._lm.chat  # noqa: SLF001 - as above
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    prefix, after = _frame(runtime)
    while True:
        case = dice.choice(cases)
        said = {one["id"]: f"- {one['speaker']}: {one['text']}\n" for one in case["memories"]}
        fit = [q for q in case["queries"] if len(q["gold"]) == 1 and q["gold"][0] in said]
        asked = dice.sample(fit, MEMORIES)
        memories = [chat.tokens_of(said[one["gold"][0]]) for one in asked]
        questions = [Question((*chat.tokens_of(one["q"]), *after)) for one in asked]
        yield Context(prefix, prefix[:1], tuple(memories), tuple(questions))


def _frame(runtime: TorchRuntime) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What stands before the first memory, and between a question and its answer."""
    chat = runtime._lm.chat  # noqa: SLF001 - as above
    mark = chat.tokens_of("Q")
    whole = runtime.prompt([Message("system", SYSTEM), Message("user", "Q", cuts=(0,))])
    start = whole.cuts[0]
    return whole.tokens[:start], whole.tokens[start + len(mark) :]

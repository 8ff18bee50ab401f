"""A question asks for what is newest, or "last" says when."""

from __future__ import annotations

import pytest

from memos.retrieval.newest import asks_for_newest
from memos.retrieval.question import Question


@pytest.mark.parametrize(
    "text",
    [
        "What is my latest address?",
        "What's the most recent movie I watched?",
        "Which camera is my newest one?",
        "Where have I recently been?",
        "Did I more recently try sushi or tacos?",
        "What have I been reading lately?",
        "What have I been reading of late?",
        "Where am I CURRENTLY working?",
        "What is my current job?",
        "Who is the current chair?",
        "What is Ann's current address?",
        "What is Ann\u2019s current address?",
        "What am I learning right now?",
        "Which book am I on at the moment?",
        "What do I usually drink these days?",
        "Where do most of us live nowadays?",
        "How many books have I read so far?",
        "How many have I read so far this year?",
        "How many did I try until now?",
        "Where does she live now?",
        "what is it called now",
        "When was the last time I saw Ann?",
        "What was the last book I read?",
        "What did I get for my last birthday?",
        "When did I last visit Lisbon?",
        "Last book I read?",
        "Which were the last two films that we saw?",
        "What did I cook last time?",
        "Was it last May or on my last trip?",
        "What did the last doctor say?",
    ],
)
def test_a_question_asks_for_what_is_newest(text: str) -> None:
    assert asks_for_newest(text)
    assert asks_for_newest(text.upper())
    assert Question.read(text).newest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is my address?",
        "What did I do last May?",
        "What did I do last week?",
        "Where was I last month, and where last year?",
        "Whom did I meet last Monday?",
        "What did I eat last night?",
        "Where did we go last summer?",
        "What did I give her last Christmas?",
        "What did I read in the last two weeks?",
        "What did I read in the last 30 days?",
        "How often did I run in the last few months?",
        "How much did I spend in the last couple of weeks?",
        "What happened last school year?",
        "Where was last year's trip?",
        "What is her last name?",
        "What are their first and last names?",
        "Was it a last resort?",
        "How long did the concert last?",
        "Did the battery last long?",
        "Did it last for hours?",
        "Was it built to last decades?",
        "When did I see The Last Samurai?",
        "Did she come at last?",
        "When must it be sent at the latest?",
        "In which order did I see the museums, from the earliest to latest?",
        "How much was it a few months ago, compared to now?",
        "Where did I live until recently?",
        "How many days are in these days of rain?",
        "Shall we meet one of these days?",
        "Where was he at the moment of the crash?",
        "What was she doing at the moment when it rang?",
        "Why does she live so far away?",
        "How did it go so far as that?",
        "When will it be three weeks from now?",
        "Now that I am here, what is there?",
        "How did she know?",
        "Was it in the days of late summer?",
        "How strong is the current in the river?",
        "Which bank has my current account?",
        "What does she say of current events?",
        "Who was first, and who was last?",
        "What lasted longest?",
        "How many glasses broke?",
    ],
)
def test_what_is_no_cue_is_none(text: str) -> None:
    assert not asks_for_newest(text)
    assert not Question.read(text).newest

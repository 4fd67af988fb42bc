"""What a question finds, whatever its characters are."""

import asyncio
import sqlite3
from contextlib import closing
from random import Random

import pytest
from harness.memories import HERE, found, hits, remember, says, take_in

from agentrouted.core.errors import InvalidParams
from agentrouted.core.memory.ranking import by_ids
from agentrouted.core.memory.store import Store
from agentrouted.core.memory.terms import terms_of
from agentrouted_protocol.memory import MemoryRecallParams
from agentrouted_protocol.scope import Scope

HOSTILE = [
    '"',
    "'",
    '"""',
    "NEAR(",
    "NEAR(a b, 2)",
    "tea AND",
    "OR",
    "NOT tea",
    "tea*",
    "*",
    "^tea",
    "text:tea",
    "memory_index",
    "(tea",
    "{text around} : tea",
    "-tea",
    "+tea",
    "a\0b",
    "\0",
    "\ud83d",
    "🦄",
    "👩‍👩‍👧 tea",
    "é" * 50,
    "e\u0301",
    "\u200f\u202e",
    "%_\\",
    "'; DROP TABLE memories; --",
    "a" * 1_000_000,
    "tea " * 250_000,
    "茶" * 1000,
    "\n\t\r",
    "...",
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_question_is_an_error(store: Store, query: str) -> None:
    await remember(store, "likes tea")
    await store.add_messages("s", [says("tea, please")])
    assert len(await hits(store, query, explain=True)) <= 2


async def test_of_a_long_question_the_beginning_and_the_end_are_looked_for(store: Store) -> None:
    await remember(store, "likes tea")
    words = [f"word{number}" for number in range(30)]
    others = [f"other{number}" for number in range(30)]
    for found_by in (["tea", *words, *others], [*words, *others, "the", "tea"], [*words[:24], "tea", *others[:23]]):
        assert await found(store, " ".join(found_by)) == ["likes tea"]
    assert await found(store, " ".join([*words, "tea", *others])) == []
    assert await found(store, f"{'and ' * 5_000}tea {'and ' * 5_000}") == []


PIECES = [
    *"\"'*():^-+{}[]\\%_;\0é茶 \n🦄\ud83d\udc00",
    "NEAR(",
    "AND",
    "OR",
    "NOT",
    "tea",
    "text:",
    "日本",
    "ไทย",
    "e\u0301",
]


async def test_random_questions_are_no_error(store: Store) -> None:
    random = Random(7)
    await remember(store, "likes tea", tags=["t"])
    await store.add_messages("s", [says("tea, please")])
    for number in range(500):
        query = "".join(random.choices(PIECES, k=random.randrange(12)))
        filters = {"tags": [query], "session_id": query, "scope": Scope(user=query)} if number % 5 == 0 else {}
        await hits(store, query, **filters)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_any_text_is_kept_and_found_by_what_stands_beside_it(store: Store, text: str) -> None:
    await remember(store, f"marker {text}", key=text[:100], tags=[text[:100]])
    await store.add_messages("s", [says(f"marker {text}")])
    assert len(await found(store, "marker")) == 2


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is my favourite colour?", "favorite color is blue"),
        ("favorite color", "my favourite colour is blue"),
        ("Which theatre did we visit?", "We visited the theater in May"),
        ("organise", "She organizes the fair"),
        ("Where do I live?", "Living in Lisbon"),
        ("cafe", "The café at the corner"),
        ("CAFÉ", "the cafe at the corner"),
        ("天気", "今日は天気がいいですね"),
        ("今日の天気はどう", "天気予報では雨"),
        ("茶", "私は紅茶が好き"),
        ("날씨", "오늘날씨가 좋다"),
        ("parse_config", "def parse_config(path): ..."),
        ("config parser", "def parse_config(path): ..."),
        ("src/app/main.py", "The entry point is src/app/main.py"),
        ("HTTPServer", "class HTTPServer:"),
        ("user by id", "call getUserById first"),
        ("HttpHeader", "see parseHttpHeaderValue"),
        ("İstanbul", "İstanbul'da yağmur"),
        ("re\u0301sume\u0301", "résumé"),
        ("API", "ＡＰＩキー"),
        ("pho", "ăn phở bò"),
        ("αθηνα", "η Αθήνα"),
        ("ΑΘΉΝΑ", "η Αθηνα"),
        ("ホテル", "ﾎﾃﾙは高い"),
        ("office", "the o\ufb03ce"),
        ("q" * 300, "token " + "q" * 300),
        ("user@example.com", "write to user@example.com"),
        ("v2.13.4", "pinned to v2.13.4"),
        ("Ünïcödé", "unicode everywhere"),
        ("москва", "Москва слезам не верит"),
        ("who are you", "who are you"),
    ],
)
async def test_a_plain_question_finds_it(store: Store, question: str, text: str) -> None:
    await remember(store, "Something else entirely")
    await remember(store, text)
    await remember(store, "And more of it: nothing to do with this")
    assert (await found(store, question))[:1] == [text]


async def test_a_fact_is_found_by_its_key_and_its_tags(store: Store) -> None:
    await remember(store, "blue", key="favorite color", tags=["taste"])
    assert await found(store, "What is my favourite colour?") == await found(store, "taste") == ["blue"]


async def test_what_fits_better_comes_first_and_of_equals_the_newer(store: Store) -> None:
    for text in ("tea in the morning", "green tea", "tea at night", "coffee in the morning"):
        await remember(store, text)
    assert await found(store, "green tea in the morning") == [
        "green tea",
        "tea in the morning",
        "coffee in the morning",
        "tea at night",
    ]
    assert await found(store, "tea") == ["tea at night", "green tea", "tea in the morning"]
    assert await found(store, "tea", limit=1) == ["tea at night"]


async def test_an_old_row_with_the_rare_word_beats_many_new_ones_without(store: Store) -> None:
    await remember(store, "the deploy key of Zanzibar hangs in the hall")
    for number in range(600):
        await remember(store, f"the deploy key number {number}")
    assert (await found(store, "where is the deploy key of Zanzibar"))[0].startswith("the deploy key of Zanzibar")


async def test_an_old_row_with_two_frequent_words_is_found_among_many_with_one(store: Store) -> None:
    await remember(store, "red boat")
    for number in range(1200):
        await asyncio.gather(*(remember(store, f"{word} {number}") for word in ("red", "boat")))
    assert (await found(store, "red boat"))[0] == "red boat"


async def test_an_old_row_with_a_rare_and_a_frequent_word_is_found_among_newer_ones_with_the_rare_one(
    store: Store,
) -> None:
    await remember(store, "red boat")
    texts = [*(f"red {number}" for number in range(80)), *(f"boat {number}" for number in range(1200))]
    await asyncio.gather(*(remember(store, text) for text in texts))
    assert (await found(store, "green red boat"))[0] == "red boat"


async def test_an_old_row_with_a_rare_word_is_found_by_a_question_of_words_that_all_rows_have(store: Store) -> None:
    await asyncio.gather(*(remember(store, f"boat {number} is red") for number in range(1200)))
    assert (await found(store, "Is boat number 17 red?"))[0] == "boat 17 is red"


async def test_an_empty_question_lists_the_newest(store: Store) -> None:
    for text in ("one", "two", "three"):
        await remember(store, text)
    assert await found(store, "", limit=2) == await found(store, " \n", limit=2) == ["three", "two"]


async def test_an_empty_question_lists_what_is_in_force_below_newer_facts_that_are_not(store: Store) -> None:
    await remember(store, "it rains")
    for number in range(20):
        await remember(store, f"the sun shines {number}", valid_to="2020-01-01T00:00:00Z")
    assert await found(store, "", limit=1) == ["it rains"]


async def test_turns_and_facts_are_found_together(store: Store) -> None:
    told = await remember(store, "the cat is called Ada", scope=HERE)
    [uid] = (await store.add_messages("chat", [says("Ada had kittens")], HERE, run_id="r")).ids
    found_hits = {hit.kind: hit for hit in await hits(store, "Ada", scope=HERE)}
    assert {hit.id for hit in found_hits.values()} == {told.id, uid}
    source = found_hits["message"].source
    assert (source.session_id, source.message_id, source.run_id) == ("chat", uid, "r")
    assert found_hits["message"].scope == HERE and found_hits["message"].key is None
    assert await found(store, "Ada", scope=HERE, kinds=["message"]) == ["Ada had kittens"]
    assert await found(store, "Ada", scope=HERE, kinds=["fact", "note"]) == ["the cat is called Ada"]
    assert await found(store, "Ada") == []


async def test_a_turn_is_found_by_the_turns_before_it_and_by_its_day(store: Store) -> None:
    messages = [
        says("Where shall we eat on Friday?", created_at="2024-05-03T10:00:00Z"),
        says("At the Golden Goose.", role="assistant", created_at="2024-05-03T10:00:05Z"),
    ]
    await store.add_messages("chat", messages)
    assert "At the Golden Goose." in await found(store, "where did we eat")
    assert len(await found(store, "May 2024")) == 2


async def test_a_session_is_searched_alone(store: Store) -> None:
    await store.add_messages("one", [says("tea at five")], HERE)
    await store.add_messages("two", [says("tea at six")], HERE)
    await remember(store, "tea is served", scope=HERE)
    assert await found(store, "tea", scope=HERE, session_id="two") == ["tea at six"]
    assert await found(store, "tea", session_id="two") == []
    assert await found(store, "tea", scope=HERE, session_id="three") == []
    assert await found(store, "tea", scope=Scope(workspace="here", session="one")) == ["tea at five"]


async def test_filters_hold_for_what_is_found(store: Store) -> None:
    await remember(store, "green tea", kind="preference", tags=["drink", "hot"])
    await remember(store, "iced tea", kind="note", tags=["drink"])
    await store.add_messages("s", [says("tea then", created_at="2020-01-01T00:00:00Z")])
    assert await found(store, "tea", kinds=["preference"]) == ["green tea"]
    assert await found(store, "tea", tags=["drink", "hot"]) == ["green tea"]
    assert await found(store, "tea", until="2021-01-01T00:00:00Z") == ["tea then"]
    assert await found(store, "tea", since="2021-01-01T00:00:00Z") == ["iced tea", "green tea"]
    assert await found(store, "", tags=["drink"]) == ["iced tea", "green tea"]


async def test_a_fact_that_is_said_again_is_as_new_as_that(store: Store) -> None:
    await take_in(store, '[{"memory": "tea", "created_at": "2001-01-01T00:00:00Z"}]', format="mem0")
    await remember(store, "tea or milk")
    await remember(store, "Tea!")
    assert (
        await found(store, "tea") == await found(store, "tea", since="2021-01-01T00:00:00Z") == ["tea", "tea or milk"]
    )
    assert await found(store, "tea", until="2021-01-01T00:00:00Z") == []


@pytest.mark.parametrize("name", ["since", "until"])
async def test_what_is_no_time_is_refused_also_where_nothing_is_kept(name: str, store: Store) -> None:
    with pytest.raises(InvalidParams, match=name):
        await store.recall(MemoryRecallParams.model_validate({"query": "tea", name: "yesterday"}))


async def test_a_hit_says_why(store: Store) -> None:
    await remember(store, "green tea")
    await remember(store, "black tea")
    [first, _] = await hits(store, "green tea", explain=True)
    assert first.explain is not None
    words = first.explain["words"]
    assert words.keys() == {"green", "tea"} and (words["green"]["entries"], words["tea"]["entries"]) == (1, 2)
    of_words = sum(word["score"] for word in words.values())
    assert of_words * first.explain["wording"] == pytest.approx(first.score, abs=1e-5)
    assert first.score > 0 and [hit.explain for hit in await hits(store, "tea")] == [None, None]


async def test_words_in_the_order_of_the_question_come_first(store: Store) -> None:
    await remember(store, "the support groups meet on Monday")
    await remember(store, "a group that needs support")
    query = "When does the support group meet?"
    assert await found(store, query) == ["the support groups meet on Monday", "a group that needs support"]


async def test_an_answer_comes_before_a_newer_question(store: Store) -> None:
    await store.add_messages("one", [says("the harbour is in Trieste")])
    await store.add_messages("two", [says("Is the harbour in Trieste?")])
    assert await found(store, "harbour Trieste") == ["the harbour is in Trieste", "Is the harbour in Trieste?"]


async def test_a_short_answer_comes_before_long_texts_that_have_the_words_by_chance(store: Store) -> None:
    await remember(store, "the harbour of Trieste is deep")
    for number in range(30):
        await remember(store, f"{number} harbour " + "some other words about ships and the sea " * 40 + "Trieste")
    first, *_ = await found(store, "harbour Trieste")
    assert first == "the harbour of Trieste is deep"


async def test_a_word_of_many_texts_is_not_looked_for_around_them(store: Store) -> None:
    await store.add_messages("s", [says(f"{'Anna' if number % 2 else 'Ben'}: {number}") for number in range(300)])
    by_anna = await found(store, "Anna", limit=300)
    assert len(by_anna) == 150 and all("Anna" in text for text in by_anna)


async def test_of_a_word_that_too_many_turns_have_those_come_first_that_say_it(store: Store) -> None:
    await store.add_messages("s", [says("tea" if number % 3 else "milk") for number in range(8000)])
    for limit in (10, 1000):
        assert await found(store, "tea", limit=limit) == ["tea"] * limit


async def test_of_a_word_that_very_many_have_as_many_are_found_as_are_wanted(store: Store) -> None:
    await asyncio.gather(*(remember(store, f"tea {number}") for number in range(4000)))
    assert await found(store, "tea", limit=1000) == [f"tea {number}" for number in range(3999, 2999, -1)]


async def test_of_two_words_that_very_many_have_as_many_with_both_are_found_as_are_wanted(store: Store) -> None:
    texts = ("red boat", "red car", "blue boat")
    await asyncio.gather(*(remember(store, f"{texts[number % 3]} {number}") for number in range(9000)))
    assert all(text.startswith("red boat") for text in await found(store, "red boat", limit=1000))


async def test_a_word_that_all_turns_of_a_session_have_tells_nothing_there(store: Store) -> None:
    await store.add_messages("other", [says(f"turn {number}") for number in range(3000)])
    await store.add_messages("boats", [says("Zanzibar"), *(says(f"red boat {number}") for number in range(30))])
    assert (await found(store, "red boat Zanzibar", session_id="boats"))[0] == "Zanzibar"


async def test_a_key_that_is_replaced_often_makes_no_other_word_rarer(store: Store) -> None:
    await remember(store, "the mooring in Zanzibar")
    await asyncio.gather(*(remember(store, f"the red boat {number}") for number in range(10)))
    await asyncio.gather(*(remember(store, f"status {number}", key="status") for number in range(2000)))
    assert (await found(store, "Where is the red boat of Zanzibar?"))[0] == "the mooring in Zanzibar"


async def test_what_is_no_longer_valid_hides_nothing_older(store: Store) -> None:
    await remember(store, "likes tea")
    await asyncio.gather(*(remember(store, f"tea {number}", valid_to="2020-01-01") for number in range(4000)))
    assert await found(store, "tea") == ["likes tea"]


async def test_of_equals_among_facts_and_turns_the_newest_are_found(store: Store) -> None:
    times = {True: "2020-01-01T00:00:00Z", False: None}
    for are_old in (True, False):
        turns = [says(f"tea {number}", created_at=times[are_old]) for number in range(100)]
        await store.add_messages(f"old {are_old}", turns)
        if are_old:
            for number in range(30):
                await remember(store, f"{number} tea")
    newest = [f"tea {number}" for number in range(99, 79, -1)]
    assert await found(store, "tea", limit=20) == newest
    await remember(store, "tea is oolong")
    assert await found(store, "tea", limit=20) == ["tea is oolong", *newest[:-1]]
    await store.add_messages("s", [says(f"tea oolong {number}") for number in range(12)])
    fitting = await found(store, "tea oolong", limit=20)
    assert fitting[:13] == [*(f"tea oolong {number}" for number in range(11, -1, -1)), "tea is oolong"]


async def test_a_message_is_found_with_who_said_it(store: Store) -> None:
    await remember(store, "likes tea")
    half = "\ud83d tea"
    await store.add_messages("s", [says("tea"), says("tea!", role="assistant"), says(half, role="tool")])
    assert {hit.text: hit.role for hit in await hits(store, "tea")} == {
        "likes tea": None,
        "tea": "user",
        "tea!": "assistant",
        "? tea": "tool",
    }


async def test_what_is_no_longer_valid_hides_nothing_older_that_fits_better(store: Store) -> None:
    await remember(store, "red boat")
    await asyncio.gather(*(remember(store, f"red boat {number}", valid_to="2020-01-01") for number in range(200)))
    await asyncio.gather(*(remember(store, f"{('red', 'boat')[number % 2]} {number}") for number in range(8000)))
    assert (await found(store, "red boat"))[0] == "red boat"


async def test_a_filter_finds_what_is_older_than_very_many_that_it_does_not_fit(store: Store) -> None:
    await store.add_messages("s", [says("tea then", created_at="2020-01-01T00:00:00Z"), *[says("tea")] * 21_000])
    assert await found(store, "tea", until="2021-01-01T00:00:00Z") == ["tea then"]


async def test_a_snippet_is_the_text_around_the_match(store: Store) -> None:
    await remember(store, "before " * 200 + "the golden goose " + "after " * 200)
    [hit] = await hits(store, "Where is the goose?")
    assert "golden goose" in hit.snippet and len(hit.snippet) < 250
    assert hit.snippet.startswith("…") and hit.snippet.endswith("…")


async def test_the_snippet_of_an_accented_word_is_around_it_however_it_was_asked_for(store: Store) -> None:
    await remember(store, "before " * 200 + "Zürich Hauptbahnhof " + "after " * 200)
    for question in ("zurich", "Zürich"):
        [hit] = await hits(store, question)
        assert "Zürich" in hit.snippet


async def test_what_stays_here_hides_nothing_older_from_those_who_leave(store: Store) -> None:
    await remember(store, "likes tea")
    await store.add_messages("s", [says("tea")])
    await store.add_messages("private", [says(f"tea {number}") for number in range(4000)], boundary="local")
    left = await store.recall(MemoryRecallParams(query="tea"), leaves=True)
    assert sorted(hit.text for hit in left) == ["likes tea", "tea"]
    assert len(await hits(store, "tea")) == 10


def test_a_question_of_any_length_has_its_first_and_last_words_looked_for() -> None:
    words = [f"word{number}" for number in range(1000)]
    ends = [f'"{word}"' for word in (*words[:24], *words[-24:])]
    assert terms_of(" ".join(words)) == ends
    assert terms_of(" ".join([*words, "getUserById " * 5_000_000, *words])) == ends
    assert terms_of(" ".join([*words, *words[:10]])) == ends[:24] + [f'"{word}"' for word in words[986:]]


def test_any_number_of_rows_is_read() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        connection.execute("CREATE TABLE numbers (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(40_000)])
        assert len(by_ids(connection, "SELECT id FROM numbers", range(40_000))) == 40_000


async def test_as_many_kinds_and_tags_as_may_be_named_are_looked_for(store: Store) -> None:
    tags = [f"t{number}" for number in range(100)]
    await remember(store, "likes tea", tags=tags)
    assert await found(store, "tea", tags=tags, kinds=["fact", "note"] * 20_000) == ["likes tea"]
    assert await found(store, "tea", tags=[*tags[1:], "other"]) == []

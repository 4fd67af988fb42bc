"""Facts: kept once, replaced, listed, forgotten."""

import asyncio
from random import Random

import pytest
from harness.memories import HERE, THERE, forget, found, get, listed, remember

from agentrouted.core.errors import InvalidParams, NotFound
from agentrouted.core.memory.store import Store
from agentrouted.core.storage.database import Database
from agentrouted_protocol.memory import MemoryEntry, MemoryFilter, MemoryListParams, MemoryRememberParams, Source
from agentrouted_protocol.scope import Scope

LONG_AGO, FAR_AHEAD = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


async def test_a_fact_comes_back_as_it_was_given(store: Store) -> None:
    given = MemoryRememberParams(
        text="Tabs, not blanks\n",
        key="indent",
        scope=Scope(workspace="w", user="u", agent="a", session="s"),
        kind="preference",
        tags=["style", "code", "style"],
        valid_from="2024-05-01T12:00:00+02:00",
        expires_at=FAR_AHEAD,
    )
    source = Source(run_id="r", client="editor")
    told = await store.remember(given, source)
    entry = await store.get(get(id=told.id, scope=given.scope))
    assert (entry.text, entry.key, entry.kind, entry.scope) == (given.text, "indent", "preference", given.scope)
    assert (entry.tags, entry.source, entry.sources) == (["style", "code"], source, [source])
    assert (entry.valid_from, entry.valid_to, entry.expires_at) == ("2024-05-01T10:00:00Z", None, FAR_AHEAD)
    assert (told.version, told.merged, entry.version) == (1, False, 1)
    assert entry.created_at == entry.updated_at and entry.created_at.endswith("Z")


@pytest.mark.parametrize(
    "time", ["noon", "0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999999Z"]
)
async def test_a_time_that_could_not_be_told_again_is_refused(store: Store, time: str) -> None:
    with pytest.raises(InvalidParams):
        await remember(store, "likes tea", valid_from=time)
    assert await listed(store) == []


async def test_the_same_key_in_the_same_scope_replaces(store: Store) -> None:
    first = await remember(store, "Blue", key="color", tags=["old"])
    second = await remember(store, "Green", key="color")
    elsewhere = await remember(store, "Red", key="color", scope=HERE)
    assert (second.id, second.version, second.merged) == (first.id, 2, True)
    assert elsewhere.id != first.id and not elsewhere.merged
    assert (await store.get(get(key="color"))).text == "Green"
    assert await listed(store) == ["Green"] and await found(store, "blue old") == []


@pytest.mark.parametrize("again", ["Likes tea.", "likes  TEA", "Likes tea!\n"])
async def test_the_same_words_are_kept_once_with_all_their_sources(store: Store, again: str) -> None:
    first = await store.remember(MemoryRememberParams(text="Likes tea.", tags=["drink"]), Source(client="one"))
    second = await store.remember(MemoryRememberParams(text=again, tags=["warm"]), Source(client="two"))
    entry = await store.get(get(id=first.id))
    assert (second.id, second.version, second.merged) == (first.id, 1, True)
    assert (entry.text, entry.tags) == ("Likes tea.", ["drink", "warm"])
    assert [source.client for source in entry.sources] == ["one", "two"] and entry.source.client == "two"


async def test_a_fact_that_gets_a_key_later_is_the_same_fact(store: Store) -> None:
    first = await store.remember(MemoryRememberParams(text="likes tea", tags=["drink"]), Source(client="one"))
    second = await store.remember(MemoryRememberParams(text="Likes tea!", key="taste"), Source(client="two"))
    entry = await store.get(get(key="taste"))
    assert (second.id, second.merged) == (first.id, True) and await listed(store) == ["likes tea"]
    assert entry.tags == ["drink"] and [source.client for source in entry.sources] == ["one", "two"]
    assert not (await remember(store, "likes tea", key="other")).merged


async def test_words_without_a_key_are_the_fact_that_gets_them_by_its_key(store: Store) -> None:
    said, keyed = await remember(store, "likes tea", tags=["taste"]), await remember(store, "likes milk", key="drink")
    source = Source(client="editor")
    again = await store.remember(MemoryRememberParams(text="likes tea", key="drink"), source)
    assert (again.id, again.version, again.merged) == (keyed.id, 2, True) and said.id != keyed.id
    [entry] = (await store.page(MemoryListParams())).entries
    assert (entry.text, entry.key, entry.tags, entry.sources) == ("likes tea", "drink", ["taste"], [source])


async def test_words_that_one_has_that_expired_are_those_of_one_that_has_not(store: Store) -> None:
    for key, expires_at in (("old", LONG_AGO), ("new", None)):
        await remember(store, "likes tea", key=key, expires_at=expires_at)
    assert (await remember(store, "likes tea")).merged and await listed(store) == ["likes tea"]


async def test_what_would_never_be_recalled_is_refused(store: Store) -> None:
    with pytest.raises(InvalidParams, match="validTo"):
        await remember(store, "likes tea", valid_from=FAR_AHEAD, valid_to=LONG_AGO)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("uses C++", "uses C#"),
        ("it is -5", "it is 5"),
        ("x = y", "x != y"),
        ("a < b", "a > b"),
        ("$5", "€5"),
        ("मेरा", "मेरी"),
    ],
)
async def test_signs_that_mean_something_tell_facts_apart(store: Store, one: str, other: str) -> None:
    await remember(store, one)
    assert not (await remember(store, other)).merged
    assert sorted(await listed(store)) == sorted([one, other])


async def test_texts_of_signs_alone_are_told_apart(store: Store) -> None:
    for text in ("!!!", "???", "🦄", "🐢"):
        assert not (await remember(store, text)).merged


@pytest.mark.parametrize("text", ["", " \n"])
async def test_nothing_is_not_remembered(store: Store, text: str) -> None:
    with pytest.raises(InvalidParams):
        await remember(store, text)


async def test_a_time_that_is_none_is_refused_by_its_name(store: Store) -> None:
    with pytest.raises(InvalidParams, match="validTo"):
        await remember(store, "x", valid_to="tomorrow")


async def test_what_has_expired_is_nowhere(store: Store) -> None:
    await remember(store, "old milk", key="milk", expires_at=LONG_AGO)
    assert await found(store, "milk") == await found(store, "") == await listed(store) == []
    with pytest.raises(NotFound):
        await store.get(get(key="milk"))
    assert await forget(store, key="milk", dry_run=True) == 0
    assert await forget(store, filter=MemoryFilter()) == 0
    assert not (await remember(store, "new milk", key="milk")).merged


async def test_what_is_not_valid_now_is_kept_but_not_recalled(store: Store) -> None:
    await remember(store, "works at Acme", valid_to=LONG_AGO)
    await remember(store, "works at Initech", valid_from=FAR_AHEAD)
    await remember(store, "works at Umbrella", valid_from=LONG_AGO, valid_to=FAR_AHEAD)
    assert await found(store, "works") == ["works at Umbrella"]
    assert len(await listed(store)) == 3


async def test_words_that_are_said_again_hold_as_they_are_said_then(store: Store) -> None:
    for times in ({"valid_to": LONG_AGO}, {"valid_from": FAR_AHEAD}, {"expires_at": FAR_AHEAD}):
        await remember(store, "lives in Lisbon", **times)
        assert (await remember(store, "lives in Lisbon")).merged
        assert await found(store, "Lisbon") == ["lives in Lisbon"]
        [entry] = (await store.page(MemoryListParams())).entries
        assert (entry.valid_from, entry.valid_to, entry.expires_at) == (None, None, None)


async def test_words_that_are_said_again_get_the_kind_that_is_named(store: Store) -> None:
    for kind in ("note", "preference", "fact"):
        await remember(store, "likes tea", kind=kind)
        assert len(await listed(store, kinds=["preference" if kind == "fact" else kind])) == 1


async def test_facts_are_listed_page_by_page_the_last_one_first(store: Store) -> None:
    for number in range(5):
        await remember(store, f"fact {number}", kind="note" if number % 2 else "fact", tags=["even"] * (1 - number % 2))
    pages, cursor = [], None
    while True:
        page = await store.page(MemoryListParams(limit=2, cursor=cursor))
        pages.append([entry.text for entry in page.entries])
        if (cursor := page.next_cursor) is None:
            break
    assert pages == [["fact 4", "fact 3"], ["fact 2", "fact 1"], ["fact 0"]]
    assert await listed(store, kinds=["note"]) == ["fact 3", "fact 1"]
    assert await listed(store, tags=["even"]) == ["fact 4", "fact 2", "fact 0"]
    for scope in (Scope(), Scope(user="nobody")):
        with pytest.raises(InvalidParams):
            await store.page(MemoryListParams(cursor="x", scope=scope))


async def test_one_fact_is_named_by_id_or_by_key(store: Store) -> None:
    for wrong in (get(), get(id="a", key="b")):
        with pytest.raises(InvalidParams):
            await store.get(wrong)
    with pytest.raises(NotFound):
        await store.get(get(key="nothing"))


async def test_what_is_forgotten_is_counted_first(store: Store) -> None:
    told = await remember(store, "one", key="k")
    await remember(store, "two", kind="note", tags=["t"])
    await remember(store, "three", kind="note")
    for named in ({"id": told.id}, {"key": "k"}, {"filter": MemoryFilter(kinds=["note"], tags=["t"])}):
        assert await forget(store, **named, dry_run=True) == 1
    assert await forget(store, filter=MemoryFilter(), dry_run=True) == 3
    assert await forget(store, filter=MemoryFilter(until=LONG_AGO), dry_run=True) == 0
    assert await forget(store, key="k") == 1 and await forget(store, key="k") == 0
    assert await forget(store, scope=Scope()) == 2
    assert await listed(store) == []


async def test_what_is_to_be_forgotten_is_named_once(store: Store) -> None:
    for wrong in ({}, {"id": "a", "key": "b"}, {"key": "a", "filter": MemoryFilter()}):
        with pytest.raises(InvalidParams):
            await forget(store, **wrong)


@pytest.mark.parametrize(
    "other",
    [
        Scope(),
        THERE,
        Scope(workspace="here", user="u"),
        Scope(workspace="here", agent="a"),
        Scope(workspace="here", session="s"),
        Scope(user="here"),
        Scope(agent="here"),
        Scope(session="here"),
    ],
)
async def test_no_other_scope_sees_or_touches_it(store: Store, other: Scope) -> None:
    told = await remember(store, "the secret plan", key="plan", scope=HERE, tags=["t"])
    await remember(store, "nothing", key="other", scope=other)
    assert await found(store, "secret plan", scope=other) == []
    assert await found(store, "", scope=other) == await listed(store, scope=other) == ["nothing"]
    assert await listed(store, scope=other, tags=["t"]) == []
    for named in ({"id": told.id}, {"key": "plan"}):
        with pytest.raises(NotFound):
            await store.get(get(**named, scope=other))
        assert await forget(store, **named, scope=other) == 0
    await remember(store, "another plan", key="plan", scope=other)
    assert await forget(store, filter=MemoryFilter(), scope=other) == 2
    assert await found(store, "plan", scope=HERE) == ["the secret plan"]


async def test_an_empty_name_is_no_name(store: Store) -> None:
    await remember(store, "tea", scope=Scope(workspace="", user="u"))
    assert await found(store, "tea", scope=Scope(user="u")) == ["tea"]


async def test_facts_that_come_at_once_become_what_they_do_one_after_the_other(store: Store) -> None:
    told = await asyncio.gather(
        remember(store, "likes tea"),
        remember(store, "Likes tea!"),
        remember(store, "blue", key="color"),
        remember(store, "red", key="color"),
        remember(store, "red"),
        remember(store, "likes tea", scope=THERE),
        remember(store, "no key", key=""),
        remember(store, "still none", key=""),
    )
    assert [(each.version, each.merged) for each in told] == [
        *((1, False), (1, True)),
        *((1, False), (2, True), (2, True)),
        (1, False),
        *((1, False), (1, False)),
    ]
    assert await listed(store) == ["still none", "no key", "red", "likes tea"]
    assert await listed(store, scope=THERE) == ["likes tea"]
    assert await found(store, "blue") == [] and await found(store, "red") == ["red"]


async def test_any_facts_at_once_become_what_they_do_one_after_the_other(store: Store) -> None:
    random, other = Random(1), Store(await Database.in_memory())
    given = [(_any_fact(random), Source(client=random.choice(("vim", "emacs")))) for _ in range(300)]
    at_once = await asyncio.gather(*(store.remember(*fact) for fact in given))
    in_turn = [await other.remember(*fact) for fact in given]
    assert [(told.version, told.merged) for told in at_once] == [(told.version, told.merged) for told in in_turn]
    for scope in (HERE, THERE):
        assert await _whole(store, scope) == await _whole(other, scope) != []
        assert sorted(await found(store, "tea", scope=scope)) == sorted(await found(other, "tea", scope=scope)) != []
    await other.aclose()


def _any_fact(random: Random) -> MemoryRememberParams:
    return MemoryRememberParams(
        text=random.choice(("tea", "Tea!", "tea or milk", "milk", "日本茶")),
        key=random.choice((None, None, None, "drink", "food")),
        scope=random.choice((HERE, THERE)),
        tags=random.sample(("hot", "cold"), random.randrange(3)),
        expires_at=random.choice((None, None, LONG_AGO, FAR_AHEAD)),
    )


async def _whole(store: Store, scope: Scope) -> list[MemoryEntry]:
    unlike = {"id": "", "created_at": "", "updated_at": ""}
    return [entry.model_copy(update=unlike) for entry in (await store.page(MemoryListParams(scope=scope))).entries]


async def test_one_of_many_at_once_that_cannot_be_kept_fails_alone(store: Store) -> None:
    texts = ("likes tea", " ", "likes milk")
    told = await asyncio.gather(*(remember(store, text) for text in texts), return_exceptions=True)
    assert isinstance(told[1], InvalidParams)
    assert await listed(store) == ["likes milk", "likes tea"]


async def test_what_is_forgotten_between_two_facts_is_the_first_of_them(store: Store) -> None:
    await asyncio.gather(
        remember(store, "likes tea"), forget(store, filter=MemoryFilter()), remember(store, "likes milk")
    )
    assert await listed(store) == ["likes milk"]


async def test_an_empty_name_of_a_scope_is_none(store: Store) -> None:
    told = await asyncio.gather(remember(store, "Red"), remember(store, "Blue", scope=Scope(workspace="")))
    assert [entry.id for entry in (await store.page(MemoryListParams())).entries] == [told[1].id, told[0].id]

"""slixmpp in rooms that two nodes have together (XEP-0289), with the link cut at times: each side sees one room, and goes on alone."""

import asyncio
import time
from collections import Counter

from archive import read
from plays import is_error, is_message, play
from roomkit import *

SOON = 2.0  # seconds in which what does not cross the link has to happen
FMUC = "http://isode.com/protocol/fmuc"


class Side:
    """A client on one of the nodes, in that node's room."""

    def __init__(self, client, room, nick):
        self.client, self.room, self.nick = client, room, nick
        self.heard = []

    def at(self, nick):
        return f"{self.room}/{nick}"

    def say(self, body):
        say(self.client, self.room, body)


_turns = itertools.count(1)


async def sit(stage, place, room, nick, owner=False, **kw):
    """Somebody of a place enters its room."""
    names = stage.accounts[place]
    if not owner:
        names.append(names.pop(1))
    c = await stage.log_in(place, names[0 if owner else -1], resource=f"slixmpp{next(_turns)}", **CLIENTS)
    side = Side(c, stage.rooms[room][place], nick)
    me, *_ = await enter(c, side.room, nick, stage.long, **kw)
    assert 110 in codes(me), me
    return side


async def both(stage, room, owners=False):
    """Alice at headquarters and Bob in the field, who have seen each other. The nicks are new, as those of before may still be there for a while."""
    n = next(_turns)
    a = await sit(stage, stage.home, room, f"Alice {n}", owners)
    b = await sit(stage, stage.away, room, f"Bob {n}", owners)
    await a.client.until("Bob", lambda s: is_occupant(s, a.at(b.nick)), stage.long)
    await b.client.until("Alice", lambda s: is_occupant(s, b.at(a.nick)), stage.long)
    for s in (a, b):
        s.client.seen.clear()
    return a, b


async def hears(side, body, nick, patience):
    s = await side.client.until(f"{body!r} of {nick}", lambda s: is_line(s, body, side.at(nick)), patience)
    # XEP-0289 §4: a client sees nothing of the federation.
    assert FMUC not in str(s) and "x-longwire" not in str(s), s
    return s


async def gone(stage, *sides):
    """All leave, and wait until the others have seen it."""
    for s in sides:
        s.client["xep_0045"].leave_muc(s.room, s.nick)
        await s.client.until("the own end", lambda p: is_occupant(p, s.at(s.nick), "unavailable"))


async def one_room(stage):
    a, b = await both(stage, "ops")
    for place, side in ((stage.home, a), (stage.away, b)):
        c = await stage.log_in(place, stage.accounts[place][1], resource=f"late{next(_turns)}", **CLIENTS)
        _, _, others, _ = await enter(c, side.room, f"Late at {place}", stage.long)
        seen = [s["from"].resource for s in others]
        assert {a.nick, b.nick} <= set(seen), f"at {place}: {seen}"
        assert not [s for s in others if FMUC in str(s)], others
        await (b if side is a else a).client.until("the late one", lambda s: is_occupant(s, (b if side is a else a).at(f"Late at {place}")), stage.long)
        await c.log_out()
        await (b if side is a else a).client.until("the late one's end", lambda s: is_occupant(s, (b if side is a else a).at(f"Late at {place}"), "unavailable"), stage.long)


async def talk(stage):
    a, b = await both(stage, "ops")
    lines = ["Convoy left <&> ✓", "кириллица, 漢字, 🛰️", "x" * 300]
    for text in lines:
        for speaker, reader in ((a, b), (b, a)):
            m = speaker.client.make_message(mto=speaker.room, mbody=text, mtype="groupchat")
            m["id"] = f"id-{speaker.nick}-{lines.index(text)}"
            m.send()
            s = await hears(speaker, text, speaker.nick, stage.long)
            assert s["id"] == m["id"], s
            s = await hears(reader, text, speaker.nick, stage.long)
            assert s["id"] == m["id"], s
            assert child(s, OCCUPANT_ID, "occupant-id") is not None and child(s, SID, "stanza-id").get("by") == reader.room, s
    for i in range(20):
        (a, b)[i % 2].say(f"at once {i}")
    for side in (a, b):
        order = []
        while len(order) < 20:
            s = await side.client.until("a line", lambda s: name_of(s) == "message" and s["type"] == "groupchat" and s["body"].startswith("at once"), stage.long)
            order.append((s["from"].resource, s["body"]))
        for k, nick in enumerate((a.nick, b.nick)):
            assert [body for n, body in order if n == nick] == [f"at once {i}" for i in range(k, 20, 2)], order


async def private(stage):
    a, b = await both(stage, "ops")
    a.client.send_message(mto=a.at(b.nick), mbody="between us", mtype="chat")
    s = await b.client.until("the message", lambda s: is_message(s, "between us"), stage.long)
    assert s["from"] == b.at(a.nick) and s["type"] == "chat" and FMUC not in str(s), s
    b.client.send_message(mto=b.at(a.nick), mbody="indeed", mtype="chat")
    await a.client.until("the answer", lambda s: is_message(s, "indeed") and s["from"] == a.at(b.nick), stage.long)


async def subject(stage):
    a, b = await both(stage, "ops", owners=True)
    text = f"Route blue {time.time()}"
    a.client["xep_0045"].set_subject(a.room, text)
    await b.client.until("the subject", lambda s: is_subject(s, text, b.at(a.nick)), stage.long)
    c = await sit(stage, stage.away, "ops", "Carol")
    s = await c.client.until("the subject", lambda s: is_subject(s, text, c.at(a.nick)))


async def presence(stage):
    a, b = await both(stage, "ops")
    old, b.nick = b.nick, "Robert"
    b.client.send_presence(pto=b.at("Robert"))
    s = await a.client.until("the old nick's end", lambda s: is_occupant(s, a.at(old), "unavailable"), stage.long)
    assert 303 in codes(s) and item(s)["nick"] == "Robert", s
    await a.client.until("the new nick", lambda s: is_occupant(s, a.at("Robert")), stage.long)
    b.say("it is me")
    await hears(a, "it is me", "Robert", stage.long)
    b.client["xep_0045"].leave_muc(b.room, "Robert")
    s = await a.client.until("the end", lambda s: is_occupant(s, a.at("Robert"), "unavailable"), stage.long)
    assert not codes(s), s


async def same_nick(stage):
    """Two have the same nick: each side shows its own by that, and the other by another (spec 6.10)."""
    a = await sit(stage, stage.home, "ops", "Sam")
    b = await sit(stage, stage.away, "ops", "Sam")
    s = await a.client.until("the other Sam", lambda s: name_of(s) == "presence" and s["from"].bare == a.room and s["type"] == "available" and s["from"].resource.startswith("Sam "), stage.long)
    alias = s["from"].resource
    b.say("which Sam am I")
    await hears(a, "which Sam am I", alias, stage.long)
    a.client.send_message(mto=a.at(alias), mbody="you, over there", mtype="chat")
    await b.client.until("the message", lambda s: is_message(s, "you, over there"), stage.long)
    await gone(stage, b)
    await a.client.until("the other Sam's end", lambda s: is_occupant(s, a.at(alias), "unavailable"), stage.long)


async def kick(stage):
    a, b = await both(stage, "net", owners=False)
    boss = await sit(stage, stage.home, "net", "Boss", owner=True)
    await admin_set(boss.client, boss.room, dict(nick=b.nick, role="none", reason="too loud"))
    for side, patience in ((a, SOON), (b, stage.long)):
        s = await side.client.until("the kick", lambda s: is_occupant(s, side.at(b.nick), "unavailable"), patience)
        assert 307 in codes(s) and reason(s) == "too loud", s
    assert 110 in codes(s), s
    b.say("still here?")
    await b.client.until("not-acceptable", lambda s: is_error(s, "not-acceptable"))


async def archived(side):
    """What the archive of a side's room holds, and how often. Who is called by another name on the other side is not compared."""
    found, after = Counter(), None
    while True:
        p = await read(side.client, side.room, max=50, after=after)
        for m in p.messages:
            body = m.findtext("{jabber:client}body")
            if body:
                found[m.get("id"), body] += 1
        if p.complete or not p.ids:
            return found
        after = p.last


async def cut(stage):
    """With the link gone each side goes on; when it is back, both archives hold the same, and everyone has seen each line once."""
    a, b = await both(stage, "ops")
    await stage.do("cut")
    try:
        for i in range(10):
            for side in (a, b):
                side.say(f"{side.nick} alone {i}")
                await hears(side, f"{side.nick} alone {i}", side.nick, SOON)
        # A nick that comes and goes meanwhile.
        c = await sit(stage, stage.away, "ops", "Passing by")
        await gone(stage, c)
    finally:
        await stage.do("mend")
    for reader, speaker in ((a, b), (b, a)):
        for i in range(10):  # marked as late by those alone that waited for more than a minute
            await hears(reader, f"{speaker.nick} alone {i}", speaker.nick, 2 * stage.long)
    for side in (a, b):
        again = [s for s in side.client.seen if name_of(s) == "message" and " alone " in (s["body"] or "")]
        assert not again, f"twice: {again[0]}"
    mine, theirs = await archived(a), await archived(b)
    assert mine == theirs, f"only at headquarters: {mine - theirs}; only in the field: {theirs - mine}"
    assert max(mine.values()) == 1, mine.most_common(1)
    a.say("together again")
    await hears(b, "together again", a.nick, stage.long)


async def empty(stage):
    """Who enters an empty room hears what was said over there, as far as the room tells."""
    a = await sit(stage, stage.home, "net", "Alice")
    text = f"anybody out there {time.time()}"
    a.say(text)
    await hears(a, text, "Alice", SOON)
    b = await sit(stage, stage.away, "net", "Bob")
    s = await hears(b, text, "Alice", stage.long)
    assert s["delay"]["stamp"], s
    await a.client.until("Bob", lambda s: is_occupant(s, a.at(b.nick)), stage.long)


async def replica(stage):
    """Primary-replica: one order for all, and no talk in the field while the link is cut."""
    a, b = await both(stage, "log")
    for i in range(10):
        for side in (a, b):
            side.say(f"{side.nick} in order {i}")
    orders = []
    for side in (a, b):
        order = []
        while len(order) < 20:
            s = await side.client.until("a line", lambda s: name_of(s) == "message" and s["type"] == "groupchat" and " in order " in (s["body"] or ""), stage.long)
            order.append(s["body"])
        orders.append(order)
    assert orders[0] == orders[1], f"{orders[0]} is not {orders[1]}"
    await stage.do("cut")
    try:
        await asyncio.sleep(3)
        b.say("into the void")
        s = await b.client.until("service-unavailable", lambda s: name_of(s) == "message" and s["type"] == "error", 2 * stage.long)
        assert (s["error"]["condition"], s["error"]["type"]) == ("service-unavailable", "wait"), s
        a.say("at the primary it goes on")
        await hears(a, "at the primary it goes on", a.nick, SOON)
    finally:
        await stage.do("mend")
    await hears(b, "at the primary it goes on", a.nick, 2 * stage.long)
    deadline = time.time() + 2 * stage.long
    while True:  # the link may take a moment
        b.say("back on the air")
        s = await b.client.until("its echo", lambda s: name_of(s) == "message" and (s["type"] == "error" or s["body"] == "back on the air"), stage.long)
        if s["type"] != "error":
            break
        assert time.time() < deadline, "the replica does not recover"
        await asyncio.sleep(0.5)
    await hears(a, "back on the air", b.nick, stage.long)
    assert await archived(a) == await archived(b)


def checks(stage):
    yield "federated room: both sides see one room", one_room
    yield "federated room: talk, ids, each author's order", talk
    yield "federated room: private messages", private
    yield "federated room: subject", subject
    yield "federated room: nick change and leave", presence
    yield "federated room: the same nick on both sides", same_nick
    yield "federated room: kick", kick
    yield "federated room: into an empty one", empty
    yield "federated room: the link cut, both archives equal after", cut
    yield "federated room: primary-replica, one order, refused while cut", replica


if __name__ == "__main__":
    play(checks)

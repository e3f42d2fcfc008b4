"""slixmpp and archives (XEP-0313): of rooms and of accounts, read in pages and by time."""

import asyncio
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree as ET

from plays import is_message, play
from roomkit import *

NS = "{" + MAM + "}"


def query(c, archive=None, fields=(), max=None, after=None, before=None, flip=False, **extra):
    """An archive query as an iq; before may be empty."""
    iq = c.make_iq_set(ito=archive)
    q = ET.SubElement(iq.xml, NS + "query", queryid=iq["id"])
    if fields:
        x = ET.SubElement(q, f"{{{FORM}}}x", type="submit")
        add_field(x, "FORM_TYPE", MAM)
        for var, value in dict(fields).items():
            add_field(x, var, value)
    if max is not None or after is not None or before is not None or extra:
        rsm = ET.SubElement(q, f"{{{RSM}}}set")
        for name, value in dict(max=max, after=after, before=before, **extra).items():
            if value is not None:
                ET.SubElement(rsm, f"{{{RSM}}}{name}").text = str(value)
    if flip:
        ET.SubElement(q, NS + "flip-page")
    return iq


class Page:
    """What a query brought: results in the order in which they came."""

    def __init__(self, found, fin):
        self.ids = [r.get("id") for r in found]
        self.messages = [r.find(f"{{{FORWARD}}}forwarded/{{jabber:client}}message") for r in found]
        self.stamps = [r.find(f"{{{FORWARD}}}forwarded/{{{DELAY}}}delay").get("stamp") for r in found]
        self.bodies = [m.findtext("{jabber:client}body") for m in self.messages]
        self.complete = fin.get("complete") == "true"
        rsm = fin.find(f"{{{RSM}}}set")
        self.first, self.last, self.count = (rsm.findtext(f"{{{RSM}}}{n}") for n in ("first", "last", "count"))


async def read(c, archive=None, fields=(), **kw):
    iq = query(c, archive, fields, **kw)
    id = iq["id"]
    answer = await c.ask(iq)
    found = []
    for s in list(c.seen):
        r = child(s, MAM, "result") if name_of(s) == "message" else None
        if r is not None and r.get("queryid") == id:
            assert s["from"].bare in ((archive,) if archive else ("", c.boundjid.bare)), s
            found.append(r)
            c.seen.remove(s)
    fin = answer.xml.find(NS + "fin")
    assert fin is not None, answer
    return Page(found, fin)


async def chatter(stage, n, **fields):
    """A room in which Alice has said n lines: the room, Alice, Bob, and the ids that the room gave the lines."""
    room, a, b = await gather(stage, "Alice", "Bob", **fields)
    ids = []
    for i in range(n):
        say(a, room, f"line {i}")
        s = await b.until("the line", lambda s: is_line(s, f"line {i}", room + "/Alice"))
        (own,) = [e.get("id") for e in s.xml.findall(f"{{{SID}}}stanza-id") if e.get("by") == room]
        ids.append(own)
    a.seen.clear()
    return room, a, b, ids


async def room_pages(stage):
    room, a, b, ids = await chatter(stage, 25)
    assert len(set(ids)) == 25, ids
    p = await read(b, room, max=10)
    assert p.ids == ids[:10] and p.bodies == [f"line {i}" for i in range(10)] and not p.complete, (p.ids, p.bodies)
    assert (p.first, p.last) == (ids[0], ids[9]) and p.count in ("25", None), (p.first, p.last, p.count)
    m = p.messages[0]
    assert m.get("from") == room + "/Alice" and m.get("type") == "groupchat", ET.tostring(m)
    assert datetime.fromisoformat(p.stamps[0].replace("Z", "+00:00")) > datetime.now(timezone.utc) - timedelta(minutes=5), p.stamps[0]
    p = await read(b, room, max=10, after=p.last)
    assert p.ids == ids[10:20] and not p.complete, p.ids
    p = await read(b, room, max=10, after=p.last)
    assert p.ids == ids[20:] and p.complete, (p.ids, p.complete)
    p = await read(b, room, max=10, after=ids[-1])
    assert p.ids == [] and p.complete, p.ids
    # Backwards from the end.
    p = await read(b, room, max=10, before="")
    assert p.ids == ids[15:] and not p.complete, p.ids
    p = await read(b, room, max=10, before=p.first)
    assert p.ids == ids[5:15], p.ids
    p = await read(b, room, max=10, before=p.first)
    assert p.ids == ids[:5] and p.complete, (p.ids, p.complete)
    if not stage.reference:
        p = await read(b, room, max=10, before="", flip=True)
        assert p.ids == ids[15:][::-1], p.ids
        p = await read(b, room, max=0)
        assert p.ids == [] and p.count == "25", (p.ids, p.count)


async def room_by_slixmpp(stage):
    """Its own iteration over all pages, and those by time."""
    room, a, b, ids = await chatter(stage, 23)
    got = [m["mam_result"]["forwarded"]["stanza"]["body"] async for m in b["xep_0313"].iterate(jid=room)]
    assert got == [f"line {i}" for i in range(23)], got
    got = [m["mam_result"]["id"] async for m in b["xep_0313"].iterate(jid=room, reverse=True, rsm={"max": 7})]
    assert got == ids[::-1], got


async def room_times(stage):
    room, a, b, ids = await chatter(stage, 3)
    await asyncio.sleep(1.5)  # the reference counts in seconds
    moment = datetime.now(timezone.utc)
    await asyncio.sleep(1.5)
    say(a, room, "late")
    await b.until("the line", lambda s: is_line(s, "late", room + "/Alice"))
    t = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await read(b, room, dict(start=t))).bodies == ["late"]
    assert (await read(b, room, dict(end=t))).bodies == ["line 0", "line 1", "line 2"]
    assert (await read(b, room, dict(start="2020-01-01T00:00:00Z", end="2021-01-01T00:00:00Z"))).bodies == []
    offset = moment.astimezone(timezone(timedelta(hours=2))).strftime("%Y-%m-%dT%H:%M:%S+02:00")
    assert (await read(b, room, dict(start=offset))).bodies == ["late"]


async def extended(stage, c, archive, ids):
    """Ids in the form, the query's fields and the archive's ends."""
    has = features(await info(c, archive or c.boundjid.bare))
    assert {MAM, MAM + "#extended"} <= has, has
    # slixmpp 1.8.3 knows the query and trips over a field without a value: one that does not know it asks.
    plain = await stage.log_in(stage.home, c.boundjid.user, resource="plain", **{**CLIENTS, "plugins": ()})
    ask = plain.make_iq_get(ito=archive)
    ET.SubElement(ask.xml, NS + "query")
    known = set(values((await plain.ask(ask)).xml))
    assert {"start", "end", "with", "before-id", "after-id", "ids"} <= known, known
    assert (await read(c, archive, {"after-id": ids[1], "before-id": ids[4]})).ids == ids[2:4]
    assert (await read(c, archive, {"ids": [ids[0], ids[3]]})).ids == [ids[0], ids[3]]
    meta = await c["xep_0313"].get_archive_metadata(archive, timeout=10)
    ends = meta["mam_metadata"]
    assert (ends["start"]["id"], ends["end"]["id"]) == (ids[0], ids[-1]), meta
    assert ends["start"]["timestamp"] <= ends["end"]["timestamp"], meta


async def room_extended(stage):
    room, a, b, ids = await chatter(stage, 6)
    await extended(stage, b, room, ids)


async def own_extended(stage):
    a, b = await conversation(stage, False)
    await extended(stage, a, None, (await read(a)).ids)


async def room_refusals(stage):
    room, a, b, ids = await chatter(stage, 1)
    (stranger,) = await people(stage, 1)
    await denied(b.ask(query(b, room, after="no-such-id")), "item-not-found", "cancel", ("item-not-found", "modify"))
    await denied(b.ask(query(b, room, before="no-such-id")), "item-not-found", "cancel", ("item-not-found", "modify"))
    if not stage.reference:
        await denied(b.ask(query(b, room, {"ids": "no-such-id"})), "item-not-found", "cancel")
        await denied(b.ask(query(b, room, {"colour": "blue"})), "feature-not-implemented", "cancel")
        await denied(b.ask(query(b, room, max="many")), "bad-request", "modify")
        await denied(b.ask(query(b, room, {"start": "yesterday"})), "bad-request", "modify")
    await denied(stranger.ask(query(stranger, f"nowhere@{service(stage)}")), "item-not-found", "cancel")
    # Who may not enter may not read.
    await configure(a, room, membersonly=1)
    await denied(stranger.ask(query(stranger, room)), "forbidden", "auth")
    await admin_set(a, room, dict(jid=stranger.boundjid.bare, affiliation="member"))
    assert (await read(stranger, room)).ids == ids  # a member may, without being in
    await admin_set(a, room, dict(jid=stranger.boundjid.bare, affiliation="outcast"))
    await denied(stranger.ask(query(stranger, room)), "forbidden", "auth")


async def room_contents(stage):
    """What is kept: lines and subjects, not chat states nor what is private."""
    room, a, b = await gather(stage, "Alice", "Bob")
    a.send_raw(f"<message to='{room}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    a.send_message(mto=f"{room}/Bob", mbody="psst", mtype="chat")
    a.send_raw(
        f"<message to='{room}' type='groupchat' id='k1'><body>kept</body><origin-id xmlns='{SID}' id='o1'/><replace xmlns='urn:xmpp:message-correct:0' id='k0'/></message>"
    )
    a.send_raw(f"<message to='{room}' type='groupchat' id='r1'><reactions xmlns='urn:xmpp:reactions:0' id='k1'><reaction>👍</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>")
    await b.until("all of it", lambda s: name_of(s) == "message" and s["id"] == "r1")
    p = await read(b, room)
    kinds = [m.get("id") for m in p.messages]
    assert kinds == ["k1", "r1"], [ET.tostring(m) for m in p.messages]
    m = p.messages[0]
    assert m.find(f"{{{SID}}}origin-id").get("id") == "o1" and m.find("{urn:xmpp:message-correct:0}replace").get("id") == "k0", ET.tostring(m)
    if not stage.reference:
        assert m.find(f"{{{OCCUPANT_ID}}}occupant-id") is not None, "no occupant-id in the archive"
    # A semi-anonymous room's archive does not give addresses away.
    for m in p.messages:
        for e in m.iter(f"{{{USER}}}item"):
            assert e.get("jid") is None, ET.tostring(m)


async def room_without(stage):
    """A room that keeps nothing."""
    room, a, b = await gather(stage, "Alice", "Bob", **({"enablearchiving" if stage.reference else "enablelogging": 0}))
    say(a, room, "not for long")
    s = await b.until("the line", lambda s: is_line(s, "not for long", room + "/Alice"))
    if not stage.reference:
        assert MAM not in features(await info(b, room))
        assert child(s, SID, "stanza-id") is None, s


# Accounts.


async def conversation(stage, far):
    a = await stage.log_in(stage.home, **CLIENTS)
    b = await stage.log_in(stage.away if far else stage.home, **CLIENTS)
    for i in range(6):
        (a, b)[i % 2].say((b, a)[i % 2].boundjid.bare, f"line {i}")
        await (b, a)[i % 2].until("a line", lambda s: is_message(s, f"line {i}"), 30)
    return a, b


def own_archive(far):
    async def check(stage):
        a, b = await conversation(stage, far)
        assert MAM in features(await info(a, a.boundjid.bare)), "not told of"
        for c, other in ((a, b), (b, a)):
            p = await read(c)
            assert p.bodies == [f"line {i}" for i in range(6)] and p.complete, p.bodies
            assert [m.get("from").split("/")[0] for m in p.messages] == [(a, b)[i % 2].boundjid.bare for i in range(6)]
            assert (await read(c, fields={"with": other.boundjid.bare})).ids == p.ids
            assert (await read(c, fields={"with": "nobody@example.net"})).ids == []
            q = await read(c, max=2, after=p.ids[1])
            assert q.ids == p.ids[2:4], q.ids
            q = await read(c, max=2, before="")
            assert q.ids == p.ids[4:], q.ids

    return check


async def own_ids(stage):
    """The id that a delivered message has is the archive's; forged ones are taken away."""
    a, b = [await stage.log_in(stage.home, **CLIENTS) for _ in range(2)]
    a.send_raw(f"<message to='{b.boundjid.bare}' type='chat' id='m1'><body>hello</body><stanza-id xmlns='{SID}' by='{b.boundjid.bare}' id='forged'/></message>")
    s = await b.until("the message", lambda s: is_message(s, "hello"))
    ids = [e.get("id") for e in s.xml.findall(f"{{{SID}}}stanza-id") if e.get("by") == b.boundjid.bare]
    kept = (await read(b)).ids
    assert len(kept) == 1 and kept == [i for i in ids if i != "forged" or not stage.reference], (ids, kept)


async def what_is_kept(stage):
    a, b = [await stage.log_in(stage.home, **CLIENTS) for _ in range(2)]
    to = b.boundjid.full
    a.send_raw(f"<message to='{to}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    a.send_raw(f"<message to='{to}' type='chat'><body>forget this</body><no-store xmlns='urn:xmpp:hints'/></message>")
    a.send_raw(f"<message to='{to}' type='headline'><body>news</body></message>")
    a.send_raw(f"<message to='{to}' type='chat' id='kept'><body>keep this</body></message>")
    await b.until("the last", lambda s: is_message(s, "keep this"))
    assert (await read(a)).bodies == (await read(b)).bodies == ["keep this"]


async def offline_then_archive(stage):
    """What came while one was away is in the archive, with the time at which it came."""
    (a,) = [await stage.log_in(stage.home, **CLIENTS)]
    name = stage.account(stage.home)
    a.say(f"{name}@{stage.servers[stage.home]['domain']}", "while you were out")
    await fence_server(stage, a)
    b = await stage.log_in(stage.home, name, **CLIENTS)
    await b.until("what waited", lambda s: is_message(s, "while you were out"))
    assert (await read(b)).bodies == ["while you were out"]


async def fence_server(stage, c):
    await c["xep_0199"].send_ping(stage.servers[stage.home]["domain"], timeout=10)


def preferences(c, default=None, always=(), never=()):
    iq = c.make_iq_set() if default else c.make_iq_get()
    prefs = ET.SubElement(iq.xml, NS + "prefs")
    if default:
        prefs.set("default", default)
        for name, jids in (("always", always), ("never", never)):
            e = ET.SubElement(prefs, NS + name)
            for j in jids:
                ET.SubElement(e, NS + "jid").text = j
    return c.ask(iq)


async def prefs(stage):
    a, b, c = [await stage.log_in(stage.home, **CLIENTS) for _ in range(3)]
    got = (await preferences(a)).xml.find(NS + "prefs")
    assert got is not None and got.get("default") in ("always", "never", "roster"), "no preferences"
    await preferences(a, "never", always=[b.boundjid.bare])
    got = (await preferences(a)).xml.find(NS + "prefs")
    assert got.get("default") == "never" and [j.text for j in got.find(NS + "always")] == [b.boundjid.bare], ET.tostring(got)
    for other in (b, c):
        other.say(a.boundjid.bare, f"from {other.boundjid.user}")
        await a.until("it", lambda s: is_message(s, f"from {other.boundjid.user}"))
    assert (await read(a)).bodies == [f"from {b.boundjid.user}"], (await read(a)).bodies
    await preferences(a, "always", never=[b.boundjid.bare])
    for other in (b, c):
        other.say(a.boundjid.bare, f"again {other.boundjid.user}")
        await a.until("it", lambda s: is_message(s, f"again {other.boundjid.user}"))
    assert (await read(a)).bodies == [f"from {b.boundjid.user}", f"again {c.boundjid.user}"], (await read(a)).bodies


async def account_refusals(stage):
    a, b = [await stage.log_in(stage.home, **CLIENTS) for _ in range(2)]
    await denied(a.ask(query(a, after="no-such-id")), "item-not-found", "cancel", ("item-not-found", "modify"))
    if not stage.reference:
        await denied(a.ask(query(a, fields={"colour": "blue"})), "feature-not-implemented", "cancel")
        await denied(a.ask(query(a, max="-1")), "bad-request", "modify")
        await denied(a.ask(query(a, fields={"with": "@@"})), "bad-request", "modify")
        await denied(a.ask(query(a, b.boundjid.bare)), "forbidden", "auth")
        await denied(a.ask(query(a, f"nobody-here@{stage.servers[stage.home]['domain']}")), "service-unavailable", "cancel")


def checks(stage):
    yield "room archive: pages forwards and backwards", room_pages
    yield "room archive: slixmpp's own iteration", room_by_slixmpp
    yield "room archive: start and end", room_times
    yield "room archive: what is refused, and to whom", room_refusals
    yield "room archive: what is kept", room_contents
    yield "room archive: none", room_without
    yield "account archive, local", own_archive(False)
    yield "account archive, across the link", own_archive(True)
    yield "account archive: ids", own_ids
    yield "account archive: what is kept", what_is_kept
    yield "account archive: while away", offline_then_archive
    yield "account archive: preferences", prefs
    yield "account archive: what is refused", account_refusals
    yield "account archive: ids, fields and metadata", own_extended
    if not stage.reference:  # which has that for accounts alone
        yield "room archive: ids, fields and metadata", room_extended


if __name__ == "__main__":
    play(checks)

"""slixmpp does what people do: roster, subscription, presence, chat, and what their clients do behind it; locally and across the link."""

import asyncio
from xml.etree import ElementTree as ET

from plays import Stage, is_error, is_message, is_presence, is_push, play, refused

# How slixmpp logs in is login.py's business.
CLIENTS = dict(mech="SCRAM-SHA-256", plain_gs2=True, plugins=("xep_0030", "xep_0199", "xep_0092", "xep_0012", "xep_0054", "xep_0049", "xep_0191", "xep_0203", "xep_0280", "xep_0115"))


# Two clients, on the same node or one on each.


async def pair(stage, far, **kw):
    kw = {**CLIENTS, **kw}
    return await stage.log_in(stage.home, **kw), await stage.log_in(stage.away if far else stage.home, **kw)


async def befriend(a, b):
    """The whole handshake, each side asking once."""
    a.send_presence_subscription(pto=b.boundjid.bare)
    await a.until("ask=subscribe", lambda s: is_push(s, b.boundjid.bare, ask="subscribe"))
    await b.until("the request", lambda s: is_presence(s, "subscribe", a.boundjid.bare))
    b.send_presence(pto=a.boundjid.bare, ptype="subscribed")
    await b.until("subscription=from", lambda s: is_push(s, a.boundjid.bare, subscription="from"))
    await a.until("the approval", lambda s: is_presence(s, "subscribed", b.boundjid.bare))
    await a.until("subscription=to", lambda s: is_push(s, b.boundjid.bare, subscription="to"))
    await a.until("presence after approval", lambda s: is_presence(s, "available", b.boundjid.full))
    b.send_presence_subscription(pto=a.boundjid.bare)
    await a.until("the request back", lambda s: is_presence(s, "subscribe", b.boundjid.bare))
    a.send_presence(pto=b.boundjid.bare, ptype="subscribed")
    await b.until("the approval", lambda s: is_presence(s, "subscribed", a.boundjid.bare))
    await b.until("presence after approval", lambda s: is_presence(s, "available", a.boundjid.full))
    await a.until("subscription=both", lambda s: is_push(s, b.boundjid.bare, subscription="both"))
    await b.until("subscription=both", lambda s: is_push(s, a.boundjid.bare, subscription="both"))


def subscription(far):
    async def check(stage):
        a, b = await pair(stage, far)
        for c in (a, b):
            await c.ask(roster_get(c))
        await befriend(a, b)
        await a.log_out()
        await b.log_out()

    return check


def unsubscription(far):
    async def check(stage):
        a, b = await pair(stage, far)
        for c in (a, b):
            await c.ask(roster_get(c))
        await befriend(a, b)
        a.send_presence(pto=b.boundjid.bare, ptype="unsubscribe")
        await b.until("unsubscribe", lambda s: is_presence(s, "unsubscribe", a.boundjid.bare))
        await a.until("subscription=from", lambda s: is_push(s, b.boundjid.bare, subscription="from"))
        await b.until("subscription=to", lambda s: is_push(s, a.boundjid.bare, subscription="to"))
        await a.until("unavailable", lambda s: is_presence(s, "unavailable", b.boundjid.bare))
        a.send_presence(pto=b.boundjid.bare, ptype="unsubscribed")
        await b.until("unsubscribed", lambda s: is_presence(s, "unsubscribed", a.boundjid.bare))
        await b.until("unavailable", lambda s: is_presence(s, "unavailable", a.boundjid.bare))
        await b.until("subscription=none", lambda s: is_push(s, a.boundjid.bare, subscription="none"))

    return check


def refusal(far):
    async def check(stage):
        a, b = await pair(stage, far)
        await a.ask(roster_get(a))
        a.send_presence_subscription(pto=b.boundjid.bare)
        await b.until("the request", lambda s: is_presence(s, "subscribe", a.boundjid.bare))
        b.send_presence(pto=a.boundjid.bare, ptype="unsubscribed")
        await a.until("the refusal", lambda s: is_presence(s, "unsubscribed", b.boundjid.bare))

    return check


def request_waits(far):
    """A request for someone who is not there waits for them."""

    async def check(stage):
        a = await stage.log_in(stage.home, **CLIENTS)
        server = stage.away if far else stage.home
        name = stage.account(server)
        a.send_presence_subscription(pto=f"{name}@{stage.servers[server]['domain']}")
        await asyncio.sleep(1)
        b = await stage.log_in(server, name, **CLIENTS)
        await b.until("the request", lambda s: is_presence(s, "subscribe", a.boundjid.bare))

    return check


def presence(far):
    async def check(stage):
        a, b = await pair(stage, far)
        for c in (a, b):
            await c.ask(roster_get(c))
        await befriend(a, b)
        a.send_presence(pshow="away", pstatus="zu Tisch – bis 13:00 <UTC>")
        s = await b.until("away", lambda s: is_presence(s, "away", a.boundjid.full))
        assert s["status"] == "zu Tisch – bis 13:00 <UTC>", s["status"]
        await b.log_out()
        await a.until("unavailable", lambda s: is_presence(s, "unavailable", b.boundjid.full))
        name = b.boundjid.user
        b = await stage.log_in(stage.away if far else stage.home, name, **CLIENTS)
        # The probe at login brings what was said before.
        s = await b.until("the presence of before", lambda s: is_presence(s, "away", a.boundjid.full))
        assert s["status"] == "zu Tisch – bis 13:00 <UTC>", s["status"]
        await a.until("available again", lambda s: is_presence(s, "available", b.boundjid.full))
        a.abort()
        await b.until("unavailable after a lost connection", lambda s: is_presence(s, "unavailable", a.boundjid.full))

    return check


def directed(far):
    """Presence to someone who is no contact, and its end at logout."""

    async def check(stage):
        a, b = await pair(stage, far)
        a.send_presence(pto=b.boundjid.full, pshow="chat")
        await b.until("directed presence", lambda s: is_presence(s, "chat", a.boundjid.full))
        await a.log_out()
        await b.until("its end", lambda s: is_presence(s, "unavailable", a.boundjid.full))

    return check


def chat(far):
    async def check(stage):
        a, b = await pair(stage, far)
        lines = ["hello", "Grüße <b>&amp;</b> \"quotes\" 'n' things", "кириллица, 漢字, 🛰️ and 👍🏽", "two\nlines", "x" * 5000]
        for line in lines:
            a.say(b.boundjid.full, line)
            s = await b.until(line[:40], lambda s: is_message(s, line, a.boundjid))
            assert s["from"] == a.boundjid and s["to"] == b.boundjid, s
            b.say(s["from"], line)
            await a.until(line[:40], lambda s: is_message(s, line, b.boundjid))
        for i in range(100):
            a.say(b.boundjid.bare, f"line {i}")
        await b.until("the last of 100", lambda s: is_message(s, "line 99"))
        got = [s["body"] for s in b.seen if getattr(s, "name", "") == "message"]
        assert got == [f"line {i}" for i in range(99)], f"out of order: {got[:10]}"

    return check


def extras(far):
    """Children that the server does not know go through untouched."""

    async def check(stage):
        a, b = await pair(stage, far)
        # Written by hand: slixmpp drops attributes with a prefix.
        a.send_raw(
            f"<message to='{b.boundjid.full}' type='chat' id='x1'><body>with extras</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
            "<request xmlns='urn:xmpp:receipts'/><x xmlns='urn:example:unknown' a='1 &lt; 2'><y:z xmlns:y='urn:example:y' y:k='v'>t</y:z></x></message>"
        )
        s = await b.until("extras", lambda s: is_message(s, "with extras"))
        z = s.xml.find("{urn:example:unknown}x/{urn:example:y}z")
        assert z is not None and z.text == "t" and z.get("{urn:example:y}k") == "v", s
        assert s.xml.find("{urn:example:unknown}x").get("a") == "1 < 2", s
        assert s.xml.find("{urn:xmpp:receipts}request") is not None, s

    return check


def offline(far):
    async def check(stage):
        a = await stage.log_in(stage.home, **CLIENTS)
        server = stage.away if far else stage.home
        name = stage.account(server)
        jid = f"{name}@{stage.servers[server]['domain']}"
        for i in range(5):
            a.say(jid, f"while you were out {i}")
        await asyncio.sleep(2)
        b = await stage.log_in(server, name, **CLIENTS)
        for i in range(5):
            s = await b.until("what waited", lambda s: getattr(s, "name", "") == "message")
            assert s["body"] == f"while you were out {i}", s
            assert s["delay"]["stamp"], f"no delay stamp: {s}"
        await b.log_out()
        b = await stage.log_in(server, name, **CLIENTS)
        await b.never("a message again", lambda s: getattr(s, "name", "") == "message")

    return check


def priorities(far):
    """A message to the bare JID does not go to a negative priority, but waits (RFC 6121 §8.5.2)."""

    async def check(stage):
        a = await stage.log_in(stage.home, **CLIENTS)
        server = stage.away if far else stage.home
        name = stage.account(server)
        b = stage.client(server, name, **CLIENTS)
        await b.log_in(presence=False)
        b.send_presence(ppriority=-1)
        await b.until("own presence", lambda s: is_presence(s, "available", b.boundjid.full))
        a.say(b.boundjid.bare, "not for robots")
        await b.never("it", lambda s: is_message(s, "not for robots"))
        if stage.reference:  # it delivers at the first presence of a session only
            await b.log_out()
            b = stage.client(server, name, **CLIENTS)
            await b.log_in(presence=False)
        b.send_presence(ppriority=1)
        await b.until("it", lambda s: is_message(s, "not for robots"))

    return check


def resume(far):
    """The TCP connection dies; what was said meanwhile comes once, in order, and nobody saw the client leave."""

    async def check(stage):
        a = await stage.log_in(stage.home, **CLIENTS)
        b = await stage.log_in(stage.away if far else stage.home, sm=True, **CLIENTS)
        await b.until("stream management", lambda s: s == "sm_enabled", 5)
        for c in (a, b):
            await c.ask(roster_get(c))
        await befriend(a, b)
        a.say(b.boundjid.full, "before")
        await b.until("before", lambda s: is_message(s, "before"))
        sm_id = b["xep_0198"].sm_id
        b.transport.abort()
        await b.until("the loss", lambda s: s == "disconnected")
        for i in range(5):
            a.say(b.boundjid.full, f"meanwhile {i}")
        await asyncio.sleep(1)
        b.dial()
        await b.until("resumption", lambda s: s in ("session_resumed",))
        assert b["xep_0198"].sm_id == sm_id
        for i in range(5):
            s = await b.until("what was said", lambda s: getattr(s, "name", "") == "message")
            assert s["body"] == f"meanwhile {i}", s
        b.say(a.boundjid.full, "back again")
        await a.until("back again", lambda s: is_message(s, "back again"))
        await a.never("unavailable", lambda s: is_presence(s, "unavailable", b.boundjid.full))
        await b.never("anything twice", lambda s: getattr(s, "name", "") == "message")

    return check


async def resume_unknown(stage):
    """A session that the server does not know is refused, and the client goes on with a new one."""
    b = await stage.log_in(stage.home, sm=True, **CLIENTS)
    await b.until("stream management", lambda s: s == "sm_enabled", 5)
    b["xep_0198"].sm_id = "no-such-session"
    b.transport.abort()
    await b.until("the loss", lambda s: s == "disconnected")
    b.dial()
    await b.until("a new session", lambda s: s == "session_start")
    await b.until("stream management", lambda s: s == "sm_enabled", 5)


def carbons(far):
    async def check(stage):
        a, b = await pair(stage, far)
        phone = await stage.log_in(stage.home, a.boundjid.user, resource="phone", **CLIENTS)
        await phone["xep_0280"].enable(timeout=5)
        await a["xep_0280"].enable(timeout=5)

        def carbon(s, kind, body):
            if getattr(s, "name", "") != "message":
                return False
            e = s.xml.find("{urn:xmpp:carbons:2}%s/{urn:xmpp:forward:0}forwarded/{jabber:client}message/{jabber:client}body" % kind)
            return e is not None and e.text == body and s["from"].bare == phone.boundjid.bare

        b.say(a.boundjid.full, "to the desk")
        await a.until("the message", lambda s: is_message(s, "to the desk", b.boundjid))
        await phone.until("its carbon", lambda s: carbon(s, "received", "to the desk"))
        a.say(b.boundjid.full, "from the desk")
        await phone.until("the carbon", lambda s: carbon(s, "sent", "from the desk"))
        await b.until("the message", lambda s: is_message(s, "from the desk"))
        m = a.make_message(mto=b.boundjid.full, mbody="between us", mtype="chat")
        m.append(ET.fromstring("<private xmlns='urn:xmpp:carbons:2'/>"))
        m.append(ET.fromstring("<no-copy xmlns='urn:xmpp:hints'/>"))
        m.send()
        await phone.never("a private message", lambda s: carbon(s, "sent", "between us"))
        await phone["xep_0280"].disable(timeout=5)
        b.say(a.boundjid.full, "no copies now")
        await phone.never("a carbon", lambda s: carbon(s, "received", "no copies now"))

    return check


def blocking(far):
    async def check(stage):
        a, b = await pair(stage, far)
        for c in (a, b):
            await c.ask(roster_get(c))
        await befriend(a, b)
        await b["xep_0191"].get_blocked(timeout=5)
        await b["xep_0191"].block(a.boundjid.bare, timeout=5)
        listed = await b["xep_0191"].get_blocked(timeout=5)
        assert [str(j) for j in listed["blocklist"]["items"]] == [a.boundjid.bare], listed
        # XEP-0191 §3.3: the blocked contact sees us leave.
        await a.until("unavailable", lambda s: is_presence(s, "unavailable", b.boundjid.full))
        a.say(b.boundjid.bare, "can you hear me")
        # XEP-0191 §3.3: the sender gets service-unavailable.
        await a.until("service-unavailable", lambda s: is_error(s, "service-unavailable"))
        await b.never("a blocked message", lambda s: is_message(s, "can you hear me"))
        b.say(a.boundjid.full, "I cannot speak either")
        await b.until("not-acceptable", lambda s: is_error(s, "not-acceptable"))
        await b["xep_0191"].unblock(a.boundjid.bare, timeout=5)
        await a.until("available", lambda s: is_presence(s, "available", b.boundjid.full))
        a.say(b.boundjid.full, "and now")
        await b.until("and now", lambda s: is_message(s, "and now"))

    return check


def roster_get(c, ver=None):
    iq = c.make_iq_get()
    query = ET.SubElement(iq.xml, "{jabber:iq:roster}query")
    if ver is not None:
        query.set("ver", ver)
    return iq


def roster_set(c, jid, **attributes):
    groups = attributes.pop("groups", ())
    iq = c.make_iq_set()
    item = ET.SubElement(ET.SubElement(iq.xml, "{jabber:iq:roster}query"), "{jabber:iq:roster}item", jid=jid, **attributes)
    for g in groups:
        ET.SubElement(item, "{jabber:iq:roster}group").text = g
    return iq


def items(result):
    return {i.get("jid"): i for i in result.xml.iter("{jabber:iq:roster}item")}


async def roster(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    desk = await stage.log_in(stage.home, a.boundjid.user, resource="desk", **CLIENTS)
    for c in (a, desk):
        assert items(await c.ask(roster_get(c))) == {}
    await a.ask(roster_set(a, "bob@field.net", name="Bob & Co", groups=["Field", "Drivers"]))
    for c in (a, desk):
        await c.until("a push", lambda s: is_push(s, "bob@field.net", name="Bob & Co", subscription="none"))
    got = items(await a.ask(roster_get(a)))["bob@field.net"]
    assert sorted(g.text for g in got) == ["Drivers", "Field"], ET.tostring(got)
    await desk.ask(roster_set(desk, "bob@field.net", name="Robert"))
    await a.until("a push", lambda s: is_push(s, "bob@field.net", name="Robert"))
    await desk.ask(roster_set(desk, "bob@field.net", subscription="remove"))
    await a.until("the removal", lambda s: is_push(s, "bob@field.net", subscription="remove"))
    assert items(await a.ask(roster_get(a))) == {}
    await refused(desk.ask(roster_set(desk, "bob@field.net", subscription="remove")), "item-not-found")


async def roster_versions(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    assert "rosterver" in a.features or stage.reference, "not offered"
    await a.ask(roster_set(a, "bob@field.net", name="Bob"))
    first = await a.ask(roster_get(a, ""))
    ver = first.xml.find("{jabber:iq:roster}query").get("ver")
    assert ver, first
    same = await a.ask(roster_get(a, ver))
    assert same.xml.find("{jabber:iq:roster}query") is None, f"sent again although nothing changed: {same}"
    await a.ask(roster_set(a, "carol@headquarters.net", name="Carol"))
    push = await a.until("a push", lambda s: is_push(s, "carol@headquarters.net"))
    newer = push.xml.find("{jabber:iq:roster}query").get("ver")
    assert newer and newer != ver, push
    # A client with the old version gets the change, as pushes or as the whole roster (RFC 6121 §2.6.3).
    result = await a.ask(roster_get(a, ver))
    if result.xml.find("{jabber:iq:roster}query") is None:
        await a.until("the change", lambda s: is_push(s, "carol@headquarters.net"))
    else:
        assert "carol@headquarters.net" in items(result)


async def preapproval(stage):
    a, b = await pair(stage, False)
    for c in (a, b):
        await c.ask(roster_get(c))
    assert "preapproval" in b.features, "not offered"
    b.send_presence(pto=a.boundjid.bare, ptype="subscribed")
    # RFC 6121 §3.4.2 wants approved='true'; the reference leaves it out.
    want = {} if stage.reference else {"approved": "true"}
    await b.until("approved", lambda s: is_push(s, a.boundjid.bare, **want))
    a.send_presence_subscription(pto=b.boundjid.bare)
    await a.until("the approval", lambda s: is_presence(s, "subscribed", b.boundjid.bare))
    await b.never("a request", lambda s: is_presence(s, "subscribe", a.boundjid.bare))


def vcard(far):
    async def check(stage):
        a, b = await pair(stage, far)
        card = a["xep_0054"].make_vcard()
        card["FN"] = "Alice <Ops>"
        iq = a.make_iq_set()
        iq.append(card)
        await a.ask(iq)
        got = await b["xep_0054"].get_vcard(a.boundjid.bare, local=False, timeout=10)
        assert got["vcard_temp"]["FN"] == "Alice <Ops>", got

    return check


async def private_xml(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    iq = a.make_iq_set()
    data = ET.SubElement(ET.SubElement(iq.xml, "{jabber:iq:private}query"), "{urn:example:prefs}prefs")
    ET.SubElement(data, "{urn:example:prefs}nick").text = "Al & Co"
    await a.ask(iq)
    ask = a.make_iq_get()
    ET.SubElement(ET.SubElement(ask.xml, "{jabber:iq:private}query"), "{urn:example:prefs}prefs")
    got = await a.ask(ask)
    nick = got.xml.find("{jabber:iq:private}query/{urn:example:prefs}prefs/{urn:example:prefs}nick")
    assert nick is not None and nick.text == "Al & Co", got
    ask = a.make_iq_get()
    ET.SubElement(ET.SubElement(ask.xml, "{jabber:iq:private}query"), "{urn:example:other}prefs")
    got = await a.ask(ask)
    assert len(got.xml.find("{jabber:iq:private}query/{urn:example:other}prefs")) == 0, got


async def server_questions(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    server = stage.servers[stage.home]["domain"]
    await a["xep_0199"].send_ping(server, timeout=5)
    version = await a["xep_0092"].get_version(server, timeout=5)
    assert version["software_version"]["name"], version
    # slixmpp 1.8.3 trips over any time (it adds a second Z), so this is asked by hand.
    iq = a.make_iq_get(ito=server)
    ET.SubElement(iq.xml, "{urn:xmpp:time}time")
    utc = (await a.ask(iq)).xml.findtext("{urn:xmpp:time}time/{urn:xmpp:time}utc")
    assert utc and utc.endswith("Z") and "T" in utc, utc
    uptime = await a["xep_0012"].get_last_activity(server, timeout=5)
    assert uptime["last_activity"]["seconds"] >= 0, uptime


async def discovery(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    server = stage.servers[stage.home]["domain"]
    info = await a["xep_0030"].get_info(jid=server, timeout=5)
    assert any(i[:2] == ("server", "im") for i in info["disco_info"]["identities"]), info
    features = info["disco_info"]["features"]
    for f in ("http://jabber.org/protocol/disco#info", "urn:xmpp:ping", "urn:xmpp:carbons:2", "vcard-temp", "urn:xmpp:blocking"):
        assert f in features, f"{f} is not told of"
    await a["xep_0030"].get_items(jid=server, timeout=5)
    mine = await a["xep_0030"].get_info(jid=a.boundjid.bare, timeout=5)
    assert any(i[:2] == ("account", "registered") for i in mine["disco_info"]["identities"]), mine


def client_questions(far):
    async def check(stage):
        a, b = await pair(stage, far)
        # Only contacts may ask for last activity and find resources.
        for c in (a, b):
            await c.ask(roster_get(c))
        await befriend(a, b)
        await a["xep_0199"].send_ping(b.boundjid.full, timeout=10)
        version = await a["xep_0092"].get_version(b.boundjid.full, timeout=10)
        assert version["software_version"]["name"] == "Slixmpp", version
        info = await a["xep_0030"].get_info(jid=b.boundjid.full, timeout=10)
        assert "urn:xmpp:ping" in info["disco_info"]["features"], info

    return check


def last_activity(far):
    """How long a contact has been away; nobody else may know."""

    async def check(stage):
        a, b = await pair(stage, far)
        for c in (a, b):
            await c.ask(roster_get(c))
        await refused(a["xep_0012"].get_last_activity(b.boundjid.bare, timeout=10), "forbidden")
        await befriend(a, b)
        b.send_presence(ptype="unavailable", pstatus="gone fishing")
        await b.log_out()
        await asyncio.sleep(1)
        last = await a["xep_0012"].get_last_activity(b.boundjid.bare, timeout=10)
        assert 0 <= last["last_activity"]["seconds"] < 30, last

    return check


def nobody(far):
    """What is said to an account that does not exist comes back."""

    async def check(stage):
        a = await stage.log_in(stage.home, **CLIENTS)
        domain = stage.servers[stage.away if far else stage.home]["domain"]
        a.say(f"nobody-here@{domain}", "hello?")
        await a.until("service-unavailable", lambda s: is_error(s, "service-unavailable"))
        await refused(a["xep_0199"].send_ping(f"nobody-here@{domain}/x", timeout=10), "service-unavailable")

    return check


async def nowhere(stage):
    a = await stage.log_in(stage.home, **CLIENTS)
    a.say("someone@unknown.example", "hello?")
    await a.until("remote-server-not-found", lambda s: is_error(s, "remote-server-not-found"))


def checks(stage):
    yield "roster: add, change, remove, pushes", roster
    yield "roster versions", roster_versions
    yield "pre-approval", preapproval
    yield "private XML", private_xml
    yield "server's ping, version, time, last", server_questions
    yield "discovery", discovery
    yield "resume of an unknown session", resume_unknown
    if not stage.reference:  # the reference has no connection to other servers here
        yield "message to an unknown domain", nowhere
    both = (
        ("subscription both ways", subscription),
        ("subscription given up", unsubscription),
        ("subscription refused", refusal),
        ("subscription request waits", request_waits),
        ("presence", presence),
        ("directed presence", directed),
        ("chat", chat),
        ("unknown extensions", extras),
        ("offline delivery", offline),
        ("negative priority", priorities),
        ("resumption after a lost connection", resume),
        ("carbons", carbons),
        ("blocking", blocking),
        ("vCard", vcard),
        ("client's ping, version, disco", client_questions),
        ("last activity", last_activity),
        ("message to nobody", nobody),
    )
    for far, where in ((False, "local"), (True, "across the link")):
        for name, check in both:
            yield f"{name}, {where}", check(far)


if __name__ == "__main__":
    play(checks)

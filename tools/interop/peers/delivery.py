"""slixmpp over HF: what became of a message, by the tick that the node gives and by what its contact answers."""

import slixmpp

from plays import is_error, is_message, is_presence, is_push, play

CLIENTS = dict(mech="SCRAM-SHA-256", plain_gs2=True, plugins=("xep_0184",))
RECEIPTS, HOP = "{urn:xmpp:receipts}", "{urn:x-longwire:delivery:0}hop"


async def pair(stage):
    """Bob in the field, and Alice at headquarters."""
    return [await stage.log_in(place, stage.accounts[place][1], resource="slixmpp", **CLIENTS) for place in (stage.away, stage.home)]


def say(c, to, body, ident, ttl=None):
    m = c.make_message(mto=to, mbody=body, mtype="chat")
    m["id"] = ident
    ET = slixmpp.xmlstream.ET
    m.append(ET.Element(RECEIPTS + "request"))
    if ttl is not None:
        shim = ET.Element("{http://jabber.org/protocol/shim}headers")
        header = ET.SubElement(shim, "{http://jabber.org/protocol/shim}header", name="TTL")
        header.text = str(ttl)
        m.append(shim)
    m.send()


def ticks(s, ident):
    """Whether s is the receipt for a message."""
    if getattr(s, "name", "") != "message" or s["type"] == "error":
        return False
    received = s.xml.find(RECEIPTS + "received")
    return received is not None and received.get("id") == ident


async def tick(stage):
    b, a = await pair(stage)
    heard = []
    b.add_event_handler("receipt_received", heard.append)
    say(b, a.boundjid.bare, "do you copy", "t1")
    await a.until("the line", lambda s: is_message(s, "do you copy", b.boundjid.bare), stage.long)
    s = await b.until("the tick", lambda s: ticks(s, "t1"), stage.long)
    hop = s.xml.find(HOP)
    assert hop is not None and hop.get("at") == "peer-node", f"it is not marked as the node's: {s}"
    assert s["from"].bare == a.boundjid.bare and not s["body"], s
    assert len(heard) == 1, "slixmpp does not take it for a receipt"
    await b.never("a second one", lambda s: ticks(s, "t1"))


def node(c):
    return "node@" + c.boundjid.domain


async def ask(c, question, *words):
    """Asks the node's contact, whose answer must have the words."""
    c.say(node(c), question)
    s = await c.until("an answer", lambda s: getattr(s, "name", "") == "message" and s["from"].bare == node(c) and s["body"])
    for w in words:
        assert w in s["body"], f"{question}: {w!r} is not in {s['body']!r}"
    return s["body"]


async def number(c, what):
    """The number of the message that stands at a place in the answer to status; the newest is 0."""
    lines = (await ask(c, "status", "newest first")).splitlines()[1:]
    return lines[what].split(" ")[0]


async def asked(stage):
    b, a = await pair(stage)
    await stage.do("on")
    try:
        say(b, a.boundjid.bare, "later", "q1")
        say(b, a.boundjid.bare, "never mind", "q2")
        await ask(b, "status", f"to {a.boundjid.bare}", "queued, number 1 in line", "queued, number 2 in line")
        later, mind = await number(b, 1), await number(b, 0)
        await ask(b, f"why {later}", f"Message {later} to {a.boundjid.bare}", "It waits because of this:", "emission control")
        await ask(b, f"cancel {mind}", "taken back")
        s = await b.until("that it is cancelled", lambda s: is_error(s, "not-acceptable") or getattr(s, "name", "") == "message" and s["type"] == "error")
        assert s["id"] == "q2" and "cancel" in s["error"]["text"], s
        await ask(b, f"why {mind}", "cancelled at")
        await ask(b, f"cancel {mind}", "Too late")
        await ask(b, "why 999999", "no message 999999")
    finally:
        await stage.do("off")
    await a.until("the line", lambda s: is_message(s, "later", b.boundjid.bare), stage.long)
    await b.until("the tick", lambda s: ticks(s, "q1"), stage.long)
    await ask(b, f"why {later}", "at the other side's node since")
    await a.never("what was taken back", lambda s: is_message(s, "never mind"))


async def expired(stage):
    b, a = await pair(stage)
    await stage.do("on")
    try:
        say(b, a.boundjid.bare, "before noon", "e1", ttl=3)
        s = await b.until("that it is too late", lambda s: getattr(s, "name", "") == "message" and s["type"] == "error", stage.long)
        assert s["id"] == "e1" and s["error"]["text"], s
        await ask(b, f"why {await number(b, 0)}", "expired at")
    finally:
        await stage.do("off")
    await a.never("what has expired", lambda s: is_message(s, "before noon"))
    await b.never("a tick for it", lambda s: ticks(s, "e1"))


async def subscribed(stage):
    b, _ = await pair(stage)
    await b.get_roster()
    b.send_presence_subscription(pto=node(b), ptype="subscribe")
    await b.until("the contact in the roster", lambda s: is_push(s, node(b), subscription="to"))
    s = await b.until("its presence", lambda s: is_presence(s, "available", node(b)))
    assert "status, why, cancel" in s["status"], s
    again = await stage.log_in(stage.away, stage.accounts[stage.away][1], resource="other", **CLIENTS)
    await again.until("its presence at the next login", lambda s: is_presence(s, "available", node(b)))


async def stranger(stage):
    """Who is not asked may not be taken from: each sees and cancels their own alone."""
    b, a = await pair(stage)
    other = await stage.log_in(stage.away, stage.accounts[stage.away][2], **CLIENTS)
    await stage.do("on")
    try:
        say(b, a.boundjid.bare, "mine", "s1")
        mine = await number(b, 0)
        await ask(other, "status", "None of your messages")
        await ask(other, f"cancel {mine}", f"no message {mine}")
    finally:
        await stage.do("off")
    await a.until("the line", lambda s: is_message(s, "mine", b.boundjid.bare), stage.long)


def checks(stage):
    yield "delivery: the tick comes from the node, and says so", tick
    yield "delivery: status, why and cancel are answered", asked
    yield "delivery: what expires is told", expired
    yield "delivery: the node is a contact", subscribed
    yield "delivery: nobody sees or cancels another's", stranger


if __name__ == "__main__":
    play(checks)

"""slixmpp on both sides of HF: all that clients ask of far entities is answered on this side, at once, and they believe it."""

import asyncio
import logging
import time

import slixmpp

from plays import is_message, is_presence, is_push, play
from roomkit import CLIENTS, MUC, codes, enter, shut_out

SOON = 1.0  # seconds in which a question has to be answered
PLUGINS = ("xep_0030 xep_0012 xep_0045 xep_0049 xep_0054 xep_0055 xep_0060 xep_0077 xep_0084 xep_0085 xep_0092 xep_0115 xep_0153 xep_0163 "
           "xep_0172 xep_0184 xep_0191 xep_0199 xep_0202 xep_0203 xep_0308 xep_0313 xep_0333").split()

complaints = []


class Complaint(logging.Handler):
    def emit(self, record):
        complaints.append(record.getMessage())


logging.getLogger().addHandler(Complaint(level=logging.WARNING))


def at_once(what, begin):
    took = time.monotonic() - begin
    assert took < SOON, f"{what}: answered after {took:.1f} s"


async def pair(stage):
    """Alice at headquarters and Bob in the field, who see each other."""
    sides = []
    for place in (stage.home, stage.away):
        c = await stage.log_in(place, stage.accounts[place][1], resource="slixmpp", **{**CLIENTS, "plugins": PLUGINS})
        await c.get_roster()
        sides.append(c)
    return sides


async def subscribed(stage):
    a, b = await pair(stage)
    for c, far in ((a, b), (b, a)):
        c.send_presence_subscription(pto=far.boundjid.bare, ptype="subscribe")
        await far.until("the request", lambda s: is_presence(s, "subscribe", c.boundjid.bare), stage.long)
        far.send_presence_subscription(pto=c.boundjid.bare, ptype="subscribed")
        await c.until("the roster", lambda s: is_push(s, far.boundjid.bare, subscription="to") or is_push(s, far.boundjid.bare, subscription="both"), stage.long)
    for c, far in ((a, b), (b, a)):
        s = await c.until("the contact", lambda s: is_presence(s, "available", far.boundjid.bare))
        assert s["status"] == "reached by HF", s
        assert c.client_roster.presence(far.boundjid.bare), "slixmpp does not take it for there"


async def shown(stage):
    a, b = await pair(stage)
    for c, far in ((a, b), (b, a)):
        s = await c.until("the contact", lambda s: is_presence(s, "available", far.boundjid.bare))
        assert s["status"] == "reached by HF" and not s["from"].resource, s
        presence = c.client_roster.presence(far.boundjid.bare)
        assert [p["status"] for p in presence.values()] == ["reached by HF"], presence


def questions(a, far, domain, rooms):
    """What a client asks, by the functions that slixmpp has for it; and whether it is answered."""
    bare, full, disco = far.boundjid.bare, far.boundjid.full, a["xep_0030"]
    nick = f"elsewhere@{rooms}/Alice"
    yield "info of the domain", True, lambda: disco.get_info(jid=domain)
    yield "items of the domain", True, lambda: disco.get_items(jid=domain)
    yield "info of the rooms", True, lambda: disco.get_info(jid=rooms)
    yield "items of the rooms", True, lambda: disco.get_items(jid=rooms)
    if domain == "headquarters.net":  # the field's rooms join those there
        yield "info of the federated room", True, lambda: disco.get_info(jid=f"ops@{rooms}")
    yield "info of another room", False, lambda: disco.get_info(jid=f"elsewhere@{rooms}")
    yield "info of the contact", True, lambda: disco.get_info(jid=bare)
    yield "items of the contact", True, lambda: disco.get_items(jid=bare)
    yield "info of its client", False, lambda: disco.get_info(jid=full)
    yield "info of a stranger", False, lambda: disco.get_info(jid=f"stranger@{domain}")
    yield "ping of the domain", True, lambda: a["xep_0199"].send_ping(domain)
    yield "ping of the contact", True, lambda: a["xep_0199"].send_ping(bare)
    yield "ping of its client", False, lambda: a["xep_0199"].send_ping(full)
    yield "ping of oneself in a room", False, lambda: a["xep_0199"].send_ping(nick)
    yield "version", False, lambda: a["xep_0092"].get_version(full)
    yield "time", False, lambda: a["xep_0202"].get_entity_time(full)
    yield "last activity", False, lambda: a["xep_0012"].get_last_activity(bare)
    yield "card", False, lambda: a["xep_0054"].get_vcard(bare)
    yield "avatar", False, lambda: a["xep_0084"].retrieve_avatar(bare, "0" * 40)
    yield "published items", False, lambda: a["xep_0060"].get_items(bare, "urn:xmpp:avatar:metadata")
    yield "nick", False, lambda: a["xep_0060"].get_items(bare, "http://jabber.org/protocol/nick")
    yield "keys", False, lambda: a["xep_0060"].get_items(bare, "eu.siacs.conversations.axolotl.devicelist")
    yield "archive", False, lambda: a["xep_0313"].retrieve(jid=f"ops@{rooms}")
    yield "registration", False, lambda: a["xep_0077"].get_registration(domain)
    yield "a client's own payload", False, lambda: plain(a, bare, "{urn:example:own}query")
    yield "upload", False, lambda: plain(a, domain, "{urn:xmpp:http:upload:0}request")
    yield "search", False, lambda: plain(a, domain, "{jabber:iq:search}query")
    yield "a call", False, lambda: plain(a, full, "{urn:xmpp:jingle:1}jingle", "set")
    yield "a file", False, lambda: plain(a, full, "{http://jabber.org/protocol/bytestreams}query", "set")


def plain(c, to, payload, kind="get"):
    iq = c.Iq()
    iq["to"], iq["type"] = to, kind
    iq.append(slixmpp.xmlstream.ET.Element(payload))
    return iq.send()


async def asked(stage):
    a, b = await pair(stage)
    for c, far in ((a, b), (b, a)):
        domain = far.boundjid.domain
        for what, answered, ask in questions(c, far, domain, "chat." + domain):
            begin = time.monotonic()
            try:
                await asyncio.wait_for(ask(), 10 * SOON)
                assert answered, f"{what}: answered"
            except slixmpp.exceptions.IqError as e:
                assert not answered, f"{what}: refused, {e.iq['error']}"
                assert e.iq["error"]["condition"] in ("service-unavailable", "not-acceptable") and e.iq["error"]["text"], e.iq
            at_once(what, begin)


async def chat(stage):
    """Opens a chat as clients do, with states, receipts and markers around each line."""
    a, b = await pair(stage)
    for c, far in ((a, b), (b, a)):
        for state in ("active", "composing"):
            m = c.make_message(mto=far.boundjid.bare, mtype="chat")
            m["chat_state"] = state
            m.send()
        m = c.make_message(mto=far.boundjid.bare, mbody=f"over to {far.boundjid.user}", mtype="chat")
        m["chat_state"] = "active"
        m.enable("markable")
        m.send()
        await far.until("the line", lambda s: is_message(s, f"over to {far.boundjid.user}", c.boundjid.bare), stage.long)
        begin = time.monotonic()
        await c["xep_0199"].send_ping(far.boundjid.bare)
        at_once("a ping in between", begin)


async def rooms(stage):
    """The field's room joins the one at headquarters, so the field knows it, and headquarters does once that has happened."""
    a, b = await pair(stage)
    for c, home, away in ((b, stage.away, stage.home), (a, stage.home, stage.away)):
        far, ours = stage.rooms["ops"][away], stage.rooms["ops"][home]
        listed = [str(jid) for jid, _, _ in (await c["xep_0030"].get_items(jid=slixmpp.JID(far).domain))["disco_items"]["items"]]
        assert far in listed, listed
        begin = time.monotonic()
        s = await shut_out(c, far, c.boundjid.user, "service-unavailable", "cancel")
        assert ours in s["error"]["text"], s
        s = await shut_out(c, f"elsewhere@{slixmpp.JID(far).domain}", c.boundjid.user, "service-unavailable", "cancel")
        assert s["error"]["text"], s
        at_once("two refusals", begin)
        me, *_ = await enter(c, ours, home, stage.long)
        assert 110 in codes(me), me
        if c is b:
            await asyncio.sleep(10)  # the rooms find each other


async def silence(stage):
    """Radio silence: contacts are shown as they can be reached, and questions are answered so."""
    a, b = await pair(stage)
    await a.until("the contact", lambda s: is_presence(s, "available", b.boundjid.bare))
    await stage.do("on")
    try:
        s = await a.until("that it is away", lambda s: is_presence(s, "unavailable", b.boundjid.bare), 45)
        assert "no link" in s["status"], s
        assert not a.client_roster.presence(b.boundjid.bare), "slixmpp takes it for there"
        try:
            await a["xep_0199"].send_ping(b.boundjid.bare)
            raise AssertionError("a ping was answered without a link")
        except slixmpp.exceptions.IqError as e:
            assert e.iq["error"]["condition"] == "remote-server-timeout", e.iq
    finally:
        await stage.do("off")


async def idle(stage):
    """Ten minutes of radio time without a word."""
    await pair(stage)
    await asyncio.sleep(15)


async def content(stage):
    assert not complaints, complaints


def checks(stage):
    yield "questions: who subscribes sees the contact as the link is", subscribed
    yield "questions: who logs in does", shown
    yield "questions: all are answered at once", asked
    yield "questions: a chat is opened", chat
    yield "questions: rooms that cannot be entered say so, and which can", rooms
    yield "questions: idle", idle
    yield "questions: slixmpp has not complained", content
    yield "questions: radio silence is seen", silence


if __name__ == "__main__":
    play(checks)

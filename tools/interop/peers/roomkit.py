"""What the plays about rooms share: people who enter a room, and words for what they see there."""

import asyncio
import itertools
import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import slixmpp

from plays import is_error, is_message

MUC = "http://jabber.org/protocol/muc"
USER, ADMIN, OWNER = MUC + "#user", MUC + "#admin", MUC + "#owner"
CONFIG = MUC + "#roomconfig"
FORM, RSM, MAM = "jabber:x:data", "http://jabber.org/protocol/rsm", "urn:xmpp:mam:2"
DELAY, FORWARD, SID, OCCUPANT_ID = "urn:xmpp:delay", "urn:xmpp:forward:0", "urn:xmpp:sid:0", "urn:xmpp:occupant-id:0"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

# How slixmpp logs in is login.py's business.
CLIENTS = dict(mech="SCRAM-SHA-256", plain_gs2=True, plugins=("xep_0030", "xep_0199", "xep_0203", "xep_0045", "xep_0249", "xep_0054", "xep_0092", "xep_0059", "xep_0313"))

REFERENCE = json.loads(sys.argv[1])["reference"]  # what it does in its own way is not asked of it

_rooms, _people = itertools.count(1), itertools.count(1)


def service(stage, server=None):
    return "chat." + stage.servers[server or stage.home]["domain"]


def new_room(stage, server=None):
    """The address of a room that nobody has used yet."""
    return f"{Path(sys.argv[0]).stem}{next(_rooms)}@{service(stage, server)}"


async def people(stage, n, **kw):
    """So many people. Rooms do not care what an account has lived through, so a few accounts take turns, each time with another resource."""
    return [await stage.log_in(stage.home, _turn(stage), resource=f"slixmpp{next(_people)}", **{**CLIENTS, **kw}) for _ in range(n)]


def _turn(stage):
    names = stage.accounts[stage.home]
    names.append(names.pop(0))
    return names[-1]


async def enter(c, room, nick, patience=15, **kw):
    """Joins as slixmpp does, and returns the self-presence, the subject's message, the other occupants and the history."""
    return await c["xep_0045"].join_muc_wait(room, nick, timeout=patience, **kw)


async def shut_out(c, room, nick, condition, kind, patience=15, **kw):
    """Tries to join and must be refused, in a way that slixmpp understands."""
    join = asyncio.ensure_future(enter(c, room, nick, patience, **kw))
    s = await c.until(f"{condition} instead of the room", lambda s: name_of(s) == "presence" and s["from"].bare == room and (s["type"] == "error" or 110 in codes(s)), patience)
    assert s["type"] == "error", "was let in"
    assert (s["error"]["condition"], s["error"]["type"]) == (condition, kind), f"refused with {s}, not {condition}, {kind}"
    assert s["from"] == slixmpp.JID(f"{room}/{nick}"), s
    # Peer: the reference has no <x/> in it, by which slixmpp finds it.
    if REFERENCE:
        join.cancel()
        return s
    try:
        await join
    except slixmpp.exceptions.PresenceError:
        return s


async def open_room(c, room, nick, **fields):
    """Creates a room, with the default configuration or some fields of its own."""
    me, *_ = await enter(c, room, nick)
    assert codes(me) >= {110, 201}, me
    await configure(c, room, **fields)


async def gather(stage, *nicks, **fields):
    """Opens a room whose owner is the first of the nicks, and lets the others in."""
    room = new_room(stage)
    crowd = await people(stage, len(nicks))
    await open_room(crowd[0], room, nicks[0], **fields)
    for c, nick in zip(crowd[1:], nicks[1:]):
        await enter(c, room, nick)
    for c in crowd:  # let each see all
        for nick in nicks[nicks.index(nicks[crowd.index(c)]) + 1 :]:
            await c.until(f"{nick} in the room", lambda s: is_occupant(s, f"{room}/{nick}"))
        await fence(c, room)
        c.seen.clear()
    return room, *crowd


async def fence(c, room):
    """Waits until all that the room has sent to c so far has come: what is asked of the room later is answered later."""
    iq = c.make_iq_get(ito=room)
    ET.SubElement(iq.xml, "{http://jabber.org/protocol/disco#info}query")
    await c.ask(iq)


async def configure(c, room, **fields):
    """Submits the owner's form; names are without muc#roomconfig_."""
    iq = c.make_iq_set(ito=room)
    x = ET.SubElement(ET.SubElement(iq.xml, f"{{{OWNER}}}query"), f"{{{FORM}}}x", type="submit")
    if fields:
        add_field(x, "FORM_TYPE", CONFIG)
    for name, value in fields.items():
        add_field(x, name if "#" in name else "muc#roomconfig_" + name, value)
    await c.ask(iq)


def add_field(x, var, value):
    f = ET.SubElement(x, f"{{{FORM}}}field", var=var)
    for v in value if isinstance(value, (list, tuple)) else [value]:
        ET.SubElement(f, f"{{{FORM}}}value").text = str(v)


def values(x):
    """The fields of a form: a list of values for each."""
    return {f.get("var"): [v.text or "" for v in f.findall(f"{{{FORM}}}value")] for f in x.iter(f"{{{FORM}}}field")}


def admin_set(c, room, *items):
    """An iq with items of the admin's query; a reason is text."""
    iq = c.make_iq_set(ito=room)
    query = ET.SubElement(iq.xml, f"{{{ADMIN}}}query")
    for attributes in items:
        reason = attributes.pop("reason", None)
        item = ET.SubElement(query, f"{{{ADMIN}}}item", **attributes)
        if reason:
            ET.SubElement(item, f"{{{ADMIN}}}reason").text = reason
    return c.ask(iq)


async def admin_list(c, room, **kind):
    iq = c.make_iq_get(ito=room)
    ET.SubElement(ET.SubElement(iq.xml, f"{{{ADMIN}}}query"), f"{{{ADMIN}}}item", **kind)
    return [dict(i.attrib) for i in (await c.ask(iq)).xml.iter(f"{{{ADMIN}}}item")]


async def info(c, jid, node=None):
    iq = c.make_iq_get(ito=jid)
    q = ET.SubElement(iq.xml, "{http://jabber.org/protocol/disco#info}query")
    if node:
        q.set("node", node)
    return (await c.ask(iq)).xml.find("{http://jabber.org/protocol/disco#info}query")


def features(query):
    return {f.get("var") for f in query.iter("{http://jabber.org/protocol/disco#info}feature")}


async def items(c, jid):
    iq = c.make_iq_get(ito=jid)
    ET.SubElement(iq.xml, "{http://jabber.org/protocol/disco#items}query")
    return {i.get("jid"): i.get("name") for i in (await c.ask(iq)).xml.iter("{http://jabber.org/protocol/disco#items}item")}


def say(c, room, body, **kw):
    c.send_message(mto=room, mbody=body, mtype="groupchat", **kw)


def name_of(s):
    return getattr(s, "name", "")


def codes(s):
    return {int(e.get("code")) for e in s.xml.iter(f"{{{USER}}}status")}


def item(s):
    """The item of what the room says about an occupant."""
    e = s.xml.find(f"{{{USER}}}x/{{{USER}}}item")
    return {} if e is None else dict(e.attrib)


def reason(s):
    e = s.xml.find(f"{{{USER}}}x/{{{USER}}}item/{{{USER}}}reason")
    return None if e is None else e.text


def is_occupant(s, who, kind="available", **want):
    """Presence of an occupant; kind is a type or a show, want holds attributes of its item."""
    return name_of(s) == "presence" and s["from"] == slixmpp.JID(who) and s["type"] == kind and all(item(s).get(k) == v for k, v in want.items())


def is_line(s, body, jid):
    return is_message(s, body) and s["type"] == "groupchat" and s["from"] == slixmpp.JID(jid)


def is_notice(s, room, code):
    """A message from the room itself about its configuration."""
    return name_of(s) == "message" and s["type"] == "groupchat" and s["from"] == slixmpp.JID(room) and code in codes(s)


def is_subject(s, subject, jid):
    return name_of(s) == "message" and s.xml.find("{jabber:client}body") is None and s.xml.findtext("{jabber:client}subject") == subject and s["from"] == slixmpp.JID(jid)


def is_refusal(s, condition, kind):
    return is_error(s, condition) and s["error"]["type"] == kind



def child(s, ns, name):
    return s.xml.find(f"{{{ns}}}{name}")


def denied(coroutine, condition, kind, reference=None):
    """Awaits an iq that must be refused with this condition and type; the reference may have its own."""

    async def run():
        want = reference if REFERENCE and reference else (condition, kind)
        try:
            await coroutine
        except slixmpp.exceptions.IqError as e:
            got = (e.iq["error"]["condition"], e.iq["error"]["type"])
            assert got == want, f"refused with {got}, not {want}"
        else:
            raise AssertionError("accepted")

    return run()


def names(presences):
    """Who is in the room, in no particular order but for the one who joined, who is last."""
    nicks = [s["from"].resource for s in presences]
    return sorted(nicks[:-1]) + nicks[-1:]

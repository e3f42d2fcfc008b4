"""slixmpp and what an account publishes (XEP-0163): nodes, bookmarks (XEP-0402 and the older ways to them), nicks, avatars."""

import base64
import hashlib
from xml.etree import ElementTree as ET

import slixmpp

from chat import befriend, roster_get
from plays import play
from roomkit import add_field, child, denied, features, info, name_of, values

PUBSUB, EVENT, ERRORS = "http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/pubsub#event", "http://jabber.org/protocol/pubsub#errors"
OPTIONS, NODE_CONFIG = PUBSUB + "#publish-options", PUBSUB + "#node_config"
BOOKMARKS, LEGACY = "urn:xmpp:bookmarks:1", "storage:bookmarks"
DATA, METADATA, NICK = "urn:xmpp:avatar:data", "urn:xmpp:avatar:metadata", "http://jabber.org/protocol/nick"
CLIENTS = dict(mech="SCRAM-SHA-256", plain_gs2=True, plugins=("xep_0030", "xep_0199", "xep_0060", "xep_0115", "xep_0163", "xep_0054"))
THING = "urn:example:thing"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


async def person(stage, *interests, name=None, far=False, resource="slixmpp"):
    """A client that tells of its interests by its capabilities."""
    server = stage.away if far else stage.home
    c = stage.client(server, name or stage.account(server), resource=resource, **CLIENTS)
    c["xep_0115"].caps_node = "http://example.net/interop"
    if interests:
        c["xep_0163"].add_interest(list(interests))
    await c.log_in(presence=False)
    await c.ask(roster_get(c))
    c.send_presence()
    await c.until("the own presence", lambda s: name_of(s) == "presence" and s["from"] == c.boundjid)
    return c


def thing(text):
    e = ET.Element(f"{{{THING}}}thing")
    e.text = text
    return e


def publish(c, node, payload, id=None, **options):
    iq = c.make_iq_set()
    pubsub = ET.SubElement(iq.xml, f"{{{PUBSUB}}}pubsub")
    item = ET.SubElement(ET.SubElement(pubsub, f"{{{PUBSUB}}}publish", node=node), f"{{{PUBSUB}}}item")
    if id:
        item.set("id", id)
    item.append(payload)
    if options:
        x = ET.SubElement(ET.SubElement(pubsub, f"{{{PUBSUB}}}publish-options"), "{jabber:x:data}x", type="submit")
        add_field(x, "FORM_TYPE", OPTIONS)
        for name, value in options.items():
            add_field(x, "pubsub#" + name, value)
    return c.ask(iq)


async def published(c, node, owner=None, id=None):
    """The items of a node, by id."""
    iq = c.make_iq_get(ito=owner)
    e = ET.SubElement(ET.SubElement(iq.xml, f"{{{PUBSUB}}}pubsub"), f"{{{PUBSUB}}}items", node=node)
    if id:
        ET.SubElement(e, f"{{{PUBSUB}}}item", id=id)
    answer = await c.ask(iq)
    return {i.get("id"): list(i)[0] for i in answer.xml.iter(f"{{{PUBSUB}}}item")}


def retract(c, node, id):
    iq = c.make_iq_set()
    r = ET.SubElement(ET.SubElement(iq.xml, f"{{{PUBSUB}}}pubsub"), f"{{{PUBSUB}}}retract", node=node, notify="true")
    ET.SubElement(r, f"{{{PUBSUB}}}item", id=id)
    return c.ask(iq)


def is_event(s, node, owner, text=None, retracted=None):
    """News of a node: an item whose text is this, or the retraction of one."""
    e = s.xml.find(f"{{{EVENT}}}event/{{{EVENT}}}items") if name_of(s) == "message" else None
    if e is None or e.get("node") != node or s["from"] != slixmpp.JID(owner):
        return False
    if retracted:
        return [r.get("id") for r in e.iter(f"{{{EVENT}}}retract")] == [retracted]
    return text is None or any(text in i.itertext() for i in e.iter(f"{{{EVENT}}}item"))


async def nodes(stage):
    a = await person(stage)
    me = a.boundjid.bare
    q = await info(a, me)
    assert ("pubsub", "pep") in [(i.get("category"), i.get("type")) for i in q.iter("{http://jabber.org/protocol/disco#info}identity")], ET.tostring(q)
    assert {PUBSUB + "#publish", PUBSUB + "#auto-create", PUBSUB + "#publish-options", PUBSUB + "#retract-items"} <= features(q), features(q)
    got = await publish(a, THING, thing("one & only"))
    (item,) = got.xml.iter(f"{{{PUBSUB}}}item")
    assert item.get("id"), got
    (e,) = (await published(a, THING)).values()
    assert e.text == "one & only", ET.tostring(e)
    iq = a.make_iq_get(ito=me)
    ET.SubElement(iq.xml, "{http://jabber.org/protocol/disco#items}query")
    assert THING in [i.get("node") for i in (await a.ask(iq)).xml.iter("{http://jabber.org/protocol/disco#items}item")]
    await retract(a, THING, item.get("id"))
    assert await published(a, THING) == {}
    await a["xep_0060"].delete_node(None, THING, timeout=10)
    await denied(published(a, THING), "item-not-found", "cancel")


async def many_items(stage):
    a = await person(stage)
    for i in range(5):
        await publish(a, THING, thing(f"item {i}"), id=f"id{i}", persist_items="true", max_items="max" if not stage.reference else "10")
    got = await published(a, THING)
    assert {k: e.text for k, e in got.items()} == {f"id{i}": f"item {i}" for i in range(5)}, got
    assert list(await published(a, THING, id="id3")) == ["id3"]
    await publish(a, THING, thing("changed"), id="id3")
    got = await published(a, THING)
    assert len(got) == 5 and got["id3"].text == "changed", got
    form = values((await a["xep_0060"].get_node_config(None, THING, timeout=10)).xml)
    assert form["pubsub#access_model"] == ["presence"], form


async def preconditions(stage):
    a = await person(stage)
    await publish(a, THING, thing("secret"), id="1", access_model="whitelist")
    await publish(a, THING, thing("secret"), id="1", access_model="whitelist")
    try:
        await publish(a, THING, thing("open"), id="1", access_model="open")
        raise AssertionError("published to a node of another kind")
    except slixmpp.exceptions.IqError as e:
        error = e.iq.xml.find("{jabber:client}error")
        assert e.iq["error"]["condition"] == "conflict" and error.find(f"{{{ERRORS}}}precondition-not-met") is not None, e.iq
    assert [e.text for e in (await published(a, THING)).values()] == ["secret"]


def notification(far):
    async def check(stage):
        a, b = await person(stage), await person(stage, THING, far=far)
        deaf = await person(stage, far=far)
        await publish(a, THING, thing("before"))
        for c in (b, deaf):
            await befriend(a, c)
        # Who becomes a contact and is interested gets the last item.
        await b.until("the last item", lambda s: is_event(s, THING, a.boundjid.bare, "before"), 20)
        await publish(a, THING, thing("now"), id="i1")
        await b.until("the event", lambda s: is_event(s, THING, a.boundjid.bare, "now"), 20)
        await retract(a, THING, "i1")
        await b.until("the retraction", lambda s: is_event(s, THING, a.boundjid.bare, retracted="i1"), 20)
        await publish(a, THING, thing("last"))
        await b.until("the event", lambda s: is_event(s, THING, a.boundjid.bare, "last"), 20)
        assert [e.text for e in (await published(b, THING, a.boundjid.bare)).values()] == ["last"]
        name = b.boundjid.user
        await b.log_out()
        b = await person(stage, THING, name=name, far=far)
        await b.until("the last item", lambda s: is_event(s, THING, a.boundjid.bare, "last"), 20)
        await deaf["xep_0199"].send_ping(a.boundjid.full, timeout=10)
        assert not [s for s in deaf.seen if is_event(s, THING, a.boundjid.bare)], "who does not ask gets it"

    return check


async def own_clients(stage):
    a = await person(stage)
    phone = await person(stage, THING, name=a.boundjid.user, resource="phone")
    await publish(a, THING, thing("for my phone"))
    await phone.until("the event", lambda s: is_event(s, THING, a.boundjid.bare, "for my phone"))


async def access(stage):
    a, b = await person(stage), await person(stage)
    await publish(a, THING, thing("for contacts"))
    await publish(a, THING + ":open", thing("for all"), access_model="open")
    await publish(a, THING + ":mine", thing("for me"), access_model="whitelist")
    for node in (THING, THING + ":mine"):  # a stranger does not learn that there is an account
        await denied(published(b, node, a.boundjid.bare), "service-unavailable", "cancel", ("forbidden", "auth"))
    assert [e.text for e in (await published(b, THING + ":open", a.boundjid.bare)).values()] == ["for all"]
    await befriend(a, b)
    assert [e.text for e in (await published(b, THING, a.boundjid.bare)).values()] == ["for contacts"]
    await denied(published(b, THING + ":mine", a.boundjid.bare), "not-allowed", "cancel", ("forbidden", "auth"))
    iq = b.make_iq_set(ito=a.boundjid.bare)
    p = ET.SubElement(ET.SubElement(iq.xml, f"{{{PUBSUB}}}pubsub"), f"{{{PUBSUB}}}publish", node=THING)
    ET.SubElement(p, f"{{{PUBSUB}}}item").append(thing("not mine"))
    await denied(b.ask(iq), "forbidden", "auth")


def bookmark(name, nick, autojoin="true"):
    e = ET.Element(f"{{{BOOKMARKS}}}conference", name=name, autojoin=autojoin)
    ET.SubElement(e, f"{{{BOOKMARKS}}}nick").text = nick
    ET.SubElement(ET.SubElement(e, f"{{{BOOKMARKS}}}extensions"), "{urn:example:x}colour").text = "blue"
    return e


KEEP = dict(persist_items="true", max_items="max", send_last_published_item="never", access_model="whitelist")


async def private_bookmarks(c, *conferences):
    """The old list in private XML: set if there are arguments (jid, name, nick), and got."""
    if conferences:
        iq = c.make_iq_set()
        storage = ET.SubElement(ET.SubElement(iq.xml, "{jabber:iq:private}query"), f"{{{LEGACY}}}storage")
        for jid, name, nick in conferences:
            e = ET.SubElement(storage, f"{{{LEGACY}}}conference", jid=jid, name=name, autojoin="true")
            ET.SubElement(e, f"{{{LEGACY}}}nick").text = nick
        await c.ask(iq)
    iq = c.make_iq_get()
    ET.SubElement(ET.SubElement(iq.xml, "{jabber:iq:private}query"), f"{{{LEGACY}}}storage")
    answer = await c.ask(iq)
    return {e.get("jid"): (e.get("name"), e.findtext(f"{{{LEGACY}}}nick")) for e in answer.xml.iter(f"{{{LEGACY}}}conference")}


async def bookmarks(stage):
    a = await person(stage)
    phone = await person(stage, BOOKMARKS, name=a.boundjid.user, resource="phone")
    assert BOOKMARKS + "#compat" in features(await info(a, a.boundjid.bare)), "no conversion of old bookmarks"
    await publish(a, BOOKMARKS, bookmark("Operations", "Al"), id="ops@chat.headquarters.net", **KEEP)
    await phone.until("the event", lambda s: is_event(s, BOOKMARKS, a.boundjid.bare, "Al"))
    await publish(a, BOOKMARKS, bookmark("Motor pool", "Al"), id="motors@chat.headquarters.net", **KEEP)
    got = await published(phone, BOOKMARKS)
    assert set(got) == {"ops@chat.headquarters.net", "motors@chat.headquarters.net"}, got
    e = got["ops@chat.headquarters.net"]
    assert (e.get("name"), e.get("autojoin"), e.findtext(f"{{{BOOKMARKS}}}nick")) == ("Operations", "true", "Al"), ET.tostring(e)
    assert e.findtext(f"{{{BOOKMARKS}}}extensions/{{urn:example:x}}colour") == "blue", ET.tostring(e)
    await retract(a, BOOKMARKS, "motors@chat.headquarters.net")
    await phone.until("the retraction", lambda s: is_event(s, BOOKMARKS, a.boundjid.bare, retracted="motors@chat.headquarters.net"))
    b = await person(stage)
    await befriend(a, b)
    await denied(published(b, BOOKMARKS, a.boundjid.bare), "not-allowed", "cancel", ("forbidden", "auth"))


async def conversion(stage):
    """An old client and a new one of the same person see the same bookmarks."""
    old = await person(stage)
    new = await person(stage, BOOKMARKS, name=old.boundjid.user, resource="new")
    assert await private_bookmarks(old) == {}
    await publish(new, BOOKMARKS, bookmark("Operations", "Al"), id="ops@chat.headquarters.net", **KEEP)
    assert await private_bookmarks(old) == {"ops@chat.headquarters.net": ("Operations", "Al")}
    both = {"ops@chat.headquarters.net": ("Operations", "Al"), "motors@chat.headquarters.net": ("Motor pool", "Al")}
    new.seen.clear()
    assert await private_bookmarks(old, *[(j, n, k) for j, (n, k) in both.items()]) == both
    await new.until("the event", lambda s: is_event(s, BOOKMARKS, old.boundjid.bare))
    got = await published(new, BOOKMARKS)
    assert {j: (e.get("name"), e.findtext(f"{{{BOOKMARKS}}}nick")) for j, e in got.items()} == both, got
    if not stage.reference:  # what the old client does not know is not lost by its change
        assert got["ops@chat.headquarters.net"].findtext(f"{{{BOOKMARKS}}}extensions/{{urn:example:x}}colour") == "blue"
    await private_bookmarks(old, ("motors@chat.headquarters.net", "Motor pool", "Al"))
    await new.until("the retraction", lambda s: is_event(s, BOOKMARKS, old.boundjid.bare, retracted="ops@chat.headquarters.net"))
    assert set(await published(new, BOOKMARKS)) == {"motors@chat.headquarters.net"}


def nicks(far):
    async def check(stage):
        a, b = await person(stage), await person(stage, NICK, far=far)
        await befriend(a, b)
        e = ET.Element(f"{{{NICK}}}nick")
        e.text = "Al & Co"
        await publish(a, NICK, e)
        await b.until("the nick", lambda s: is_event(s, NICK, a.boundjid.bare, "Al & Co"), 20)

    return check


async def avatars(stage):
    """XEP-0084, and what XEP-0398 makes of it: the vCard's picture and the hash in presence; and back."""
    a, b = await person(stage), await person(stage, METADATA)
    await befriend(a, b)
    b.seen.clear()
    hash = hashlib.sha1(PNG).hexdigest()
    data = ET.Element(f"{{{DATA}}}data")
    data.text = base64.b64encode(PNG).decode()
    await publish(a, DATA, data, id=hash)
    meta = ET.Element(f"{{{METADATA}}}metadata")
    ET.SubElement(meta, f"{{{METADATA}}}info", {"bytes": str(len(PNG)), "id": hash, "type": "image/png", "width": "1", "height": "1"})
    await publish(a, METADATA, meta, id=hash)
    s = await b.until("the event", lambda s: is_event(s, METADATA, a.boundjid.bare))
    assert next(s.xml.iter(f"{{{METADATA}}}info")).get("id") == hash, s
    (e,) = (await published(b, DATA, a.boundjid.bare, id=hash)).values()
    assert base64.b64decode(e.text) == PNG
    if not stage.reference:  # it waits for the next presence
        await b.until("the hash in presence", lambda s: name_of(s) == "presence" and s.xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo") == hash)
    else:
        a.send_presence()
        await b.until("the hash in presence", lambda s: name_of(s) == "presence" and s.xml.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo") == hash)
    card = (await b["xep_0054"].get_vcard(a.boundjid.bare, local=False, cached=False, timeout=10))["vcard_temp"]
    assert card["PHOTO"]["BINVAL"] == PNG and card["PHOTO"]["TYPE"] == "image/png", card
    # And an old client sets its picture by the vCard.
    picture = PNG + b"\0"
    iq = a.make_iq_set()
    card = ET.SubElement(iq.xml, "{vcard-temp}vCard")
    ET.SubElement(card, "{vcard-temp}FN").text = "Alice"
    photo = ET.SubElement(card, "{vcard-temp}PHOTO")
    ET.SubElement(photo, "{vcard-temp}TYPE").text = "image/png"
    ET.SubElement(photo, "{vcard-temp}BINVAL").text = base64.b64encode(picture).decode()
    await a.ask(iq)
    s = await b.until("the event", lambda s: is_event(s, METADATA, a.boundjid.bare))
    assert next(s.xml.iter(f"{{{METADATA}}}info")).get("id") == hashlib.sha1(picture).hexdigest(), s


def checks(stage):
    yield "publish, read, retract, delete", nodes
    yield "nodes with many items", many_items
    yield "publish options", preconditions
    yield "news for contacts who are interested, local", notification(False)
    yield "news for the own clients", own_clients
    yield "access: presence, open, whitelist", access
    yield "bookmarks (XEP-0402)", bookmarks
    yield "bookmarks of old clients (XEP-0048, XEP-0049)", conversion
    yield "nick", nicks(False)
    yield "avatar (XEP-0084, XEP-0153, XEP-0398)", avatars


if __name__ == "__main__":
    play(checks)

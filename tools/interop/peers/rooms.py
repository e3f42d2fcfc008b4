"""slixmpp in rooms (XEP-0045): all that people and their clients do there."""

import asyncio
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree as ET

from plays import is_error, is_message, play
from roomkit import *

# Discovery.


async def discover_service(stage):
    (a,) = await people(stage, 1)
    assert service(stage) in await items(a, stage.servers[stage.home]["domain"]), "the server does not tell of its rooms"
    q = await info(a, service(stage))
    assert [(i.get("category"), i.get("type")) for i in q.iter("{http://jabber.org/protocol/disco#info}identity")] == [("conference", "text")], ET.tostring(q)
    assert MUC in features(q), features(q)
    await denied(info(a, f"no-such-room@{service(stage)}"), "item-not-found", "cancel")


async def discover_rooms(stage):
    room, a, b = await gather(stage, "Alice", "Bob", roomname="Operations", roomdesc="All of it", publicroom=1, persistentroom=1, moderatedroom=0, lang="en")
    assert (await items(b, service(stage))).get(room) == "Operations"
    q = await info(b, room)
    (identity,) = q.iter("{http://jabber.org/protocol/disco#info}identity")
    assert (identity.get("category"), identity.get("type"), identity.get("name")) == ("conference", "text", "Operations"), ET.tostring(q)
    want = {MUC, "muc_public", "muc_persistent", "muc_open", "muc_unmoderated", "muc_semianonymous", "muc_unsecured", "urn:xmpp:mam:2", OCCUPANT_ID, MUC + "#stable_id"}
    assert want <= features(q), f"missing: {want - features(q)}"
    form = values(q)
    assert form["FORM_TYPE"] == [MUC + "#roominfo"] and form["muc#roominfo_description"] == ["All of it"] and form["muc#roominfo_occupants"] == ["2"], form
    await configure(a, room, publicroom=0)
    assert room not in await items(b, service(stage)), "a hidden room is listed"
    assert "muc_hidden" in features(await info(a, room))
    assert await items(b, room) == {} or stage.reference, "strangers see who is in"


async def occupants_disco(stage):
    """Of an occupant, occupants learn what its client says; others nothing."""
    room, a, b = await gather(stage, "Alice", "Bob")
    (stranger,) = await people(stage, 1)
    assert "urn:xmpp:ping" in features(await info(a, room + "/Bob"))
    version = await a["xep_0092"].get_version(room + "/Bob", timeout=10)
    assert version["software_version"]["name"] == "Slixmpp" and version["from"] == f"{room}/Bob", version
    await denied(info(stranger, room + "/Bob"), "bad-request", "modify", ("not-acceptable", "cancel"))
    await denied(info(a, room + "/Nobody"), "item-not-found", "cancel")
    q = await info(a, room, "x-roomuser-item")
    assert len(q) == 0 and q.get("node") == "x-roomuser-item", ET.tostring(q)


# Creation and configuration.


async def instant(stage):
    a, b = await people(stage, 2)
    room = new_room(stage)
    me, *_ = await enter(a, room, "Alice")
    assert codes(me) >= {110, 201}, me
    assert (item(me)["affiliation"], item(me)["role"]) == ("owner", "moderator"), me
    # XEP-0045 §10.1.1: nobody gets in before the room is configured.
    await shut_out(b, room, "Bob", "item-not-found", "cancel")
    await configure(a, room)
    me, subject, others, history = await enter(b, room, "Bob")
    assert 201 not in codes(me) and names(others) == ["Alice", "Bob"], others
    assert (item(me)["affiliation"], item(me)["role"]) == ("none", "participant"), me


async def reserved(stage):
    a, b = await people(stage, 2)
    room = new_room(stage)
    await enter(a, room, "Alice")
    form = await a["xep_0045"].get_room_config(room, timeout=10)
    assert form["type"] == "form" and values(form.xml)["FORM_TYPE"] == [CONFIG], form
    assert values(form.xml).keys() >= {
        f"muc#roomconfig_{n}"
        for n in "roomname roomdesc persistentroom publicroom membersonly moderatedroom passwordprotectedroom roomsecret whois changesubject".split()
    } - ({"muc#roomconfig_passwordprotectedroom"} if stage.reference else set()), values(form.xml).keys()
    form["type"] = "submit"
    answer = form.get_values() | {"muc#roomconfig_roomname": "Café <1>", "muc#roomconfig_persistentroom": True}
    form.set_values(answer)
    await a["xep_0045"].set_room_config(room, form, timeout=10)
    q = await info(b, room)
    assert q.find("{http://jabber.org/protocol/disco#info}identity").get("name") == "Café <1>", ET.tostring(q)
    again = values((await a["xep_0045"].get_room_config(room, timeout=10)).xml)
    assert again["muc#roomconfig_roomname"] == ["Café <1>"], again
    a["xep_0045"].leave_muc(room, "Alice")
    await a.until("the end", lambda s: is_occupant(s, room + "/Alice", "unavailable"))
    me, *_ = await enter(b, room, "Bob")  # persistent: it is still there
    assert item(me)["affiliation"] == "none", me


async def given_up(stage):
    """A new room whose owner cancels the form, or leaves, is gone."""
    a, b = await people(stage, 2)
    room, other = new_room(stage), new_room(stage)
    if not stage.reference:  # which takes the default configuration then
        await enter(a, room, "Alice")
        await a["xep_0045"].cancel_config(room, timeout=10)
        await a.until("the end", lambda s: is_occupant(s, room + "/Alice", "unavailable"))
        await denied(info(b, room), "item-not-found", "cancel")
    await enter(a, other, "Alice")
    a["xep_0045"].leave_muc(other, "Alice")
    await a.until("the end", lambda s: is_occupant(s, other + "/Alice", "unavailable"))
    await denied(info(b, other), "item-not-found", "cancel")


async def reconfigure(stage):
    room, a, b = await gather(stage, "Alice", "Bob", roomname="One")
    await denied(b["xep_0045"].get_room_config(room, timeout=10), "forbidden", "auth")
    await denied(configure(b, room, roomname="Mine"), "forbidden", "auth")
    await configure(a, room, roomname="Two")
    await b.until("status 104", lambda s: is_notice(s, room, 104))
    await configure(a, room, whois="anyone")
    await b.until("status 172", lambda s: is_notice(s, room, 172))
    b.seen.clear()
    (c,) = await people(stage, 1)
    me, _, others, _ = await enter(c, room, "Carol")
    assert 100 in codes(me), me
    assert {item(o).get("jid") for o in others} == {x.boundjid.full for x in (a, b, c)}, others
    await configure(a, room, whois="moderators")
    await b.until("status 173", lambda s: is_notice(s, room, 173))
    assert "muc_semianonymous" in features(await info(b, room))
    # Taking one change leaves the rest alone.
    assert values((await a["xep_0045"].get_room_config(room, timeout=10)).xml)["muc#roomconfig_roomname"] == ["Two"]


# Entering.


async def joining(stage):
    """The order of XEP-0045 §7.1: occupants, self-presence, history, subject; and what the others see."""
    room, a, b = await gather(stage, "Alice", "Bob", changesubject=1)
    say(a, room, "before Carol")
    await a.until("its reflection", lambda s: is_line(s, "before Carol", room + "/Alice"))
    a["xep_0045"].set_subject(room, "Convoys")
    await a.until("the subject", lambda s: is_subject(s, "Convoys", room + "/Alice"))
    (c,) = await people(stage, 1)
    me, subject, others, history = await enter(c, room, "Carol")
    assert names(others) == ["Alice", "Bob", "Carol"], others
    assert 110 in codes(me) and me["from"] == room + "/Carol" and item(me)["jid"] == c.boundjid.full, me
    assert "jid" not in item(others[0]), "a participant of a semi-anonymous room sees real addresses"
    got = [s for s in c.seen if name_of(s) in ("presence", "message") and s["from"].bare == room]
    kinds = [("presence", "line")[s.name == "message"] if s["body"] or s.name == "presence" else "subject" for s in got]
    assert kinds == ["presence"] * 3 + ["line", "subject"], kinds
    late = got[3]
    assert late["from"] == room + "/Alice" and late["body"] == "before Carol" and late["delay"]["from"] == room and late["delay"]["stamp"], late
    assert subject["subject"] == "Convoys" and subject["from"] == room + "/Alice", subject
    seen = await a.until("Carol", lambda s: is_occupant(s, room + "/Carol"))
    assert item(seen)["jid"] == c.boundjid.full, "a moderator does not see the address"
    seen = await b.until("Carol", lambda s: is_occupant(s, room + "/Carol"))
    assert "jid" not in item(seen) and 110 not in codes(seen), seen


async def history_limits(stage):
    room, a = await gather(stage, "Alice")
    visitors = await people(stage, 7)  # who come in quickly, as times are compared
    for i in range(6):
        say(a, room, f"line {i}")
    await a.until("the last", lambda s: is_line(s, "line 5", room + "/Alice"))
    await asyncio.sleep(5)
    moment = datetime.now(timezone.utc) - timedelta(seconds=2)
    say(a, room, "line 6")
    await a.until("the last", lambda s: is_line(s, "line 6", room + "/Alice"))
    want = [
        (dict(seconds=4), 1),
        (dict(since=moment), 1),
        (dict(since=moment - timedelta(minutes=1)), 7),
        (dict(), 7),
        (dict(maxstanzas=2), 2),
        (dict(maxstanzas=0), 0),
        (dict(maxchars=0), 0),
    ]
    for i, (c, (limits, n)) in enumerate(zip(visitors, want)):
        await enter(c, room, f"Visitor {i}", **limits)
        got = [s["body"] for s in c.seen if name_of(s) == "message" and s["body"]]
        assert got == [f"line {i}" for i in range(7 - n, 7)], f"{limits}: {got}"


async def passwords(stage):
    room, a = await gather(stage, "Alice", passwordprotectedroom=1, roomsecret="öffne dich")
    (b,) = await people(stage, 1)
    assert "muc_passwordprotected" in features(await info(b, room))
    await shut_out(b, room, "Bob", "not-authorized", "auth")
    await shut_out(b, room, "Bob", "not-authorized", "auth", password="open")
    await enter(b, room, "Bob", password="öffne dich")


async def members_only(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    (c,) = await people(stage, 1)
    await configure(a, room, membersonly=1)
    # XEP-0045 §9.3: who is no member has to go, with status 322.
    gone = await b.until("the removal", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(gone) >= {110, 322} and 307 not in codes(gone), gone
    await shut_out(c, room, "Carol", "registration-required", "auth")
    await admin_set(a, room, dict(jid=c.boundjid.bare, affiliation="member"))
    me, *_ = await enter(c, room, "Carol")
    assert (item(me)["affiliation"], item(me)["role"]) == ("member", "participant"), me
    await admin_set(a, room, dict(jid=c.boundjid.bare, affiliation="none", reason="no longer"))
    gone = await c.until("the removal", lambda s: is_occupant(s, room + "/Carol", "unavailable"))
    assert codes(gone) >= {110, 321} and reason(gone) == "no longer", gone


async def conflicts(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    (c,) = await people(stage, 1)
    await shut_out(c, room, "Bob", "conflict", "cancel")
    await enter(c, room, "Carol")
    c.send_presence(pto=f"{room}/Bob")
    await c.until("conflict", lambda s: is_refusal(s, "conflict", "cancel"))
    say(c, room, "still Carol")
    await c.until("a line", lambda s: is_line(s, "still Carol", room + "/Carol"))


async def no_nick(stage):
    room, a = await gather(stage, "Alice")
    (b,) = await people(stage, 1)
    b.send_raw(f"<presence to='{room}'><x xmlns='{MUC}'/></presence>")
    want = ("service-unavailable", "cancel") if stage.reference else ("jid-malformed", "modify")
    await b.until("jid-malformed", lambda s: is_refusal(s, *want))


# Talking.


async def talk(stage):
    """Everyone gets each line once, in one order, with the id that its author gave it."""
    room, *crowd = await gather(stage, "Alice", "Bob", "Carol")
    nicks = ("Alice", "Bob", "Carol")
    lines = ["hello", "Grüße <b>&amp;</b> \"quotes\" 'n' things", "кириллица, 漢字, 🛰️ and 👍🏽", "two\nlines", "x" * 5000]
    for i, text in enumerate(lines):
        m = crowd[i % 3].make_message(mto=room, mbody=text, mtype="groupchat")
        m["id"] = f"line-{i} <{i}>"
        m.send()
        for c in crowd:
            s = await c.until(text[:40], lambda s: is_line(s, text, f"{room}/{nicks[i % 3]}"))
            assert s["id"] == f"line-{i} <{i}>" and s["to"] == c.boundjid, s
    for i in range(60):
        say(crowd[i % 3], room, f"all at once {i}")
    orders = []
    for c in crowd:
        order = []
        while len(order) < 60:
            s = await c.until("a line", lambda s: name_of(s) == "message" and s["type"] == "groupchat")
            order.append((s["from"].resource, s["body"]))
        orders.append(order)
        for k, nick in enumerate(nicks):
            assert [b for n, b in order if n == nick] == [f"all at once {i}" for i in range(k, 60, 3)], "an author's lines are out of order"
    assert orders[0] == orders[1] == orders[2], "not everybody saw the same order"


async def untouched(stage):
    """Children that the room does not know go through; what only the room may say does not."""
    room, a, b = await gather(stage, "Alice", "Bob")
    a.send_raw(
        f"<message to='{room}' type='groupchat' id='x1'><body>with extras</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
        f"<origin-id xmlns='{SID}' id='o1'/><stanza-id xmlns='{SID}' id='forged' by='{room}'/><stanza-id xmlns='{SID}' id='elsewhere' by='other@example.net'/>"
        f"<occupant-id xmlns='{OCCUPANT_ID}' id='forged'/><x xmlns='{USER}'><item affiliation='owner' role='moderator'/></x>"
        "<x xmlns='urn:example:unknown' a='1 &lt; 2'><y:z xmlns:y='urn:example:y' y:k='v'>t</y:z></x></message>"
    )
    s = await b.until("extras", lambda s: is_line(s, "with extras", room + "/Alice"))
    z = s.xml.find("{urn:example:unknown}x/{urn:example:y}z")
    assert z is not None and z.text == "t" and z.get("{urn:example:y}k") == "v", s
    assert child(s, "http://jabber.org/protocol/chatstates", "active") is not None, s
    assert child(s, SID, "origin-id").get("id") == "o1", s
    if not stage.reference:
        assert child(s, USER, "x") is None, "a client spoke for the room"
    ids = [e.get("id") for e in s.xml.findall(f"{{{SID}}}stanza-id") if e.get("by") == room]
    assert len(ids) == 1 and ids[0] != "forged", s
    occupants = [e.get("id") for e in s.xml.findall(f"{{{OCCUPANT_ID}}}occupant-id")]
    assert len(occupants) == 1 and occupants[0] != "forged", s
    # A state without a body is passed on as well.
    a.send_raw(f"<message to='{room}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    await b.until("composing", lambda s: name_of(s) == "message" and child(s, "http://jabber.org/protocol/chatstates", "composing") is not None)


async def occupant_ids(stage):
    """XEP-0421: the same for a person's presence and lines, in spite of nick changes and new sessions; another in another room."""
    room, a, b = await gather(stage, "Alice", "Bob")
    other = new_room(stage)

    def occupant_id(s):
        e = child(s, OCCUPANT_ID, "occupant-id")
        assert e is not None and e.get("id"), f"no occupant-id: {s}"
        return e.get("id")

    say(b, room, "mine")
    first = occupant_id(await a.until("a line", lambda s: is_line(s, "mine", room + "/Bob")))
    b.send_presence(pto=f"{room}/Robert")
    assert occupant_id(await a.until("Robert", lambda s: is_occupant(s, room + "/Robert"))) == first
    name = b.boundjid.user
    await b.log_out()
    b = await stage.log_in(stage.home, name, resource="other", **CLIENTS)
    me, *_ = await enter(b, room, "Bobby")
    assert occupant_id(me) == first
    me, *_ = await enter(b, other, "Bob")
    assert occupant_id(me) != first


async def outsiders(stage):
    """Who is not in the room cannot speak there."""
    room, a = await gather(stage, "Alice")
    (b,) = await people(stage, 1)
    say(b, room, "let me in")
    await b.until("not-acceptable", lambda s: is_refusal(s, "not-acceptable", "modify" if not stage.reference else "cancel"))
    b.send_message(mto=f"{room}/Alice", mbody="psst", mtype="chat")
    await b.until("not-acceptable", lambda s: is_refusal(s, "not-acceptable", "modify" if not stage.reference else "cancel"))
    say(b, f"nowhere@{service(stage)}", "hello?")
    await b.until("an error", lambda s: name_of(s) == "message" and s["type"] == "error" and s["from"].bare.startswith("nowhere@"))
    await fence(a, room)
    assert not [s for s in a.seen if name_of(s) == "message"], a.seen


async def private_messages(stage):
    room, a, b, c = await gather(stage, "Alice", "Bob", "Carol")
    a.send_message(mto=f"{room}/Bob", mbody="between us", mtype="chat")
    s = await b.until("the message", lambda s: is_message(s, "between us"))
    assert s["from"] == f"{room}/Alice" and s["type"] == "chat" and child(s, USER, "x") is not None, s
    b.send_message(mto=s["from"], mbody="indeed", mtype="chat")
    await a.until("the answer", lambda s: is_message(s, "indeed") and s["from"] == f"{room}/Bob")
    a.send_message(mto=f"{room}/Nobody", mbody="hm", mtype="chat")
    await a.until("item-not-found", lambda s: is_refusal(s, "item-not-found", "cancel"))
    a.send_message(mto=f"{room}/Bob", mbody="all of you", mtype="groupchat")
    await a.until("bad-request", lambda s: is_refusal(s, "bad-request", "modify"))
    await fence(c, room)
    assert not [s for s in c.seen if name_of(s) == "message"], "others read along"
    if stage.reference:  # anyone may write to anyone there
        return
    await configure(a, room, allowpm="moderators")
    b.send_message(mto=f"{room}/Carol", mbody="may I", mtype="chat")
    await b.until("a refusal", lambda s: is_error(s, "forbidden") or is_error(s, "not-acceptable"))


async def subjects(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    a["xep_0045"].set_subject(room, "Route blue ✓")
    for c in (a, b):
        await c.until("the subject", lambda s: is_subject(s, "Route blue ✓", room + "/Alice"))
    b["xep_0045"].set_subject(room, "Mine")
    await b.until("forbidden", lambda s: is_refusal(s, "forbidden", "auth"))
    await configure(a, room, changesubject=1)
    b["xep_0045"].set_subject(room, "Ours")
    await a.until("the subject", lambda s: is_subject(s, "Ours", room + "/Bob"))
    # A message with a body that has a subject as well is none (§8.1).
    a.send_message(mto=room, mbody="text", msubject="not this", mtype="groupchat")
    await b.until("it", lambda s: is_message(s, "text"))
    (c,) = await people(stage, 1)
    _, subject, *_ = await enter(c, room, "Carol")
    assert subject["subject"] == "Ours" and subject["from"] == room + "/Bob" and subject["delay"]["stamp"], subject
    a["xep_0045"].set_subject(room, "")
    await c.until("no subject", lambda s: is_subject(s, "", room + "/Alice") or is_subject(s, None, room + "/Alice"))


async def availability(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    a.send_presence(pto=f"{room}/Alice", pshow="away", pstatus="zu Tisch <13:00>")
    s = await b.until("away", lambda s: is_occupant(s, room + "/Alice", "away"))
    assert s["status"] == "zu Tisch <13:00>" and item(s)["role"] == "moderator", s
    (c,) = await people(stage, 1)
    _, _, others, _ = await enter(c, room, "Carol")
    (s,) = [o for o in others if o["from"] == room + "/Alice"]
    assert s["show"] == "away" and s["status"] == "zu Tisch <13:00>", s


# Invitations.


def is_invite(s, room, inviter):
    e = s.xml.find(f"{{{USER}}}x/{{{USER}}}invite") if name_of(s) == "message" else None
    return e is not None and s["from"] == room and e.get("from") in inviter


async def invitations(stage):
    room, a = await gather(stage, "Alice", passwordprotectedroom=1, roomsecret="sesame")
    (b,) = await people(stage, 1)
    who = (a.boundjid.bare, a.boundjid.full, room + "/Alice")
    a["xep_0045"].invite(room, b.boundjid.bare, "come in & see")
    s = await b.until("the invitation", lambda s: is_invite(s, room, who))
    assert s.xml.findtext(f"{{{USER}}}x/{{{USER}}}invite/{{{USER}}}reason") == "come in & see", s
    assert s.xml.findtext(f"{{{USER}}}x/{{{USER}}}password") == "sesame", s
    b["xep_0045"].decline(room, a.boundjid.bare, "not now")
    s = await a.until("the refusal", lambda s: name_of(s) == "message" and s.xml.find(f"{{{USER}}}x/{{{USER}}}decline") is not None)
    e = s.xml.find(f"{{{USER}}}x/{{{USER}}}decline")
    assert s["from"] == room and e.get("from") in (b.boundjid.bare, b.boundjid.full) and e.findtext(f"{{{USER}}}reason") == "not now", s
    # Direct (XEP-0249): the room has no part in it.
    a["xep_0249"].send_invitation(b.boundjid.full, roomjid=room, reason="once more", password="sesame")
    s = await b.until("the invitation", lambda s: name_of(s) == "message" and child(s, "jabber:x:conference", "x") is not None and s["from"] == a.boundjid)
    assert child(s, "jabber:x:conference", "x").get("jid") == room, s
    await enter(b, room, "Bob", password=child(s, "jabber:x:conference", "x").get("password"))


async def invitations_of_members(stage):
    """An invitation to a members-only room makes a member (§7.8.2); who may not invite is told."""
    room, a, b = await gather(stage, "Alice", "Bob")
    (c,) = await people(stage, 1)
    await admin_set(a, room, dict(jid=b.boundjid.bare, affiliation="member"))
    await configure(a, room, membersonly=1, allowinvites=0)
    b["xep_0045"].invite(room, c.boundjid.bare)
    await b.until("forbidden", lambda s: is_refusal(s, "forbidden", "auth"))
    await shut_out(c, room, "Carol", "registration-required", "auth")
    a["xep_0045"].invite(room, c.boundjid.bare)
    await c.until("the invitation", lambda s: is_invite(s, room, (a.boundjid.bare, a.boundjid.full, room + "/Alice")))
    me, *_ = await enter(c, room, "Carol")
    assert item(me)["affiliation"] == "member", me


# Nicks.


async def nick_change(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    b.send_presence(pto=f"{room}/Robert")
    old = await a.until("the old nick's end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert 303 in codes(old) and item(old)["nick"] == "Robert" and 110 not in codes(old), old
    await a.until("the new nick", lambda s: is_occupant(s, room + "/Robert"))
    old = await b.until("the old nick's end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(old) >= {110, 303} and item(old)["nick"] == "Robert", old
    new = await b.until("the new nick", lambda s: is_occupant(s, room + "/Robert"))
    assert 110 in codes(new), new
    say(b, room, "it is me")
    await a.until("a line", lambda s: is_line(s, "it is me", room + "/Robert"))
    (c,) = await people(stage, 1)
    await enter(c, room, "Bob")  # which is free now


async def registration(stage):
    """A reserved nick (§7.10): taken by the form, kept for its owner, and told by the room."""
    room, a, b = await gather(stage, "Alice", "Bob")
    (c,) = await people(stage, 1)

    def ask(client, kind):
        iq = client.make_iq(ito=room, itype=kind)
        return iq, ET.SubElement(iq.xml, "{jabber:iq:register}query")

    def register(client, nick):
        iq, q = ask(client, "set")
        x = ET.SubElement(q, f"{{{FORM}}}x", type="submit")
        add_field(x, "FORM_TYPE", MUC + "#register")
        add_field(x, "muc#register_roomnick", nick)
        return client.ask(iq)

    if stage.reference:  # it lets members register alone
        for m in (b, c):
            await admin_set(a, room, dict(jid=m.boundjid.bare, affiliation="member"))
    iq, _ = ask(b, "get")
    form = (await b.ask(iq)).xml
    assert "muc#register_roomnick" in values(form), ET.tostring(form)
    await register(b, "Bob")
    iq, _ = ask(b, "get")
    got = (await b.ask(iq)).xml
    assert got.find("{jabber:iq:register}query/{jabber:iq:register}registered") is not None, ET.tostring(got)
    q = await info(b, room, "x-roomuser-item")
    assert [i.get("name") for i in q.iter("{http://jabber.org/protocol/disco#info}identity")] == ["Bob"], ET.tostring(q)
    assert [m["jid"] for m in await admin_list(a, room, affiliation="member") if m.get("nick") == "Bob"] == [b.boundjid.bare]
    b["xep_0045"].leave_muc(room, "Bob")
    await b.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    await shut_out(c, room, "Bob", "conflict", "cancel")
    await denied(register(c, "Bob"), "conflict", "cancel")
    await enter(b, room, "Bob")
    iq, q = ask(b, "set")
    ET.SubElement(q, "{jabber:iq:register}remove")
    await b.ask(iq)
    if not stage.reference:  # which keeps the nick
        assert len(await info(b, room, "x-roomuser-item")) == 0


# Leaving.


async def leaving(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    b["xep_0045"].leave_muc(room, "Bob", "gone fishing")
    s = await a.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert s["status"] == "gone fishing" and item(s)["role"] == "none" and not codes(s), s
    s = await b.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert 110 in codes(s) and item(s)["role"] == "none", s
    a["xep_0045"].leave_muc(room, "Alice")
    await a.until("the end", lambda s: is_occupant(s, room + "/Alice", "unavailable"))
    await denied(info(b, room), "item-not-found", "cancel")  # it was temporary


async def lost_connection(stage):
    room, a, b, c = await gather(stage, "Alice", "Bob", "Carol")
    b.abort()
    s = await a.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    await c.log_out()
    s = await a.until("the end", lambda s: is_occupant(s, room + "/Carol", "unavailable"))


async def self_ping(stage):
    """XEP-0410."""
    room, a, b = await gather(stage, "Alice", "Bob")
    (stranger,) = await people(stage, 1)
    await a["xep_0199"].send_ping(f"{room}/Alice", timeout=10)
    await denied(stranger["xep_0199"].send_ping(f"{room}/Alice", timeout=10), "not-acceptable", "cancel")
    await a["xep_0199"].send_ping(f"{room}/Bob", timeout=10)  # who answers by itself
    phone = await stage.log_in(stage.home, a.boundjid.user, resource="phone", **CLIENTS)
    await denied(phone["xep_0199"].send_ping(f"{room}/Alice", timeout=10), "not-acceptable", "cancel")


async def two_clients(stage):
    """One person with two clients has one nick (§7.2.4)."""
    room, a, b = await gather(stage, "Alice", "Bob")
    phone = await stage.log_in(stage.home, b.boundjid.user, resource="phone", **CLIENTS)
    _, _, others, _ = await enter(phone, room, "Bob")
    assert {str(o["from"]) for o in others} == {room + "/Alice", room + "/Bob"}, others
    say(a, room, "to both")
    for c in (b, phone):
        await c.until("the line", lambda s: is_line(s, "to both", room + "/Alice"))
    say(phone, room, "from the phone")
    for c in (a, b, phone):
        await c.until("the line", lambda s: is_line(s, "from the phone", room + "/Bob"))
    a.send_message(mto=f"{room}/Bob", mbody="for you", mtype="chat")
    for c in (b, phone):
        await c.until("the message", lambda s: is_message(s, "for you"))
    phone["xep_0045"].leave_muc(room, "Bob")
    await phone.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    say(b, room, "still here")
    await a.until("the line", lambda s: is_line(s, "still here", room + "/Bob"))
    assert not [s for s in a.seen if is_occupant(s, room + "/Bob", "unavailable")], "Bob was told to have left"
    b["xep_0045"].leave_muc(room, "Bob")
    await a.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))


async def resynchronise(stage):
    """A join of one who is in already gets the whole state again, and nobody else notices."""
    room, a, b = await gather(stage, "Alice", "Bob")
    say(a, room, "something")
    await b.until("the line", lambda s: is_line(s, "something", room + "/Alice"))
    me, _, others, _ = await enter(b, room, "Bob")
    assert 110 in codes(me), me
    got = {str(s["from"]) for s in b.seen if name_of(s) == "presence" and s["type"] != "unavailable"}
    assert got == {room + "/Alice", room + "/Bob"}, got
    say(b, room, "all well")
    await a.until("the line", lambda s: is_line(s, "all well", room + "/Bob"))
    assert not [s for s in a.seen if is_occupant(s, room + "/Bob", "unavailable")], "Bob was told to have left"


# Roles and affiliations.


async def kick(stage):
    room, a, b, c = await gather(stage, "Alice", "Bob", "Carol")
    await denied(admin_set(b, room, dict(nick="Carol", role="none")), "forbidden", "auth", ("not-allowed", "cancel"))
    await denied(admin_set(a, room, dict(nick="Nobody", role="none")), "item-not-found", "cancel", ("item-not-found", "modify"))
    await a["xep_0045"].set_role(room, "Bob", "none", reason="too loud <!>", timeout=10)
    s = await b.until("the kick", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(s) >= {110, 307} and reason(s) == "too loud <!>" and item(s)["role"] == "none", s
    s = await c.until("the kick", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(s) == {307} and reason(s) == "too loud <!>", s
    actor = s.xml.find(f"{{{USER}}}x/{{{USER}}}item/{{{USER}}}actor")
    assert actor is not None and actor.get("nick") == "Alice", s
    await enter(b, room, "Bob")  # a kick is for now
    # The owner is out of reach of others.
    await admin_set(a, room, dict(jid=b.boundjid.bare, affiliation="admin"))
    await denied(admin_set(b, room, dict(nick="Alice", role="none")), "not-allowed", "cancel")


async def ban(stage):
    room, a, b, c = await gather(stage, "Alice", "Bob", "Carol")
    await denied(admin_set(c, room, dict(jid=b.boundjid.bare, affiliation="outcast")), "forbidden", "auth", ("not-allowed", "cancel"))
    await a["xep_0045"].set_affiliation(room, "outcast", jid=b.boundjid.bare, reason="no", timeout=10)
    s = await b.until("the ban", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(s) >= {110, 301} and item(s)["affiliation"] == "outcast" and reason(s) == "no", s
    s = await c.until("the ban", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(s) == {301}, s
    await shut_out(b, room, "Robert", "forbidden", "auth")
    listed = await admin_list(a, room, affiliation="outcast")
    assert [i["jid"] for i in listed] == [b.boundjid.bare], listed
    await denied(admin_set(a, room, dict(jid=a.boundjid.bare, affiliation="outcast")), "conflict", "cancel")
    await a["xep_0045"].set_affiliation(room, "none", jid=b.boundjid.bare, timeout=10)
    assert await admin_list(a, room, affiliation="outcast") == []
    await enter(b, room, "Bob")


async def voice(stage):
    """Visitors in a moderated room ask for voice (§7.13), get it, and lose it."""
    room, a, b = await gather(stage, "Alice", "Bob", moderatedroom=1)
    (c,) = await people(stage, 1)
    me, *_ = await enter(c, room, "Carol")
    assert item(me)["role"] == "visitor", me
    c.seen.clear()
    say(c, room, "may I")
    await c.until("forbidden", lambda s: is_refusal(s, "forbidden", "auth"))
    c["xep_0045"].request_voice(room, "participant")
    s = await a.until("the request", lambda s: name_of(s) == "message" and child(s, FORM, "x") is not None)
    form = values(child(s, FORM, "x"))
    assert form["FORM_TYPE"] == [MUC + "#request"] and form["muc#roomnick"] == ["Carol"] and form["muc#jid"][0].startswith(c.boundjid.bare), form
    m = a.make_message(mto=room)
    x = ET.SubElement(m.xml, f"{{{FORM}}}x", type="submit")
    for name, value in form.items():
        add_field(x, name, "true" if name == "muc#request_allow" else value)
    m.send()
    await c.until("voice", lambda s: is_occupant(s, room + "/Carol", role="participant"))
    say(c, room, "thank you")
    await b.until("a line", lambda s: is_line(s, "thank you", room + "/Carol"))
    await a["xep_0045"].set_role(room, "Carol", "visitor", reason="enough", timeout=10)
    s = await c.until("no voice", lambda s: is_occupant(s, room + "/Carol", role="visitor"))
    assert reason(s) == "enough" or stage.reference, s
    await b.until("no voice", lambda s: is_occupant(s, room + "/Carol", role="visitor"))


async def roles(stage):
    room, a, b, c = await gather(stage, "Alice", "Bob", "Carol")
    await a["xep_0045"].set_role(room, "Bob", "moderator", timeout=10)
    await c.until("a moderator", lambda s: is_occupant(s, room + "/Bob", role="moderator", affiliation="none"))
    listed = await admin_list(a, room, role="moderator")
    assert {i["nick"] for i in listed} == {"Alice", "Bob"}, listed
    if not stage.reference:  # §9.8: that list is for admins
        await denied(admin_list(b, room, role="moderator"), "forbidden", "auth")
    assert {i["nick"] for i in await admin_list(b, room, role="participant")} == {"Carol"}
    if not stage.reference:  # §8.4: nor may he silence his like
        await denied(admin_set(b, room, dict(nick="Carol", role="visitor")), "not-allowed", "cancel")
    await a["xep_0045"].set_role(room, "Carol", "visitor", timeout=10)
    await c.until("no voice", lambda s: is_occupant(s, room + "/Carol", role="visitor"))
    # A moderator who is no admin cannot make moderators, nor demote an owner.
    await denied(admin_set(b, room, dict(nick="Carol", role="moderator")), "forbidden", "auth", ("not-allowed", "cancel"))
    await denied(admin_set(b, room, dict(nick="Alice", role="participant")), "not-allowed", "cancel")
    await denied(admin_set(c, room, dict(nick="Bob", role="visitor")), "forbidden", "auth", ("not-allowed", "cancel"))
    await denied(admin_list(c, room, role="moderator"), "forbidden", "auth")
    await denied(admin_set(a, room, dict(nick="Bob", role="king")), "bad-request", "modify", ("not-acceptable", "modify"))


async def affiliations(stage):
    room, a, b, c = await gather(stage, "Alice", "Bob", "Carol")
    changes = [(b.boundjid.bare, "admin"), ("dora@example.net", "member")]
    for part in [changes[:1], changes[1:]] if stage.reference else [changes]:  # it takes one at a time
        await a["xep_0045"].send_affiliation_list(room, part, timeout=10)
    s = await c.until("an admin", lambda s: is_occupant(s, room + "/Bob", affiliation="admin"))
    assert item(s)["role"] == "moderator", s
    await a["xep_0045"].set_affiliation(room, "member", jid=c.boundjid.bare, reason="welcome", timeout=10)
    await c.until("a member", lambda s: is_occupant(s, room + "/Carol", affiliation="member", role="participant"))
    listed = await a["xep_0045"].get_affiliation_list(room, "member", timeout=10)
    assert {str(j) for j in listed} == {"dora@example.net", c.boundjid.bare}, listed
    assert [i["jid"] for i in await admin_list(a, room, affiliation="owner")] == [a.boundjid.bare]
    assert [i["jid"] for i in await admin_list(a, room, affiliation="admin")] == [b.boundjid.bare]
    # An admin rules members, not owners.
    await admin_set(b, room, dict(jid="dora@example.net", affiliation="none"))
    await denied(admin_set(b, room, dict(jid=c.boundjid.bare, affiliation="owner")), "forbidden", "auth", ("not-allowed", "cancel"))
    await denied(admin_set(b, room, dict(jid=a.boundjid.bare, affiliation="none")), "forbidden", "auth", ("not-allowed", "cancel"))
    await denied(admin_set(c, room, dict(jid=b.boundjid.bare, affiliation="none")), "forbidden", "auth", ("not-allowed", "cancel"))
    await denied(admin_list(c, room, affiliation="outcast"), "forbidden", "auth")
    # The last owner stays.
    await denied(admin_set(a, room, dict(jid=a.boundjid.bare, affiliation="admin")), "conflict", "cancel")
    await admin_set(a, room, dict(jid=b.boundjid.bare, affiliation="owner"))
    await b.until("an owner", lambda s: is_occupant(s, room + "/Bob", affiliation="owner"))
    await admin_set(a, room, dict(jid=a.boundjid.bare, affiliation="none"))
    s = await a.until("no owner", lambda s: is_occupant(s, room + "/Alice", affiliation="none"))
    assert item(s)["role"] == "participant", s


async def all_or_nothing(stage):
    """A list with one item that may not be changes nothing."""
    room, a, b = await gather(stage, "Alice", "Bob")
    await denied(admin_set(a, room, dict(jid=b.boundjid.bare, affiliation="member"), dict(jid="dora@example.net", affiliation="king")), "bad-request", "modify")
    assert await admin_list(a, room, affiliation="member") == []


# The end of a room.


async def destruction(stage):
    room, a, b = await gather(stage, "Alice", "Bob", persistentroom=1)
    other = new_room(stage)
    (c,) = await people(stage, 1)
    await denied(b["xep_0045"].destroy(room, "why not", timeout=10), "forbidden", "auth")
    await a["xep_0045"].destroy(room, "we moved", other, timeout=10)
    for c2, nick in ((a, "Alice"), (b, "Bob")):
        s = await c2.until("the end", lambda s: is_occupant(s, f"{room}/{nick}", "unavailable"))
        e = s.xml.find(f"{{{USER}}}x/{{{USER}}}destroy")
        assert e is not None and e.get("jid") == other and e.findtext(f"{{{USER}}}reason") == "we moved", s
        assert (item(s)["affiliation"], item(s)["role"]) == ("none", "none") or stage.reference, s
    s = await shut_out(c, room, "Carol", "gone", "cancel")
    assert other in (s.xml.findtext(f"{{jabber:client}}error/{{{STANZAS}}}gone") or ""), s


async def room_card(stage):
    """A room's vCard (with its picture), which owners set."""
    room, a, b = await gather(stage, "Alice", "Bob")
    card = a["xep_0054"].make_vcard()
    card["FN"] = "Operations <HQ>"
    iq = a.make_iq_set(ito=room)
    iq.append(card)
    await a.ask(iq)
    got = await b["xep_0054"].get_vcard(room, local=False, cached=False, timeout=10)
    assert got["vcard_temp"]["FN"] == "Operations <HQ>", got
    iq = b.make_iq_set(ito=room)
    iq.append(b["xep_0054"].make_vcard())
    await denied(b.ask(iq), "forbidden", "auth")
    assert "vcard-temp" in features(await info(b, room))


async def occupants_card(stage):
    """The vCard of an occupant is that of the account behind it."""
    room, a, b = await gather(stage, "Alice", "Bob")
    card = b["xep_0054"].make_vcard()
    card["FN"] = "Bob B."
    iq = b.make_iq_set()
    iq.append(card)
    await b.ask(iq)
    got = await a["xep_0054"].get_vcard(f"{room}/Bob", local=False, cached=False, timeout=10)
    assert got["vcard_temp"]["FN"] == "Bob B.", got


async def from_afar(stage):
    """A client of the other node uses a room of this one, as any remote user."""
    room, a = await gather(stage, "Alice", publicroom=1)
    b = await stage.log_in(stage.away, **CLIENTS)
    assert room in await items(b, service(stage))
    _, _, others, _ = await enter(b, room, "Bob", 30)
    assert names(others) == ["Alice", "Bob"], others
    seen = await a.until("Bob", lambda s: is_occupant(s, room + "/Bob"))
    assert item(seen)["jid"] == b.boundjid.full, seen
    for c, nick, text in ((a, "Alice", "zur Küste"), (b, "Bob", "back to base")):
        say(c, room, text)
        for reader in (a, b):
            await reader.until("a line", lambda s: is_line(s, text, f"{room}/{nick}"))
    a.send_message(mto=f"{room}/Bob", mbody="between us", mtype="chat")
    await b.until("the message", lambda s: is_message(s, "between us") and s["from"] == f"{room}/Alice")
    await b["xep_0199"].send_ping(f"{room}/Bob", timeout=10)
    await a["xep_0045"].set_role(room, "Bob", "none", reason="out", timeout=10)
    s = await b.until("the kick", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    assert codes(s) >= {110, 307} and reason(s) == "out", s
    await enter(b, room, "Bob", 30)
    await b.log_out()
    await a.until("the end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))


def checks(stage):
    yield "discovery of the service", discover_service
    yield "discovery of rooms", discover_rooms
    yield "discovery of occupants, version through the room", occupants_disco
    yield "instant room", instant
    yield "reserved room", reserved
    yield "new room given up", given_up
    yield "configuration changed, status 104, 172, 173", reconfigure
    yield "join: order and what others see", joining
    yield "join: history limits", history_limits
    yield "join: password", passwords
    yield "join: members only", members_only
    yield "join: nick taken", conflicts
    yield "join: no nick", no_nick
    yield "talk: one order, same ids", talk
    yield "talk: children pass, forgeries do not", untouched
    yield "occupant ids", occupant_ids
    yield "outsiders cannot talk", outsiders
    yield "private messages", private_messages
    yield "subject", subjects
    yield "availability", availability
    yield "invitations, mediated and direct, and decline", invitations
    yield "invitations to a members-only room", invitations_of_members
    yield "nick change", nick_change
    yield "registration of a nick", registration
    yield "leave, and the end of a temporary room", leaving
    yield "lost connection", lost_connection
    yield "self-ping", self_ping
    yield "two clients with one nick", two_clients
    yield "join again", resynchronise
    yield "kick", kick
    yield "ban", ban
    yield "voice", voice
    yield "roles", roles
    yield "affiliations", affiliations
    yield "destruction with an alternative", destruction
    if not stage.reference:  # which takes one item, and has no module for the other
        yield "a list is changed whole or not at all", all_or_nothing
        yield "vCard of a room", room_card
    yield "vCard of an occupant", occupants_card
    yield "a room across the link", from_afar


if __name__ == "__main__":
    play(checks)

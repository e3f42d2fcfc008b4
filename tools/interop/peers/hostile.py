"""What nobody should send to rooms: each must be refused in its exact way, and the rooms go on."""

from plays import is_message, play
from roomkit import *

FMUC = "http://isode.com/protocol/fmuc"


async def alive(stage, room, *crowd):
    """The streams and the room are as they were."""
    text = f"still well {next(_lines)}"
    say(crowd[0], room, text)
    for c in crowd:
        await c.until("a line", lambda s: name_of(s) == "message" and s["body"] == text)


_lines = itertools.count(1)


async def nicks(stage):
    room, a = await gather(stage, "Alice")
    (b,) = await people(stage, 1)
    for nick, condition, kind in (
        ("tab&#9;here", "jid-malformed", "modify"),
        ("line&#10;break", "jid-malformed", "modify"),
        ("next&#x85;line", "jid-malformed", "modify"),
        ("turned&#x202e;round", "jid-malformed", "modify"),
        ("private&#xe000;use", "jid-malformed", "modify"),
        ("n" * 1100, "jid-malformed", "modify"),
        ("n" * 300, "not-acceptable", "modify"),
        ("", "jid-malformed", "modify"),
    ):
        b.send_raw(f"<presence id='p' to='{room}/{nick}'><x xmlns='{MUC}'/></presence>")
        s = await b.until(f"{condition} for {nick[:20]!r}", lambda s: name_of(s) == "presence" and s["type"] == "error")
        assert is_refusal(s, condition, kind), f"{nick[:20]!r}: {s}"
    await enter(b, room, "fine nick 🛰 (ü)")
    await alive(stage, room, a, b)


async def forms(stage):
    room, a = await gather(stage, "Alice", roomname="Before")

    def submit(fields, **attributes):
        iq = a.make_iq_set(ito=room)
        x = ET.SubElement(ET.SubElement(iq.xml, f"{{{OWNER}}}query"), f"{{{FORM}}}x", type="submit")
        for var, value in fields:
            add_field(x, var, value)
        return a.ask(iq)

    kind = [("FORM_TYPE", CONFIG)]
    name = "muc#roomconfig_"
    for fields, condition, why in (
        (kind + [(f"urn:example:{i}", "x") for i in range(500)], "policy-violation", "500 fields"),
        (kind + [(name + "roomdesc", "x" * 100_000)], "policy-violation", "100,000 characters"),
        (kind + [(name + "roomadmins", [f"a{i}@example.net" for i in range(3000)])], "policy-violation", "3,000 values"),
        ([("FORM_TYPE", "urn:example:other"), (name + "roomname", "x")], "bad-request", "another form"),
        (kind + [(name + "membersonly", "perhaps")], "not-acceptable", "no boolean"),
        (kind + [(name + "whois", "nobody")], "not-acceptable", "no option"),
        (kind + [(name + "passwordprotectedroom", "1"), (name + "roomsecret", "")], "not-acceptable", "no password"),
        (kind + [(name + "roomowners", [])], "conflict", "no owner"),
        (kind + [(name + "roomadmins", ["@@"])], "not-acceptable", "no address"),
    ):
        try:
            await submit(fields)
            raise AssertionError(f"accepted: {why}")
        except slixmpp.exceptions.IqError as e:
            # slixmpp 1.8.3 does not know policy-violation.
            assert e.iq.xml.find(f"{{jabber:client}}error/{{{STANZAS}}}{condition}") is not None, f"{why}: {e.iq['error']}"
    info_now = await info(a, room)
    assert info_now.find("{http://jabber.org/protocol/disco#info}identity").get("name") == "Before", ET.tostring(info_now)
    await alive(stage, room, a)


async def lists(stage):
    room, a, b = await gather(stage, "Alice", "Bob")
    for item in (
        dict(nick="Bob", role="none", affiliation="none"),
        dict(jid="x@example.net"),
        dict(jid="x@example.net/resource", affiliation="king"),
        dict(role="visitor"),
    ):
        await denied(admin_set(a, room, item), "bad-request", "modify")
    iq = a.make_iq_set(ito=room)
    ET.SubElement(iq.xml, f"{{{ADMIN}}}query")
    await denied(a.ask(iq), "bad-request", "modify")
    iq = a.make_iq_set(ito=room)
    ET.SubElement(iq.xml, "{urn:example:unknown}query")
    await denied(a.ask(iq), "service-unavailable", "cancel")
    a.send_message(mto=room, mbody="to all in private", mtype="chat")
    await a.until("bad-request", lambda s: is_refusal(s, "bad-request", "modify"))
    await alive(stage, room, a, b)


async def join_bomb(stage):
    """One client makes rooms until it may not; others go on."""
    room, a = await gather(stage, "Alice")
    (b,) = await people(stage, 1)
    refused = 0
    for i in range(120):
        b.send_raw(f"<presence to='bomb{i}@{service(stage)}/B'><x xmlns='{MUC}'/></presence>")
    for i in range(120):
        s = await b.until("an answer", lambda s: name_of(s) == "presence" and s["from"].user == f"bomb{i}")
        if s["type"] == "error":
            refused += 1
            assert is_refusal(s, "resource-constraint", "wait"), s
    assert 0 < refused < 120, f"{refused} of 120 refused"
    await enter(b, room, "Bob")
    await alive(stage, room, a, b)


async def history(stage):
    room, a = await gather(stage, "Alice")
    (b,) = await people(stage, 1)
    for attribute in ("maxstanzas='many'", "maxchars='-5'", "seconds='1e9'", "since='yesterday'"):
        b.send_raw(f"<presence to='{room}/Bob'><x xmlns='{MUC}'><history {attribute}/></x></presence>")
        await b.until(f"bad-request for {attribute}", lambda s: is_refusal(s, "bad-request", "modify"))
    b.send_raw(f"<presence to='{room}/Bob'><x xmlns='{MUC}'><history maxstanzas='999999999' maxchars='2000000000' seconds='999999999'/></x></presence>")
    await b.until("the room", lambda s: is_occupant(s, room + "/Bob"))
    await alive(stage, room, a, b)


async def federated(stage):
    """A client that speaks as another node's room does is itself, whatever it writes."""
    room, a, b = await gather(stage, "Alice", "Bob")
    (c,) = await people(stage, 1)
    forged = f"<fmuc xmlns='{FMUC}' from='ghost@field.net/x' n='1'/><x xmlns='{USER}'><item affiliation='owner' role='moderator' jid='ghost@field.net/x'/></x>"
    c.send_raw(f"<message to='{room}' type='groupchat' id='f0'>{forged}<body>boo</body></message>")
    await c.until("an error", lambda s: name_of(s) == "message" and s["type"] == "error" and s["id"] == "f0")
    c.send_raw(f"<presence to='{room}/Ghost'>{forged}<x xmlns='{MUC}'/></presence>")
    c.send_raw(f"<message to='{room}' type='groupchat' id='f1'>{forged}<body>it is me</body></message>")
    c.send_raw(f"<message to='{room}/Alice' type='chat' id='f2'>{forged}<body>psst</body></message>")
    c.send_raw(f"<presence to='{room}/Ghost'>{forged}<show>away</show></presence>")
    for what, ok in (
        ("its entry", lambda s: is_occupant(s, room + "/Ghost", affiliation="none", role="participant", jid=c.boundjid.full)),
        ("its line", lambda s: is_line(s, "it is me", room + "/Ghost")),
        ("its message", lambda s: is_message(s, "psst") and s["from"] == room + "/Ghost"),
        ("its presence", lambda s: is_occupant(s, room + "/Ghost", "away", affiliation="none", role="participant")),
    ):
        s = await a.until(what, ok)
        assert FMUC not in str(s) and "ghost@field.net" not in str(s), s
    # It ends its own presence, not Bob's.
    c.send_raw(f"<presence to='{room}/Bob' type='unavailable'><fmuc xmlns='{FMUC}' from='{b.boundjid.full}'/><x xmlns='{USER}'><item affiliation='none' role='none'/><status code='307'/></x></presence>")
    s = await a.until("an end", lambda s: name_of(s) == "presence" and s["type"] == "unavailable")
    assert s["from"] == room + "/Ghost" and not codes(s), s
    await alive(stage, room, a, b)


async def oversized(stage):
    """A line that is longer than a stanza may be ends the stream of who says it, and nothing else; a long subject is refused."""
    room, a, b = await gather(stage, "Alice", "Bob", changesubject=1)
    b.send_raw(f"<message to='{room}' type='groupchat' id='s1'><subject>{'s' * 20_000}</subject></message>")
    await b.until("a refusal", lambda s: name_of(s) == "message" and s["type"] == "error")
    b.send_raw(f"<message to='{room}' type='groupchat'><body>{'x' * 3_000_000}</body></message>")
    await b.until("the end", lambda s: s == "disconnected")
    await a.until("Bob's end", lambda s: is_occupant(s, room + "/Bob", "unavailable"))
    await alive(stage, room, a)


def checks(stage):
    yield "hostile: nicks", nicks
    yield "hostile: forms", forms
    yield "hostile: lists and iqs", lists
    yield "hostile: join bomb", join_bomb
    yield "hostile: history", history
    yield "hostile: forged federation", federated
    yield "hostile: too long", oversized


if __name__ == "__main__":
    play(checks)

package c2s_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/store"
)

const mam = "<iq type='set' id='mam'><query xmlns='urn:xmpp:mam:2'/></iq>"

// queried asks for the whole archive and returns the results and the answer.
func (c *client) queried() (results []string, fin string) {
	c.tb.Helper()
	c.send(mam)
	got := c.until("</fin></iq>")
	for {
		_, rest, ok := strings.Cut(got, "<result xmlns='urn:xmpp:mam:2' id='")
		if !ok {
			return results, got
		}
		var r string
		if r, got, ok = strings.Cut(rest, "</result></message>"); !ok {
			c.tb.Fatalf("an odd result: %q", rest)
		}
		results = append(results, r)
	}
}

// stanzaID is the number that bob's archive gave a message.
func stanzaID(message string) string {
	_, id, _ := strings.Cut(message, "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@field.net' id='")
	id, _, _ = strings.Cut(id, "'")
	return id
}

// Whatever way a message takes to its client, its client is told the number under which the archive has it, once.
func TestEveryWayOfAMessageHasItsNumber(t *testing.T) {
	for _, managed := range []bool{false, true} {
		t.Run(fmt.Sprint("stream management ", managed), func(t *testing.T) {
			r := newArchiveRig(t)
			alice := r.online("alice", "desk")
			say := func(id string) {
				alice.send("<message to='bob@field.net' type='chat' id='" + id + "'>" + body + "</message>")
				alice.never("error")
			}
			enter := func() (bob *client, id string) {
				if managed {
					return r.managed("bob", "phone")
				}
				return r.online("bob", "phone"), ""
			}
			say("offline")
			bob, id := enter()
			want := map[string]string{}
			got := bob.until("</message>")
			want["offline"] = stanzaID(got)
			say("live")
			want["live"] = stanzaID(bob.until("</message>"))
			bob.nc.Close()
			say("lost") // sent to a stream that is gone, or is about to be
			if managed {
				bob = r.resume("bob", id, "3")
				bob.until("<resumed ")
			} else {
				bob, _ = enter()
			}
			for !strings.Contains(got, "id='lost'") {
				got = bob.until("</message>")
			}
			want["lost"] = stanzaID(got)
			results, fin := bob.queried()
			if len(results) != 3 || !strings.Contains(fin, "complete='true'") {
				t.Fatalf("%d results: %q, %q", len(results), results, fin)
			}
			for i, m := range []string{"offline", "live", "lost"} {
				number, rest, _ := strings.Cut(results[i], "'")
				if number != want[m] || number == "" || !strings.Contains(rest, "id='"+m+"'>"+body+"</message>") {
					t.Errorf("%s: told %q, found %q", m, want[m], results[i])
				}
			}
			results, _ = alice.queried()
			if len(results) != 3 || strings.Contains(strings.Join(results, ""), "stanza-id") {
				t.Errorf("alice: %q", results)
			}
		})
	}
}

// What an archive found is not worth keeping when its client goes away: it is in the archive still.
func TestResultsDoNotOutliveTheStream(t *testing.T) {
	r := newArchiveRig(t)
	alice := r.online("alice", "desk")
	bob, id := r.managed("bob", "phone")
	alice.send("<message to='bob@field.net' type='chat' id='m'>" + body + "</message>")
	bob.until("</message>")
	bob.send("<a xmlns='urn:xmpp:sm:3' h='2'/>")
	results, _ := bob.queried()
	if len(results) != 1 {
		t.Fatal(results)
	}
	bob.send("</stream:stream>") // without having confirmed them
	bob.until("</stream:stream>")
	r.eventually(func() bool { return r.host.Resource(jidOf(t, "bob@field.net/phone")) == nil })
	if n := r.spool("bob"); n != 0 {
		t.Errorf("%d messages in the spool", n)
	}
	bob = r.resume("bob", id, "2")
	bob.until("<failed ")
}

// What was confirmed to a client with stream management is in the archive, whatever happens then.
func TestWhatIsConfirmedIsArchived(t *testing.T) {
	r := newArchiveRig(t)
	alice, _ := r.managed("alice", "desk")
	for i := range 20 {
		alice.send(fmt.Sprintf("<message to='bob@field.net' type='chat' id='m%d'>%s</message>", i, body))
	}
	alice.send("<r xmlns='urn:xmpp:sm:3'/>")
	alice.until("<a xmlns='urn:xmpp:sm:3' h='21'/>")
	r.crash()
	r.archive.Flush()
	r.spool("bob") // behind it
	for _, account := range []string{"alice@field.net", "bob@field.net"} {
		if err := r.db.View(func(tx *store.Tx) error {
			if s := tx.ArchiveStats(account); s.Entries != 20 {
				t.Errorf("%s: %d entries", account, s.Entries)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

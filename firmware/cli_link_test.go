package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/links"
)

const overHF = quiet + `
[[link]]
name = "5066 link hq-2-field"
type = "s5066"
local_5066_address = "1.1.0.1"
[[link]]
name = "spare"
remote_address = "127.0.0.1"
[[peer]]
name = "hq"
domains = ["headquarters.net"]
links = ["5066 link hq-2-field"]
s5066.remote_5066_address = "1.1.0.2"
`

func TestRadioSilenceOfAStoppedNode(t *testing.T) {
	use(t, overHF)
	const name = "5066 link hq-2-field"
	on := `EMCON ON for link "5066 link hq-2-field", by command 0s ago: it only receives; 0 stanzas waiting`
	for _, s := range []struct {
		args         []string
		code         int
		out, errWant string
	}{
		{[]string{"link", "list"}, 0, "LINK                  TYPE   PEER  STATE           SINCE  EMCON  IN  OUT\n" +
			"5066 link hq-2-field  s5066  hq    stopped         -      off    -   -\n" +
			"spare                 ip     -     no peer uses it  -      off    -   -\n", ""},
		{[]string{"link", "emcon", name, "on"}, 0, "", on},
		{[]string{"link", "list"}, 0, "ON ", ""},
		{[]string{"status"}, exitStopped, "EMCON    ON for link", ""},
		{[]string{"link", "emcon", name, "off"}, 0, "", `EMCON off for link "5066 link hq-2-field": it sends again`},
		{[]string{"link", "emcon", name, "maybe"}, exitMisuse, "", `say on or off, not "maybe"`},
		{[]string{"link", "emcon", name}, exitMisuse, "", "it needs NAME on|off"},
		{[]string{"link", "emcon", "spear", "on"}, exitMisuse, "", `there is no link "spear"; there are: "5066 link hq-2-field", "spare"`},
	} {
		code, out, errs := longwire(t, "", s.args...)
		if squeeze := strings.ReplaceAll(out, " ", ""); code != s.code || !strings.Contains(squeeze, strings.ReplaceAll(s.out, " ", "")) || !strings.Contains(errs, s.errWant) {
			t.Errorf("%q: code %d, out %q, err %q", s.args, code, out, errs)
		}
	}
	code, out, _ := longwire(t, "", "link", "list", "--json")
	var list []admin.Link
	if err := json.Unmarshal([]byte(out), &list); code != 0 || err != nil || len(list) != 2 || list[0].EMCON.On || list[0].EMCON.Since.IsZero() {
		t.Errorf("%d, %v, %s", code, err, out)
	}
}

func TestLinksAreToldInWords(t *testing.T) {
	h := admin.S5066{Server: "localhost", SAP: 6, Local: "1.1.0.1", Mapping: "longwire"}
	state := func(change func(*admin.LinkState, *admin.S5066)) admin.LinkState {
		x := h
		s := admin.LinkState{Link: "5066 link", Peer: "hq", Remote: "1.1.0.2", S5066: &x}
		change(&s, &x)
		return s
	}
	for _, c := range []struct {
		state admin.LinkState
		want  string
	}{
		{admin.LinkState{}, ""},
		{admin.LinkState{Fault: "connection lost"}, "connection lost"},
		{state(func(s *admin.LinkState, x *admin.S5066) { x.Bound, s.Codec = true, "mix 01020304" }), "bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, coded by mix 01020304"},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			x.Bound, s.Codec, s.CodecFault = true, "light 01020304", "the peer cannot read mix 05060708"
		}), "bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, stanzas coded by light 01020304: the peer cannot read mix 05060708"},
		{state(func(s *admin.LinkState, x *admin.S5066) {}), "not bound yet; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire"},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			s.Fault, s.Until = "no SIS server listens there", time.Now().Add(90*time.Second)
		}), fmt.Sprintf("not bound (no SIS server listens there); SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, next try at %s, in 1m29s", time.Now().Add(90*time.Second).Local().Format(time.TimeOnly))},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			x.Bound, x.FlowOff, x.Outstanding, x.Unconfirmed, x.OnFarNode, x.FramesIn, x.FramesOut, x.Rate = true, true, 2, 7, 5, 1, 9, 300
			x.Heard = time.Now()
		}), "bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, the SIS server holds us (flow off), 2 frames at the SIS server, 7 stanzas on the way, " +
			"5 of them on the far node, 1 frames in, 9 out, about 300 bit/s, heard 0s ago"},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			x.Bound, x.EMCON, x.Node, x.Dropped, x.Strays = true, true, "receive only: EMCON", 1, 2
		}), "bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, EMCON, the SIS server says receive only: EMCON, 1 frame without effect, 2 frames of no peer"},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			s.Remote, x.Bound, x.Uninvited = "", true, 2
			x.Pairing = &admin.Pairing{State: "invited", Words: "invited, not heard yet", Refused: 1}
		}), "bound; SAP 6 at localhost, 1.1.0.1 to an address that is not known yet, longwire, invited, not heard yet, 1 introduction refused, " +
			"2 introductions of a kit that the config does not invite"},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			x.Bound, x.Pairing = true, &admin.Pairing{State: "waiting", Words: "introduced, waiting for headquarters' answer", Until: time.Now().Add(299500 * time.Millisecond)}
		}), "bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, introduced, waiting for headquarters' answer, next try in 4m59s"},
		{state(func(s *admin.LinkState, x *admin.S5066) {
			x.Bound, x.Pairing = true, &admin.Pairing{State: "paired", Words: "paired", Refused: 3, RivalAt: time.Now()}
		}), "bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, conflict: another kit uses this token, 3 introductions refused"},
		{state(func(s *admin.LinkState, x *admin.S5066) { x.Bound, x.OnFarNode, x.FramesOut, x.Foreign = true, 1, 3, 2 }),
			"bound; SAP 6 at localhost, 1.1.0.1 to 1.1.0.2, longwire, 1 of them on the far node, 0 frames in, 3 out, not heard yet: is the peer up, and bound to SAP 6 " +
				"there as well?, 2 frames not of mapping longwire: are the settings below [peer.s5066] the same on both sides?"},
	} {
		if got := linkNote(c.state); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	at := time.Date(2026, 7, 23, 10, 15, 0, 0, time.Local)
	e := admin.QueueEvent{Time: at, What: string(links.EventOnFarNode), Queued: admin.Queued{ID: 7, Peer: "hq", Kind: "message", From: "a@b", To: "c@d"}}
	if got, want := watchLine(e), "10:15:00  far node   hq 7  message  a@b → c@d"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/links"
	"longwire/store"
)

const hfDoc = doc + `
[[link]]
name = "5066 link hq-2-field"
type = "s5066"
local_5066_address = "1.1.0.1"
[[link]]
name = "silent by config"
type = "s5066"
sap = 7
local_5066_address = "1.1.0.1"
emcon = true
[[peer]]
name = "two"
domains = ["two.net"]
links = ["5066 link hq-2-field"]
s5066.remote_5066_address = "1.1.0.2"
[[peer]]
name = "three"
domains = ["three.net"]
links = ["5066 link hq-2-field"]
s5066.remote_5066_address = "1.1.0.3"
`

// silence is what matters of the links' EMCON, by name.
func silence(t *testing.T, a *admin.Admin) string {
	t.Helper()
	all, err := a.Links()
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, l := range all {
		var peers []string
		for _, p := range l.Peers {
			peers = append(peers, p.Peer)
		}
		s = append(s, fmt.Sprintf("%s %s %v on=%v config=%v switch=%v", l.Name, l.Type, peers, l.EMCON.On, l.EMCON.Config, l.EMCON.Switch))
	}
	return strings.Join(s, "\n")
}

func TestLinksAreSilencedAndLetGo(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			n := start(t)
			n.cfg = load(t, hfDoc)
			a := admin.Running(n)
			if !running {
				a = admin.Stopped(n.cfg)
			}
			table := func(second string) string {
				return "IP link hq-2-field ip [field] on=false config=false switch=false\n" +
					"5066 link hq-2-field s5066 [two three] " + second + "\n" +
					"silent by config s5066 [] on=true config=true switch=false"
			}
			off, on := "on=false config=false switch=false", "on=true config=false switch=true"
			if got := silence(t, a); got != table(off) {
				t.Errorf("before:\n%s", got)
			}
			l, err := a.SetEMCON("5066 link hq-2-field", true)
			if err != nil || !l.EMCON.On || time.Since(l.EMCON.Since) > time.Minute {
				t.Errorf("%+v, %v", l, err)
			}
			if got := silence(t, a); got != table(on) {
				t.Errorf("on:\n%s", got)
			}
			if l, err := a.SetEMCON("5066 link hq-2-field", false); err != nil || l.EMCON.On {
				t.Errorf("%+v, %v", l, err)
			}
			if got := silence(t, a); got != table(off) {
				t.Errorf("off:\n%s", got)
			}
			if running && !slices.Equal(n.did, []string{"emcon 5066 link hq-2-field true", "emcon 5066 link hq-2-field false"}) {
				t.Errorf("did %v", n.did)
			}

			// The config's word cannot be lifted by command.
			if _, err := a.SetEMCON("silent by config", false); err == nil || errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), "longwire.toml:21) says emcon = true") {
				t.Errorf("%v", err)
			}
			for name, want := range map[string]string{
				"no such": `there are: "IP link hq-2-field", "5066 link hq-2-field", "silent by config"`,
			} {
				if _, err := a.SetEMCON(name, true); !errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestStatusOfALinkIsThatOfItsPeer(t *testing.T) {
	n := start(t)
	n.cfg = load(t, hfDoc)
	n.live.Links = []admin.LinkState{
		{Link: "5066 link hq-2-field", Type: "s5066", Peer: "two", State: "up", S5066: &admin.S5066{OnFarNode: 3}},
		{Link: "5066 link hq-2-field", Type: "s5066", Peer: "three", State: "held", S5066: &admin.S5066{FlowOff: true}},
	}
	fill(t, n.db, "two", "m1", "m2")
	if _, err := admin.Running(n).SetEMCON("5066 link hq-2-field", true); err != nil {
		t.Fatal(err)
	}
	s, err := admin.Running(n).Status()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.Peers {
		got = append(got, p.Name+" "+p.Link.State+" "+p.Link.Type)
	}
	if want := []string{"field stopped ip", "two up s5066", "three held s5066"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if l := s.All[1]; len(l.Peers) != 2 || l.Peers[0].S5066.OnFarNode != 3 || !l.Peers[1].S5066.FlowOff || l.EMCON.Held != 2 {
		t.Errorf("%+v", l)
	}
}

func TestWatchingTellsWhatTheFarNodeHas(t *testing.T) {
	n := start(t)
	fill(t, n.db, "field", "m1")
	done := errors.New("seen")
	var got []string
	err := admin.Running(n).WatchQueue(t.Context(), "field", func(e admin.QueueEvent) error {
		got = append(got, e.What+" "+e.Stanza)
		switch len(got) {
		case 1:
			defer n.tell(links.Event{Kind: links.EventOnFarNode, Peer: "field", Link: "one", Entry: e.ID})
			return n.db.Update(func(tx *store.Tx) error { return n.db.Queue("field").Number(tx, "s", 1, []uint64{e.ID}) })
		case 2:
			n.tell(links.Event{Kind: links.EventConfirmed, Peer: "field", Link: "one", Entry: e.ID})
			return nil
		}
		return done
	})
	if err != done || !slices.Equal(got, []string{"queued m1", "far m1", "confirmed m1"}) {
		t.Errorf("%v, %v", got, err)
	}
}

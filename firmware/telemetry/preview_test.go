package telemetry

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/links/fold"
	"longwire/xmpp/stanza"
)

// traffic is a day of chat and presence as clients send it.
func traffic(t testing.TB, seed uint64, n int) (all []*stanza.Stanza) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	words := strings.Fields("yes no over the hill at dawn we are short of water send two more please copy that &amp; out ")
	for i := range n {
		from := fmt.Sprintf("user%d@field.net/phone", r.IntN(6))
		to := fmt.Sprintf("duty%d@hq.net", r.IntN(3))
		var body []string
		for range 1 + r.IntN(30) {
			body = append(body, words[r.IntN(len(words))])
		}
		var text string
		switch r.IntN(10) {
		case 0, 1:
			text = fmt.Sprintf("<message from='%s' to='%s' type='chat' id='%x'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", from, to, r.Uint64())
		case 2, 3:
			shows := []string{"", "<show>away</show>", "<show>dnd</show><status>on patrol</status>"}
			text = fmt.Sprintf("<presence from='%s' to='%s'>%s<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/><priority>5</priority></presence>", from, to, shows[r.IntN(3)])
		case 4:
			text = fmt.Sprintf("<message from='%s' to='%s' type='chat' id='%x'><received xmlns='urn:xmpp:receipts' id='%x'/></message>", from, to, r.Uint64(), r.Uint64())
		case 5:
			text = fmt.Sprintf("<iq from='%s' to='%s' type='get' id='%d'><query xmlns='jabber:iq:version'/></iq>", from, to, i)
		case 6:
			text = fmt.Sprintf("<message from='%s' to='%s' type='chat' id='%x'><body>%s</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>%s</p></body></html><delay xmlns='urn:xmpp:delay' stamp='2026-03-01T0%d:00:00Z'/></message>", from, to, r.Uint64(), strings.Join(body, " "), strings.Join(body, " "), 4+r.IntN(3))
		default:
			text = fmt.Sprintf("<message from='%s' to='%s' type='chat' id='%x'><body>%s</body><active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='%x'/><thread>t%d</thread></message>", from, to, r.Uint64(), strings.Join(body, " "), r.Uint64(), r.IntN(50))
		}
		all = append(all, parse(t, text))
	}
	return all
}

func preset(t testing.TB, class string) *fold.Folder {
	t.Helper()
	p, ok := fold.Preset(class)
	if !ok && class != "none" {
		t.Fatal(class)
	}
	f, err := fold.New(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// run sends traffic by rules, as the node does, notes it in a record, and returns what crossed.
func run(t testing.TB, dir string, f *fold.Folder, all []*stanza.Stanza) *fold.Tally {
	w := NewWriter(Options{Folder: dir, Max: 16 << 20})
	now := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	var tally fold.Tally
	tr := &trial{folder: f, tally: &tally, held: make(map[fromTo]held)}
	for i, s := range all {
		now = now.Add(7 * time.Second)
		raw := len(s.Bytes())
		w.PutOutline("192.0.2.1", Record{At: now, Peer: "hq", Dir: Out, Type: "chat", Raw: raw}, s)
		before := tally.After.Bytes
		tr.accept(now, s)
		if saved := raw - (tally.After.Bytes - before); saved != 0 {
			w.Put("192.0.2.1", Record{At: now, Kind: Fold, Peer: "hq", Dir: Out, Type: "chat", Raw: raw, Saved: saved})
		}
		if i%100 == 0 {
			w.Flush(now)
		}
	}
	tr.release(time.Time{})
	w.Flush(now.Add(time.Hour))
	return &tally
}

// What a preview of rules B on a record under rules A says is what is measured when the same goes by rules B.
func TestPreviewEqualsTheLaterMeasurement(t *testing.T) {
	classes := append([]string{"none"}, fold.Classes()...)
	for i, was := range classes {
		dir := filepath.Join(t.TempDir(), "field.net")
		all := traffic(t, uint64(i), 1500)
		run(t, dir, preset(t, was), all)
		if i == 0 {
			checkFolder(t, dir)
		}
		for _, other := range classes {
			p, err := MakePreview(dir, 0, "hq", func(string) (*fold.Folder, error) { return preset(t, other), nil })
			if err != nil {
				t.Fatal(err)
			}
			measured := run(t, filepath.Join(t.TempDir(), "field.net"), preset(t, other), all)
			got, want := float64(p.After), float64(measured.After.Bytes)
			if got < 0.95*want || got > 1.05*want || p.Stanzas != len(all) || p.Unread != 0 || p.Crossing != measured.After.Times {
				t.Errorf("%s → %s: %.0f bytes of %d stanzas foreseen, %.0f of %d measured", was, other, got, p.Crossing, want, measured.After.Times)
			}
			if was == "none" && other == "hf-75" {
				t.Logf("these rules would have saved %.1f %%; measured %.1f %%", 100*p.Saved(), 100*(1-want/float64(measured.Before.Bytes)))
			}
		}
	}
}

func TestPreviewOfNothingSaysSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "field.net")
	rules := func(string) (*fold.Folder, error) { return preset(t, "hf-75"), nil }
	if _, err := MakePreview(dir, 0, "", rules); err == nil {
		t.Error("a folder that is not there")
	}
	run(t, dir, preset(t, "none"), traffic(t, 1, 10))
	if _, err := MakePreview(dir, 0, "nobody", rules); err == nil || !strings.Contains(err.Error(), `no stanza for "nobody"`) {
		t.Error(err)
	}
}

func TestReportSumsUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "field.net")
	w := NewWriter(Options{Folder: dir, Max: 1 << 20})
	now := time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)
	for i := range 48 {
		at := now.Add(time.Duration(i) * time.Hour)
		for _, r := range examples(at) {
			w.Put("192.0.2.1", r)
		}
		w.Put("192.0.2.2", Record{At: at, Kind: Stanza, Peer: "ship", Link: "SatCom", Dir: In, Type: "iq", Raw: 100, Folded: 100, Wire: 50})
	}
	w.Flush(now)
	r, err := MakeReport(dir, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	if r.Total.Out.Stanzas != 48 || r.Total.Out.Wire != 48*80 || r.Total.In.Wire != 48*50 || r.Lost != 48*4 || r.Confirmed != 48 || r.Took != 30 || r.Duplicates != 48 {
		t.Errorf("%+v", r)
	}
	if len(r.Users) != 1 || r.Users[0].Name != "a@x" || len(r.Peers) != 2 || r.Peers[0].Name != "hq" || len(r.Contacts) != 1 || r.Contacts[0].Causes[0].Times != 48 {
		t.Errorf("%+v", r)
	}
	if f := r.Folding; f.Saved != 48*100 || f.Rules[0].Name != "rule 1" || f.Rules[0].Bytes != 48*60 {
		t.Errorf("%+v", f)
	}
	if r, err = MakeReport(dir, 10*time.Hour, "192.0.2.2"); err != nil || r.Total.In.Stanzas != 11 || r.Total.Out.Stanzas != 0 {
		t.Errorf("%v %+v", err, r)
	}
}

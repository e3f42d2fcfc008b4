package s2s_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// spooler keeps what comes for field.net, as for users who are away, and answers it.
type spooler struct{ r *rig }

func (k spooler) Accept(t *router.Turn, s *stanza.Stanza) error {
	if s.IsError() {
		return nil
	}
	if _, err := t.Tx.SpoolPut("alice@field.net", store.SpoolEntry{Stanza: s.Bytes(), Received: time.Now()}, true); err != nil {
		return err
	}
	return k.r.router.Route(t, parse(k.r.t, "<message from='"+alice+"' to='"+bob+"' type='error' id='"+s.ID+"'><body>away</body></message>"))
}

// Users fill the store with what waits for the peer; there must still be room for what the peer hands over and for the
// answers to it, else two nodes that are full of each other's stanzas would stay so.
func TestFullOfWhatWaitsForThePeerTheStoreTakesWhatComesFromIt(t *testing.T) {
	r := newRig(t, hq)
	r.db.SetLimits(store.Options{MaxBytes: 1 << 20, SpoolMax: 1e6, SpoolSize: 1 << 30})
	body := strings.Repeat("x", 4000)
	n := 0
	for ; len(r.received()) == 0; n++ {
		if n == 1000 {
			t.Fatal("never refused")
		}
		r.route(say(fmt.Sprint("m", n), body))
	}
	if n < 100 {
		t.Errorf("only %d messages of 4 KB fit into a store of 1 MiB", n)
	}
	for i := range 10 {
		r.route(say(fmt.Sprint("late", i), body))
	}
	want := "<resource-constraint "
	for _, s := range r.received() {
		if !strings.Contains(s, want) {
			t.Errorf("refused with %s", s)
		}
	}
	if err := r.db.Health().Err; err != nil {
		t.Errorf("the store itself is full: %v", err)
	}
	other := spooler{r}
	unbind, err := r.router.Bind("away.net", other)
	if err != nil {
		t.Fatal(err)
	}
	defer unbind()
	before := r.peer().Queue().Stats().Entries
	for i := range 10 {
		if v := r.deliver(fmt.Sprintf("<message from='%s' to='alice@away.net' id='in%d'><body>%s</body></message>", bob, i, body)); v != nil {
			t.Fatal(v)
		}
	}
	if got := r.peer().Queue().Stats().Entries - before; got != 10 {
		t.Errorf("%d of 10 answers wait", got)
	}
	if err := r.db.Health().Err; err != nil {
		t.Errorf("what the peer handed over did not fit: %v", err)
	}
}

package presence_test

import (
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/presence"
)

var short = map[string]presence.State{
	"N": presence.None, "NO": presence.NoneOut, "NI": presence.NoneIn, "NOI": presence.NoneOutIn, "T": presence.To,
	"TI": presence.ToIn, "F": presence.From, "FO": presence.FromOut, "B": presence.Both,
}

// The whole of RFC 6121 appendix A. + means that the stanza goes on, . that it does not; then comes the new state, - when
// it stays as it is. ! means that the server answers subscribed, ^ that the contact is approved in advance from here on.
const machine = `
                        N     NO    NI    NOI   T     TI    F     FO    B
sends subscribe         +NO   +-    +NOI  +-    +-    +-    +FO   +-    +-
sends unsubscribe       +-    +N    +-    +NI   +N    +NI   +-    +F    +F
sends subscribed        .-^   .-^   +F    +FO   .-^   +B    .-    .-    .-
sends unsubscribed      .-    .-    +N    +NO   .-    +T    +N    +NO   +T
receives subscribe      +NI   +NOI  .-    .-    +TI   .-    .-!   .-!   .-!
receives unsubscribe    .-    .-    +N    +NO   .-    +T    +N    +NO   +T
receives subscribed     .-    +T    .-    +TI   .-    .-    .-    +B    .-
receives unsubscribed   .-    +N    .-    +NI   +N    +NI   .-    +F    +F
`

// The same for a contact that was approved in advance. v means that it no longer is.
const approved = `
                        N     NO    NI    NOI   T     TI    F     FO    B
sends subscribe         +NO   +-    +NOI  +-    +-    +-    +FO   +-    +-
sends unsubscribe       +-    +N    +-    +NI   +N    +NI   +-    +F    +F
sends subscribed        .-    .-    +F    +FO   .-    +B    .-    .-    .-
sends unsubscribed      .-v   .-v   +Nv   +NOv  .-v   +Tv   +Nv   +NOv  +Tv
receives subscribe      .F!   .FO!  .-    .-    .B!   .-    .-!   .-!   .-!
receives unsubscribe    .-    .-    +N    +NO   .-    +T    +N    +NO   +T
receives subscribed     .-    +T    .-    +TI   .-    .-    .-    +B    .-
receives unsubscribed   .-    +N    .-    +NI   +N    +NI   .-    +F    +F
`

func TestEveryEventInEveryState(t *testing.T) {
	check(t, machine, false)
	check(t, approved, true)
}

func check(t *testing.T, table string, wasApproved bool) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := strings.Fields(lines[0])
	cells := 0
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		for i, cell := range f[2:] {
			cells++
			state := short[columns[i]]
			want := read(t, cell, state, wasApproved)
			step := presence.Arrived
			if f[0] == "sends" {
				step = presence.Sent
			}
			if got := step(event(t, f[1]), state, wasApproved); got != want {
				t.Errorf("%s %s in state %s, approved %t:\n got %+v\nwant %+v", f[0], f[1], state, wasApproved, got, want)
			}
		}
	}
	if cells != 72 {
		t.Errorf("the table has %d cells, want 8 × 9", cells)
	}
}

func read(t *testing.T, cell string, state presence.State, wasApproved bool) presence.Verdict {
	t.Helper()
	v := presence.Verdict{Next: state, Approved: wasApproved, Pass: cell[0] == '+'}
	rest := cell[1:]
	for mark, f := range map[string]func(){
		"!": func() { v.Reply = true }, "^": func() { v.Approved = true }, "v": func() { v.Approved = false },
	} {
		if strings.HasSuffix(rest, mark) {
			f()
			rest = strings.TrimSuffix(rest, mark)
		}
	}
	if rest != "-" {
		next, ok := short[rest]
		if !ok {
			t.Fatalf("the table has a cell %q", cell)
		}
		v.Next = next
	}
	return v
}

func event(t *testing.T, name string) presence.Event {
	t.Helper()
	for e := presence.Subscribe; e <= presence.Unsubscribed; e++ {
		if e.String() == name {
			return e
		}
	}
	t.Fatalf("there is no event %s", name)
	return 0
}

func TestStateOfItem(t *testing.T) {
	for _, c := range []struct {
		it   store.RosterItem
		want presence.State
	}{
		{store.RosterItem{}, presence.None},
		{store.RosterItem{PendOut: true}, presence.NoneOut},
		{store.RosterItem{PendIn: true}, presence.NoneIn},
		{store.RosterItem{PendOut: true, PendIn: true}, presence.NoneOutIn},
		{store.RosterItem{To: true}, presence.To},
		{store.RosterItem{To: true, PendIn: true}, presence.ToIn},
		{store.RosterItem{From: true}, presence.From},
		{store.RosterItem{From: true, PendOut: true}, presence.FromOut},
		{store.RosterItem{To: true, From: true}, presence.Both},
		// What cannot be is read as what it nearly is.
		{store.RosterItem{To: true, PendOut: true}, presence.To},
		{store.RosterItem{From: true, PendIn: true}, presence.From},
		{store.RosterItem{To: true, From: true, PendIn: true, PendOut: true}, presence.Both},
	} {
		if got := presence.StateOf(c.it); got != c.want {
			t.Errorf("%+v is %s, want %s", c.it, got, c.want)
		}
	}
}

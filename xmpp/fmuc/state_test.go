package fmuc_test

import (
	"strings"
	"testing"

	"longwire/xmpp/fmuc"
	"longwire/xmpp/jid"
)

// One row for each state, one column for each event.
func TestStatesFollowTheTable(t *testing.T) {
	const idle, joining, joined, leaving, refused, detached = fmuc.Idle, fmuc.Joining, fmuc.Joined, fmuc.Leaving, fmuc.Refused, fmuc.Detached
	events := []fmuc.Event{fmuc.Wanted, fmuc.Unwanted, fmuc.Answered, fmuc.Rejected, fmuc.LeftSeen, fmuc.Lost, fmuc.TimeUp, fmuc.Permitted}
	for from, to := range map[fmuc.State][]fmuc.State{
		//         wanted   unwanted answered  rejected  left      lost      time up  permitted
		idle:     {joining, idle, idle, idle, idle, idle, idle, idle},
		joining:  {joining, leaving, joined, refused, detached, detached, joining, joining},
		joined:   {joined, leaving, joined, joined, detached, detached, joined, joined},
		leaving:  {joining, leaving, leaving, leaving, idle, idle, idle, leaving},
		refused:  {refused, idle, refused, refused, refused, refused, idle, idle},
		detached: {joining, idle, detached, detached, detached, detached, detached, detached},
	} {
		for i, e := range events {
			if got := from.Next(e); got != to[i] {
				t.Errorf("%v on event %d: %v, want %v", from, e, got, to[i])
			}
		}
	}
}

func TestAliases(t *testing.T) {
	long := strings.Repeat("é", 511) // 1022 octets
	for _, c := range []struct{ nick, real, taken, want string }{
		{"Bob", "bob@field.net/x", "", "Bob"},
		{"Bob", "bob@field.net/x", "Bob", "Bob (field)"},
		{"Bob", "bob@field.net/x", "Bob|Bob (field)", "Bob (field) 2"},
		{"Bob", "bob@field.net/x", "Bob|Bob (field)|Bob (field) 2", "Bob (field) 3"},
		{long, "bob@field.net/x", long, strings.Repeat("é", 507) + " (field)"},
	} {
		taken := strings.Split(c.taken, "|")
		got := fmuc.Alias(c.nick, jid.MustParse(c.real), func(n string) bool {
			for _, x := range taken {
				if x == n {
					return true
				}
			}
			return false
		})
		if got != c.want {
			t.Errorf("%.20s beside %.40s: %.40s, want %.40s", c.nick, c.taken, got, c.want)
		}
	}
}

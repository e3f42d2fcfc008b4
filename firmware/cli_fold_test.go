package main

import (
	"bytes"
	"testing"

	"longwire/links/fold"
)

func TestTallyForPeople(t *testing.T) {
	for want, tally := range map[string]fold.Tally{
		"  nothing was folded\n": {},
		"  2 stanzas, 800 B before; 1 stanza, 200 B after: 75 % saved\n" +
			"BY                      TIMES  BYTES\n" +
			"preset 1                2      100\n" +
			"rule 1                  1      200\n" +
			"not sent: nothing left  1      300\n": {
			Before: fold.Count{Times: 2, Bytes: 800}, After: fold.Count{Times: 1, Bytes: 200},
			Rules: map[int]fold.Count{1: {Times: 2, Bytes: 100}, 101: {Times: 1, Bytes: 200}}, Dropped: map[fold.Reason]fold.Count{fold.Empty: {Times: 1, Bytes: 300}},
		},
	} {
		var out bytes.Buffer
		c := &call{std: std{out: &out}}
		if err := c.tally(tally); err != nil || out.String() != want {
			t.Errorf("%v\n%s, want\n%s", err, out.String(), want)
		}
	}
}

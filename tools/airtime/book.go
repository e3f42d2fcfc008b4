package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// A sum is what stanzas took, as 'longwire telemetry report' says it.
type sum struct {
	Stanzas           int
	Raw, Folded, Wire int64
	Air               float64 // s
}

// plus adds n times o.
func (s sum) plus(n int, o sum) sum {
	return sum{s.Stanzas + n*o.Stanzas, s.Raw + int64(n)*o.Raw, s.Folded + int64(n)*o.Folded, s.Wire + int64(n)*o.Wire, s.Air + float64(n)*o.Air}
}

// counters are those of s5066d.
type counters struct {
	Transmissions int64         `json:"transmissions"`
	Air           time.Duration `json:"air_ns"`
	BitsSent      int64         `json:"bits_sent"`
}

// A book is what nodes and STANAG 5066 servers tell of what they sent so far.
type book struct {
	kinds map[string]sum // "all": together
	kept  int            // stanzas that did not have to cross
	radio counters
}

// account asks all. Nodes write down what they did every few seconds.
func (c *crowd) account(ctx context.Context) (book, error) {
	b := book{kinds: map[string]sum{}}
	select {
	case <-ctx.Done():
		return b, ctx.Err()
	case <-time.After(6 * time.Second):
	}
	for i, n := range c.net.Nodes {
		var r struct {
			Total struct{ Out sum }
			Kinds []struct {
				Name string
				Out  sum
			}
			Folding struct{ Dropped []struct{ Times int } }
		}
		text, err := n.Command(ctx, "", "telemetry", "report", "--json")
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		if err != nil {
			return b, fmt.Errorf("the record of %s: %w", n.Domain, err)
		}
		b.kinds["all"] = b.kinds["all"].plus(1, r.Total.Out)
		for _, k := range r.Kinds {
			b.kinds[k.Name] = b.kinds[k.Name].plus(1, k.Out)
		}
		for _, d := range r.Folding.Dropped {
			b.kept += d.Times
		}
		var s struct{ Counts counters }
		if text, err = c.net.Servers[i].Command(ctx, "status", "--json"); err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil {
			return b, fmt.Errorf("the counters of %s: %w", n.Domain, err)
		}
		b.radio = b.radio.plus(1, s.Counts)
	}
	return b, nil
}

func (c counters) plus(n int64, o counters) counters {
	return counters{c.Transmissions + n*o.Transmissions, c.Air + time.Duration(n)*o.Air, c.BitsSent + n*o.BitsSent}
}

// less is what came since then.
func (b book) less(then book) book {
	d := book{kinds: map[string]sum{}, kept: b.kept - then.kept, radio: b.radio.plus(-1, then.radio)}
	for k, s := range b.kinds {
		d.kinds[k] = s.plus(-1, then.kinds[k])
	}
	return d
}

package main

import (
	"context"
	"fmt"
	"strings"
)

// A drill is a part of the drill, to be run by itself if need be.
type drill struct {
	name string
	what string
	play play
}

func drills() []drill {
	return []drill{
		{"hostile", "sticks that a kit must refuse", drillHostile},
		{"reset", "the button held for ten seconds", drillReset},
		{"power", "the power cut while settings are applied", drillPower},
		{"update", "good and bad updates", drillUpdate},
		{"update-cuts", "the power cut in an update", drillUpdateCuts},
	}
}

func drillNames() (names []string) {
	for _, d := range drills() {
		names = append(names, d.name)
	}
	return names
}

// imageDrill plays the parts that were asked for.
func imageDrill(ctx context.Context, o options, w *workshop, r *record) error {
	r.note("seed %d: repeat with -seed %d, and only a part with -part NAME", o.seed, o.seed)
	for _, d := range drills() {
		if !strings.Contains(","+strings.Join(o.parts, ",")+",", ","+d.name+",") {
			continue
		}
		r.note("\n%s: %s", d.name, d.what)
		if err := d.play(ctx, o, w, r); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
			r.do(d.name+" goes to its end", func() error { return err })
		}
	}
	return nil
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"

	"longwire/links/codec"
	"longwire/tools/cli"
)

// talk are messages of about 40 characters.
var talk = []string{
	"Low water at the slip in about an hour", "we left two drums of paint on the quay.", "Can someone read me the barometer pls?",
	"Mast is up again, signal much better now", "the heron is back on the north mooring", "Grid 3310 0482, smoke but no flames yet",
	"Thanks, all of it arrived dry this time", "expect us between 1640 and 1700 at gate", "No trace of the second canoe so far, out",
	"PUMP FOUR IS HOT, SWITCHING TO PUMP TWO", "who signed for the parcel from Hamburg?", "wind backing to the south, 14 to 18 kts",
}

func costCommand() cli.Command {
	var count int
	var snapshot string
	return cli.Command{
		Name: "cost", Line: "what a message takes on this machine, in time",
		Help: `Codes messages of about 40 characters, one after the other on one stream, and reads them again. What is learned at
start is learned first, or read from the snapshot, which is written when there is none.

Example: codec cost --snapshot /tmp/lore.snapshot --count 1000`,
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&count, "count", 200, "how many messages: a `number`")
			f.StringVar(&snapshot, "snapshot", "", "a `file` to begin from")
		},
		Run: func(c cli.Call) error {
			if count < 1 {
				return cli.Wrong("--count must be 1 or more")
			}
			began := time.Now()
			lore := codec.Base()
			if err := begin(lore, snapshot); err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "ready after %.2f s\n", time.Since(began).Seconds())
			m := &modeled{out: lore.Model(), in: lore.Model()}
			n := 0
			for i := range count {
				k := i % len(talk)
				text, err := codec.Canonical(fmt.Appendf(nil, "<message from='carla@north.example' to='base@south.example' type='chat' id='%d'><body>%s %d</body></message>", 40000+2*i, talk[k], i/len(talk)))
				if err != nil {
					return err
				}
				sizes, err := m.code([]item{{sent: text, text: text}})
				if err != nil {
					return fmt.Errorf("codec: %w", err)
				}
				n += sizes[0]
			}
			per := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(count) }
			fmt.Fprintf(c.Out, "%d messages: %.1f bytes, %.3f ms to encode, %.3f ms to decode\n", count, float64(n)/float64(count), per(m.encoded), per(m.decoded))
			return nil
		},
	}
}

// begin makes a lore ready.
func begin(l *codec.Lore, snapshot string) error {
	if snapshot == "" {
		l.Prime()
		return nil
	}
	b, err := os.ReadFile(snapshot)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.Prime()
		if err := os.WriteFile(snapshot, l.Snapshot(), 0o600); err != nil {
			return fmt.Errorf("codec: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("codec: %w", err)
	}
	if err := l.Restore(b); err != nil {
		return fmt.Errorf("codec: %s: %w", snapshot, err)
	}
	l.Prime()
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"longwire/tools/rig/onair"
)

const (
	idleTime  = 24 * time.Hour // of radio
	idleScale = 1000
	idleRate  = 300
)

// idle counts what is sent while nobody says anything.
func idle(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintf(b.progress, "an idle link for %v of radio time\n", idleTime)
	net, people, end, err := pair(ctx, b, "idle", idleRate, idleScale)
	if err != nil {
		return err
	}
	defer end()
	// First a message each way, so that there is a link to let go, and marks that are owed.
	for i := range people {
		if _, err := say(ctx, people[i], people[1-i], i, texts[i]); err != nil {
			return err
		}
	}
	began := net.Air.Clock().Now()
	if err := net.Quiet(ctx, time.Hour); err != nil {
		return err
	}
	var reader onair.Reader
	settled, still := 0, net.Air.Clock().Now()
	for _, s := range net.Air.Signals() {
		reader.Read(s)
		if s.Start.After(began) {
			settled++
		}
	}
	before := len(net.Air.Signals())
	for net.Air.Clock().Now().Sub(still) < idleTime {
		if err := net.Sleep(ctx, 10*time.Minute); err != nil {
			return err
		}
		for _, p := range people {
			select {
			case <-p.ended:
				return fmt.Errorf("%s lost its connection", p.User.JID())
			default:
			}
		}
	}
	count := len(net.Air.Signals()) - before
	slept := net.Air.Clock().Now().Sub(still)
	word := b.goal(count == 0, "an idle link: %d transmissions in %v", count, slept.Round(time.Minute))
	fmt.Fprintf(out, "\nAn idle link at %d bit/s, two clients online: %d transmissions in %.1f h of radio time, goal 0: %s\n", idleRate, count, slept.Hours(), word)
	fmt.Fprintf(out, "Scale %d: radio, s5066d and link lived through the day; clients and their sessions through %.0f s of the clock on the wall.\n", idleScale, slept.Seconds()/idleScale)
	fmt.Fprintf(out, "Before, a message went each way; what ended that (acknowledgements, marks, the end of the soft link) was %d transmissions.\n", settled)
	return nil
}

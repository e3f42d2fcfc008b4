package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

const (
	precedenceRate  = 300
	precedenceScale = 4                // a machine that is busy for 100 ms must not make stations meet on the air
	flashEvery      = 20 * time.Second // on the average, from one flash that came to the next
	flashSize       = 40
)

// A precedenceCase is one interleaver. With the long one, two transmissions to and fro take longer than the goal, so only the median has one.
type precedenceCase struct {
	interleaver string
	longest     time.Duration // 0: no goal
	lines       int           // of routine
}

var precedenceCases = []precedenceCase{{"short", 20 * time.Second, 1000}, {"long", 0, 400}}

// urgency is what came of a case.
type urgency struct {
	waited []time.Duration // flashes
	behind int             // bytes of text that waited when the first was sent
	took   time.Duration   // until the last line of the routine
	faults []string
}

// precedenceStage has a flash be said again and again while a long routine is under way.
func precedenceStage(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintln(b.progress, "flashes behind a long routine")
	results := make([]urgency, len(precedenceCases))
	g, gctx := errgroup.WithContext(ctx)
	for i, c := range precedenceCases {
		g.Go(func() (err error) {
			if results[i], err = urgencyOf(gctx, b, c, uint64(i)); err != nil {
				err = fmt.Errorf("%s interleaver: %w", c.interleaver, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nFlashes of %d characters (\"!!\") behind a routine from the same user to the same user, at %d bit/s, turnaround 2 s, soft link up;\n", flashSize, precedenceRate)
	fmt.Fprintf(out, "half of them just after a transmission has begun, half at any moment; from client to client, in radio time; scale %d.\n", precedenceScale)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "interleaver\tflashes\tbehind\tmedian\t90 %\tlongest\tgoal\t\troutine done after\tin order, once\t\t")
	for i, c := range precedenceCases {
		u := results[i]
		slices.Sort(u.waited)
		n := len(u.waited)
		goal, word := "median ≤ 20 s", ""
		if c.longest > 0 {
			goal, word = "all ≤ 20 s", b.goal(u.waited[n-1] <= c.longest, "a flash, %s interleaver: %.1f s", c.interleaver, u.waited[n-1].Seconds())
		} else {
			word = b.goal(u.waited[n/2] <= 20*time.Second, "a flash, %s interleaver: median %.1f s", c.interleaver, u.waited[n/2].Seconds())
		}
		whole := b.goal(len(u.faults) == 0, "the routine, %s interleaver: %s", c.interleaver, strings.Join(u.faults, "; "))
		fmt.Fprintf(w, "%s\t%d\t%.0f KB\t%.1f s\t%.1f s\t%.1f s\t%s\t%s\t%.0f s\t%d lines\t%s\t\n", c.interleaver, n, float64(u.behind)/1024, u.waited[n/2].Seconds(),
			u.waited[n*9/10].Seconds(), u.waited[n-1].Seconds(), goal, word, u.took.Seconds(), c.lines, whole)
	}
	return w.Flush()
}

// urgencyOf measures one case.
func urgencyOf(ctx context.Context, b *bench, c precedenceCase, seed uint64) (u urgency, err error) {
	ctx, cancel := context.WithTimeout(ctx, 12*time.Minute)
	defer cancel()
	net, people, end, err := pairOf(ctx, b, "precedence-"+c.interleaver, rig.HF{Rate: precedenceRate, Scale: precedenceScale, Interleaver: c.interleaver})
	if err != nil {
		return u, err
	}
	defer end()
	for i, text := range []string{"Field, this is headquarters, radio check", "Headquarters, this is field, loud, clear"} {
		if _, err := say(ctx, people[i], people[1-i], i, text); err != nil {
			return u, err
		}
		if err := net.Quiet(ctx, 10*time.Second); err != nil {
			return u, err
		}
	}
	rnd := rand.New(rand.NewPCG(seed, 4))
	var lines []string
	begin := time.Now()
	for i := range c.lines {
		id, text := uuid(), routineLine(rnd, i)
		lines = append(lines, id)
		u.behind += len(text)
		if err := people[0].WriteString(decorated(0, people[1].User.JID(), id, text)); err != nil {
			return u, err
		}
	}
	if err := net.Sleep(ctx, 20*time.Second); err != nil {
		return u, err
	}
	last := lines[len(lines)-1]
	for i := 0; ; i++ {
		if i%2 == 0 {
			if err := keyed(ctx, net); err != nil {
				return u, err
			}
		}
		if _, done := people[1].hears(last); done {
			break
		}
		took, err := say(ctx, people[0], people[1], 0, "!!"+texts[i%len(texts)][:flashSize-2])
		if err != nil {
			return u, err
		}
		u.waited = append(u.waited, net.Air.Radio(took))
		if slow := net.Air.Radio(took); b.trace && slow > 20*time.Second {
			b.tell(net, c.interleaver, net.Air.Clock().Now().Add(-slow))
		}
		if err := net.Sleep(ctx, time.Duration((0.5+rnd.Float64())*float64(flashEvery))); err != nil {
			return u, err
		}
	}
	at, _ := people[1].hears(last)
	u.took = net.Air.Radio(at.Sub(begin))
	u.faults = people[1].odd(lines)
	return u, nil
}

// keyed waits until a transmission has just begun, or for a minute.
func keyed(ctx context.Context, net *rig.Net) error {
	for begin, was := time.Now(), true; time.Since(begin) < net.Real(time.Minute); {
		busy := net.Air.Busy()
		if busy && !was {
			return nil
		}
		was = busy
		if err := net.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// routineLine is something that nobody has said before.
func routineLine(rnd *rand.Rand, i int) string {
	words := strings.Fields(strings.Join(texts, " "))
	s := fmt.Sprint(i)
	for len(s) < 30 {
		s += " " + words[rnd.IntN(len(words))]
	}
	return s
}

// tell prints what was on the air while a flash waited for long.
func (b *bench) tell(net *rig.Net, what string, since time.Time) {
	fmt.Fprintf(b.progress, "%s: said at %.1f s\n", what, since.Sub(net.Air.Clock().Epoch).Seconds())
	var r onair.Reader
	for _, s := range net.Air.Signals() {
		if t := r.Read(s); s.End.After(since.Add(-time.Minute)) {
			fmt.Fprintln(b.progress, what, t.Line(net.Air.Clock().Epoch))
		}
	}
}

package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/station"
)

func chatCommand() command {
	return command{name: "chat", args: "ADDRESS|all", short: "orderwire: type lines, see lines (SAP 5)",
		long: `
Sends each line of standard input as one U_PDU of the orderwire: ASCII, CRLF behind it. Shows the lines that arrive. To "all" they are
broadcast. It ends with the input, and -wait later when answers are to be awaited; lines that nothing confirms are given time to be sent.
Good when every line was confirmed, or nothing confirms.`,
		flags: func(o *options) {
			o.common()
			o.sending(0, "to stay after the last line")
		},
		run: runChat}
}

func runChat(ctx context.Context, a *app, o *options, args []string) int {
	if !o.given("sap") {
		o.sap = station.Orderwire
	}
	if !o.given("to-sap") {
		o.toSAP = o.sap
	}
	p, code := a.one(o, "chat", args)
	if code != exitGood {
		return code
	}
	s, code := a.open(ctx, o, hideHeard)
	if s == nil {
		return code
	}
	reading, done := context.WithCancel(context.Background())
	defer done()
	lines, readErr := a.lines(reading)
	good, out := true, time.Time{}
	for i := 0; ; i++ {
		select {
		case line, ok := <-lines:
			if !ok {
				if err := <-readErr; err != nil {
					return s.end(fmt.Errorf("reading the input: %w", err), false)
				}
				if !s.stay(ctx, max(o.wait, s.radioTime(out))) {
					return s.end(station.ErrStopped, false)
				}
				return s.end(nil, good)
			}
			delivered, err := s.Say(ctx, p, i, line)
			if errors.As(err, new(*sis.Unbound)) || errors.Is(err, station.ErrStopped) {
				return s.end(err, false)
			}
			if err != nil {
				s.face.fail(a, exitMisuse, err, "this line was not sent")
			}
			good = good && delivered
			out = s.sentBy(out, p, len(line)+2)
		case err := <-s.ran:
			s.ran <- err
			return s.end(err, false)
		case <-ctx.Done():
			return s.end(station.ErrStopped, false)
		}
	}
}

// stay waits, and returns false if it was stopped.
func (s *session) stay(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(s.realTime(d)):
		return true
	case err := <-s.ran:
		s.ran <- err
		return true
	case <-ctx.Done():
		return false
	}
}

// sentBy is when the node should have sent one more U_PDU, if it had sent all before by then. Of one that is not confirmed it does not tell;
// and unbinding may take back what it still has.
func (s *session) sentBy(before time.Time, p station.Path, size int) time.Time {
	if p.ARQ() && p.Service.Confirmation != sis.NoConfirmation {
		return before
	}
	r, _ := s.o.radio()
	e := r.NonARQ(1, size, int(p.Service.MinRetransmissions))
	if p.ARQ() {
		e = r.ARQ(1, size)
	}
	if now := time.Now(); before.Before(now) {
		before = now.Add(s.realTime(5 * time.Second)) // to key up
	}
	return before.Add(s.realTime(e.Time))
}

// realTime is how long a time of the radio takes, and radioTime how long it is there until then.
func (s *session) realTime(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.o.scale)
}

func (s *session) radioTime(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return time.Duration(float64(time.Until(t)) * s.o.scale)
}

// lines reads the input until ctx is done; but reading a terminal cannot be broken off, and goes on as long as the program.
func (a *app) lines(ctx context.Context) (<-chan string, <-chan error) {
	lines, err := make(chan string), make(chan error, 1)
	go func() {
		r := bufio.NewScanner(a.in)
		for r.Scan() {
			if line := r.Text(); strings.TrimSpace(line) != "" {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
		}
		err <- r.Err()
		close(lines)
	}()
	return lines, err
}

func probeCommand() command {
	return command{name: "probe", args: "ADDRESS", short: "send one U_PDU of your own to any SAP, and show what comes",
		long: `
Sends a U_PDU of any bytes to any SAP (-to-sap), and shows everything that the node says and that arrives until -wait is over.
Good when the U_PDU was confirmed, or nothing confirms.`,
		flags: func(o *options) {
			o.common()
			o.sending(2*time.Minute, "for what comes back; 0: end with the confirmation")
			o.set.StringVar(&o.text, "text", "", "the U_PDU, as text")
			o.set.StringVar(&o.hex, "hex", "", "the U_PDU, as hex digits; spaces may be between them")
		},
		run: func(ctx context.Context, a *app, o *options, args []string) int {
			p, code := a.one(o, "probe", args)
			if code != exitGood {
				return code
			}
			u, err := hex.DecodeString(strings.Join(strings.Fields(o.hex), ""))
			if err != nil || (o.hex != "") == (o.text != "") {
				return a.misuse(errors.New("s5066con: give the U_PDU with either -text or -hex"), "for example: -hex '01 02 ff'")
			}
			u = append(u, o.text...)
			r, _ := o.radio()
			e := r.NonARQ(1, len(u), o.repeats)
			if p.ARQ() {
				e = r.ARQ(1, len(u))
			}
			if code, ok := a.plan(o, "probe", e); !ok {
				return code
			}
			if p.TTL == 0 {
				p.TTL = max(o.wait, 2*time.Minute)
			}
			s, code := a.open(ctx, o, nil)
			if s == nil {
				return code
			}
			good, err := s.Raw(ctx, p, "probe", 0, u)
			out := s.sentBy(time.Time{}, p, len(u))
			if err == nil && !s.stay(ctx, max(o.wait, s.radioTime(out))) {
				err = station.ErrStopped
			}
			return s.end(err, good)
		}}
}

func linkCommand() command {
	return command{name: "link", args: "ADDRESS", short: "make a hard link, hold it, break it",
		long: `
Asks the node for a hard link and holds it until -hold is over or it is interrupted; then it terminates it. A node has one at most, and
while it is there others may have to wait. It belongs to this bind: when the console ends, so does the link.
Good when it was established, and was not taken away.`,
		flags: func(o *options) {
			o.common()
			o.set.DurationVar(&o.lifetime, "hold", time.Minute, "how long; 0: until interrupted")
			o.set.IntVar(&o.linkType, "type", 0, "0: anybody may use it, 1: traffic of this client, 2: of this client and the one at -to-sap")
			o.set.IntVar(&o.linkRank, "link-priority", 0, "0 to 3; the higher wins")
			o.set.IntVar(&o.toSAP, "to-sap", -1, "the `SAP` at the other end, for type 2; as -sap")
		},
		run: runLink}
}

func runLink(ctx context.Context, a *app, o *options, args []string) int {
	p, code := a.one(o, "link", args)
	if code != exitGood {
		return code
	}
	if o.linkType < 0 || o.linkType > 2 || o.linkRank < 0 || o.linkRank > 3 {
		return a.misuse(errors.New("s5066con: -type is 0 to 2, and -link-priority 0 to 3"), "")
	}
	l := sis.HardLink{LinkType: sis.HardLinkType(o.linkType), Priority: uint8(o.linkRank), RemoteNode: p.To}
	if l.LinkType == sis.HardLinkForPair {
		l.RemoteSAP = uint8(o.toSAP)
	}
	s, code := a.open(ctx, o, hideHeard)
	if s == nil {
		return code
	}
	h, ok, err := s.MakeLink(ctx, l)
	if !ok {
		return s.end(err, false)
	}
	hold, cancel := ctx, context.CancelFunc(func() {})
	if o.lifetime > 0 {
		hold, cancel = context.WithTimeout(ctx, time.Duration(float64(o.lifetime)/o.scale))
	}
	defer cancel()
	if h.Wait(hold) {
		return s.end(nil, false)
	}
	h.Release()
	if ctx.Err() != nil && o.lifetime > 0 {
		return s.end(station.ErrStopped, false)
	}
	return s.end(nil, true)
}

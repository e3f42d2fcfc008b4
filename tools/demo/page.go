package main

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A page is where the transcript is printed.
type page struct {
	mu    sync.Mutex
	out   io.Writer
	color bool
}

func newPage(out io.Writer, color bool) *page { return &page{out: out, color: color} }

// Write makes the page a place for anything.
func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

// Colours by meaning.
const (
	dim    = "2"
	bold   = "1"
	ours   = "36" // headquarters
	theirs = "33" // field
	bad    = "31"
	good   = "32"
)

func (p *page) paint(color, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (p *page) note(text string) { fmt.Fprintln(p, p.paint(dim, text)) }

const textWidth = 46

func (p *page) title(o options) {
	fmt.Fprintf(p, "\n%s\n", p.paint(bold, "headquarters.net ⇄ field.net"))
	p.note(fmt.Sprintf("Two Longwire nodes (%s) and an IP link of %d bit/s and %v one way, which breaks for %v.", platform(), o.rate, o.delay, o.cut))
	p.note(fmt.Sprintf("The clients are mellium.im/xmpp over TLS. Times count from when a line was said. -seed %d", o.seed))
	fmt.Fprintf(p, "\n%s\n", p.paint(dim, fmt.Sprintf("%6s  %-5s %-*s %9s %7s %9s  %s", "said", "who", textWidth, "what", "accepted", "sent", "delivered", "on the wire")))
}

// line prints one line of the conversation. Times after the first are counted from when it was said.
func (p *page) line(sh *show, l *line) {
	color := []string{ours, theirs}[l.who]
	since := func(t time.Duration, unit time.Duration) string {
		if t == 0 || t < l.said {
			return "–"
		}
		if unit == time.Millisecond {
			return fmt.Sprintf("%d ms", (t - l.said).Milliseconds())
		}
		return fmt.Sprintf("%.1f s", (t - l.said).Seconds())
	}
	sent := l.sent
	if sent == 0 || sent > l.delivered {
		sent = l.queued // it left between two looks at the queue
	}
	wire := fmt.Sprintf("%d B", l.wire)
	if l.together > 1 {
		wire += fmt.Sprintf(", with %d more", l.together-1)
	}
	name := strings.ToUpper(cast[l.who][:1]) + cast[l.who][1:]
	fmt.Fprintf(p, "%s  %s %s %9s %7s %9s  %s\n", p.paint(dim, fmt.Sprintf("%6s", stamp(l.said))), p.paint(color, fmt.Sprintf("%-5s", name)), fit(l.text, textWidth),
		since(l.accepted, time.Millisecond), since(sent, time.Second), since(l.delivered, time.Second), wire)
}

// stamp is a time since the start.
func stamp(d time.Duration) string {
	return fmt.Sprintf("%d:%04.1f", int(d.Minutes()), d.Seconds()-60*float64(int(d.Minutes())))
}

// fit pads to a width in runes.
func fit(s string, width int) string {
	if n := len([]rune(s)); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return s
}

// event prints what happens to the path.
func (p *page) event(at time.Duration, text string) {
	fmt.Fprintf(p, "%s  %s\n", p.paint(dim, fmt.Sprintf("%6s", stamp(at))), p.paint(bad, "── "+text+" ──"))
}

// clock is event by the clock on the wall.
func (p *page) clock(text string) {
	fmt.Fprintf(p, "%s  %s\n", p.paint(dim, time.Now().Format("15:04:05")), p.paint(bad, "── "+text+" ──"))
}

// total sums up.
func (p *page) total(r result) {
	text := 0
	once := 0
	for _, l := range r.lines {
		text += len(l.text)
		if l.arrivals == 1 {
			once++
		}
	}
	fmt.Fprintf(p, "\n%d lines, %d characters: %d bytes to field, %d bytes to headquarters,\nacknowledgements and what the cut lost included. ",
		len(r.lines), text, r.forth, r.back)
	if err := r.verdict(); err != nil {
		fmt.Fprintf(p, "%s\n", p.paint(bad, err.Error()))
		return
	}
	fmt.Fprintf(p, "%s\n", p.paint(good, fmt.Sprintf("All %d arrived, each exactly once.", once)))
}

// invitation tells how to join.
func (p *page) invitation(s *stage) {
	fmt.Fprintf(p, "\n%s\n", p.paint(bold, "Now you: connect any XMPP client"))
	for i, n := range s.nodes {
		fmt.Fprintf(p, "  %s  password %s   server %s, port %d (STARTTLS) or %d (TLS)\n", p.paint([]string{ours, theirs}[i], fit("you@"+n.Domain, 21)), password, n.IP, n.Port, n.TLSPort)
		fmt.Fprintf(p, "  %s  certificate SHA-256 %s\n", strings.Repeat(" ", 21), fingerprint(n.Direct(), n.Domain))
	}
	n := s.nodes[0]
	fmt.Fprintf(p, "\n  as in   profanity, then  /connect you@%s server %s port %d tls trust\n", n.Domain, n.IP, n.Port)
	way := "the bad path, which keeps breaking now and then"
	if s.hf > 0 {
		way = "the radio, and its time"
	}
	fmt.Fprintf(p, "  and write to %s@%s: the answer takes %s.\n", cast[1], s.nodes[1].Domain, way)
	fmt.Fprintf(p, "  Your client enters the room %s or %s by itself (else: /join); it is one room.\n", roomAt(s.nodes[0]), roomAt(s.nodes[1]))
	fmt.Fprintf(p, "  Look behind it with   %s status --config %s\n", n.Bin, n.Config())
	fmt.Fprintf(p, "                        %s room show %s --config %s\n", n.Bin, roomName, n.Config())
	fmt.Fprintf(p, "                        %s queue watch --config %s\n", n.Bin, n.Config())
	fmt.Fprintf(p, "\n%s\n", p.paint(dim, "Ctrl-C ends it all."))
}

// fingerprint is that of the certificate that clients will see.
func fingerprint(address, domain string) string {
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: domain})
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
	return fmt.Sprintf("%x", sum)
}

package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

var errOutline = errors.New("telemetry: an outline that does not fit its skeleton")

// redraw makes a stanza of an outline: as large as the one that it was drawn of, of the same elements, and with filler for texts. now is
// when that is to be.
func redraw(text string, r Record, now time.Time) (*stanza.Stanza, error) {
	var b strings.Builder
	sizes := r.Sizes
	take := func() (int, bool) {
		if len(sizes) == 0 {
			return 0, false
		}
		n := sizes[0]
		sizes = sizes[1:]
		return n, true
	}
	letters := seed(r.Same)
	for _, c := range []byte(text) {
		if c != filler && c != stamp {
			b.WriteByte(c)
			continue
		}
		n, ok := take()
		if !ok || n < 0 || n > maxText || b.Len() > maxText {
			return nil, errOutline
		}
		if c == filler {
			letters = write(&b, n, letters)
			continue
		}
		ago, ok := take()
		if !ok {
			return nil, errOutline
		}
		b.WriteString(stamped(now.Add(-time.Duration(ago)*time.Second), n))
	}
	s, err := stream.ParseStanza([]byte(b.String()))
	if err != nil || len(sizes) > 0 {
		return nil, fmt.Errorf("%w: %v", errOutline, err)
	}
	for _, a := range []struct {
		to   *jid.JID
		text string
	}{{&s.From, r.From}, {&s.To, r.To}} {
		if a.text == "" {
			continue
		}
		if *a.to, err = jid.Parse(a.text); err != nil {
			return nil, fmt.Errorf("%w: %v", errOutline, err)
		}
	}
	return s, nil
}

// maxText bounds what a damaged record makes.
const maxText = 1 << 20

// write writes n letters. Equal seeds write equal ones, in equal places.
func write(b *strings.Builder, n int, seed uint64) uint64 {
	for range n {
		seed = seed*6364136223846793005 + 1442695040888963407
		b.WriteByte("etaoinshrdlucmfw"[seed>>60])
	}
	return seed
}

// stamped writes a time in about n bytes.
func stamped(at time.Time, n int) string {
	at = at.UTC()
	if n == len("20060102T15:04:05") {
		return at.Format("20060102T15:04:05")
	}
	s := at.Format("2006-01-02T15:04:05")
	if rest := n - len(s) - 1; rest >= 2 {
		s += "." + strings.Repeat("0", min(rest-1, 9))
	}
	return s + "Z"
}

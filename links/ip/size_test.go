package ip_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/codecs"
	"longwire/links/ip"
	"longwire/links/linktest"
	"longwire/store"
)

// taps are two ends of which each keeps what it sends.
type taps struct {
	*pipes
	mu       sync.Mutex
	payloads [2][][]byte // of the opener, of the other
}

func (o *taps) Open(ctx context.Context) (links.Session, error) {
	x, y := net.Pipe()
	o.mu.Lock()
	*o.conns = append(*o.conns, x, y)
	o.mu.Unlock()
	select {
	case o.other.accepted <- tapped{y, &o.mu, &o.payloads[1]}:
		return ip.NewSession(tapped{x, &o.mu, &o.payloads[0]}, o.o), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// size is how much was sent so far, either way.
func (o *taps) size() (n [2]int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, all := range o.payloads {
		for _, p := range all {
			n[i] += len(p)
		}
	}
	return n
}

// talk is a conversation on one connection: each message has its receipt, in the terse form that Longwire nodes give them.
type talk struct {
	taps *taps
	a, b *linktest.Node
	n    int
}

func (l *talk) put(from *linktest.Node, kind store.Kind, format string, args ...any) {
	from.Put(store.Entry{Kind: kind, From: "alice@headquarters.net", To: "bob@field.net", Queued: time.Now(), Stanza: fmt.Appendf(nil, format, args...)})
	time.Sleep(10 * time.Second)
}

// exchange is a message and its receipt; it tells what each took.
func (l *talk) exchange() (message, receipt int) {
	l.n++
	id := strconv.FormatInt(int64(1000+2*l.n), 36)
	start := l.taps.size()
	l.put(l.a, store.KindChat, "<message from='alice@headquarters.net' to='bob@field.net' id='%s' type='chat'><body>%s</body><request xmlns='urn:xmpp:receipts'/></message>",
		id, phrases[l.n%len(phrases)])
	l.put(l.b, store.KindReceipt, "<message from='bob@field.net' to='alice@headquarters.net' id='%s' type='chat'><received xmlns='urn:xmpp:receipts' id='%s'/></message>",
		strconv.FormatInt(int64(2001+2*l.n), 36), id)
	end := l.taps.size()
	return end[0] - start[0], end[1] - start[1]
}

func newTalk(t *testing.T, o ip.Options, methods []codecs.Method) *talk {
	p, q := newPipes(o)
	p.agree(methods...)
	q.agree(methods...)
	l := &talk{taps: &taps{pipes: p}, a: linktest.NewNode(t, "headquarters.net", "field.net"), b: linktest.NewNode(t, "field.net", "headquarters.net")}
	l.a.Start(links.Config{ZeroRTT: true, Dial: true}, l.taps)
	l.b.Start(links.Config{ZeroRTT: true}, q)
	return l
}

// Payload of TCP for a message of 40 characters and for its receipt, acks of stream management riding with them.
func TestSizesOfATalk(t *testing.T) {
	for _, tt := range []struct {
		name             string
		methods          []codecs.Method
		message, receipt float64 // at most, on a warm link
	}{
		{"deflate", nil, 40, 15},
		{"mix", []codecs.Method{mix()}, 18, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newTalk(t, ip.Options{Compress: true, Dense: true}, tt.methods)
				firstM, firstR := l.exchange()
				allM, allR := firstM, firstR
				for range 19 {
					m, r := l.exchange()
					allM, allR = allM+m, allR+r
				}
				var m, r int
				const n = 19
				for range n {
					x, y := l.exchange()
					m, r = m+x, r+y
				}
				l.taps.cut()
				before := l.taps.size()
				time.Sleep(time.Minute)
				idle := l.taps.size()
				againM, againR := l.exchange()
				mean := func(k int) float64 { return float64(k) / n }
				t.Logf("first message %d, receipt %d; first twenty %d, %d; warm %.1f, %.1f; words of a new connection %d, %d, first on it %d, %d",
					firstM, firstR, allM, allR, mean(m), mean(r), idle[0]-before[0], idle[1]-before[1], againM, againR)
				if mean(m) > tt.message || mean(r) > tt.receipt {
					t.Errorf("more than %v, %v", tt.message, tt.receipt)
				}
			})
		})
	}
}

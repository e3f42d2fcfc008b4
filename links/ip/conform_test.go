package ip_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/codec"
	"longwire/links/codecs"
	"longwire/links/ip"
	"longwire/links/linktest"
)

// pipes is a link between two ends of the same process, for synctest.
type pipes struct {
	o        ip.Options
	other    *pipes
	accepted chan net.Conn

	mu    *sync.Mutex
	conns *[]net.Conn
}

func newPipes(o ip.Options) (a, b *pipes) {
	mu, conns := new(sync.Mutex), new([]net.Conn)
	a = &pipes{o: o, accepted: make(chan net.Conn), mu: mu, conns: conns}
	b = &pipes{o: o, accepted: make(chan net.Conn), mu: mu, conns: conns, other: a}
	a.other = b
	return a, b
}

// agree gives each end its codecs.
func (p *pipes) agree(methods ...codecs.Method) { p.o.Agreement = ip.NewAgreement(methods, nil) }

// mix is the codec of the program.
func mix() codecs.Method {
	lore := codec.Base()
	return codecs.Method{Codec: codecs.Codec{Kind: codecs.Mix, ID: lore.ID()}, New: func() codecs.Model { return lore.Model() }, Canonical: codec.Canonical}
}

func (p *pipes) Open(ctx context.Context) (links.Session, error) {
	x, y := net.Pipe()
	p.mu.Lock()
	*p.conns = append(*p.conns, x, y)
	p.mu.Unlock()
	select {
	case p.other.accepted <- y:
		return ip.NewSession(x, p.o), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Second):
		return nil, errors.New("nobody there")
	}
}

func (p *pipes) Accept(ctx context.Context) (links.Session, error) {
	select {
	case c := <-p.accepted:
		return ip.NewSession(c, p.o), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) String() string { return "pipe" }

func (p *pipes) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range *p.conns {
		c.Close()
	}
	*p.conns = nil
}

func TestSessionsConform(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       ip.Options
		c       linktest.Case
		methods []codecs.Method
	}{
		{"codec, zero RTT", ip.Options{}, linktest.Case{Config: links.Config{ZeroRTT: true}}, []codecs.Method{mix()}},
		{"codec, zero RTT, both dial", ip.Options{}, linktest.Case{Config: links.Config{ZeroRTT: true}, Both: true}, []codecs.Method{mix()}},
		{"codec, safe resume", ip.Options{Compress: true}, linktest.Case{Again: true}, []codecs.Method{mix()}},
		{"zlib, dense, zero RTT", ip.Options{Compress: true, Dense: true}, linktest.Case{Config: links.Config{ZeroRTT: true}}, nil},
		{"zlib, dense, zero RTT, both dial", ip.Options{Compress: true, Dense: true}, linktest.Case{Config: links.Config{ZeroRTT: true}, Both: true}, nil},
		{"zlib, safe resume", ip.Options{Compress: true}, linktest.Case{Again: true}, nil},
		{"plain, implicit", ip.Options{}, linktest.Case{Config: links.Config{Management: links.Implicit}, Again: true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.Make = func(testing.TB) linktest.Ends {
				a, b := newPipes(tt.o)
				a.agree(tt.methods...)
				b.agree(tt.methods...)
				return linktest.Ends{A: a, B: b, Cut: a.cut}
			}
			linktest.Conform(t, tt.c)
		})
	}
}

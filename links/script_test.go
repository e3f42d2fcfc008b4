package links_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/linktest"
	"longwire/xmpp/stream"
)

// A play is one node and a peer that says what the test lets it say.
type play struct {
	t    *testing.T
	node *linktest.Node
	ours *linktest.Fake // the node's end
	end  *linktest.Fake // the tester's end
	s    links.Session
}

// stage sets a play up in a bubble.
func stage(t *testing.T, c links.Config, f func(*play)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := linktest.NewFake(100 * time.Millisecond)
		p := &play{t: t, node: linktest.NewNode(t, "headquarters.net", "field.net"), ours: a, end: b}
		if os.Getenv("PLAYLOG") != "" {
			p.node.Log = slog.New(slog.NewTextHandler(os.Stdout, nil))
		}
		p.node.Start(c, a)
		f(p)
		if p.s != nil {
			p.s.Close(nil)
		}
		p.node.Stop()
	})
}

// restart begins the node anew with another configuration.
func (p *play) restart(c links.Config) {
	p.t.Helper()
	if p.s != nil {
		p.s.Close(nil)
	}
	p.node.Stop()
	p.node.Start(c, p.ours)
}

// accept waits for the node to open.
func (p *play) accept() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	s, err := p.end.Accept(ctx)
	if err != nil {
		p.t.Fatal("the node does not open: ", err)
	}
	p.s = s
}

// open opens a contact to the node.
func (p *play) open() {
	p.t.Helper()
	s, err := p.end.Open(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	p.s = s
}

// cut loses the contact.
func (p *play) cut() {
	p.end.Cut()
	synctest.Wait()
}

// say sends words and stanzas to the node. A string is a stanza's body.
func (p *play) say(what ...any) {
	p.t.Helper()
	var batch []links.Piece
	for _, w := range what {
		switch w := w.(type) {
		case links.Piece:
			batch = append(batch, w)
		case string:
			batch = append(batch, links.Piece{Kind: links.Stanza,
				Data: []byte("<message from='bob@field.net' to='alice@headquarters.net' id='x'><body>" + w + "</body></message>")})
		}
	}
	if _, err := p.s.Send(batch); err != nil {
		p.t.Fatal(err)
	}
}

// hear expects what the node says next: words as printed by word, stanzas as "body".
func (p *play) hear(want ...string) (last links.Piece) {
	p.t.Helper()
	for i, w := range want {
		var piece links.Piece
		var err error
		heard := make(chan struct{})
		go func() {
			defer close(heard)
			piece, err = p.s.Recv()
		}()
		select {
		case <-heard:
		case <-time.After(3 * time.Hour):
			p.t.Fatalf("%d: heard nothing, want %s", i, w)
		}
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = word(piece)
		}
		if !matches(got, w) {
			p.t.Fatalf("%d: heard %q, want %q", i, got, w)
		}
		last = piece
	}
	return last
}

// matches compares with * for any one attribute value.
func matches(got, want string) bool {
	if want == "*" {
		return true
	}
	g, w := strings.Fields(got), strings.Fields(want)
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		name, pattern, _ := strings.Cut(w[i], "=")
		if g[i] != w[i] && !(pattern == "*" && strings.HasPrefix(g[i], name+"=")) {
			return false
		}
	}
	return true
}

// word prints a piece.
func word(p links.Piece) string {
	names := map[links.Kind]string{links.Enable: "enable", links.Enabled: "enabled", links.Resume: "resume", links.Resumed: "resumed",
		links.Failed: "failed", links.Ack: "a", links.Request: "r", links.Bye: "bye"}
	if p.Kind == links.Stanza {
		c, ok := p.Stanza.Child("", "body")
		if !ok {
			return p.Stanza.Kind.String()
		}
		return p.Stanza.Text(c)
	}
	s := names[p.Kind]
	if p.ID != "" {
		s += " id=" + p.ID
	}
	switch p.Kind {
	case links.Ack, links.Resume, links.Resumed:
		s += fmt.Sprintf(" h=%d", p.H)
	}
	if p.HasSeq {
		s += fmt.Sprintf(" seq=%d", p.Seq)
	}
	if p.Cause != "" {
		s += " " + p.Cause
	}
	return s
}

// arrived expects what the node has taken.
func (p *play) arrived(want ...string) {
	p.t.Helper()
	time.Sleep(time.Second)
	if got := fmt.Sprint(p.node.Received()); got != fmt.Sprint(want) {
		p.t.Errorf("the node took %v, want %v", got, want)
	}
}

// waiting expects how much the peer has not confirmed.
func (p *play) waiting(n int) {
	p.t.Helper()
	time.Sleep(time.Second)
	if got := p.node.Waiting(); got != n {
		p.t.Errorf("%d wait for confirmation, want %d", got, n)
	}
}

func (p *play) state(want links.State, fault string) {
	p.t.Helper()
	if s := p.node.Pump.Status(); s.State != want || s.Fault != fault {
		p.t.Errorf("state %q, %q; want %q, %q", s.State, s.Fault, want, fault)
	}
}

// Words the tester says.
func enable(id string) links.Piece  { return links.Piece{Kind: links.Enable, ID: id, Resumes: true} }
func enabled(id string) links.Piece { return links.Piece{Kind: links.Enabled, ID: id, Resumes: true} }
func resume(id string, h uint32) links.Piece {
	return links.Piece{Kind: links.Resume, ID: id, H: h, HasH: true}
}
func resumed(id string, h uint32) links.Piece {
	return links.Piece{Kind: links.Resumed, ID: id, H: h, HasH: true}
}
func ack(h uint32) links.Piece { return links.Piece{Kind: links.Ack, H: h, HasH: true} }
func at(p links.Piece, seq uint32) links.Piece {
	p.Seq, p.HasSeq = seq, true
	return p
}

var (
	failed   = links.Piece{Kind: links.Failed, Cause: "item-not-found"}
	request  = links.Piece{Kind: links.Request}
	replaced = &stream.Error{Condition: "conflict"}
	bye      = links.Piece{Kind: links.Bye}
)

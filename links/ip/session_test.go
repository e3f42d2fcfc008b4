package ip_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"longwire/links"
	"longwire/links/deflate"
	"longwire/links/ip"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// The words as they stand on the wire: XEP-0198 §3 to §5, with the attributes id (of enable) and seq between Longwire nodes.
var wire = []struct {
	piece links.Piece
	xml   string
}{
	{links.Piece{Kind: links.Enable, Resumes: true}, `<enable xmlns='urn:xmpp:sm:3' resume='true'/>`},
	{links.Piece{Kind: links.Enable, Resumes: true, ID: "k3f9qz"}, `<enable xmlns='urn:xmpp:sm:3' id='k3f9qz' resume='true'/>`},
	{links.Piece{Kind: links.Enabled, ID: "x7", Resumes: true, Seq: 9, HasSeq: true}, `<enabled xmlns='urn:xmpp:sm:3' id='x7' resume='true' seq='9'/>`},
	{links.Piece{Kind: links.Resume, ID: "x7", H: 17, HasH: true, Seq: 42, HasSeq: true}, `<resume xmlns='urn:xmpp:sm:3' previd='x7' h='17' seq='42'/>`},
	{links.Piece{Kind: links.Resume, ID: "x7", HasH: true}, `<resume xmlns='urn:xmpp:sm:3' previd='x7' h='0'/>`},
	{links.Piece{Kind: links.Resumed, ID: "x7", H: 4294967295, HasH: true}, `<resumed xmlns='urn:xmpp:sm:3' previd='x7' h='4294967295'/>`},
	{links.Piece{Kind: links.Failed, Cause: "item-not-found", H: 5, HasH: true},
		`<failed xmlns='urn:xmpp:sm:3' h='5'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>`},
	{links.Piece{Kind: links.Ack, H: 3, HasH: true}, `<a xmlns='urn:xmpp:sm:3' h='3'/>`},
	{links.Piece{Kind: links.Request}, `<r xmlns='urn:xmpp:sm:3'/>`},
	{links.Piece{Kind: links.Bye}, `</stream:stream>`},
}

func TestWords(t *testing.T) {
	for _, tt := range wire {
		t.Run(tt.xml, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				go func() {
					s := ip.NewSession(a, ip.Options{})
					s.Send([]links.Piece{tt.piece})
					s.Close(nil)
				}()
				got, err := io.ReadAll(b)
				if err != nil || string(got) != tt.xml {
					t.Errorf("sent %q, %v", got, err)
				}
				p, err := receive(t, ip.Options{}, []byte(tt.xml))
				p.Raw, p.Wire = 0, 0
				if err != nil || p.Kind != tt.piece.Kind || p.ID != tt.piece.ID || p.H != tt.piece.H || p.HasH != tt.piece.HasH ||
					p.Seq != tt.piece.Seq || p.HasSeq != tt.piece.HasSeq || p.Resumes != tt.piece.Resumes || p.Cause != tt.piece.Cause {
					t.Errorf("received %+v, %v; want %+v", p, err, tt.piece)
				}
			})
		})
	}
}

// receive is what a Session makes of bytes.
func receive(t *testing.T, o ip.Options, in []byte) (links.Piece, error) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	go func() {
		b.Write(in)
		b.Close()
	}()
	return ip.NewSession(a, o).Recv()
}

func TestSuperfluousHeaderIsTolerated(t *testing.T) {
	in := "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' from='headquarters.net'>" +
		"<message from='a@headquarters.net' to='b@field.net'><body>x</body></message></stream:stream>"
	p, err := receive(t, ip.Options{}, []byte(in))
	if err != nil || p.Kind != links.Stanza || p.Stanza.Kind != stanza.Message {
		t.Errorf("%+v, %v", p, err)
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	w, _ := zlib.NewWriterLevel(&b, 9)
	io.WriteString(w, s)
	w.Flush()
	return b.Bytes()
}

func TestSessionRefuses(t *testing.T) {
	const message = "<message from='a@headquarters.net' to='b@field.net'><body>%</body></message>"
	large := strings.Replace(message, "%", strings.Repeat("x y", 30_000), 1)
	for _, tt := range []struct {
		name string
		o    ip.Options
		in   []byte
		want error
	}{
		{"malformed XML", ip.Options{}, []byte("<message><body></message>"), &stream.Error{Condition: "not-well-formed"}},
		{"a comment", ip.Options{}, []byte("<!-- x -->"), &stream.Error{Condition: "restricted-xml"}},
		{"text", ip.Options{}, []byte("hello"), &stream.Error{Condition: "bad-format"}},
		{"a stanza too large", ip.Options{}, []byte(large), &stream.Error{Condition: "policy-violation", Text: "stanza too large"}},
		{"a stanza too large, compressed", ip.Options{Compress: true}, zipped(large), &stream.Error{Condition: "policy-violation", Text: "stanza too large"}},
		{"a bomb", ip.Options{Compress: true, MaxStanza: 8 << 20}, zipped("<message><body>" + strings.Repeat(" ", 4<<20)),
			&stream.Error{Condition: "policy-violation", Text: "inflates too much"}},
		{"uncompressed", ip.Options{Compress: true}, []byte(message), deflate.ErrNotZlib},
		{"damaged", ip.Options{Compress: true}, []byte{0x78, 0x9C, 0x07}, &stream.Error{Condition: "undefined-condition"}},
		{"compressed, but not agreed", ip.Options{}, zipped(message), &stream.Error{}},
		{"unknown word", ip.Options{}, []byte("<hello xmlns='urn:x'/>"), &stream.Error{Condition: "unsupported-stanza-type", Text: "hello"}},
		{"ack without h", ip.Options{}, []byte("<a xmlns='urn:xmpp:sm:3'/>"), &stream.Error{Condition: "invalid-xml", Text: "a without h"}},
		{"h that is none", ip.Options{}, []byte("<a xmlns='urn:xmpp:sm:3' h='4294967296'/>"), &stream.Error{Condition: "invalid-xml"}},
		{"stanza 0", ip.Options{}, []byte("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0' seq='0'/>"), &stream.Error{Condition: "invalid-xml"}},
		{"a long id", ip.Options{}, []byte("<enable xmlns='urn:xmpp:sm:3' id='" + strings.Repeat("x", 300) + "'/>"), &stream.Error{Condition: "invalid-xml"}},
		{"cut within a stanza", ip.Options{}, []byte("<message>"), io.ErrUnexpectedEOF},
		{"cut between stanzas", ip.Options{}, nil, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := receive(t, tt.o, tt.in); !errors.Is(err, tt.want) {
				t.Errorf("%+v, %v; want %v", p, err, tt.want)
			}
		})
	}
}

func TestStreamErrorOfThePeer(t *testing.T) {
	_, err := receive(t, ip.Options{}, []byte("<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"))
	var remote *links.RemoteError
	if !errors.As(err, &remote) || remote.Condition != "conflict" {
		t.Errorf("%v", err)
	}
}

func TestCloseTellsThePeerWhy(t *testing.T) {
	a, b := net.Pipe()
	go ip.NewSession(a, ip.Options{}).Close(&stream.Error{Condition: "conflict"})
	got, _ := io.ReadAll(b)
	want := "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
	if string(got) != want {
		t.Errorf("%q", got)
	}
}

// FuzzRecv feeds a session anything; nothing may panic or grow without bound.
func FuzzRecv(f *testing.F) {
	for _, tt := range wire {
		f.Add([]byte(tt.xml), false)
		f.Add(zipped(tt.xml), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, compress bool) {
		a, b := net.Pipe()
		defer a.Close()
		go func() {
			b.Write(in)
			b.Close()
		}()
		s := ip.NewSession(a, ip.Options{Compress: compress})
		for {
			p, err := s.Recv()
			if err != nil {
				return
			}
			if p.Kind == 0 || p.Kind == links.Stanza && p.Stanza == nil {
				t.Fatalf("%+v", p)
			}
		}
	})
}

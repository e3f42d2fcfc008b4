package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

const (
	clientHeader = `<stream:stream to='field.net' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	serverHeader = `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:p'>`
)

var (
	client = stream.Options{NS: stream.NSClient}
	server = stream.Options{NS: stream.NSServer}
	peer   = stream.Options{NS: stream.NSServer, HeaderLess: true}
)

// play reads all of r and tells each event as a line; the error is the last.
func play(r io.Reader, o stream.Options) (lines []string) {
	d := stream.NewReader(r, o)
	for {
		ev, err := d.Next()
		if err != nil {
			return append(lines, err.Error())
		}
		lines = append(lines, tell(ev))
	}
}

func tell(ev stream.Event) string {
	switch ev.Kind {
	case stream.Open:
		return fmt.Sprintf("open %+v", ev.Header)
	case stream.Close:
		return "close"
	case stream.Nonza:
		return fmt.Sprintf("nonza %q %s: %s", ev.Nonza.Name.Space, ev.Nonza.Name.Local, ev.Nonza.Raw)
	}
	line := "stanza " + string(ev.Stanza.Bytes())
	for _, c := range ev.Stanza.Children {
		line += fmt.Sprintf("\n\t%q %s: %s: %s", c.Name.Space, c.Name.Local, ev.Stanza.Raw(c), ev.Stanza.Text(c))
	}
	if ev.AddrErr != nil {
		line += "\n\t" + ev.AddrErr.Error()
	}
	return line
}

func TestReader(t *testing.T) {
	const open = "open {From: To:field.net ID: Version:1.0 Lang:en}"
	const openServer = "open {From: To: ID: Version: Lang:}"
	for _, c := range []struct {
		name string
		o    stream.Options
		in   string
		want []string
	}{
		{"a whole stream", client,
			"<?xml version='1.0'?>\n" + clientHeader + " <message to='a@b/c' type='chat' id='1'><body>hi</body></message>\n<r xmlns='urn:xmpp:sm:3'/></stream:stream >",
			[]string{open, "stanza <message to='a@b/c' type='chat' id='1'><body>hi</body></message>\n\t\"\" body: <body>hi</body>: hi",
				`nonza "urn:xmpp:sm:3" r: <r xmlns='urn:xmpp:sm:3'/>`, "close", "EOF"}},
		{"what follows the end is not read", client, clientHeader + "</stream:stream><message/>", []string{open, "close", "EOF"}},
		{"a byte order mark", client, "\xEF\xBB\xBF<?xml version=\"1.0\" encoding='utf-8' standalone='yes' ?>" + clientHeader, []string{open, "EOF"}},
		{"a keepalive before the declaration", client, " \n<?xml version='1.0'?>" + clientHeader, []string{open, "EOF"}},
		{"all header attributes", server,
			`<stream:stream from='a&amp;b' to="c" id='i' version='1.0' xml:lang='de' x='y' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>`,
			[]string{"open {From:a&b To:c ID:i Version:1.0 Lang:de}", "EOF"}},
		{"no header at all", peer, "<message from='a@b' to='c@d'/>", []string{"stanza <message from='a@b' to='c@d'/>", "EOF"}},
		{"a superfluous header", peer, "<?xml version='1.0'?>" + serverHeader + "<p:r/><presence/></stream:stream>",
			[]string{openServer, `nonza "urn:p" r: <p:r xmlns:p='urn:p'/>`, "stanza <presence/>", "close", "EOF"}},
		{"only a declaration", peer, "<?xml version='1.0'?><presence/>", []string{"stanza <presence/>", "EOF"}},
		{"an end without beginning", peer, "</stream:stream>", []string{"close", "EOF"}},
		{"a stream error", peer, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
			[]string{`nonza "http://etherx.jabber.org/streams" error: <stream:error xmlns:stream='http://etherx.jabber.org/streams'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`, "close", "EOF"}},
		{"attributes of a stanza", peer, `<iq x='1' xml:lang='en' type='get' stream:y='&lt;' id="'" to='C@D.' from='a@b'/>`,
			[]string{`stanza <iq from='a@b' to='c@d' type='get' id='&apos;' xml:lang='en' x='1' xmlns:a1='http://etherx.jabber.org/streams' a1:y='&lt;'/>`, "EOF"}},
		{"the content namespace named", peer, `<message xmlns='jabber:server'><body xmlns='jabber:server'>x<b/></body><x xmlns='jabber:client'/></message>`,
			[]string{"stanza <message><body>x<b/></body><x xmlns='jabber:client'/></message>\n\t\"\" body: <body>x<b/></body>: x\n\t\"jabber:client\" x: <x xmlns='jabber:client'/>: ", "EOF"}},
		{"the content namespace by prefix", peer, `<c:message xmlns:c='jabber:server' xmlns='urn:x'><c:body>x</c:body><y/></c:message>`,
			[]string{"stanza <message><body>x</body><y xmlns='urn:x'/></message>\n\t\"\" body: <body>x</body>: x\n\t\"urn:x\" y: <y xmlns='urn:x'/>: ", "EOF"}},
		{"inside a forwarded message nothing changes", client, clientHeader + `<message><f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></f></message>`,
			[]string{open, "stanza <message><f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></f></message>\n\t\"urn:xmpp:forward:0\" f: <f xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body/></message></f>: ", "EOF"}},
		{"a prefix of the stream", server, serverHeader + `<message p:a='1'> <p:x/><y p:z='2'/></message>`,
			[]string{openServer, "stanza <message xmlns:a0='urn:p' a0:a='1'> <p:x xmlns:p='urn:p'/><y xmlns:p='urn:p' p:z='2'/></message>\n\t\"urn:p\" x: <p:x xmlns:p='urn:p'/>: \n\t\"\" y: <y xmlns:p='urn:p' p:z='2'/>: ", "EOF"}},
		{"no namespace", peer, `<message><x xmlns=''/></message><y xmlns=''/>`,
			[]string{"stanza <message><x xmlns=''/></message>\n\t\"\\x00\" x: <x xmlns=''/>: ", `nonza "\x00" y: <y xmlns=''/>`, "EOF"}},
		{"no stanza", peer, `<message xmlns='jabber:client'/><body/><stream:message/>`,
			[]string{`nonza "jabber:client" message: <message xmlns='jabber:client'/>`, `nonza "" body: <body/>`,
				`nonza "http://etherx.jabber.org/streams" message: <stream:message xmlns:stream='http://etherx.jabber.org/streams'/>`, "EOF"}},
		{"text among children", peer, "<message>a&amp;<body/>b<![CDATA[<]]></message><presence></presence>",
			[]string{"stanza <message>a&amp;<body/>b<![CDATA[<]]></message>\n\t\"\" body: <body/>: ", "stanza <presence/>", "EOF"}},
		{"addresses that are none", peer, `<message to='@' from='a@b'/><iq to='a@b' from=''/><iq to='a@b'/>`,
			[]string{"stanza <message from='a@b'/>\n\tstream: stanza to jid: \"@\": empty localpart before @: malformed address",
				"stanza <iq to='a@b'/>\n\tstream: stanza from jid: \"\": domainpart has a label of the wrong length: malformed address", "stanza <iq to='a@b'/>", "EOF"}},
		{"nothing", client, "", []string{"EOF"}}, {"blanks", peer, " \t\r\n", []string{"EOF"}},
		{"half a stanza", peer, "<message><body>", []string{"unexpected EOF"}}, {"half a tag", peer, "<presence/><mess", []string{"stanza <presence/>", "unexpected EOF"}},
		{"half a header", client, "<stream:stream to='", []string{"unexpected EOF"}}, {"half a declaration", client, "<?xml", []string{"unexpected EOF"}},
		{"half an end", peer, "</stream:str", []string{"unexpected EOF"}}, {"one byte", peer, "<", []string{"unexpected EOF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, r := range cuts(c.in) {
				if got := play(r, c.o); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
					t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			}
		})
	}
}

// cuts gives the same bytes in several portions.
func cuts(in string) map[string]io.Reader {
	return map[string]io.Reader{
		"at once":           strings.NewReader(in),
		"byte by byte":      iotest.OneByteReader(strings.NewReader(in)),
		"half by half":      iotest.HalfReader(strings.NewReader(in)),
		"with its EOF":      iotest.DataErrReader(strings.NewReader(in)),
		"with empty reads":  &hiccup{r: strings.NewReader(in)},
		"seven at a time":   &portions{strings.NewReader(in), 7},
		"hundred at a time": &portions{strings.NewReader(in), 100},
	}
}

type portions struct {
	r io.Reader
	n int
}

func (p *portions) Read(b []byte) (int, error) { return p.r.Read(b[:min(len(b), p.n)]) }

// hiccup returns nothing every other time.
type hiccup struct {
	r   io.Reader
	odd bool
}

func (h *hiccup) Read(b []byte) (int, error) {
	if h.odd = !h.odd; h.odd {
		return 0, nil
	}
	return h.r.Read(b[:min(len(b), 3)])
}

func TestStreamErrors(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	for _, c := range []struct {
		name, condition string
		o               stream.Options
		in              string
	}{
		{"comment", "restricted-xml", peer, "<!-- x --><message/>"},
		{"comment in a stanza", "restricted-xml", peer, "<message><!-- x --></message>"},
		{"processing instruction", "restricted-xml", peer, "<message><?x?></message>"},
		{"declaration that is none", "restricted-xml", client, "<?xml-stylesheet href='x'?>"},
		{"second declaration", "restricted-xml", client, "<?xml version='1.0'?><?xml version='1.0'?>"},
		{"late declaration", "restricted-xml", peer, "<presence/><?xml version='1.0'?>"},
		{"DTD", "restricted-xml", client, "<!DOCTYPE stream [<!ENTITY x 'y'>]>"},
		{"DTD within", "restricted-xml", peer, "<message><!DOCTYPE x></message>"},
		{"entity", "restricted-xml", peer, "<message><body>&lol9;</body></message>"},
		{"entity in an attribute", "restricted-xml", peer, "<message id='&nbsp;'/>"},

		{"wrong end tag", "not-well-formed", peer, "<message><body></message>"},
		{"repeated attribute", "not-well-formed", peer, "<message id='1' id='2'/>"},
		{"unbound prefix", "not-well-formed", peer, "<message><p:x/></message>"},
		{"declaration of the stanza before", "not-well-formed", peer, "<message xmlns:p='urn:p'/><p:x/>"},
		{"]]>", "not-well-formed", peer, "<message>]]></message>"},
		{"control character", "not-well-formed", peer, "<message>\x00</message>"},
		{"end tag of something", "not-well-formed", peer, "</message>"},
		{"end tag like the stream's", "not-well-formed", peer, "</stream:streams>"},
		{"end tag of the stream, with an attribute", "not-well-formed", peer, "</stream:stream x=''>"},
		{"end before the beginning", "not-well-formed", client, "</stream:stream>"},
		{"another protocol", "not-well-formed", client, "GET / HTTP/1.1\r\n\r\n"},
		{"TLS where none is", "not-well-formed", client, "\x16\x03\x01\x02\x00"},
		{"TLS where none is, header-less", "bad-format", peer, "\x16\x03\x01\x02\x00"},
		{"declaration without version", "not-well-formed", client, "<?xml encoding='UTF-8'?>"},
		{"declaration of XML 1.1", "not-well-formed", client, "<?xml version='1.1'?>"},
		{"declaration with more", "not-well-formed", client, "<?xml version='1.0' x='y'?>"},
		{"declaration out of order", "not-well-formed", client, "<?xml version='1.0' standalone='yes' encoding='UTF-8'?>"},
		{"declaration without space", "not-well-formed", client, "<?xml version='1.0'encoding='UTF-8'?>"},
		{"declaration without end", "not-well-formed", client, "<?xml version='1.0'" + long},
		{"standalone maybe", "not-well-formed", client, "<?xml version='1.0' standalone='maybe'?>"},
		{"name that expat refuses, from a client", "not-well-formed", client, clientHeader + "<message><\U00010000/></message>"},

		{"Latin-1 declared", "unsupported-encoding", client, "<?xml version='1.0' encoding='ISO-8859-1'?>"},
		{"UTF-16, big end first", "unsupported-encoding", client, "\xFE\xFF\x00<"},
		{"UTF-16, little end first", "unsupported-encoding", client, "\xFF\xFE<\x00"},
		{"UTF-16 without mark", "unsupported-encoding", client, "<\x00?\x00"},
		{"UTF-32", "unsupported-encoding", client, "\x00\x00\x00<"},
		{"no UTF-8", "unsupported-encoding", peer, "<message><body>\xe9</body></message>"},
		{"no UTF-8 in an attribute", "unsupported-encoding", peer, "<message id='\xc0\xaf'/>"},

		{"another streams namespace", "invalid-namespace", client, "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>"},
		{"no streams namespace", "invalid-namespace", client, "<stream xmlns='jabber:client'>"},
		{"another content namespace", "invalid-namespace", client, serverHeader},
		{"another content namespace, for a server", "invalid-namespace", server, clientHeader},
		{"no content namespace", "invalid-namespace", client, "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"},
		{"another content namespace, header-less", "invalid-namespace", peer, clientHeader},
		{"another prefix", "bad-namespace-prefix", client, "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>"},
		{"no prefix", "bad-namespace-prefix", client, "<stream xmlns='http://etherx.jabber.org/streams'>"},
		{"another prefix in the stream", "bad-namespace-prefix", peer, "<s:error xmlns:s='http://etherx.jabber.org/streams'/>"},

		{"no stream", "bad-format", client, "<stream:features xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"},
		{"stanza before the stream", "invalid-namespace", client, "<message xmlns='jabber:client'/>"},
		{"empty stream", "bad-format", client, "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'/>"},
		{"stream within a stream", "bad-format", client, clientHeader + clientHeader},
		{"stream after a stanza", "bad-format", peer, "<presence/>" + serverHeader},
		{"text between stanzas", "bad-format", peer, "<presence/>x<presence/>"},
		{"reference between stanzas", "bad-format", peer, "<presence/>&#32;"},

		{"large body", "policy-violation", peer, "<message><body>" + long},
		{"large tag", "policy-violation", peer, "<message id='" + long},
		{"large header", "policy-violation", client, "<stream:stream to='" + long},
		{"many attributes", "policy-violation", peer, "<message" + many(" a%d=''", 129) + "/>"},
		{"nested deep", "policy-violation", peer, "<message>" + strings.Repeat("<a>", 128)},
		{"many children", "policy-violation", peer, "<message>" + strings.Repeat("<a/>", 1025) + "</message>"},
		{"large by one byte", "policy-violation", peer, "<message>" + strings.Repeat("x", 10_001-len("<message></message>")) + "</message>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first string
			for name, r := range cuts(c.in) {
				d := stream.NewReader(r, c.o)
				var err error
				for err == nil {
					_, err = d.Next()
				}
				if !errors.Is(err, &stream.Error{Condition: c.condition}) {
					t.Errorf("%s: %v, want %s", name, err, c.condition)
				}
				if first == "" {
					first = err.Error()
				}
				if err.Error() != first {
					t.Errorf("%s: %v, but also %v", name, err, first)
				}
				if _, again := d.Next(); again != err {
					t.Errorf("%s: then %v", name, again)
				}
			}
		})
	}
}

func many(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestStanzaAtTheLimitPasses(t *testing.T) {
	in := "<message>" + strings.Repeat("x", 10_000-len("<message></message>")) + "</message>"
	if got := play(strings.NewReader(strings.Repeat(in, 3)), peer); len(got) != 4 || got[3] != "EOF" {
		t.Errorf("%.100q", got)
	}
}

func TestLimitMayRise(t *testing.T) {
	in := "<message>" + strings.Repeat("x", 9_000) + "</message>"
	d := stream.NewReader(strings.NewReader(strings.Repeat(in, 2)), stream.Options{NS: stream.NSServer, HeaderLess: true, MaxBytes: 500})
	d.SetMaxBytes(10_000)
	if _, err := d.Next(); err != nil {
		t.Error(err)
	}
	d.SetMaxBytes(9_000)
	if _, err := d.Next(); !errors.Is(err, &stream.Error{Condition: "policy-violation"}) {
		t.Error(err)
	}
}

// A stanza too large is refused before it is read to its end, and with little memory.
func TestOversizeIsRefusedAtTheLimit(t *testing.T) {
	r := &counter{r: &repeat{text: "<message><body>" + strings.Repeat("x", 1<<20)}}
	d := stream.NewReader(r, peer)
	_, err := d.Next()
	if !errors.Is(err, &stream.Error{Condition: "policy-violation"}) || r.n > 16_384 {
		t.Errorf("%v after %d bytes", err, r.n)
	}
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

// After a timeout the Reader goes on where it was.
func TestReadErrorsPass(t *testing.T) {
	r := iotest.TimeoutReader(iotest.HalfReader(strings.NewReader("<message><body>" + strings.Repeat("x", 1000) + "</body></message><presence/>")))
	d := stream.NewReader(r, peer)
	if _, err := d.Next(); err != iotest.ErrTimeout {
		t.Fatal(err)
	}
	ev, err := d.Next()
	if err != nil || len(ev.Stanza.Inner) != 1013 {
		t.Fatalf("%+v, %v", ev, err)
	}
	if ev, err = d.Next(); err != nil || ev.Stanza.Kind != stanza.Presence {
		t.Fatalf("%+v, %v", ev, err)
	}
}

func TestReaderThatNeverReads(t *testing.T) {
	d := stream.NewReader(iotest.ErrReader(nil), peer)
	if _, err := d.Next(); err != io.ErrNoProgress {
		t.Error(err)
	}
}

func TestRestart(t *testing.T) {
	in := "<?xml version='1.0'?>" + clientHeader + "<auth xmlns='urn:a'/> <?xml version='1.0'?>" + clientHeader + "<presence/>"
	d := stream.NewReader(strings.NewReader(in), client)
	want := func(kind stream.EventKind) {
		t.Helper()
		if ev, err := d.Next(); err != nil || ev.Kind != kind {
			t.Fatalf("%+v, %v; want kind %d", ev, err, kind)
		}
	}
	want(stream.Open)
	want(stream.Nonza)
	d.Restart(nil)
	want(stream.Open)
	if d.Buffered() != len("<presence/>") {
		t.Errorf("%d bytes buffered", d.Buffered())
	}
	d.Restart(strings.NewReader(clientHeader + "</stream:stream>"))
	if d.Buffered() != 0 {
		t.Errorf("%d bytes buffered after another source", d.Buffered()) // RFC 6120 §5.4.3.3: what came before TLS is no part of it
	}
	want(stream.Open)
	want(stream.Close)
	d.Restart(strings.NewReader("<message>"))
	if _, err := d.Next(); !errors.Is(err, &stream.Error{Condition: "invalid-namespace"}) {
		t.Error(err)
	}
	d.Restart(strings.NewReader(clientHeader))
	want(stream.Open)
}

func TestAddrErr(t *testing.T) {
	d := stream.NewReader(strings.NewReader("<message to='a@@' from='&lt;@b' id='7'/>"), peer)
	ev, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	e := ev.AddrErr
	if e.RawTo != "a@@" || e.RawFrom != "<@b" || !errors.Is(e.To, jid.ErrMalformed) || !errors.Is(e.From, jid.ErrMalformed) || !errors.Is(e, jid.ErrMalformed) {
		t.Errorf("%+v", e)
	}
	if ev.Stanza.ID != "7" || !ev.Stanza.To.IsZero() || !ev.Stanza.From.IsZero() {
		t.Errorf("%+v", ev.Stanza)
	}
}

// What a stanza holds stays as it is while the Reader goes on.
func TestStanzasDoNotShareTheBuffer(t *testing.T) {
	var in strings.Builder
	for i := range 200 {
		fmt.Fprintf(&in, "<message to='u%d@b' id='i%d' x='x%d'><body>b%d</body><stream:y z='%d'/></message>", i, i, i, i, i)
	}
	d := stream.NewReader(strings.NewReader(in.String()), peer)
	var all []*stanza.Stanza
	for range 200 {
		ev, err := d.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ev.Stanza)
	}
	for i, s := range all {
		want := fmt.Sprintf("<message to='u%d@b' id='i%d' x='x%d'><body>b%d</body><stream:y xmlns:stream='http://etherx.jabber.org/streams' z='%d'/></message>", i, i, i, i, i)
		if got := string(s.Bytes()); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		if _ = append(s.Raw(s.Children[0]), "garbage"...); string(s.Bytes()) != want {
			t.Fatal("appending to Raw writes into Inner")
		}
	}
}

func TestParseStanza(t *testing.T) {
	in := `<message from='a@b/c' to='d@e' type='chat' id='1' xml:lang='en' x='&#10;'>t<body>x &amp; y</body><p:z xmlns:p='urn:p'/></message>`
	s, err := stream.ParseStanza([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(s.Bytes()); got != in {
		t.Errorf("%s", got)
	}
	for _, in := range []string{"", "<message>", "<message/> ", " <message/>", "<message/><message/>", "<x/>", "<message xmlns='jabber:client'/>", "<message to='@'/>", "<message><stream:x/></message>", "<?xml version='1.0'?><message/>"} {
		if s, err := stream.ParseStanza([]byte(in)); err == nil || s != nil {
			t.Errorf("%q: %+v", in, s)
		}
	}
	if _, err := stream.ParseStanza([]byte("<message to='@'/>")); !errors.Is(err, jid.ErrMalformed) {
		t.Error(err)
	}
	if _, err := stream.ParseStanza([]byte("<message>")); !errors.Is(err, markup.ErrMalformed) {
		t.Error(err)
	}
}

// counting tells whether allocations can be counted.
var counting = true

func TestReadChatAllocatesLittle(t *testing.T) {
	if !counting {
		t.Skip("pools forget under the race detector")
	}
	d := stream.NewReader(&repeat{text: chat}, stream.Options{NS: stream.NSClient, HeaderLess: true})
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := d.Next(); err != nil {
			t.Fatal(err)
		}
	}); n > 5 {
		t.Errorf("%v allocations for a message", n)
	}
}

// once gives its text, then blocks nobody: it says that there is nothing yet.
type once struct{ text []byte }

var errLater = errors.New("later")

func (o *once) Read(b []byte) (int, error) {
	if len(o.text) == 0 {
		return 0, errLater
	}
	n := copy(b, o.text)
	if o.text = o.text[n:]; len(o.text) == 0 {
		o.text = nil
	}
	return n, nil
}

func TestIdleReaderIsSmall(t *testing.T) {
	const n = 1000
	readers := make([]*stream.Reader, n)
	large := "<message><body>" + strings.Repeat("x", 9_000) + "</body></message>"
	heap := func() uint64 {
		runtime.GC()
		runtime.GC() // the first only moves what pools hold aside
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range readers {
		readers[i] = stream.NewReader(&once{[]byte(clientHeader + chat + large + strings.Repeat("<a/>", 200))}, client)
		for {
			if _, err := readers[i].Next(); err == errLater {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	each := (heap() - before) / n
	t.Logf("%d bytes for an idle Reader", each)
	if counting && each > 1200 {
		t.Errorf("an idle Reader holds %d bytes", each)
	}
	runtime.KeepAlive(readers)
}

func TestHeaderAppend(t *testing.T) {
	h := stream.Header{From: "field.net", To: "a&b", ID: "x'y", Version: "1.0", Lang: "en"}
	got := string(h.Append(nil, stream.NSClient))
	want := `<?xml version='1.0'?><stream:stream from='field.net' to='a&amp;b' id='x&apos;y' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	if got != want {
		t.Errorf("%s", got)
	}
	d := stream.NewReader(bytes.NewReader(stream.AppendClose([]byte(got))), client)
	if ev, err := d.Next(); err != nil || ev.Header != h {
		t.Errorf("%+v, %v", ev, err)
	}
	if ev, err := d.Next(); err != nil || ev.Kind != stream.Close {
		t.Errorf("%+v, %v", ev, err)
	}
}

func TestErrorRoundTrip(t *testing.T) {
	for _, c := range []struct {
		e    stream.Error
		want string
	}{
		{stream.Error{Condition: "conflict"}, `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`},
		{stream.Error{Condition: "conflict", Text: "a<b", App: []byte("<x xmlns='urn:x'/>")},
			`<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a&lt;b</text><x xmlns='urn:x'/></stream:error>`},
		{stream.Error{Condition: "see-other-host", Text: "[::1]:5222"}, `<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>[::1]:5222</see-other-host></stream:error>`},
	} {
		b := c.e.Append(nil)
		if string(b) != c.want {
			t.Errorf("%s", b)
		}
		ev, err := stream.NewReader(bytes.NewReader(b), peer).Next()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := stream.ParseError(ev.Nonza)
		if !ok || got.Condition != c.e.Condition || got.Text != c.e.Text || !bytes.Equal(got.App, c.e.App) {
			t.Errorf("%+v", got)
		}
	}
	for in, want := range map[string]string{
		"<stream:error/>": "undefined-condition", "<stream:error><x xmlns='urn:x'/></stream:error>": "undefined-condition",
		"<stream:error><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>t</text><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>": "reset",
	} {
		ev, err := stream.NewReader(strings.NewReader(in), peer).Next()
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := stream.ParseError(ev.Nonza); !ok || e.Condition != want {
			t.Errorf("%s: %+v", in, e)
		}
	}
	if _, ok := stream.ParseError(nil); ok {
		t.Error("nil is no stream error")
	}
	if _, ok := stream.ParseError(&markup.Element{Name: markup.Name{Local: "error"}}); ok {
		t.Error("an error in another namespace is no stream error")
	}
}

func TestErrorIs(t *testing.T) {
	err := fmt.Errorf("reading: %w", &stream.Error{Condition: "reset", Text: "x"})
	for _, c := range []struct {
		target stream.Error
		want   bool
	}{{stream.Error{}, true}, {stream.Error{Condition: "reset"}, true}, {stream.Error{Text: "x"}, true}, {stream.Error{Condition: "conflict"}, false}, {stream.Error{Condition: "reset", Text: "y"}, false}} {
		if errors.Is(err, &c.target) != c.want {
			t.Errorf("%+v", c.target)
		}
	}
	if errors.Is(err, io.EOF) || err.Error() != "reading: stream: reset: x" {
		t.Error(err)
	}
}

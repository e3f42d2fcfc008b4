package caps_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/xmpp/caps"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Vectors of XEP-0115 §5.2 and §5.3.
const (
	exodus    = "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc' name='Exodus 0.9.1'/><feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/muc'/></query>"
	exodusVer = "QgayPKawpkPSDYmwT/WM94uAlu0="
	psi       = "<query xmlns='http://jabber.org/protocol/disco#info' node='http://psi-im.org#q07IKJEyjvHSyhy//CH0CxmKi8w='><identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/><identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/><feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field><field var='ip_version'><value>ipv6</value><value>ipv4</value></field><field var='os'><value>Mac</value></field><field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field></x></query>"
	psiVer    = "q07IKJEyjvHSyhy//CH0CxmKi8w="
)

func TestVer(t *testing.T) {
	form := func(rest string) string {
		return strings.Replace(exodus, "</query>", "<x xmlns='jabber:x:data' type='result'>"+rest+"</x></query>", 1)
	}
	for _, c := range []struct{ name, query, ver string }{
		{"simple", exodus, exodusVer},
		{"complex", psi, psiVer},
		{"a form without FORM_TYPE is passed over", form("<field var='a'><value>b</value></field>"), exodusVer},
		{"a FORM_TYPE that is not hidden, too", form("<field var='FORM_TYPE'><value>b</value></field>"), exodusVer},
		{"a feature twice", strings.Replace(exodus, "</query>", "<feature var='http://jabber.org/protocol/muc'/></query>", 1), ""},
		{"an identity twice", strings.Replace(exodus, "</query>", "<identity category='client' type='pc' name='Exodus 0.9.1'/></query>", 1), ""},
		{"a form type twice", strings.Replace(psi, "</query>", "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field></x></query>", 1), ""},
		{"two form types in one", form("<field var='FORM_TYPE' type='hidden'><value>a</value><value>b</value></field>"), ""},
		{"a name that ends the name", strings.Replace(exodus, "disco#items'", "disco#items&lt;x'", 1), ""},
	} {
		e, err := markup.ParseElement([]byte(c.query))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := caps.Ver(e, "sha-1"); got != c.ver {
			t.Errorf("%s: %q, want %q", c.name, got, c.ver)
		}
	}
}

// A rig is a node with some clients and nothing else.
type rig struct {
	t       *testing.T
	s       *caps.Service
	clients map[jid.JID]*local.Resource
	answer  func(*stanza.Stanza)
	asked   []string // who was asked, by whom, about what
	ids     map[jid.JID]string
	added   []string
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, clients: make(map[jid.JID]*local.Resource), ids: make(map[jid.JID]string)}
	r.s = caps.New(r, func(c *local.Resource, added []string) {
		r.added = append(r.added, c.JID().String()+" "+strings.Join(added, " "))
	})
	return r
}

func (r *rig) HandleAnswers(f func(*stanza.Stanza)) { r.answer = f }
func (r *rig) Resource(j jid.JID) *local.Resource   { return r.clients[j] }

type outbox struct {
	r *rig
	j jid.JID
}

func (o outbox) Send(s *stanza.Stanza, _ uint64) {
	e := s.Payload()
	o.r.asked = append(o.r.asked, fmt.Sprintf("%s %s %s", s.From, o.j, e.Attr("node")))
	o.r.ids[o.j] = s.ID
}
func (o outbox) End(string, string) {}
func (o outbox) Addr() string       { return "" }

func (r *rig) up(full, c string) *local.Resource {
	r.t.Helper()
	j := jid.MustParse(full)
	if r.clients[j] == nil {
		r.clients[j] = local.NewResource(j, outbox{r, j})
	}
	s, err := stream.ParseStanza([]byte("<presence>" + c + "</presence>"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.s.Up(r.clients[j], s)
	return r.clients[j]
}

func (r *rig) down(full string) {
	j := jid.MustParse(full)
	c := r.clients[j]
	delete(r.clients, j)
	r.s.Down(c)
}

// says answers the last question to a client.
func (r *rig) says(full, typ, inner string) {
	j := jid.MustParse(full)
	s := &stanza.Stanza{Kind: stanza.IQ, Type: typ, ID: r.ids[j], From: j, To: j.Bare()}
	s.SetInner([]byte(inner))
	r.answer(s)
}

func (r *rig) expect(what string, got *[]string, want ...string) {
	r.t.Helper()
	if !slices.Equal(*got, want) {
		r.t.Errorf("%s: %q, want %q", what, *got, want)
	}
	*got = nil
}

func c(hash, ver string) string {
	return "<c xmlns='http://jabber.org/protocol/caps' hash='" + hash + "' node='urn:n' ver='" + ver + "'/>"
}

func query(features ...string) string {
	b := "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc'/>"
	for _, f := range features {
		b += "<feature var='" + f + "'/>"
	}
	return b + "</query>"
}

func verOf(t *testing.T, q, hash string) string {
	e, err := markup.ParseElement([]byte(q))
	if err != nil {
		t.Fatal(err)
	}
	ver, err := caps.Ver(e, hash)
	if err != nil {
		t.Fatal(err)
	}
	return ver
}

func TestAStringIsAskedForOnce(t *testing.T) {
	for _, hash := range []string{"sha-1", "sha-256", "sha-512"} {
		r, q := newRig(t), query("urn:a", "urn:a+notify", "urn:b+notify", "+notify")
		ver := verOf(t, q, hash)
		a := r.up("a@x/1", c(hash, ver))
		b := r.up("b@x/1", c(hash, ver))
		r.up("a@x/1", c(hash, ver))
		r.expect("asked", &r.asked, "a@x a@x/1 urn:n#"+ver)
		if r.s.Wants(a, "urn:a") {
			t.Error("wants before it has said so")
		}
		r.says("b@x/1", "result", q) // nobody has asked it
		r.says("a@x/1", "result", q)
		r.expect("added", &r.added, "a@x/1 urn:a urn:b", "b@x/1 urn:a urn:b")
		r.says("a@x/1", "result", q)
		r.up("d@x/1", c(hash, ver))
		r.expect("added", &r.added, "d@x/1 urn:a urn:b")
		r.expect("asked", &r.asked)
		if !r.s.Wants(a, "urn:a") || !r.s.Wants(b, "urn:b") || r.s.Wants(a, "urn:c") {
			t.Error(r.s.Wanted(a), r.s.Wanted(b))
		}
		r.down("a@x/1")
		if r.s.Wants(a, "urn:a") {
			t.Error("wants although it is gone")
		}
		r.up("a@x/1", c(hash, ver))
		r.expect("added", &r.added, "a@x/1 urn:a urn:b")
	}
}

func TestALieCountsForTheLiarOnly(t *testing.T) {
	r, q := newRig(t), query("urn:a+notify")
	ver := verOf(t, q, "sha-1")
	r.up("liar@x/1", c("sha-1", ver))
	r.up("b@x/1", c("sha-1", ver))
	r.expect("asked", &r.asked, "liar@x liar@x/1 urn:n#"+ver)
	r.says("liar@x/1", "result", query("urn:evil+notify"))
	r.expect("asked", &r.asked, "b@x b@x/1 urn:n#"+ver)
	r.expect("added", &r.added, "liar@x/1 urn:evil")
	r.says("b@x/1", "result", q)
	r.expect("added", &r.added, "b@x/1 urn:a")
}

func TestWhoDoesNotAnswerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := query("urn:a+notify")
		ver := verOf(t, q, "sha-1")
		for name, end := range map[string]func(r *rig){
			"refuses": func(r *rig) {
				r.says("a@x/1", "error", "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
			},
			"leaves": func(r *rig) { r.down("a@x/1") },
			"changes": func(r *rig) {
				r.up("a@x/1", c("sha-1", "other"))
				r.asked = slices.DeleteFunc(r.asked, func(s string) bool { return strings.HasSuffix(s, "other") })
			},
			"is mute": func(r *rig) {
				time.Sleep(time.Minute)
				r.up("b@x/1", c("sha-1", ver)+" ")
				r.up("b@x/1", strings.Replace(c("sha-1", ver), "/>", " x='y'/>", 1))
			},
			"raves": func(r *rig) { r.says("a@x/1", "result", "<x/>") },
		} {
			r := newRig(t)
			r.up("a@x/1", c("sha-1", ver))
			r.up("b@x/1", c("sha-1", ver))
			r.asked = nil
			end(r)
			r.expect("asked when the first "+name, &r.asked, "b@x b@x/1 urn:n#"+ver)
			r.says("b@x/1", "result", q)
			r.added = slices.DeleteFunc(r.added, func(s string) bool { return s[0] == 'a' })
			r.expect("added when the first "+name, &r.added, "b@x/1 urn:a")
		}
	})
}

func TestAnUnknownHashCountsForItsClient(t *testing.T) {
	r, q := newRig(t), query("urn:a+notify")
	for i, hash := range []string{"md5", ""} {
		for _, name := range []string{"a", "b"} {
			full := fmt.Sprintf("%s@x/%d", name, i)
			r.up(full, c(hash, "v"))
			r.expect("asked", &r.asked, name+"@x "+full+" urn:n#v")
			r.says(full, "result", q)
			r.expect("added", &r.added, full+" urn:a")
		}
	}
}

func TestChangedCapsAreAskedForAgain(t *testing.T) {
	r := newRig(t)
	one, two := query("urn:a+notify"), query("urn:a+notify", "urn:b+notify")
	a := r.up("a@x/1", c("sha-1", verOf(t, one, "sha-1")))
	r.says("a@x/1", "result", one)
	r.up("a@x/1", "<show>away</show>")
	r.up("a@x/1", c("sha-1", verOf(t, two, "sha-1")))
	if !r.s.Wants(a, "urn:a") {
		t.Error("forgets what it wanted before the answer is there")
	}
	r.says("a@x/1", "result", two)
	r.expect("added", &r.added, "a@x/1 urn:a", "a@x/1 urn:b")
	r.up("a@x/1", c("sha-1", verOf(t, one, "sha-1")))
	r.expect("added", &r.added)
	if r.s.Wants(a, "urn:b") {
		t.Error("still wants what it no longer shows")
	}
}

func TestStrangersCannotMakeItGrow(t *testing.T) {
	r := newRig(t)
	for i := range 3000 {
		r.up("a@x/1", c("sha-1", fmt.Sprint(i)))
	}
	if n := r.s.Size(); n > 4 {
		t.Errorf("%d entries for one client", n)
	}
	r.down("a@x/1")
	for i := range 1000 {
		q := query(fmt.Sprintf("urn:%d+notify", i))
		r.up("a@x/1", c("sha-1", verOf(t, q, "sha-1")))
		r.says("a@x/1", "result", q)
		r.down("a@x/1")
	}
	if n := r.s.Size(); n != 500 {
		t.Errorf("%d entries are kept, want 500", n)
	}
}

func TestWhatOneClientWantsIsBounded(t *testing.T) {
	r := newRig(t)
	var features []string
	for i := range 250 {
		features = append(features, fmt.Sprintf("%03d%s+notify", i, strings.Repeat("n", 1000)))
	}
	q := query(features...)
	a := r.up("a@x/1", c("sha-1", verOf(t, q, "sha-1")))
	r.says("a@x/1", "result", q)
	if n := len(r.s.Wanted(a)); n != 8 {
		t.Errorf("%d names of 1003 octets are remembered", n)
	}
}

// Features are in order with their +notify; the names before it may be in another.
func TestWantsAreFoundWhateverTheirNames(t *testing.T) {
	r, q := newRig(t), query("urn:a+notify", "urn:a#b+notify", "urn:a c+notify")
	a := r.up("a@x/1", c("sha-1", verOf(t, q, "sha-1")))
	r.says("a@x/1", "result", q)
	for _, node := range []string{"urn:a", "urn:a#b", "urn:a c"} {
		if !r.s.Wants(a, node) {
			t.Errorf("%s is not found in %q", node, r.s.Wanted(a))
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(exodus))
	f.Add([]byte(psi))
	f.Add([]byte(query("urn:a+notify")))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := markup.ParseElement(b)
		if err != nil {
			return
		}
		one, err1 := caps.Ver(e, "sha-256")
		two, err2 := caps.Ver(e, "sha-256")
		if one != two || (err1 == nil) != (err2 == nil) || (err1 == nil) != (one != "") {
			t.Fatalf("%q %v, %q %v", one, err1, two, err2)
		}
	})
}

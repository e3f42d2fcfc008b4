package caps_test

import (
	"strings"
	"testing"

	"longwire/xmpp/caps"
	"longwire/xmpp/markup"
)

// What a verification string stands for is known whole, and is again what it was made of.
func TestWhatAStringStandsForIsToldAgain(t *testing.T) {
	r := newRig(t)
	r.up("a@hq.net/psi", "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://psi-im.org' ver='"+psiVer+"'/>")
	if _, ok := r.s.Info("sha-1", psiVer); ok {
		t.Error("told before it was answered")
	}
	r.says("a@hq.net/psi", "result", psi)
	inner, ok := r.s.Info("sha-1", psiVer)
	e, err := markup.ParseElement([]byte("<query xmlns='http://jabber.org/protocol/disco#info'>" + string(inner) + "</query>"))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got, err := caps.Ver(e, "sha-1"); got != psiVer || err != nil {
		t.Errorf("%q, %v: %s", got, err, inner)
	}
	if _, ok := r.s.Info("sha-256", psiVer); ok {
		t.Error("told for another hash")
	}
}

func TestALongAnswerIsNotKeptWhole(t *testing.T) {
	r := newRig(t)
	q := query(strings.Repeat("x", 4096), "urn:a+notify")
	ver := verOf(t, q, "sha-1")
	a := r.up("a@hq.net/x", c("sha-1", ver))
	r.says("a@hq.net/x", "result", q)
	if _, ok := r.s.Info("sha-1", ver); ok || !r.s.Wants(a, "urn:a") {
		t.Error("kept, or not understood")
	}
}

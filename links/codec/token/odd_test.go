package token_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"longwire/links/codec/token"
)

// values are such as look like one that the tokens have a short form for, and are not quite; and such as are at the border of a form.
var values = []string{
	"-0", "+1", "007", "1e5", "0", "00", "15", "16", "-1", "9223372036854775807", "9223372036854775808", "18446744073709551615", "999999999999999999", "1000000000000000000", "-999999999999999999", "-9223372036854775808",
	"1y2p0ij32e8e8", "1y2p0ij3", "zzzzzzzz", "zzzzzzz", "100", "0zz", "ZZZ", "Zzz1", "10", "aaa", "aab", "aac",
	"2016-12-31T23:59:60Z", "2026-03-01T00:00:00.1Z", "2026-03-01T00:00:00.12Z", "2026-03-01T00:00:00.123Z", "2026-03-01T00:00:00.1234Z", "2026-03-01T00:00:00.123456Z", "2026-03-01T00:00:00.123456789Z", "2026-03-01T00:00:00,123Z", "2026-03-01T00:00:00+00:00", "2026-03-01T00:00:00-05:00", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00.000001Z", "10000-01-01T00:00:00Z", "2026-02-29T00:00:00Z", "2024-02-29T24:00:00Z", "20260301T00:00:00", "1969-12-31T23:59:59.999Z",
	"YWJjZGVmZ2hpams1Nng=", "YWJjZGVmZ2hpams1Nnh=", "YWJjZGVmZ2hpams1Nn==", "YWJjZGVmZ2hpams1Ng==", "YWJjZGVmZ2hpams1Nh==", "YWJj ZGVmZ2hpams1Ng==", "YWJjZGVmZ2hpams1Ng", "=WJjZGVmZ2hpams1Ng=", "YWJjZGVmZ2hpams1====", "YWJjZGVmZ2hpams1Ng==YWJj", "+/+/+/+/aA1++/+/", "YWJj\nZGVmZ2hpams1Ng==AA",
	"0123456789abcdef", "0123456789ABCDEF", "0123456789aBcDeF", "0123456789abcde", "0123456789abcdeF", "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c", "B3E1A1A2-6D2C-4F2A-9A55-3C1F9F1A2B3C", "b3e1a1a2-6d2c-4F2A-9a55-3c1f9f1a2b3c", "{b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3c}", "b3e1a1a26d2c4f2a9a553c1f9f1a2b3c", "b3e1a1a2-6d2c-4f2a-9a55-3c1f9f1a2b3g", "b3e1a1a2-6d2c-4f2a-9a55--c1f9f1a2b3c",
	"1.5", "1.50", "-1.5", "+1.5", "01.5", ".5", "5.", "-.5", "-0.0", "0.0", "0.000000000000000", "0.0000000000000000", "0.000000000000001", "123456789012345.1", "1234567890123456.1", "9999999999999999", "9.999999999999999", "99.99999999999999", "1.5.6", "1..5", "NaN", "1,5", "--1.5", "-",
	"a@b.example", "a@b.example/x", "a@b.example/", "a@b.example/x/y@z", "A@B.EXAMPLE/x", "a@b.example/it's \"q\"", "a@b.example/\u00a0\u2028é😀", "@", "/", "@/", "a@", "@b", "a@b@c/d", "//", "a/b/c", "b.example/a", "x@b.example/a",
	"", " ", "  \t ", "\n", "\r", "\r\n", "\t", "\u00a0", "\ufffd", "😀", "\U0010FFFD", "é", "\u0301", "]]>", "<!--", "&lt;", "&#65;", "<a/>", "'\"", "a provisioned string", "éé", "a<b", "x'y", "urn:xmpp:sid:0", "true", "message", "xml:lang", strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("é", 100), strings.Repeat("é", 101),
}

// places are where values of all kinds stand.
var places = []string{

	"<message id='%s'/>", "<message to='%s'/>", "<message from='%s' to='c@d'/>", "<message type='%s'/>", "<message xml:lang='%s'/>", "<message><body>%s</body></message>", "<message><body xml:lang='%s'>%s</body></message>",
	"<message><x xmlns='urn:odd' a='%s'>%s<b/>%s</x></message>", "<message>%s<body/></message>", "<message><delay xmlns='urn:xmpp:delay' stamp='%s' from='%s'>%s</delay></message>", "<message><received xmlns='urn:xmpp:receipts' id='%s'/></message>",
	"<message><origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>", "<message id='%s'><origin-id xmlns='urn:xmpp:sid:0' id='%s'/></message>", "<presence><priority>%s</priority><c xmlns='http://jabber.org/protocol/caps' hash='%s' node='%s' ver='%s'/></presence>",
	"<message><geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>%s</lat><lon>%s</lon><timestamp>%s</timestamp></geoloc></message>", "<iq type='get' id='%s'><query xmlns='jabber:iq:roster'><item jid='%s' name='%s' subscription='%s'/></query></iq>",
	"<message><p:x xmlns:p='urn:p' p:a='%s'>%s</p:x></message>", "<message xmlns:q='urn:q' q:a='%s'/>", "<odd a='%s'>%s</odd>", "<message><data xmlns='urn:xmpp:bob' cid='%s' type='%s' max-age='%s'>%s</data></message>",
}

// odd are stanzas that are well-formed and hardly sent by anybody.
var odd = []string{
	"<message xml:lang='en'><body>a</body><body xml:lang='de'>b</body><x xmlns='urn:u' xml:lang=''><y/></x></message>",
	"<message><x xmlns='urn:a' xmlns:p='urn:a'><p:x/><x/></x></message>", "<message xmlns:p='urn:p'><p:x><p:y xmlns:p='urn:q'/></p:x><x xmlns='urn:p'/></message>",
	"<message><x xmlns='urn:a'><y xmlns=''><body xmlns='jabber:server'>x</body><message xmlns=''/></y></x></message>", "<message xmlns='jabber:server'><body>x</body></message>", "<message xmlns='jabber:client'><body xmlns='jabber:server'/></message>",
	"<message><body>a<![CDATA[b<&>]]>c</body></message>", "<message><body><![CDATA[]]></body></message>", "<message><body><![CDATA[ ]]]]><![CDATA[>]]></body></message>", "<message><body>&#x1F600;&#128512;&amp;&quot;</body></message>",
	"<message>  <body>  </body>\n\n</message>", "<message><x xmlns='urn:x'>  <y/>  <z/>  </x></message>", "<message><body>\r\na\rb\n</body></message>",
	"<message><body xmlns='urn:other'>x</body><subject xmlns='urn:other'/><x xmlns='jabber:x:data'/><x xmlns='jabber:x:oob'/><x xmlns='vcard-temp:x:update'><photo/></x></message>",
	"<message\n\tto = 'a@b'\n from\n=\n\"c\" ><body\n>x</body\n></message >", "<message xml:space='preserve' xml:base='x' xml:id='y'/>", "<message><xml:x xmlns:xml='http://www.w3.org/XML/1998/namespace'/></message>",
	"<x:message xmlns:x='jabber:server'><x:body>hi</x:body></x:message>", "<message xmlns:x='jabber:server'><x:body>hi</x:body></message>",
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&apos;", "\"", "&quot;", "\r", "&#13;", "\n", "&#10;", "\t", "&#9;")

// whole looks whether a stanza means the same at the far end.
func (p pair) whole(t *testing.T, x string) {
	t.Helper()
	canon, err := token.Canonical([]byte(x))
	if err != nil {
		t.Fatalf("%.300s is refused: %v", x, err)
	}
	p.cross(t, []byte(x))
	if in, out := infoset(t, []byte(x)), infoset(t, canon); in != out {
		t.Errorf("%.300s is\n%.300s\ncanonical %.300s is\n%.300s", x, in, canon, out)
	}
	if again, err := token.Canonical(canon); err != nil || !bytes.Equal(again, canon) {
		t.Errorf("%.300s is not canonical", canon)
	}
}

func TestValuesComeBackWhereverTheyStand(t *testing.T) {
	p := newPair([]string{"a@b.example", "b.example", "room@chat.b.example/nick"}, []string{"a provisioned string", "éé", "a<b", "x'y"})
	for _, place := range places {
		for _, v := range values {
			args := make([]any, strings.Count(place, "%s"))
			for i := range args {
				args[i] = escapes.Replace(v)
			}
			p.whole(t, fmt.Sprintf(place, args...))
		}
	}
}

func TestOddStanzasComeBack(t *testing.T) {
	p := newPair(nil, nil)
	for _, x := range odd {
		p.whole(t, x)
	}
}

func TestLargeStanzasComeBack(t *testing.T) {
	p := newPair(nil, nil)
	for _, v := range []string{strings.Repeat("0a", 33000), strings.Repeat("0a", 65537), strings.Repeat("Aa0+", 30000), strings.Repeat("<", 9000), strings.Repeat("word ", 20000)} {
		v = escapes.Replace(v)
		p.whole(t, "<message><body>"+v+"</body></message>")
		p.whole(t, "<message><x xmlns='urn:odd' a='"+v+"'>"+v+"</x></message>")
	}
	deep := func(n int, open, end string) string {
		return "<message>" + strings.Repeat(open, n) + strings.Repeat(end, n) + "</message>"
	}
	p.whole(t, deep(127, "<x xmlns='urn:odd'>", "</x>"))
	p.whole(t, deep(63, "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>", "</message></forwarded>"))
	if _, err := token.Canonical([]byte(deep(128, "<x>", "</x>"))); err == nil {
		t.Error("129 elements are open at once")
	}
	var many, bound string
	for i := range 127 {
		many += fmt.Sprintf(" a%d='%d'", i, i)
	}
	for i := range 60 {
		bound += fmt.Sprintf(" xmlns:p%d='urn:%d' p%d:a='%d'", i, i, i, i)
	}
	p.whole(t, "<message"+many+"><x xmlns='urn:odd'"+many+"/><x"+bound+"/></message>")
}

// Tokens are at most two for each byte of the text and 64 (cross looks): the worst there is are names and texts of one letter, met for the first time.
func TestTokensOfShortNamesAreBounded(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	const texts = "!#$%()*+,-./:;=?@[]^_`{|}~" + letters
	var b strings.Builder
	b.WriteString("<x>")
	for i := range 3 * len(texts) {
		c := letters[i%len(letters)]
		fmt.Fprintf(&b, "%c<%c/>", texts[i%len(texts)], c)
		if i%3 == 1 {
			fmt.Fprintf(&b, "<%c %c=''/>%c<%c>%c</%c>", c, c, c, c, c, c)
		}
	}
	b.WriteString("</x>")
	p := newPair(nil, nil)
	p.cross(t, []byte(b.String()))
	p.cross(t, []byte("<message>"+b.String()+"</message>"))
}

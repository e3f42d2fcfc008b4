package fold

import (
	"strings"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// bodyFor makes the <body/> of a message whose text is in the html alone that is cut out; nil when none is needed.
func bodyFor(s *stanza.Stanza, spans []span) []byte {
	if s.Kind != stanza.Message {
		return nil
	}
	for i := range spans {
		if !spans[i].html {
			continue
		}
		if s.Has("", "body") || s.Has("jabber:client", "body") || s.Has("jabber:server", "body") {
			return nil
		}
		text := plain(s.Inner[spans[i].start:spans[i].end])
		if text == "" {
			return nil
		}
		return append(markup.AppendEscaped([]byte("<body>"), text), "</body>"...)
	}
	return nil
}

// formatted tells whether somebody wrote something in the html of a message.
func formatted(s *stanza.Stanza) bool {
	c, ok := s.Child(nsXHTML, "html")
	return ok && plain(s.Raw(c)) != ""
}

// plain reads XHTML-IM (XEP-0071) as text: the first <body/>, as there is one for each language. Blocks are lines, a link
// is followed by where it leads, a picture is what it is called.
func plain(html []byte) string {
	sc := markup.NewScanner()
	defer sc.Free()
	sc.Reset("", scope)
	var w textWriter
	body, done := 0, 0 // body: the depth inside it; 0: not begun
	for {
		t, err := sc.Next(html, true)
		if err != nil {
			return w.String()
		}
		if body > 0 {
			w.text(markup.Unescape(html[done:t.Start]))
		}
		done = t.End
		switch {
		case t.Kind == markup.EndTag && body > 0 && sc.Depth() < body:
			return w.String()
		case t.Kind == markup.StartTag && body == 0 && t.Name.Local == "body":
			body = sc.Depth()
		case body > 0 && t.Kind == markup.EndTag:
			w.end()
		case body > 0:
			w.start(t, attr(sc, html, "href"), attr(sc, html, "alt"))
		}
	}
}

// attr is an attribute of the tag that was read last.
func attr(sc *markup.Scanner, b []byte, local string) string {
	for i := range sc.NumAttr() {
		if a, ok := sc.Attr(b, i); ok && a.Name == (markup.Name{Local: local}) {
			return a.Value(b)
		}
	}
	return ""
}

// textWriter lays text out in lines.
type textWriter struct {
	b     strings.Builder
	blank bool // a blank is due before the next word
	line  bool // a new line is
	open  []element
}

type element struct {
	block bool
	href  string
	at    int // where its text begins
}

func (w *textWriter) String() string { return w.b.String() }

// text writes words; blanks and newlines between them are one blank.
func (w *textWriter) text(s string) {
	if s == "" {
		return
	}
	words := strings.Fields(s)
	w.blank = w.blank || strings.TrimLeft(s, " \t\r\n") != s
	for i, word := range words {
		if w.b.Len() > 0 {
			switch {
			case w.line:
				w.b.WriteByte('\n')
			case w.blank || i > 0:
				w.b.WriteByte(' ')
			}
		}
		w.blank, w.line = false, false
		w.b.WriteString(word)
	}
	if len(words) > 0 {
		w.blank = strings.TrimRight(s, " \t\r\n") != s
	}
}

func (w *textWriter) start(t markup.Token, href, alt string) {
	e := element{href: href, at: w.b.Len()}
	switch t.Name.Local {
	case "br":
		w.line = true
	case "img":
		w.text(alt)
	case "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "tr", "table":
		e.block, w.line = true, true
	}
	w.open = append(w.open, e)
	if t.Kind == markup.EmptyTag {
		w.end()
	}
}

func (w *textWriter) end() {
	if len(w.open) == 0 {
		return
	}
	e := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	if e.href != "" {
		if said := strings.TrimSpace(w.b.String()[e.at:]); said == "" {
			w.text(e.href)
		} else if said != e.href && "mailto:"+said != e.href && "xmpp:"+said != e.href {
			w.text(" (" + e.href + ")")
		}
	}
	w.line = w.line || e.block
}

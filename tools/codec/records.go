package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// A record is one line of a traffic file.
type record struct {
	Session   int    `json:"s"`
	Direction string `json:"d"`
	Kind      string `json:"k"`
	Text      string `json:"x"`
	Body      string `json:"b"`

	line   int
	stanza *stanza.Stanza // nil: no stanza, but an element of the stream itself
	runes  int            // of the body
}

// A way is one direction of one session.
type way struct {
	session   int
	direction string
}

func (r *record) way() way { return way{r.Session, r.Direction} }

// isSM tells whether it is an element of stream management (XEP-0198), which links of ours do not send.
func (r *record) isSM() bool { return r.stanza == nil }

// message35 tells whether it is a message of 35 to 45 characters, by which codecs are compared.
func (r *record) message35() bool { return r.Kind == "msg-chat" && r.runes >= 35 && r.runes <= 45 }

// longest is the length in bytes of the longest line that is read.
const longest = 1 << 20

// readTraffic reads a traffic file. Each error names file and line.
func readTraffic(path string) ([]*record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	defer f.Close()
	return parseTraffic(path, f)
}

func parseTraffic(name string, from io.Reader) (list []*record, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longest)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff"))) // some editors begin a file with this mark
		if len(line) == 0 {
			continue
		}
		r := &record{line: n, Session: -1}
		if err := r.parse(line); err != nil {
			return nil, fmt.Errorf("codec: %s:%d: %w", name, n, err)
		}
		list = append(list, r)
	}
	switch err := lines.Err(); {
	case err == bufio.ErrTooLong:
		return nil, fmt.Errorf("codec: %s:%d: the line is longer than %d bytes", name, n+1, longest)
	case err != nil:
		return nil, fmt.Errorf("codec: %s:%d: %w", name, n+1, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("codec: %s: no stanza is in it", name)
	}
	return list, nil
}

// parse reads one line.
func (r *record) parse(line []byte) (err error) {
	if err := json.Unmarshal(line, r); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("%s is a JSON %s: must be an object with s, a number, and d, k, x, which are strings", cmp.Or(wrong.Field, "the line"), wrong.Value)
		}
		return fmt.Errorf("no line of JSON: %w", err)
	}
	switch {
	case r.Session < 0:
		return fmt.Errorf("s, the session, is missing or negative")
	case r.Direction != "AB" && r.Direction != "BA":
		return fmt.Errorf("d, the direction, is %q, must be AB or BA", r.Direction)
	case r.Kind == "":
		return fmt.Errorf("k, the kind, is missing")
	case r.Text == "":
		return fmt.Errorf("x, the stanza, is missing")
	}
	if _, err := infoset([]byte(r.Text)); err != nil {
		return fmt.Errorf("x is no XML element: %w", err)
	}
	if elementOf(r.Text) == smSpace {
		return nil
	}
	if r.stanza, err = stream.ParseStanza([]byte(r.Text)); err != nil {
		return fmt.Errorf("x must be message, presence or iq without xmlns, or an element of %s: %w", smSpace, err)
	}
	if r.Body == "" {
		if c, ok := r.stanza.Child("", "body"); ok {
			r.Body = r.stanza.Text(c)
		}
	}
	r.runes = len([]rune(r.Body))
	return nil
}

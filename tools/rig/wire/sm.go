package wire

import (
	"fmt"
	"strconv"
	"strings"
)

const smNS = "urn:xmpp:sm:3"

// Enable turns stream management on and returns the id for a later Resume, "" if the server grants none.
func (c *Conn) Enable(resume bool) (id string, err error) {
	r := ""
	if resume {
		r = " resume='true'"
	}
	if err := c.WriteString("<enable xmlns='" + smNS + "'" + r + "/>"); err != nil {
		return "", err
	}
	e, err := c.Expect("enabled")
	if err != nil {
		return "", err
	}
	return Attr(e.Raw, "id"), nil
}

// A FailedError is the server's refusal to resume.
type FailedError struct {
	Known bool   // whether the server told what it handled
	H     uint32 // what it handled, if Known
	Text  string
}

func (e *FailedError) Error() string { return "wire: resume refused: " + e.Text }

// Resume picks up the session previd of which h stanzas were handled here; it returns what the server handled. A *FailedError leaves
// the stream usable for Bind.
func (c *Conn) Resume(previd string, h uint32) (uint32, error) {
	err := c.WriteString(fmt.Sprintf("<resume xmlns='%s' previd='%s' h='%d'/>", smNS, Escape(previd), h))
	if err != nil {
		return 0, err
	}
	e, err := c.Next()
	if err != nil {
		return 0, fmt.Errorf("wire: waiting for <resumed>: %w", err)
	}
	switch e.Name {
	case "resumed":
		return H(e.Raw)
	case "failed":
		fe := &FailedError{Text: string(e.Raw)}
		if strings.Contains(fe.Text, " h=") {
			fe.H, err = H(e.Raw)
			fe.Known = err == nil
		}
		return 0, fe
	}
	return 0, &UnexpectedError{Want: "resumed", Got: string(e.Raw)}
}

// H is the count that an <a/>, <resumed/> or <failed/> carries.
func H(raw []byte) (uint32, error) {
	n, err := strconv.ParseUint(Attr(raw, "h"), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("wire: no count in %s: %w", raw, err)
	}
	return uint32(n), nil
}

// Ack is the answer to <r/>.
func Ack(h uint32) string {
	return "<a xmlns='" + smNS + "' h='" + strconv.FormatUint(uint64(h), 10) + "'/>"
}

// Request asks for an ack.
const Request = "<r xmlns='" + smNS + "'/>"

// IsStanza is true for what stream management counts (XEP-0198 §4).
func (e Element) IsStanza() bool {
	return e.Name == "message" || e.Name == "presence" || e.Name == "iq"
}

package crowd

import (
	"fmt"
	"strings"
)

// Limits of what is read. A nick may be as long as a resource (RFC 7622 §3.4).
const (
	MaxChanges = 4096
	maxField   = 1023
)

// Append writes the digest for a node whose users are of domain: one line per change, which begins with its letter, and fields between
// tabs; neither can be part of a nick. The JID is left out when it is the nick in small letters at domain, and its domain when it is
// that one. A whole crowd begins with "=" and has no letters.
func (d Digest) Append(b []byte, domain string) []byte {
	if d.Whole {
		b = append(b, '=')
	}
	for i, c := range d.Changes {
		if i > 0 {
			b = append(b, '\n')
		}
		if !d.Whole {
			b = append(b, byte(c.Op))
		}
		b = append(b, c.Nick...)
		b = appendFields(b, c.fields(domain)...)
	}
	return b
}

// fields are what follows the nick.
func (c Change) fields(domain string) []string {
	switch c.Op {
	case Leave:
		return []string{c.Code, c.Reason}
	case Rename:
		return []string{c.shortJID(domain), c.standing(), c.Was}
	}
	return []string{c.shortJID(domain), c.standing()}
}

// appendFields leaves out the empty ones at the end.
func appendFields(b []byte, fields ...string) []byte {
	for len(fields) > 0 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	for _, f := range fields {
		b = append(b, '\t')
		b = append(b, f...)
	}
	return b
}

func (o Occupant) shortJID(domain string) string {
	local, ok := strings.CutSuffix(o.JID, "@"+domain)
	switch {
	case !ok:
		return o.JID
	case local == strings.ToLower(o.Nick):
		return ""
	}
	return local
}

func (o *Occupant) longJID(short, domain string) {
	switch {
	case short == "":
		o.JID = strings.ToLower(o.Nick) + "@" + domain
	case strings.Contains(short, "@"):
		o.JID = short
	default:
		o.JID = short + "@" + domain
	}
}

// Letters of affiliations and roles.
var (
	affiliations = []string{"owner", "admin", "member"}
	roles        = []string{"Moderator", "Participant", "Visitor"}
)

// standing is a small letter for the affiliation, none for none, and a capital for a role that does not go with it.
func (o Occupant) standing() (s string) {
	if o.Affiliation != "" && o.Affiliation != "none" {
		s = o.Affiliation[:1]
	}
	if o.Role != "" && o.Role != usualRole(o.Affiliation) {
		s += strings.ToUpper(o.Role[:1])
	}
	return s
}

func (o *Occupant) stand(s string) error {
	for _, a := range affiliations {
		if rest, ok := strings.CutPrefix(s, a[:1]); ok {
			o.Affiliation, s = a, rest
			break
		}
	}
	for _, r := range roles {
		if s == r[:1] {
			o.Role, s = strings.ToLower(r), ""
		}
	}
	if s != "" {
		return fmt.Errorf("crowd: %.20q is neither an affiliation nor a role", s)
	}
	return nil
}

// Parse reads what Append wrote. The JIDs are as the text has them: whoever uses them checks them.
func Parse(text, domain string) (d Digest, err error) {
	text, d.Whole = strings.CutPrefix(text, "=")
	if text == "" {
		return d, nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len(d.Changes) == MaxChanges {
			return d, fmt.Errorf("crowd: more than %d changes", MaxChanges)
		}
		if d.Whole {
			line = string(rune(Enter)) + line
		}
		c, err := parseChange(line, domain)
		if err != nil {
			return d, err
		}
		d.Changes = append(d.Changes, c)
	}
	return d, nil
}

func parseChange(line, domain string) (c Change, err error) {
	f := strings.Split(line, "\t")
	if len(f[0]) < 2 || len(f) > 4 {
		return c, fmt.Errorf("crowd: change %.40q", line)
	}
	for _, s := range f {
		if len(s) > 3*maxField {
			return c, fmt.Errorf("crowd: field of %d bytes", len(s))
		}
	}
	c.Op, c.Nick = Op(f[0][0]), f[0][1:]
	f = append(f[1:], "", "", "")
	switch c.Op {
	case Leave:
		c.Code, c.Reason = f[0], f[1]
		return c, nil
	case Rename:
		c.Was = f[2]
	}
	if c.Op != Enter && c.Op != Rename || (c.Op == Rename) == (c.Was == "") {
		return c, fmt.Errorf("crowd: change %.40q", line)
	}
	c.longJID(f[0], domain)
	return c, c.stand(f[1])
}

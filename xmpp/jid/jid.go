// Package jid holds XMPP addresses (RFC 7622): parsed once, normalised, compared with ==.
package jid

import (
	"errors"
	"fmt"
	"strings"
)

// maxPart is the limit of each part in octets of UTF-8. RFC 7622 §3.2, §3.3, §3.4.
const maxPart = 1023

// ErrMalformed is wrapped by every error of this package; it maps to the stanza error jid-malformed.
var ErrMalformed = errors.New("malformed address")

// A JID is one address in normal form. The zero value means "no address".
// JIDs compare with == and serve as map keys.
type JID struct {
	s     string
	at    uint16 // length of the localpart; 0: none
	slash uint16 // length of everything before '/', i.e. of the bare JID
}

// Parse reads an address and normalises its parts (RFC 7622 §3.2 to §3.4).
func Parse(s string) (JID, error) {
	bare, resource, hasResource := strings.Cut(s, "/") // RFC 7622 §3.1: the first '/' starts the resourcepart
	local, domain, hasLocal := strings.Cut(bare, "@")
	if !hasLocal {
		local, domain = "", bare
	}
	if hasLocal && local == "" {
		return JID{}, malformed(s, "empty localpart before @")
	}
	if hasResource && resource == "" {
		return JID{}, malformed(s, "empty resourcepart after /")
	}
	if j, ok := plain(s, local, domain, resource); ok {
		return j, nil
	}
	return New(local, domain, resource)
}

// New builds an address from its parts; local and resource may be empty.
func New(local, domain, resource string) (JID, error) {
	d, err := normDomain(domain)
	if err != nil {
		return JID{}, err
	}
	l, err := normLocal(local)
	if err != nil {
		return JID{}, err
	}
	r, err := normResource(resource)
	if err != nil {
		return JID{}, err
	}
	return join(l, d, r), nil
}

// MustParse is Parse for constants; it panics on a malformed address.
func MustParse(s string) JID {
	j, err := Parse(s)
	if err != nil {
		panic("jid: " + err.Error())
	}
	return j
}

func join(l, d, r string) JID {
	n := len(d)
	s := d
	if l != "" {
		n += len(l) + 1
		s = l + "@" + d
	}
	if r != "" {
		s += "/" + r
	}
	return JID{s: s, at: uint16(len(l)), slash: uint16(n)}
}

func malformed(what, why string) error {
	if len(what) > 80 {
		what = what[:80] + "…"
	}
	return fmt.Errorf("jid: %q: %s: %w", what, why, ErrMalformed)
}

// plain accepts without copying what is ASCII and already normal: nearly every address met.
func plain(s, local, domain, resource string) (JID, bool) {
	if domain == "" || len(local) > maxPart || len(domain) > 253 || len(resource) > maxPart {
		return JID{}, false
	}
	for i := 0; i < len(local); i++ {
		if !plainLocal[local[i]] {
			return JID{}, false
		}
	}
	label := 0
	for i := 0; i < len(domain); i++ {
		c := domain[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			label++
		case c == '-' && label > 0 && // "--" may be an A-label
			i+1 < len(domain) && domain[i+1] != '.' && domain[i+1] != '-':
			label++
		case c == '.' && label > 0 && i+1 < len(domain):
			label = 0
		default:
			return JID{}, false
		}
		if label > 63 {
			return JID{}, false
		}
	}
	for i := 0; i < len(resource); i++ {
		if c := resource[i]; c < 0x20 || c > 0x7e {
			return JID{}, false
		}
	}
	if resource != "" && strings.TrimSpace(resource) == "" {
		return JID{}, false
	}
	n := len(domain)
	if local != "" {
		n += len(local) + 1
	}
	return JID{s: s, at: uint16(len(local)), slash: uint16(n)}, true
}

var plainLocal = func() (t [256]bool) {
	for c := byte(0x21); c < 0x7f; c++ {
		t[c] = !(c >= 'A' && c <= 'Z') && strings.IndexByte(`"&'/:<>@`, c) < 0
	}
	return t
}()

// String gives the whole address.
func (j JID) String() string { return j.s }

// IsZero tells whether there is no address at all.
func (j JID) IsZero() bool { return j.s == "" }

// Local is the localpart, empty for a domain.
func (j JID) Local() string { return j.s[:j.at] }

// Domain is the domainpart as U-labels or IP literal.
func (j JID) Domain() string {
	if j.at > 0 {
		return j.s[j.at+1 : j.slash]
	}
	return j.s[:j.slash]
}

// Resource is the resourcepart, empty for a bare JID.
func (j JID) Resource() string {
	if int(j.slash) == len(j.s) {
		return ""
	}
	return j.s[j.slash+1:]
}

// IsBare tells whether the address has no resourcepart.
func (j JID) IsBare() bool { return int(j.slash) == len(j.s) }

// Bare drops the resourcepart.
func (j JID) Bare() JID { return JID{s: j.s[:j.slash], at: j.at, slash: j.slash} }

// DomainJID is the address of the domain itself.
func (j JID) DomainJID() JID {
	d := j.Domain()
	return JID{s: d, slash: uint16(len(d))}
}

// WithResource puts another resourcepart behind the bare JID.
func (j JID) WithResource(resource string) (JID, error) {
	if resource == "" {
		return JID{}, malformed(resource, "empty resourcepart")
	}
	r, err := normResource(resource)
	if err != nil {
		return JID{}, err
	}
	return join(j.Local(), j.Domain(), r), nil
}

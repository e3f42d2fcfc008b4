package jid

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"
)

// maxRaw bounds what is normalised at all: normal forms may be shorter, but not by more than width and composition make.
const maxRaw = 4 * maxPart

func normLocal(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	// RFC 7622 §3.3: UsernameCaseMapped, less eight characters that would break the syntax.
	n, err := enforce(precis.UsernameCaseMapped, s, "localpart")
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(n, `"&'/:<>@ `) {
		return "", malformed(s, "localpart holds a forbidden character")
	}
	return n, nil
}

func normResource(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	n, err := enforce(precis.OpaqueString, s, "resourcepart") // RFC 7622 §3.4
	if err != nil {
		return "", err
	}
	// Choice: blanks at either end stay, as OpaqueString has it, but there must be something else: a resourcepart is also
	// a room nickname, which nobody should be able to hide behind.
	if strings.TrimSpace(n) == "" {
		return "", malformed(s, "resourcepart is blank")
	}
	return n, nil
}

// enforce brings a part into the normal form of its profile.
func enforce(p *precis.Profile, s, part string) (string, error) {
	if len(s) > maxRaw {
		return "", malformed(s, part+" must be 1 to 1023 octets")
	}
	if !utf8.ValidString(s) {
		return "", malformed(s, part+" is not UTF-8")
	}
	// RFC 8264 §7: the rules are applied until nothing changes, at most four times.
	for range 4 {
		n, err := p.String(s)
		switch {
		case err != nil:
			return "", malformed(s, part+": "+err.Error())
		case len(n) > maxPart || n == "":
			return "", malformed(s, part+" must be 1 to 1023 octets")
		case n == s:
			return n, nil
		}
		s = n
	}
	return "", malformed(s, part+" has no normal form")
}

// Profiles of domain names. The first maps case and width and checks bidi and joiners; the second checks the lengths,
// which are those of the A-labels.
var (
	mapDomain    = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true))
	domainLength = idna.New(idna.VerifyDNSLength(true))
)

func normDomain(s string) (string, error) {
	if len(s) > maxPart {
		return "", malformed(s, "domainpart must be 1 to 1023 octets")
	}
	if !utf8.ValidString(s) {
		return "", malformed(s, "domainpart is not UTF-8")
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		a, err := netip.ParseAddr(s[1 : len(s)-1])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", malformed(s, "domainpart is not an IPv6 literal")
		}
		return "[" + a.String() + "]", nil
	}
	// RFC 7622 §3.2.1: U-labels of IDNA2008, mapped as for lookup. An IPv4 address comes out as it is.
	u, err := mapDomain.ToUnicode(s)
	if err != nil {
		return "", malformed(s, "domainpart: "+err.Error())
	}
	u = strings.TrimSuffix(u, ".") // RFC 7622 §3.2: a final dot is the root label and is dropped
	if strings.HasSuffix(u, ".") {
		return "", malformed(s, "domainpart has an empty label")
	}
	if a, err := domainLength.ToASCII(u); err != nil || a == "" {
		return "", malformed(s, "domainpart has a label of the wrong length")
	}
	if strings.ContainsAny(u, "/@ \"&'<>\t\r\n") {
		return "", malformed(s, "domainpart holds a forbidden character")
	}
	// What mapping yields must be its own normal form, or two spellings of it would be two addresses.
	if again, err := mapDomain.ToUnicode(u); err != nil || again != u {
		return "", malformed(s, "domainpart has no normal form")
	}
	return u, nil
}

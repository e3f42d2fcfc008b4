package sasl

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// clientFirst is the client's first message (RFC 5802 §7, client-first-message).
type clientFirst struct {
	gs2         string // with both commas, as c= must repeat it
	flag        byte   // 'n', 'y' or 'p'
	bindingType string // with 'p'
	authzid     string
	bare        string
	user        string
	nonce       string
}

func parseClientFirst(m string) (f clientFirst, err error) {
	if !utf8.ValidString(m) || strings.IndexByte(m, 0) >= 0 {
		return f, fail(MalformedRequest, "client-first is not UTF-8 or holds NUL")
	}
	flag, rest, ok1 := strings.Cut(m, ",")
	authzid, bare, ok2 := strings.Cut(rest, ",")
	if !ok1 || !ok2 {
		return f, fail(MalformedRequest, "gs2 header is incomplete")
	}
	f.gs2, f.bare = m[:len(m)-len(bare)], bare
	kind, isBinding := strings.CutPrefix(flag, "p=")
	switch {
	case flag == "n", flag == "y":
		f.flag = flag[0]
	case isBinding && kind != "":
		f.flag, f.bindingType = 'p', kind
	default: // "F" too, the non-standard mechanisms of RFC 5801 §4
		return f, fail(MalformedRequest, "gs2 header starts with neither n, y nor p=")
	}
	if authzid != "" {
		name, ok := strings.CutPrefix(authzid, "a=")
		if !ok || name == "" {
			return f, fail(MalformedRequest, "gs2 header holds no authzid where one belongs")
		}
		if f.authzid, err = unescape(name); err != nil {
			return f, err
		}
	}
	return f, f.parseBare()
}

// parseBare: RFC 5802 §7, client-first-message-bare.
func (f *clientFirst) parseBare() (err error) {
	// RFC 5802 §5.1: m= announces extensions one must understand. There are none.
	if strings.HasPrefix(f.bare, "m=") {
		return fail(MalformedRequest, "extensions-not-supported")
	}
	name, rest, _ := strings.Cut(f.bare, ",")
	nonce, extensions, more := strings.Cut(rest, ",")
	user, ok1 := strings.CutPrefix(name, "n=")
	value, ok2 := strings.CutPrefix(nonce, "r=")
	if !ok1 || !ok2 || more && !validExtensions(extensions) {
		return fail(MalformedRequest, "client-first wants n=username,r=nonce")
	}
	if !validNonce(value) {
		return fail(MalformedRequest, "nonce is empty or holds what is not printable")
	}
	f.nonce = value
	f.user, err = unescape(user)
	return err
}

// clientFinal is the client's second message (RFC 5802 §7, client-final-message).
type clientFinal struct {
	binding      []byte // c=
	nonce        string
	proof        []byte
	withoutProof string
}

func parseClientFinal(m string) (f clientFinal, err error) {
	at := strings.LastIndex(m, ",p=") // RFC 5802 §5.1: the proof stands last
	if at < 0 || !utf8.ValidString(m) {
		return f, fail(MalformedRequest, "client-final without a proof at its end")
	}
	f.withoutProof = m[:at]
	if f.proof, err = unbase64(m[at+len(",p="):]); err != nil {
		return f, err
	}
	binding, rest, _ := strings.Cut(f.withoutProof, ",")
	nonce, extensions, more := strings.Cut(rest, ",")
	b, ok1 := strings.CutPrefix(binding, "c=")
	n, ok2 := strings.CutPrefix(nonce, "r=")
	if !ok1 || !ok2 || more && !validExtensions(extensions) {
		return f, fail(MalformedRequest, "client-final wants c=binding,r=nonce,p=proof")
	}
	f.nonce = n
	f.binding, err = unbase64(b)
	return f, err
}

// validExtensions: RFC 5802 §7, extensions: attr-val *("," attr-val), known to nobody and ignored.
func validExtensions(s string) bool {
	for attr := range strings.SplitSeq(s, ",") {
		if len(attr) < 3 || attr[1] != '=' || attr[0] == 'm' || !isLetter(attr[0]) || strings.IndexByte(attr, 0) >= 0 {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// validNonce: RFC 5802 §7, printable: %x21-2B / %x2D-7E.
func validNonce(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x21 || s[i] > 0x7e || s[i] == ',' {
			return false
		}
	}
	return s != ""
}

// unescape reads a saslname: RFC 5802 §5.1: "=2C" is a comma, "=3D" an equals sign, and any other "=" an error.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '=') < 0 {
		return s, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "=")
		b.WriteString(before)
		switch {
		case !found:
			return b.String(), nil
		case strings.HasPrefix(after, "2C"):
			b.WriteByte(',')
		case strings.HasPrefix(after, "3D"):
			b.WriteByte('=')
		default:
			return "", fail(MalformedRequest, "invalid-username-encoding")
		}
		s = after[2:]
	}
}

var saslname = strings.NewReplacer("=", "=3D", ",", "=2C")

// unbase64 reads base64 within a message; it is as strict as Decode.
func unbase64(s string) ([]byte, error) {
	if !strings.ContainsAny(s, "\r\n") {
		if b, err := base64.StdEncoding.Strict().DecodeString(s); err == nil {
			return b, nil
		}
	}
	return nil, fail(MalformedRequest, "invalid-encoding")
}

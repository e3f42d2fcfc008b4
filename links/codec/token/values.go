package token

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"
)

// rawOf tells what bytes a value is the print of; form 0 means that it had better stay text.
func rawOf(v []byte) (form byte, b []byte) {
	if len(v) < 16 {
		return 0, nil
	}
	if len(v) == 36 && v[8] == '-' && v[13] == '-' && v[18] == '-' && v[23] == '-' {
		h := append(append(append(append(append(make([]byte, 0, 32), v[:8]...), v[9:13]...), v[14:18]...), v[19:23]...), v[24:]...)
		if b, ok := unhex(h, 'a'); ok {
			return formUUID, b
		}
	}
	if b, ok := unhex(v, 'a'); ok && len(b) <= maxRaw {
		return formHex, b
	}
	if b, ok := unhex(v, 'A'); ok && len(b) <= maxRaw {
		return formHEX, b
	}
	if b, ok := unbase64(v); ok && len(b) <= maxRaw {
		return formB64, b
	}
	return 0, nil
}

// unhex reads hexadecimal digits whose letters begin with ten.
func unhex(v []byte, ten byte) ([]byte, bool) {
	if len(v)%2 != 0 {
		return nil, false
	}
	for _, c := range v {
		if (c < '0' || c > '9') && (c < ten || c > ten+5) {
			return nil, false
		}
	}
	b := make([]byte, len(v)/2)
	_, err := hex.Decode(b, v)
	return b, err == nil
}

// unbase64 reads what looks like base 64 and prints again as it was. RFC 4648 §4.
func unbase64(v []byte) ([]byte, bool) {
	if len(v)%4 != 0 {
		return nil, false
	}
	var seen byte
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z':
			seen |= 1
		case c >= 'A' && c <= 'Z':
			seen |= 2
		case c >= '0' && c <= '9':
			seen |= 4
		case c == '+' || c == '/' || c == '=':
		default:
			return nil, false
		}
	}
	if seen != 7 {
		return nil, false // words run together
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(v)))
	n, err := base64.StdEncoding.Strict().Decode(b, v)
	return b[:n], err == nil
}

// appendRaw prints what rawOf has read.
func appendRaw(dst []byte, form byte, b []byte) []byte {
	switch form {
	case formB64:
		return base64.StdEncoding.AppendEncode(dst, b)
	case formUUID:
		for i, from := range [...]int{0, 4, 6, 8, 10} {
			to := [...]int{4, 6, 8, 10, 16}[i]
			if i > 0 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, b[from:to])
		}
		return dst
	}
	n := len(dst)
	dst = hex.AppendEncode(dst, b)
	if form == formHEX {
		for i, c := range dst[n:] {
			if c >= 'a' {
				dst[n+i] = c - 'a' + 'A'
			}
		}
	}
	return dst
}

// parseInt reads a decimal integer of at most 18 digits, as it would be printed.
func parseInt(v []byte) (int64, bool) {
	neg := len(v) > 0 && v[0] == '-'
	d := v
	if neg {
		d = v[1:]
	}
	n, ok := parseDigits(d, 18)
	if !ok || d[0] == '0' && (len(d) > 1 || neg) {
		return 0, false
	}
	if neg {
		return -int64(n), true
	}
	return int64(n), true
}

func parseDigits(d []byte, most int) (n uint64, ok bool) {
	if len(d) == 0 || len(d) > most {
		return 0, false
	}
	for _, c := range d {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// parseDec reads a number with a point and up to 15 digits behind it, of at most 16 digits in all.
func parseDec(v []byte) (neg bool, digits int, n uint64, ok bool) {
	if neg = len(v) > 0 && v[0] == '-'; neg {
		v = v[1:]
	}
	for i, c := range v {
		if c != '.' {
			continue
		}
		whole, ok1 := parseDigits(v[:i], 16)
		frac, ok2 := parseDigits(v[i+1:], 15)
		digits = len(v) - i - 1
		if !ok1 || !ok2 || v[0] == '0' && i > 1 || len(v) > 17 {
			return false, 0, 0, false
		}
		for range digits {
			whole *= 10
		}
		return neg, digits, whole + frac, true
	}
	return false, 0, 0, false
}

// appendDec prints what parseDec has read.
func appendDec(dst []byte, neg bool, digits int, n uint64) []byte {
	if neg {
		dst = append(dst, '-')
	}
	for k, least := 0, uint64(1); k < digits; k++ {
		if least *= 10; n < least {
			dst = append(dst, '0') // one digit at least stands before the point
		}
	}
	dst = strconv.AppendUint(dst, n, 10)
	dst = append(dst, 0)
	copy(dst[len(dst)-digits:], dst[len(dst)-digits-1:])
	dst[len(dst)-digits-1] = '.'
	return dst
}

// parseNumber reads a number to base 36 as it would be printed.
func parseNumber(v []byte) (n uint64, ok bool) {
	if len(v) < 3 || len(v) > 8 || v[0] == '0' {
		return 0, false
	}
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			n = n*36 + uint64(c-'0')
		case c >= 'a' && c <= 'z':
			n = n*36 + uint64(c-'a') + 10
		default:
			return 0, false
		}
	}
	return n, true
}

// nearest is the number of that parity whose half ends in low, nearest to near.
func nearest(near uint64, low byte, parity uint64) uint64 {
	half := int64(near >> 1)
	d := int64(int8(low - byte(half)))
	if half+d < 0 {
		d += 256
	}
	return uint64(half+d)<<1 | parity
}

const (
	secondForm = "2006-01-02T15:04:05Z" // XEP-0082 §3.2
	milliForm  = "2006-01-02T15:04:05.000Z"
	microForm  = "2006-01-02T15:04:05.000000Z"
)

// parseTime reads a time in UTC with none, three or six digits behind the point, as it would be printed.
func parseTime(v []byte) (micro int64, digits int, ok bool) {
	form := secondForm
	switch len(v) {
	case len(secondForm):
	case len(milliForm):
		form, digits = milliForm, 3
	case len(microForm):
		form, digits = microForm, 6
	default:
		return 0, 0, false
	}
	if v[4] != '-' || v[len(v)-1] != 'Z' {
		return 0, 0, false
	}
	t, err := time.Parse(form, str(v))
	if err != nil || t.Year() < 1 {
		return 0, 0, false
	}
	var room [32]byte
	if string(t.AppendFormat(room[:0], form)) != string(v) {
		return 0, 0, false
	}
	return t.UnixMicro(), digits, true
}

func appendTime(dst []byte, micro int64, digits int) []byte {
	form := [...]string{secondForm, milliForm, microForm}[digits/3]
	return time.UnixMicro(micro).UTC().AppendFormat(dst, form)
}

// floorSec is the whole seconds of a time in microseconds.
func floorSec(micro int64) int64 {
	s := micro / 1_000_000
	if micro < s*1_000_000 {
		s--
	}
	return s
}

// firstSec and lastSec bound what is printed with a year of four digits: 0001 to 9999.
const (
	firstSec = -62135596800
	lastSec  = 253402300799
)

// maxNumber bounds numbers to base 36: eight digits.
const maxNumber = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36

func appendInt(dst []byte, n int64) []byte     { return strconv.AppendInt(dst, n, 10) }
func appendNumber(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 36) }

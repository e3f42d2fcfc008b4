package sasl

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/xdg-go/stringprep"
)

// query is SASLprep for strings that are only compared (RFC 3454 §7): it lets pass what Unicode 3.2 did not know, since
// a localpart may hold newer letters and is checked as such by the caller.
var query = stringprep.Profile{
	Mappings:  stringprep.SASLprep.Mappings,
	Normalize: true,
	Prohibits: []stringprep.Set{
		stringprep.TableC1_2, stringprep.TableC2_1, stringprep.TableC2_2, stringprep.TableC3, stringprep.TableC4,
		stringprep.TableC5, stringprep.TableC6, stringprep.TableC7, stringprep.TableC8, stringprep.TableC9,
	},
	CheckBiDi: true,
}

// prepareUser: RFC 5802 §5.1: the name is prepared before it is looked up; one that cannot be, or is empty, ends the exchange.
func prepareUser(name string) (string, error) {
	p, err := prepare(query, name)
	if err == nil && p == "" {
		err = errors.New("empty")
	}
	return p, err
}

// preparePassword: RFC 5802 §2.2 wants passwords in SASLprep's normal form before they are hashed. RFC 4013 §2.5: what
// is stored holds no unassigned characters, because two sides may normalise those differently.
func preparePassword(password string) (string, error) {
	if password == "" {
		return "", errors.New("sasl: password is empty")
	}
	p, err := prepare(stringprep.SASLprep, password)
	if err != nil {
		return "", fmt.Errorf("sasl: password cannot be used: %w", err)
	}
	if p == "" {
		return "", errors.New("sasl: password holds nothing but characters that are ignored")
	}
	return p, nil
}

// prepare is SASLprep (RFC 4013). ASCII without control characters is its own normal form.
func prepare(profile stringprep.Profile, s string) (string, error) {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= 0x20 && s[i] <= 0x7e
	}
	if plain {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", errors.New("not UTF-8")
	}
	p, err := profile.Prepare(s)
	if err == nil {
		return p, nil
	}
	if e, ok := errors.AsType[stringprep.Error](err); ok {
		return "", fmt.Errorf("SASLprep (RFC 4013): %s U+%04X", e.Msg, e.Rune)
	}
	return "", fmt.Errorf("SASLprep (RFC 4013): %w", err)
}

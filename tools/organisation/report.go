package organisation

import (
	"errors"
	"regexp"
	"slices"

	"longwire/images/bundle"
)

var recipientForm = regexp.MustCompile(`\bage1[a-z0-9]{20,100}\b`)

// KitKey finds a kit's public key in its report, or in any text that has one of them.
func KitKey(report []byte) (string, error) {
	var keys []string
	for _, k := range recipientForm.FindAll(report, -1) {
		if _, err := bundle.KitID(string(k)); err == nil {
			keys = append(keys, string(k))
		}
	}
	slices.Sort(keys)
	switch keys = slices.Compact(keys); len(keys) {
	case 1:
		return keys[0], nil
	case 0:
		return "", errors.New("there is no kit's public key in it; one begins with age1")
	}
	return "", errors.New("there are keys of several kits in it; give the one with --recipient")
}

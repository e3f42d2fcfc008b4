package telemetry

import (
	"strings"
)

// longestName of a folder.
const longestName = 64

// Name makes a folder's name of an address: what may not stand in one, or means something to a shell, becomes '-'. No name
// begins with a point, so that none is hidden or leads upwards.
func Name(address string) string {
	b := []byte(strings.ToLower(address))
	for i, c := range b {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' && i > 0 || c == '-' || c == '_' {
			continue
		}
		b[i] = '-'
	}
	if len(b) > longestName {
		b = b[:longestName]
	}
	if len(b) == 0 {
		return "unknown"
	}
	return string(b)
}

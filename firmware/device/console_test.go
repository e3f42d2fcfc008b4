package device

import (
	"strings"
	"testing"
)

// Whoever makes a stick chooses its files' names; they must not steer the terminal of who watches the console.
func TestNamesOnAStickDoNotSteerTheConsole(t *testing.T) {
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"\x1b[2Jgood\u202e.lwb": r.bundle(1, nodeDoc(freePort(t)), "")})
	r.await("settings number 1 are kept", 1)
	r.await("(working)", 1)
	if text := r.console.String(); strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("the console:\n%q", text)
	}
}

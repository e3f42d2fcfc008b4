package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"longwire/tools/rig/wire"
)

// refuse notes that a line of its own came back. A replica refuses what is said while it is cut off, or gives up on it after it went out: then
// it may yet be said.
func (m *member) refuse(raw []byte) {
	var n int
	if _, err := fmt.Sscanf(wire.Attr(raw, "id"), m.name+"-%d", &n); err != nil || !slices.Contains(m.waiting, n) {
		if err != nil || !m.perhaps[n] && !m.shown[n] {
			m.report("%s: a refusal of what was not said: %.400s", m.name, raw)
		}
		return
	}
	if !m.replica || !bytes.Contains(raw, []byte("<service-unavailable ")) || !bytes.Contains(raw, []byte("type='wait'")) {
		m.report("%s: %q is refused: %.400s", m.name, m.body(n), raw)
	}
	m.refused++
	m.perhaps[n] = true
	m.hold = time.Now().Add(300 * time.Millisecond)
	m.waiting = slices.DeleteFunc(m.waiting, func(w int) bool { return w == n })
}

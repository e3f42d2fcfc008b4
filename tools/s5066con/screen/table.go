package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/tools/s5066con/station"
)

// A row is a station.
type row struct {
	address string
	name    string
	sap     uint8
	last    time.Time // zero: never heard
	how     string    // what was last heard of it
	mode    string
	count   int
	took    station.Seconds
	console bool
	typed   bool // put there by the operator
}

// mostRows is the number of stations in the table. When it is full the one that was heard longest ago goes.
const mostRows = 256

// get finds a station's row, or makes one.
func (m *Model) get(address string) *row {
	i := slices.IndexFunc(m.rows, func(r *row) bool { return r.address == address })
	if i >= 0 {
		return m.rows[i]
	}
	if len(m.rows) >= mostRows {
		oldest := 0
		for i, r := range m.rows {
			if r.last.Before(m.rows[oldest].last) {
				oldest = i
			}
		}
		m.rows = slices.Delete(m.rows, oldest, oldest+1)
	}
	r := &row{address: address, name: m.names[address]}
	m.rows = append(m.rows, r)
	return r
}

// heard notes that a station was heard.
func (m *Model) heard(address, how, mode string, sap uint8) *row {
	r := m.get(address)
	r.last, r.how, r.sap = m.now(), how, sap
	if mode != "" {
		r.mode = mode
	}
	r.count++
	return r
}

// selected is the station that the cursor is on, or nil.
func (m *Model) selected() *row {
	if m.cursor < 0 || m.cursor >= len(m.rows) {
		return nil
	}
	return m.rows[m.cursor]
}

func (m *Model) stationsView(width, height int) string {
	lines := []string{styles.dim.Render(fit(fmt.Sprintf("  %-16s %-16s %3s %-9s %-8s %5s %9s  %s", "station", "name", "SAP", "heard", "mode", "count", "took", "what"), width))}
	if m.own != "" {
		lines = append(lines, cut(fmt.Sprintf("  %-16s %-16s %3d", m.own, "this station", m.sap()), width))
	}
	first := max(m.cursor-(height-3), 0)
	for i, r := range m.rows[min(first, len(m.rows)):] {
		if len(lines) >= height {
			break
		}
		mark := "  "
		if i+first == m.cursor {
			mark = "> "
		}
		took := ""
		if r.took > 0 {
			took = r.took.String()
		}
		line := cut(fmt.Sprintf("%s%-16s %-16s %3d %-9s %-8s %5d %9s  %s", mark, r.address, cut(r.name, 16), r.sap, m.age(r.last), r.mode, r.count, took, r.how), width)
		if i+first == m.cursor {
			line = styles.mark.Render(line)
		}
		lines = append(lines, line)
	}
	if len(m.rows) == 0 {
		lines = append(lines, "", "No station was heard yet. d asks all for a sign (one broadcast), a adds one by its address.")
	}
	return strings.Join(lines, "\n")
}

// age is how long ago it was.
func (m *Model) age(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := m.now().Sub(t)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	}
	return fmt.Sprintf("%dh ago", int(d.Hours()))
}

// sap is the one that was asked for.
func (m *Model) sap() uint8 {
	if m.server.SAP == nil {
		return station.Free
	}
	return *m.server.SAP
}

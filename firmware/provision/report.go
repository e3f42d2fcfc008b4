package provision

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	maxReports = 20
	maxReport  = 32 << 10
)

// Report is what a kit says about a stick, for a reader who knows sticks and not formats. Empty fields are left out.
type Report struct {
	Stick    string   // "USB stick /dev/sda1, FAT"
	Found    []string // a line for each bundle
	Done     string   // a sentence
	Refused  *Refusal
	Why      []string // reasons, a line each
	Next     string   // what to do
	Software string   // version and slot
	State    string   // of the kit at large
}

// Describe adds what lay on the stick.
func (r *Report) Describe(f *Findings) {
	shown := 0
	for _, c := range f.Configs {
		if c.Verdict == Foreign {
			if shown++; shown > maxShown {
				continue
			}
		}
		r.Found = append(r.Found, Clean(c.File, 80)+": "+Clean(c.describe(), 600))
	}
	if shown > maxShown {
		r.Found = append(r.Found, fmt.Sprintf("and %d more for other kits", shown-maxShown))
	}
}

// Text is the report as it stands on the stick.
func (k *Kit) Text(r *Report) string {
	var b strings.Builder
	m := k.Meta()
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, strings.ReplaceAll(lines(text, maxReport/4), "\n", "\n"+strings.Repeat(" ", 13)))
		}
	}
	b.WriteString("Longwire kit report\n\n")
	row("kit", strings.TrimSpace(m.Name+" "+k.id))
	row("public key", k.recipient)
	row("software", r.Software)
	switch {
	case m.Digest == "":
		row("settings", "none yet")
	default:
		text := fmt.Sprintf("number %d", m.Number)
		if m.Trial != nil {
			text += ", on trial"
		}
		row("settings", text)
	}
	row("state", r.State)
	b.WriteString("\n")
	row("stick", r.Stick)
	for i, f := range r.Found {
		row([]string{"found", ""}[min(i, 1)], f)
	}
	if r.Refused != nil {
		row("result", "REFUSED, nothing was changed")
		row("why", r.Refused.Problem)
		row("what to do", r.Refused.Remedy)
	}
	row("result", r.Done)
	for i, w := range r.Why {
		row([]string{"why", ""}[min(i, 1)], w)
	}
	row("what to do", r.Next)
	// DOS line ends: the reader may be an old Windows' Notepad.
	return strings.ReplaceAll(cut(b.String(), maxReport), "\n", "\r\n")
}

// ReportName is the name of the report on a stick; several kits may write to one.
func (k *Kit) ReportName() string {
	return "LONGWIRE-" + strings.ToUpper(k.Name()) + ".TXT"
}

// File keeps a report for who asks without a stick. A report that cannot be kept harms nothing.
func (k *Kit) File(text string) error {
	dir := filepath.Join(k.root, reportsName)
	if err := k.disk.mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("provision: keeping the report: %w", err)
	}
	all := k.reports()
	next := 1
	if len(all) > 0 {
		next = all[len(all)-1] + 1
	}
	if len(all) > 0 {
		if last, err := readBounded(reportPath(dir, all[len(all)-1]), 2*maxReport); err == nil && string(last) == text {
			return nil // a stick that stays plugged in says the same at each start
		}
	}
	if err := replace(k.disk, reportPath(dir, next), []byte(text), 0o600); err != nil {
		return fmt.Errorf("provision: keeping the report: %w", err)
	}
	for _, n := range all[:max(0, len(all)+1-maxReports)] {
		if err := k.disk.remove(reportPath(dir, n)); err != nil {
			return fmt.Errorf("provision: removing an old report: %w", err)
		}
	}
	return nil
}

func reportPath(dir string, n int) string { return filepath.Join(dir, fmt.Sprintf("%06d.txt", n)) }

// reports lists the numbers of the reports that are kept, ascending.
func (k *Kit) reports() (all []int) {
	list, err := os.ReadDir(filepath.Join(k.root, reportsName))
	if err != nil {
		return nil
	}
	for _, e := range list {
		if n, err := strconv.Atoi(strings.TrimSuffix(e.Name(), ".txt")); err == nil && n > 0 {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all
}

// LastReport is the newest report; "" if there is none.
func (k *Kit) LastReport() (string, error) {
	all := k.reports()
	if len(all) == 0 {
		return "", nil
	}
	b, err := readBounded(reportPath(filepath.Join(k.root, reportsName), all[len(all)-1]), 2*maxReport)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// Clean is text in one line of printable signs, of at most so many bytes. What others chose must not steer a reader's terminal.
func Clean(s string, most int) string {
	return cut(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "·")), most)
}

// lines is Clean for text of several lines.
func lines(s string, most int) string {
	var out []string
	for l := range strings.Lines(s) {
		out = append(out, Clean(strings.TrimRight(l, "\r\n"), most))
	}
	return cut(strings.Join(out, "\n"), most)
}

// cut shortens to so many bytes, between runes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}

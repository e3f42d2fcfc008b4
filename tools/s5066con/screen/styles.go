package screen

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// styles are few, and of the sixteen colours that each terminal has.
var styles = struct{ bar, tab, mark, good, bad, dim, cursor lipgloss.Style }{
	bar:    lipgloss.NewStyle().Reverse(true),
	tab:    lipgloss.NewStyle().Bold(true).Underline(true),
	mark:   lipgloss.NewStyle().Bold(true),
	good:   lipgloss.NewStyle().Foreground(lipgloss.Green),
	bad:    lipgloss.NewStyle().Foreground(lipgloss.Red),
	dim:    lipgloss.NewStyle().Faint(true),
	cursor: lipgloss.NewStyle().Reverse(true),
}

// fit cuts a line to so many cells, and fills it up to them.
func fit(s string, width int) string {
	s = cut(s, width)
	return s + strings.Repeat(" ", max(width-lipgloss.Width(s), 0))
}

// cut cuts a line.
func cut(s string, width int) string {
	if width < 1 {
		return ""
	}
	return lipgloss.NewStyle().MaxWidth(width).MaxHeight(1).Render(s)
}

// tail is the last lines that fit, each cut to its width.
func tail(lines []string, width, height int) string {
	if n := len(lines) - height; n > 0 {
		lines = lines[n:]
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = cut(l, width)
	}
	return strings.Join(out, "\n")
}

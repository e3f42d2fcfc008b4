package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// An input is one line that is being typed.
type input struct {
	runes []rune
	at    int
}

// mostTyped is more than any U_PDU of the orderwire.
const mostTyped = 2046

func newInput(s string) input { return input{[]rune(s), len([]rune(s))} }

func (i input) String() string { return string(i.runes) }

// press edits, and tells whether the key was for it.
func (i *input) press(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "backspace":
		if i.at > 0 {
			i.runes = append(i.runes[:i.at-1:i.at-1], i.runes[i.at:]...)
			i.at--
		}
	case "delete":
		if i.at < len(i.runes) {
			i.runes = append(i.runes[:i.at:i.at], i.runes[i.at+1:]...)
		}
	case "left":
		i.at = max(i.at-1, 0)
	case "right":
		i.at = min(i.at+1, len(i.runes))
	case "home", "ctrl+a":
		i.at = 0
	case "end", "ctrl+e":
		i.at = len(i.runes)
	case "ctrl+u":
		*i = input{}
	default:
		if k.Text == "" {
			return false
		}
		i.insert(k.Text)
	}
	return true
}

func (i *input) insert(s string) {
	for _, r := range s {
		if r < ' ' || len(i.runes) >= mostTyped {
			continue
		}
		i.runes = append(i.runes[:i.at:i.at], append([]rune{r}, i.runes[i.at:]...)...)
		i.at++
	}
}

// view shows it with a cursor, in so many cells: its end when it is longer.
func (i input) view(width int) string {
	left, right := i.runes[:i.at], i.runes[i.at:]
	for width > 4 && len(left) > width-2 {
		left = left[1:]
	}
	under := " "
	if len(right) > 0 {
		under, right = string(right[0]), right[1:]
	}
	return string(left) + styles.cursor.Render(under) + strings.TrimRight(string(right), "\n")
}

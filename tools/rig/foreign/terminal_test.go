package foreign

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhatATerminalHeardIsCountedInItsHistory(t *testing.T) {
	term := &terminal{history: filepath.Join(t.TempDir(), "history")}
	if n, err := term.Heard("[1]"); n != 0 || err != nil {
		t.Errorf("before anything was said: %d, %v", n, err)
	}
	if err := os.MkdirAll(filepath.Join(term.history, "bob"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"alice": "one [1]\n", "bob/today": "one [1]\ntwo [2]\n"} {
		if err := os.WriteFile(filepath.Join(term.history, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]int{"[1]": 2, "[2]": 1, "[3]": 0} {
		if n, err := term.Heard(text); n != want || err != nil {
			t.Errorf("%s came %d times, %v; want %d", text, n, err, want)
		}
	}
}

package screen_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"longwire/tools/rig/screen"
)

func TestAScreenShowsWhatIsTypedAndWhatTheProgramSays(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed (Debian: tmux)")
	}
	s, err := screen.Open(t.Context(), fmt.Sprint("longwire-screen-test-", os.Getpid()), `sh -c 'read a; echo "<$a>"; read b'`)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Enter(t.Context(), "over to you"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Until(t.Context(), "nothing like it", "<over to you>"); err != nil || got != "<over to you>" {
		t.Errorf("got %q, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Until(ended, "never"); err == nil {
		t.Error("what is not there was found")
	}
	if got := screen.Squeeze("a  \n\n  \n b\n"); got != "a\n b\n" {
		t.Errorf("squeezed to %q", got)
	}
}

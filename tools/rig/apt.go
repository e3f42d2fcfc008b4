package rig

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A Need is a foreign program or library and the Debian package that brings it.
type Need struct {
	Package string
	Check   []string // a command that succeeds if it is there
}

// Foreign programs that tools use.
var (
	NeedProsody   = Need{"prosody", []string{"prosodyctl", "about"}}
	NeedProfanity = Need{"profanity", []string{"profanity", "--version"}}
	NeedTmux      = Need{"tmux", []string{"tmux", "-V"}}
	NeedPython    = Need{"python3", []string{"/usr/bin/python3", "--version"}}
	NeedTshark    = Need{"tshark", []string{"tshark", "--version"}}
	NeedQEMUUser  = Need{"qemu-user", []string{"qemu-arm", "--version"}}
	NeedMcabber   = Need{"mcabber", []string{"mcabber", "-V"}}
	NeedPoezio    = Need{"poezio", []string{"/usr/bin/python3", "-c", "import poezio"}} // it does not tell its version to root
	NeedSlixmpp   = Need{"python3-slixmpp", []string{"/usr/bin/python3", "-c", "import slixmpp"}}
)

func (n Need) met() bool { return exec.Command(n.Check[0], n.Check[1:]...).Run() == nil }

// Require makes sure of what a tool needs. It installs what is missing when it runs as root on a Debian system, and otherwise tells what the
// person has to install.
func Require(ctx context.Context, w io.Writer, needs ...Need) error {
	missing := unmet(needs)
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("rig: missing: %s (Debian: apt-get install %s)", list, list)
	}
	fmt.Fprintf(w, "installing %s\n", list)
	for _, args := range [][]string{{"update", "-q"}, append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("rig: apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	if missing = unmet(needs); len(missing) > 0 {
		return fmt.Errorf("rig: still missing after apt-get: %s", strings.Join(missing, " "))
	}
	return nil
}

func unmet(needs []Need) (packages []string) {
	for _, n := range needs {
		if !n.met() {
			packages = append(packages, n.Package)
		}
	}
	return packages
}

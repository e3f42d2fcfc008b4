package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// ask reads a line from the terminal without showing it.
func (c *call) ask(prompt string) (string, error) {
	fd := int(c.in.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	quiet := *old
	quiet.Lflag &^= unix.ECHO
	quiet.Lflag |= unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	restore := func() {
		unix.IoctlSetTermios(fd, unix.TCSETS, old)
		fmt.Fprintln(c.err)
	}
	// Ctrl-C while we wait for the line: give the terminal its echo back before leaving.
	undo := context.AfterFunc(c.ctx, func() { restore(); os.Exit(exitFailed) })
	fmt.Fprint(c.err, prompt)
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if !undo() {
		select {} // the other side is exiting
	}
	restore()
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

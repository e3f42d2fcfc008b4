// Package rig starts and stops the servers that the tools show, measure and torture: Longwire nodes with a generated
// configuration, and Prosody as the reference. Everything listens on loopback addresses and lives in one temporary folder.
package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// A Server is a running XMPP server, ours or another.
type Server interface {
	Name() string
	Start(ctx context.Context) error         // returns when clients can connect
	AddUsers(context.Context, ...User) error // before Start
	Stop() error                             // asks it to end, and waits
	Kill()                                   // kill -9, and waits
	PID() int
	Address() string // client port: STARTTLS, or plain where allowed
	Direct() string  // client port with TLS from the first byte
}

// A User is an account.
type User struct{ Name, Domain, Password string }

// JID is the bare address.
func (u User) JID() string { return u.Name + "@" + u.Domain }

// A process is a server's process that can be started again and again.
type process struct {
	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has been waited for
}

// start runs the command with its output appended to the log file.
func (p *process) start(logFile, bin string, args, env []string) error {
	f, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("rig: log: %w", err)
	}
	defer f.Close()
	cmd := exec.Command(bin, args...)
	cmd.Stdout, cmd.Stderr = f, f
	cmd.Env = append(os.Environ(), env...)
	// A tool that is killed must leave no servers behind, and its Ctrl-C is not theirs.
	cmd.SysProcAttr = ChildAttr()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("rig: start %s: %w", bin, err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	p.mu.Lock()
	p.cmd, p.exited = cmd, exited
	p.mu.Unlock()
	return nil
}

// PID is the id of the newest process, 0 before the first.
func (p *process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Exited is closed when the newest process has ended.
func (p *process) Exited() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// Kill ends the process with SIGKILL.
func (p *process) Kill() { p.end(syscall.SIGKILL, time.Minute) }

// Stop ends the process with SIGTERM, and with SIGKILL if that takes more than ten seconds.
func (p *process) Stop() error {
	if p.end(syscall.SIGTERM, 10*time.Second) {
		return nil
	}
	p.end(syscall.SIGKILL, time.Minute)
	return errors.New("rig: the server did not stop within 10 s")
}

func (p *process) end(sig syscall.Signal, wait time.Duration) bool {
	p.mu.Lock()
	cmd, exited := p.cmd, p.exited
	p.mu.Unlock()
	if cmd == nil {
		return true
	}
	cmd.Process.Signal(sig)
	select {
	case <-exited:
		return true
	case <-time.After(wait):
		return false
	}
}

// waitListening waits until all addresses accept connections.
func (p *process) waitListening(ctx context.Context, name, logFile string, addrs ...string) error {
	exited := p.Exited()
	for _, a := range addrs {
		for {
			c, err := net.DialTimeout("tcp", a, time.Second)
			if err == nil {
				c.Close()
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("rig: %s does not listen on %s: %w", name, a, ctx.Err())
			case <-exited:
				return fmt.Errorf("rig: %s ended at its start:\n%s", name, tail(logFile, 2000))
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}

// tail is the end of a file.
func tail(file string, n int) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-n):])
}

// Port is a free port of an address; the preferred one if that is free and not 0.
func Port(ip string, prefer int) (int, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", ip, prefer))
	if err != nil {
		if l, err = net.Listen("tcp", ip+":0"); err != nil {
			return 0, fmt.Errorf("rig: no free port on %s: %w", ip, err)
		}
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Ports fills every number with a free port of the address, keeping those that are free already.
func Ports(ip string, ports ...*int) error {
	for _, p := range ports {
		n, err := Port(ip, *p)
		if err != nil {
			return err
		}
		*p = n
	}
	return nil
}

// Root is the project's folder, found upwards from the working one.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("rig: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("rig: no go.mod here or above: run from the project's folder")
		}
		dir = up
	}
}

// Build compiles longwire into dir, as the Makefile does, for the machine named by GOOS, GOARCH and GOARM in env or else this one.
func Build(ctx context.Context, dir string, env ...string) (string, error) {
	return build(ctx, filepath.Join(dir, "longwire"), "./firmware", env...)
}

// BuildSISServer compiles s5066d into dir.
func BuildSISServer(ctx context.Context, dir string) (string, error) {
	return build(ctx, filepath.Join(dir, "s5066d"), "./tools/s5066d")
}

// BuildTool compiles one of the folder tools into dir.
func BuildTool(ctx context.Context, dir, name string) (string, error) {
	return build(ctx, filepath.Join(dir, name), "./tools/"+name)
}

func build(ctx context.Context, bin, pkg string, env ...string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, pkg)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("rig: go build %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}

// Context ends at Ctrl-C, SIGTERM, or after the limit, whichever is first. 0 is no limit.
func Context(limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if limit == 0 {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	return ctx, func() { cancel(); stop() }
}

package foreign

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"longwire/tools/rig"
)

//go:embed slixmpp.py
var script string

// A slix is a process in Python.
type slix struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	faults bytes.Buffer
	ended  chan struct{}
	ready  chan struct{}

	mu    sync.Mutex
	heard []string
}

// slixmpp runs by Debian's Python, which its slixmpp is for.
func slixmpp(ctx context.Context, a Account) (Client, error) {
	arg, err := json.Marshal(map[string]any{"jid": a.JID() + "/slixmpp", "password": a.Password, "host": a.Host, "port": a.Port, "certificate": a.Certificate})
	if err != nil {
		return nil, err
	}
	s := &slix{cmd: exec.Command("/usr/bin/python3", "-c", script, string(arg)), ended: make(chan struct{}), ready: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	s.cmd.SysProcAttr = rig.ChildAttr()
	s.cmd.Stderr = &s.faults
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		s.in, err = s.cmd.StdinPipe()
	}
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("foreign: slixmpp: %w", err)
	}
	go s.listen(out)
	select {
	case <-s.ready:
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("foreign: slixmpp of %s ended: %s", a.JID(), s.faults.Bytes())
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(time.Minute):
		err = fmt.Errorf("foreign: slixmpp of %s is not ready after a minute", a.JID())
	}
	s.Close()
	return nil, err
}

func (s *slix) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct {
			Ready bool
			Heard string
		}
		switch {
		case json.Unmarshal(lines.Bytes(), &l) != nil:
		case l.Ready:
			close(s.ready)
		default:
			s.mu.Lock()
			s.heard = append(s.heard, l.Heard)
			s.mu.Unlock()
		}
	}
	_ = s.cmd.Wait() // what it says of its end is in faults
	close(s.ended)
}

func (s *slix) order(what map[string]string) error {
	b, err := json.Marshal(what)
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("foreign: slixmpp: %w", err)
	}
	return nil
}

func (s *slix) Show(_ context.Context, show string) error {
	return s.order(map[string]string{"show": show})
}

func (s *slix) Say(_ context.Context, to, text string) error {
	return s.order(map[string]string{"to": to, "say": text})
}

func (s *slix) Heard(text string) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.heard {
		n += strings.Count(h, text)
	}
	return n, nil
}

func (s *slix) Close() {
	s.in.Close()
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

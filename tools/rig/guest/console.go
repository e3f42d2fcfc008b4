package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Line is a line of the console.
type Line struct {
	At   time.Time // when it began
	Text string    // without what moves a terminal's cursor or colours it
}

// A Cursor is a place in the console's text. Its zero value is the beginning.
type Cursor int

// A Console is what a guest prints. It keeps all of it, and writes it with the time of each line to its log.
type Console struct {
	log   io.Writer
	start time.Time

	mu    sync.Mutex // guards what follows
	more  *sync.Cond // something was added
	lines []Line     // the last may be unfinished
	open  bool       // the last is unfinished
	ended bool
	clean stripper
}

func newConsole(log io.Writer) *Console {
	c := &Console{log: log, start: time.Now()}
	c.more = sync.NewCond(&c.mu)
	return c
}

// Write takes what the guest prints.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for part := range bytes.Lines(c.clean.strip(p)) {
		text, whole := bytes.CutSuffix(part, []byte("\n"))
		if !c.open {
			c.lines = append(c.lines, Line{At: now})
		}
		l := &c.lines[len(c.lines)-1]
		l.Text += string(text)
		c.open = !whole
		if whole {
			fmt.Fprintf(c.log, "%8.3f %s\n", l.At.Sub(c.start).Seconds(), l.Text)
		}
	}
	c.more.Broadcast()
	return len(p), nil
}

func (c *Console) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.more.Broadcast()
}

func (c *Console) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.more.Broadcast()
}

// Here is the end of what was printed so far.
func (c *Console) Here() Cursor {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Cursor(len(c.lines))
}

// await waits for a line that has one of the texts. The cursor is then behind it.
func (c *Console) await(ctx context.Context, at *Cursor, texts []string) (Line, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for i := int(*at); i < len(c.lines); i++ {
			if l := c.lines[i]; hasAny(l.Text, texts) {
				*at = Cursor(i + 1)
				return l, nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return Line{}, ctx.Err()
		case c.ended:
			return Line{}, errors.New("QEMU has ended")
		}
		c.more.Wait()
	}
}

func hasAny(line string, texts []string) bool {
	for _, t := range texts {
		if strings.Contains(line, t) {
			return true
		}
	}
	return false
}

// Since are the lines from the cursor on.
func (c *Console) Since(at Cursor) []Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Line(nil), c.lines[min(int(at), len(c.lines)):]...)
}

// Tail is the text of the last n lines.
func (c *Console) Tail(n int) string {
	var b strings.Builder
	for _, l := range c.Since(max(0, c.Here()-Cursor(n))) {
		fmt.Fprintf(&b, "  | %s\n", l.Text)
	}
	return b.String()
}

// A stripper takes out of a stream what a terminal obeys rather than shows: returns, and escape sequences (ECMA-48 §5.4), which may be cut
// anywhere.
type stripper struct{ state byte } // 0, ESC, or '['

func (s *stripper) strip(p []byte) []byte {
	out := make([]byte, 0, len(p))
	for _, b := range p {
		switch {
		case s.state == 0x1b && b == '[':
			s.state = '['
		case s.state == 0x1b:
			s.state = 0
		case s.state == '[' && b >= 0x40 && b <= 0x7e:
			s.state = 0
		case s.state == '[':
		case b == 0x1b:
			s.state = 0x1b
		case b == '\n' || b == '\t' || b >= ' ' && b != 0x7f:
			out = append(out, b)
		}
	}
	return out
}

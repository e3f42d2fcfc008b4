package rig_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"longwire/tools/rig"
)

// openPath joins a dialled connection and an accepted one.
func openPath(t *testing.T, p *rig.Path) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	port, err := rig.Port("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Listen = (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String()
	p.Target = l.Addr().String()
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if near, err = net.Dial("tcp", p.Listen); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func TestPathTakesItsTime(t *testing.T) {
	near, far := openPath(t, &rig.Path{Delay: 50 * time.Millisecond, Rate: 80000})
	data := bytes.Repeat([]byte("x"), 2000) // 200 ms at 80 kbit/s
	start := time.Now()
	near.Write(data)
	if _, err := io.ReadFull(far, make([]byte, len(data))); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 250*time.Millisecond || d > 2*time.Second {
		t.Errorf("took %v, want about 250 ms", d)
	}
}

func TestPathCutLosesWhatIsUnderWay(t *testing.T) {
	p := &rig.Path{Delay: time.Hour}
	near, far := openPath(t, p)
	near.Write([]byte("never seen"))
	p.Cut()
	for _, c := range []net.Conn{near, far} {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := c.Read(make([]byte, 100))
		if ne, ok := err.(net.Error); n != 0 || err == nil || ok && ne.Timeout() {
			t.Errorf("after the cut: %d bytes, %v", n, err)
		}
	}
	if c, err := net.Dial("tcp", p.Listen); err == nil {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || err.(net.Error).Timeout() {
			t.Errorf("a new connection while cut: %v", err)
		}
	}
}

func TestPathLosesAndSendsAgain(t *testing.T) {
	near, far := openPath(t, &rig.Path{Loss: 1})
	start := time.Now()
	near.Write([]byte("late"))
	if _, err := io.ReadFull(far, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < time.Second || d > 3*time.Second {
		t.Errorf("took %v, want about 1 s", d)
	}
}

package device

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// sisServer is a SIS server without anybody on the air.
func sisServer(t *testing.T, ln net.Listener) {
	t.Helper()
	air := sistest.NewAir(sistest.Options{Delay: 20 * time.Millisecond, Patience: 300 * time.Millisecond})
	t.Cleanup(air.Close)
	address, err := sis.ParseAddress("1.1.0.2")
	if err != nil {
		t.Fatal(err)
	}
	station := air.Node(address, sis.ServerConfig{})
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if !station.Carry(sis.Carrier{ReadWriteCloser: c, Name: "tcp"}) {
				c.Close()
			}
		}
	})
	t.Cleanup(func() { ln.Close(); accepting.Wait() })
}

// linkedDoc is a node with a link of each type to peers that never answer.
func linkedDoc(t *testing.T, sisPort int) string {
	return nodeDoc(freePort(t)) + fmt.Sprintf(`
[[link]]
name = "IP link hq-2-field"
remote_address = "127.0.0.1"
remote_port = %d
local_address = "127.0.0.1"
local_port = %d
[[link]]
name = "5066 link hq-2-field"
type = "s5066"
server = "127.0.0.1:%d"
local_5066_address = "1.1.0.2"
[[peer]]
name = "hq"
domains = ["headquarters.net"]
links = ["5066 link hq-2-field"]
[peer.s5066]
remote_5066_address = "1.1.0.1"
[[peer]]
name = "second"
domains = ["second.net"]
links = ["IP link hq-2-field"]
`, freePort(t), freePort(t), sisPort)
}

func TestAKitWhosePeersAreSilentIsHealthy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sisServer(t, ln)
	r := newRig(t)
	r.begin()
	r.await("(needs attention)", 1)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, linkedDoc(t, ln.Addr().(*net.TCPAddr).Port), "")})
	r.await("settings number 1 are kept", 1)
	r.await("lamp: green steady (working)", 1)

	// When it is red, an empty stick tells why.
	r.services.mu.Lock()
	r.services.sick[NodeUnit] = errors.New("it hangs")
	r.services.mu.Unlock()
	r.pull("/dev/sda1")
	dir := r.plug("/dev/sdb1", false, nil)
	if text := r.anyReport(dir); !strings.Contains(text, "needs attention: the node does not run: it hangs") {
		t.Errorf("the report:\n%s", text)
	}
}

func TestALinkWithoutItsSISServerIsUndone(t *testing.T) {
	r := newRig(t)
	r.o.Grace = 4 * time.Second
	r.begin()
	r.await("(needs attention)", 1)
	dir := r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, linkedDoc(t, freePort(t)), "")})
	if text := r.anyReport(dir); !strings.Contains(text, "UNDONE") || !strings.Contains(text, `link "5066 link hq-2-field" has no place at its SIS server 127.0.0.1:`) {
		t.Errorf("the report:\n%s", text)
	}
}

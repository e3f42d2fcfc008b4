package host_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"longwire/firmware/host"
)

// space is a network namespace with a goroutine on a thread in it.
type space struct {
	do   chan func()
	name string
}

// in runs f in the namespace.
func (s *space) in(f func()) {
	done := make(chan struct{})
	s.do <- func() { defer close(done); f() }
	<-done
}

// spaces makes a kit and another machine, joined by a cable: 192.0.2.1 and fd00::1 are the kit, .2 and ::2 the other.
func spaces(t *testing.T) (kit, other *space) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Skipf("no network namespaces here: ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	make := func(side string) *space {
		name := fmt.Sprintf("lw%d%s", os.Getpid(), side)
		run("netns", "add", name)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
		s := &space{make(chan func()), name}
		var wg sync.WaitGroup
		wg.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			f, err := os.Open("/run/netns/" + name)
			if err == nil {
				err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
				f.Close()
			}
			if err != nil {
				t.Error(err)
			}
			for f := range s.do {
				f()
			}
		})
		t.Cleanup(func() { close(s.do); wg.Wait() })
		return s
	}
	kit, other = make("k"), make("o")
	run("link", "add", "eth0", "netns", kit.name, "type", "veth", "peer", "name", "eth0", "netns", other.name)
	for s, n := range map[*space]string{kit: "1", other: "2"} {
		run("-n", s.name, "link", "set", "lo", "up")
		run("-n", s.name, "link", "set", "eth0", "up")
		run("-n", s.name, "addr", "add", "192.0.2."+n+"/24", "dev", "eth0")
		run("-n", s.name, "addr", "add", "fd00::"+n+"/64", "dev", "eth0", "nodad")
	}
	run("-n", kit.name, "addr", "add", "192.0.2.9/24", "dev", "eth0")
	return kit, other
}

// listen accepts connections in a namespace.
func (s *space) listen(t *testing.T, address string) {
	t.Helper()
	var l net.Listener
	var err error
	s.in(func() { l, err = net.Listen("tcp", address) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("hello"))
			c.Close()
		}
	}()
}

// patience is how long an answer is waited for: a wanted one may come late on a busy machine, an unwanted one costs the whole wait.
func patience(wanted bool) time.Duration {
	if wanted {
		return 5 * time.Second
	}
	return 300 * time.Millisecond
}

// reaches tells whether a connection is made from a namespace, as wanted or not.
func (s *space) reaches(address string, wanted bool) (ok bool) {
	s.in(func() {
		c, err := net.DialTimeout("tcp", address, patience(wanted))
		if ok = err == nil; ok {
			c.Close()
		}
	})
	return ok
}

// receives sends a datagram from one namespace to another, from a port to a port.
func receives(t *testing.T, from, to *space, source, target string, wanted bool) (ok bool) {
	t.Helper()
	var at, out net.PacketConn
	var err error
	to.in(func() { at, err = net.ListenPacket("udp", target) })
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	from.in(func() { out, err = net.ListenPacket("udp", source) })
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.WriteTo([]byte("x"), at.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	at.SetReadDeadline(time.Now().Add(patience(wanted)))
	_, _, err = at.ReadFrom(make([]byte, 10))
	return err == nil
}

func (s *space) set(t *testing.T, r host.Rules) {
	t.Helper()
	var err error
	s.in(func() { err = r.Set() })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ENOENT) {
		t.Skip("this kernel lacks something of nf_tables: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pings sends an ICMP echo and waits for the answer.
func (s *space) pings(t *testing.T, from, to string) bool {
	t.Helper()
	network, echo, reply := "ip4:icmp", []byte{8, 0, 0, 0, 'L', 'W', 0, 1}, byte(0) // RFC 792
	echo[2], echo[3] = 0xAB, 0xA7                                                   // the checksum
	if strings.Contains(to, ":") {
		network, echo[0], reply = "ip6:ipv6-icmp", 128, 129 // RFC 4443 §4.1; the kernel makes the checksum
	}
	var c net.PacketConn
	var err error
	s.in(func() { c, err = net.ListenPacket(network, from) })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.WriteTo(echo, &net.IPAddr{IP: net.ParseIP(to)}); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(patience(true)))
	b := make([]byte, 100)
	for {
		n, _, err := c.ReadFrom(b)
		if err != nil {
			return false
		}
		if n >= 8 && b[0] == reply && string(b[4:6]) == "LW" {
			return true
		}
	}
}

func TestFirewall(t *testing.T) {
	kit, other := spaces(t)
	for _, address := range []string{":5222", ":5223", "127.0.0.1:5066"} {
		kit.listen(t, address)
	}
	other.listen(t, ":80")
	if !other.reaches("192.0.2.1:5222", true) || !other.reaches("[fd00::1]:5223", true) {
		t.Skip("the cable does not carry, even without rules")
	}

	check := func(what string, want map[string]bool) {
		t.Helper()
		for address, open := range want {
			if got := other.reaches(address, open); got != open {
				t.Errorf("%s: %s is reached: %v", what, address, got)
			}
		}
	}
	tcp := func(n uint16, at string) host.Port {
		p := host.Port{Protocol: host.TCP, Number: n}
		if at != "" {
			p.Address = netip.MustParseAddr(at)
		}
		return p
	}

	kit.set(t, host.Rules{})
	check("closed", map[string]bool{"192.0.2.1:5222": false, "[fd00::1]:5222": false, "192.0.2.1:5223": false})
	if !kit.reaches("127.0.0.1:5066", true) || !kit.reaches("192.0.2.1:5222", true) {
		t.Error("closed: the kit does not reach itself")
	}
	if !kit.reaches("192.0.2.2:80", true) || !kit.reaches("[fd00::2]:80", true) {
		t.Error("closed: no answers come to the kit's own connections")
	}
	if !other.pings(t, "192.0.2.2", "192.0.2.1") || !other.pings(t, "fd00::2", "fd00::1") {
		t.Error("closed: no ping")
	}

	kit.set(t, host.Rules{Ports: []host.Port{tcp(5222, "")}})
	check("one port", map[string]bool{"192.0.2.1:5222": true, "[fd00::1]:5222": true, "192.0.2.1:5223": false, "192.0.2.1:5066": false})

	kit.set(t, host.Rules{Ports: []host.Port{tcp(5223, "192.0.2.9"), tcp(5222, "fd00::1")}})
	check("one address", map[string]bool{"192.0.2.9:5223": true, "192.0.2.1:5223": false, "[fd00::1]:5223": false,
		"[fd00::1]:5222": true, "192.0.2.9:5222": false})

	if receives(t, other, kit, "192.0.2.2:9999", "192.0.2.1:9000", false) {
		t.Error("a datagram to a closed port")
	}
	if !receives(t, other, kit, "192.0.2.2:67", "192.0.2.1:68", true) || receives(t, other, kit, "192.0.2.2:66", "192.0.2.1:68", false) {
		t.Error("DHCP's answers, or what looks like them")
	}
	if receives(t, other, kit, "192.0.2.2:68", "192.0.2.1:67", false) {
		t.Error("a question for a DHCP server that there is not")
	}
	kit.set(t, host.Rules{Ports: []host.Port{{Protocol: host.UDP, Number: 9000}}, ServeDHCP: []string{"eth0"}})
	if !receives(t, other, kit, "192.0.2.2:9999", "192.0.2.1:9000", true) || !receives(t, other, kit, "192.0.2.2:68", "192.0.2.1:67", true) {
		t.Error("open datagram ports")
	}
	check("datagrams only", map[string]bool{"192.0.2.1:5222": false})

	kit.set(t, host.Rules{Off: true})
	check("off", map[string]bool{"192.0.2.1:5222": true, "192.0.2.1:5223": true})
}

// A connection that is there stays when the rules are set anew, and falls silent when its port is closed only if it is new.
func TestFirewallChangesUnderTraffic(t *testing.T) {
	kit, other := spaces(t)
	rules := host.Rules{Ports: []host.Port{{Protocol: host.TCP, Number: 5222}}}
	kit.set(t, rules)
	var l net.Listener
	var client net.Conn
	var err error
	kit.in(func() { l, err = net.Listen("tcp", ":5222") })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	other.in(func() { client, err = net.DialTimeout("tcp", "192.0.2.1:5222", patience(true)) })
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for range 50 {
		kit.set(t, rules)
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		server.SetReadDeadline(time.Now().Add(patience(true)))
		if _, err := server.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFirewallWithoutRights(t *testing.T) {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and its lost rights with it
		var none [2]unix.CapUserData
		if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
			failed <- err
			return
		}
		failed <- host.Rules{}.Set()
	}()
	if err := <-failed; !errors.Is(err, syscall.EPERM) || !strings.Contains(err.Error(), "only root may") {
		t.Error(err)
	}
}

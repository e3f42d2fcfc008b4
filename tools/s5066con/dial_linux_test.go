package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"longwire/board/boardtest"
	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/links/vsock"
	"longwire/tools/s5066con/settings"
)

// The same commands over each carrier that this machine has.
func TestCarriers(t *testing.T) {
	carriers := map[string]func(t *testing.T, near *sistest.Node) (server string){
		"tcp": func(t *testing.T, near *sistest.Node) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			carry(t, l, near)
			return l.Addr().String()
		},
		"vsock": func(t *testing.T, near *sistest.Node) string {
			l, err := vsock.Listen("local:50669")
			if err != nil {
				t.Skip("no vsock loopback: ", err)
			}
			carry(t, l, near)
			return "vsock:local:50669"
		},
		"serial": func(t *testing.T, near *sistest.Node) string {
			master, slave := boardtest.Terminal(t)
			near.Carry(sis.Carrier{ReadWriteCloser: master, Name: "tty", Noisy: true})
			return "serial:" + slave + "@19200"
		},
	}
	for name, open := range carriers {
		t.Run(name, func(t *testing.T) {
			air := sistest.NewAir(sistest.Options{})
			t.Cleanup(air.Close)
			near := air.Node(here, sis.ServerConfig{})
			air.Node(there, sis.ServerConfig{})
			server := open(t, near)
			d := newDesk(t, near, "")
			d.dial = dial
			if code := d.main(t.Context(), []string{"test", "-json", "-count", "30", "-server", server, "-report=false", "1.1.0.2"}); code != exitGood ||
				!strings.Contains(d.output.String(), `"delivered":30`) {
				t.Errorf("exit code %d: %s%s", code, d.output.String(), d.errors.String())
			}
		})
	}
}

// carry gives a node what connects.
func carry(t *testing.T, l net.Listener, n *sistest.Node) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.Carry(sis.Carrier{ReadWriteCloser: c, Name: "socket"})
		}
	}()
}

func TestAddressesThatLeadNowhere(t *testing.T) {
	for server, code := range map[string]int{"127.0.0.1:1": exitUnreachable, "serial:" + filepath.Join(t.TempDir(), "tty"): exitUnreachable,
		"serial:/dev/tty@fast": exitMisuse, "vsock:x:y": exitMisuse} {
		d := newDesk(t, nil, "")
		d.dial = dial
		if got := d.main(t.Context(), []string{"ping", "-server", server, "1.1.0.2"}); got != code || d.errors.String() == "" {
			t.Errorf("%s: exit code %d, %s", server, got, d.errors.String())
		}
	}
	if _, err := dial(settings.Server{Name: "x", Network: "ham"}); err == nil {
		t.Error("a network that there is not")
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/board/boardtest"
	"longwire/links/modem"
	"longwire/links/sis"
)

// TestSerialClient has a client at a serial line and one by TCP talk through two servers of this process.
func TestSerialClient(t *testing.T) {
	dir := t.TempDir()
	air := modem.NewChannel(modem.ChannelConfig{Clock: modem.Clock{Epoch: time.Now(), Scale: 200}, Seed: 1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- air.ServeEther(ctx, l) }()
	master, slave := boardtest.Terminal(t)
	port := freePort(t)
	ended := make(chan int, 2)
	for i, clients := range []string{fmt.Sprintf("listen = []\nserial = [\"%s@38400\"]", slave), fmt.Sprintf("listen = [%q]", port)} {
		path := filepath.Join(dir, fmt.Sprintf("%d.toml", i+1))
		text := fmt.Sprintf("address = \"1.1.0.%d\"\ncontrol = %q\n[clients]\n%s\n[modem]\nchannel = %q\nrate = 1200\n", i+1, filepath.Join(dir, fmt.Sprint(i)), clients, l.Addr())
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		go func() {
			var out, said strings.Builder
			code := run(ctx, []string{"run", "--config", path}, &out, &said)
			if code != exitOK {
				t.Errorf("server %d: %d, %s", i+1, code, said.String())
			}
			ended <- code
		}()
	}
	defer func() {
		stop()
		<-ended
		<-ended
		<-served
	}()
	var serial *sis.Client
	until(t, "a bind by the serial line", func() bool {
		serial, err = sis.Bind(ctx, sis.Binding{SAP: 13, Noisy: true, BindWait: 2 * time.Second, Dial: func(context.Context) (io.ReadWriteCloser, error) { return master, nil }})
		return err == nil
	})
	tcp := bind(t, port, 0)
	errs := make(chan error, 2)
	go func() { errs <- exchange(ctx, serial, 1, 2, 3) }()
	go func() { errs <- exchange(ctx, tcp, 2, 1, 3) }()
	for range 2 {
		select {
		case err := <-errs:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("nothing came")
		}
	}
}

func TestModemThatIsNotThere(t *testing.T) {
	for _, c := range []struct{ modem, want string }{
		{"type = \"serial\"\nport = \"/dev/ttyNONE7\"", "no modem: "},
		{"type = \"serial\"\nport = \"/dev/null\"\nptt = \"none\"", "no modem: "},
	} {
		path := filepath.Join(t.TempDir(), "c.toml")
		text := fmt.Sprintf("address = \"1.1.0.1\"\ncontrol = %q\n[clients]\nlisten = [\"127.0.0.1:0\"]\n[modem]\n%s\n", path+".control", c.modem)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, e := invoked(t, "run", "--config", path); code != exitFailed || !strings.Contains(e, c.want) {
			t.Errorf("%s: %d, %s", c.modem, code, e)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	good := "address = \"1.1.0.1\"\n"
	for _, c := range []struct{ text, want string }{
		{"", `c.toml: address: "" is not the address of a node`},
		{"address = 1.1.0.1", "c.toml:1: "},
		{"address = \"17.0.0.1\"", "c.toml:1: address: "},
		{good + "adress = \"x\"", "c.toml:2: adress: there is no such setting"},
		{good + "groups = [\"1.0.0.5\"]", "c.toml:2: groups: "},
		{good + "[clients]\nlisten = [\"5066\"]", "c.toml:3: clients.listen: "},
		{good + "[clients]\nlisten = []", "c.toml:3: clients.listen: nobody can reach"},
		{good + "[clients]\nserial = [\"ttyS1\"]", "c.toml:3: clients.serial: "},
		{good + "[clients]\nmax = 4\nsaps = [16]", "c.toml:3: clients.max: 4 is out of range; choose 5 to 16"},
		{good + "[clients]\nmax_ttl = \"400h\"", "c.toml:3: clients.max_ttl: "},
		{good + "[modem]\nrate = \"300\"", "c.toml:3: modem.rate: it must be a whole number, without quotes"},
		{good + "[clients]\nmax_ttl = \"999h\"", "\"999h\" is out of range; choose 2s to 360h"},
		{good + "[modem]\nrate = 1000", "c.toml:3: modem.rate: no waveform of 1000 bit/s; there are"},
		{good + "[modem]\ninterleaver = \"none\"", "c.toml:3: modem.interleaver: "},
		{good + "[modem]\ntype = \"serial\"", "modem.port: "},
		{good + "[modem]\ntype = \"serial\"\nport = \"/dev/ttyS0\"\nptt = \"gpio:17\"", "c.toml:5: modem.ptt: "},
		{good + "[modem]\ntype = \"serial\"\nport = \"/dev/ttyS0\"\nptt = \"gpio:\"", "c.toml:5: modem.ptt: "},
		{good + "[modem]\ntype = \"serial\"\nport = \"/dev/ttyS0\"\nptt = \"gpio:chip0/17\"", "c.toml:5: modem.ptt: "},
		{good + "[modem]\ntype = \"serial\"\nport = \"/dev/ttyS0\"\nrate = 9600", "modem.baud: a line of 9600 baud is too slow"},
		{good + "[modem]\nchannel = \"7066\"", "c.toml:3: modem.channel: \"7066\" is neither host:port"},
		{good + "name = \"" + strings.Repeat("x", 65) + "\"", "c.toml:2: name: station name"},
		{good + "[timers]\nidle = 30", "c.toml:3: timers.idle: it must be a duration"},
		{good + "[timers]\nfirst = \"0s\"", "c.toml:3: timers.first: "},
		{good + "[arq]\nmax_transmission = \"3m\"", "c.toml:3: arq.max_transmission: "},
		{good + "[log]\nlevel = \"loud\"", "c.toml:3: log.level: "},
	} {
		_, err := parse("c.toml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	// The example means the defaults, and so does every line of it with its # taken away.
	if _, err := parse("c.toml", []byte(exampleText())); err != nil {
		t.Error(err)
	}
	bare := strings.ReplaceAll(strings.ReplaceAll(exampleText(), "\n# ", "\n## "), "\n#", "\n")
	bare = strings.ReplaceAll(bare, "\n# ", "\n## ")
	if _, err := parse("c.toml", []byte(bare)); err != nil {
		t.Error(err)
	}
}

// FuzzConfig: no file makes the parser fall over.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(exampleText()))
	f.Add([]byte("address = \"1.1.0.1\"\n[modem]\nrate = 75\n"))
	f.Add([]byte("[[clients]]\n[modem.x]\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if c, err := parse("f", doc); (c == nil) == (err == nil) {
			t.Errorf("config %v, err %v", c, err)
		}
	})
}

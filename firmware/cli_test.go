package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/sasl"
)

// buffer is a bytes.Buffer for a command that runs beside the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) { b.mu.Lock(); defer b.mu.Unlock(); return b.b.Write(p) }
func (b *buffer) String() string              { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

// longwire runs a command line, with the text of its standard input.
func longwire(t *testing.T, input string, args ...string) (code int, out, errs string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString(input); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var o, e buffer
	code = run(t.Context(), args, std{r, &o, &e})
	return code, o.String(), e.String()
}

// use writes a config and makes it the one in use.
func use(t *testing.T, doc string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "longwire.toml")
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LONGWIRE_CONFIG", path)
	return path
}

const quiet = `
domains = ["field.net"]
data = "data"
[clients]
listen = ["127.0.0.1:0"]
direct_tls = []
`

func TestMisuseEndsWithTwo(t *testing.T) {
	use(t, quiet)
	for line, want := range map[string]string{
		"":                           "longwire help",
		"usr":                        `there is no command "usr"; 'longwire help' lists all`,
		"user":                       "longwire user add NAME              make an account\nlongwire user passwd NAME",
		"user ad alice":              "there is: longwire user add",
		"list":                       "there is: longwire user list, longwire room list, longwire peer list, longwire link list, longwire kit list, longwire queue list",
		"user add":                   "it needs NAME\nUsage: longwire user add NAME",
		"user add a b":               `"b" is too much`,
		"user list --jsn":            "flag provided but not defined: -jsn",
		"user add x@elsewhere.net":   "elsewhere.net is not a domain of this node",
		"user remove alice":          "add --yes",
		"queue cancel field":         "--all",
		"queue cancel field 1 --all": "--all",
		"queue cancel field x":       `"x" is not an id; 'queue list' shows them`,
		"queue list nobody":          `there is no peer "nobody"; the config has none`,
		"help nonsense":              "there is no command",
		"user add alice --generate --password-stdin": "exclude each other",
	} {
		// The store exists, so that looking at the queue gets as far as its peers.
		if code, _, _ := longwire(t, "x\n", "user", "add", "someone"); code == exitMisuse {
			t.Fatal("cannot add a user")
		}
		code, out, errs := longwire(t, "secret\n", strings.Fields(line)...)
		if code != exitMisuse || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: code %d, out %q, err %q; want %q", line, code, out, errs, want)
		}
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	_, overview, _ := longwire(t, "", "help")
	if code, out, errs := longwire(t, "", "link", "--help"); code != exitOK || errs != "" || !strings.Contains(out, "longwire link emcon NAME on|off") {
		t.Errorf("a group: %d, %q, %q", code, out, errs)
	}
	for _, c := range commands() {
		if !strings.Contains(overview, "longwire "+c.name) {
			t.Errorf("%s is not in the overview", c.name)
		}
		for _, line := range []string{c.name + " --help", "help " + c.name, c.name + " -h"} {
			code, out, errs := longwire(t, "", strings.Fields(line)...)
			if c.name == "help" && !strings.HasPrefix(line, "help help") {
				continue // shows the overview
			}
			if code != exitOK || errs != "" || !strings.HasPrefix(out, "Usage: longwire "+c.name) && c.name != "help" {
				t.Errorf("%s: %d, %q, %q", line, code, out, errs)
			}
			if c.help != "" && !strings.Contains(out, "\n  longwire "+c.name) {
				t.Errorf("%s shows no example:\n%s", line, out)
			}
		}
	}
}

func TestExampleOfAKit(t *testing.T) {
	code, example, _ := longwire(t, "", "config", "example", "kit")
	if code != 0 || !strings.Contains(example, "[firewall]") {
		t.Errorf("exit %d: %s", code, example)
	}
	path := filepath.Join(t.TempDir(), "kit.toml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := longwire(t, "", "check", path); code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := longwire(t, "", "config", "example", "x"); code != 2 || !strings.Contains(errs, `no example of "x"`) {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestExampleIsAConfigThatChecks(t *testing.T) {
	code, example, _ := longwire(t, "", "config", "example")
	path := filepath.Join(t.TempDir(), "example.toml")
	if err := os.WriteFile(path, []byte(example), 0o600); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	if code, out, errs := longwire(t, "", "check", path); code != 0 || out != path+": no faults\n" || errs != "" {
		t.Errorf("%d, %q, %q", code, out, errs)
	}
	if code, _, errs := longwire(t, "", "check", path, "--config", path); code != exitMisuse {
		t.Errorf("two files: %d, %q", code, errs)
	}
}

func TestCheckNamesThreeFaults(t *testing.T) {
	path := use(t, "domains = [\"a b\"]\n[clients]\nidel = \"1s\"\n[log]\nlevel = 7\n")
	code, out, errs := longwire(t, "", "check")
	want := fmt.Sprintf(`%[1]s:1: domains: "a b" is not a domain; write it as in field.net
%[1]s:3: clients.idel: there is no such setting; did you mean idle?
%[1]s:5: log.level: it must be text in quotes, not a number; as in level = "…"
3 faults
`, path)
	if code != exitFailed || out != want || errs != "" {
		t.Errorf("%d\n%s\nwant\n%s\n%s", code, out, want, errs)
	}
	// The node does not start with it, and says the same.
	if code, _, errs := longwire(t, "", "node"); code != exitFailed || errs+"3 faults\n" != want {
		t.Errorf("node: %d\n%s", code, errs)
	}
}

func TestMissingConfigSaysWhatToDo(t *testing.T) {
	code, _, errs := longwire(t, "", "user", "list", "--config", "/nowhere/x.toml")
	if code != exitFailed || !strings.Contains(errs, "/nowhere/x.toml: no such file or directory; give another file with --config") {
		t.Errorf("%d, %q", code, errs)
	}
}

func TestUsersOfAStoppedNode(t *testing.T) {
	path := use(t, quiet)
	db := filepath.Join(filepath.Dir(path), "data", "longwire.db")
	steps := []struct {
		input, line  string
		code         int
		out, errWant string
	}{
		{"", "user list", 0, "", "There are no users yet"},
		{"secret\n", "user add alice", 0, "", "No node is running here; the change is in " + db + ".\nalice@field.net is added\n"},
		{"secret\n", "user add alice", 1, "", "there is a user alice@field.net already; 'user passwd' changes the password"},
		{"", "user add bob", 2, "", "standard input holds no password"},
		{"\n", "user add bob", 2, "", "standard input holds no password"},
		{"bob's\r\nmore", "user add bob --password-stdin", 0, "", "bob@field.net is added"},
		{strings.Repeat("x", 4000) + "\n", "user passwd bob", 1, "", "reading the password"},
		{"new\n", "user passwd bob", 0, "", "bob@field.net has a new password"},
		{"", "user disable bob", 0, "", "bob@field.net is disabled"},
		{"", "user list", 0, "USER             STATE     WAITING  LAST SEEN  CREATED     DECLARED\nalice@field.net  -         0        -          ", ""},
		{"", "user enable bob", 0, "", "bob@field.net is enabled"},
		{"", "user remove alice --yes", 0, "", "alice@field.net is removed"},
		{"", "user remove alice --yes", 1, "", "there is no user alice@field.net"},
		{"", "status", exitStopped, "node     not running; 'longwire node' starts it\n", ""},
		{"", "peer list", 0, "", "The config has no [[peer]]"},
		{"", "queue list", 0, "", "Nothing waits."},
		{"", "queue watch", 1, "", "node is not running"},
		{"", "reload", 1, "", "no node is running at " + filepath.Dir(path) + "/data/control.sock"},
	}
	for _, s := range steps {
		code, out, errs := longwire(t, s.input, strings.Fields(s.line)...)
		if code != s.code || !strings.HasPrefix(out, s.out) || s.out == "" && out != "" || !strings.Contains(errs, s.errWant) {
			t.Errorf("%s: code %d, out %q, err %q", s.line, code, out, errs)
		}
	}
	code, out, _ := longwire(t, "", "user", "list", "--json")
	var users []admin.User
	if err := json.Unmarshal([]byte(out), &users); code != 0 || err != nil || len(users) != 1 || users[0].JID != "bob@field.net" {
		t.Errorf("%d, %v, %s", code, err, out)
	}
}

func TestGeneratedPasswordIsTheOne(t *testing.T) {
	path := use(t, quiet)
	code, out, _ := longwire(t, "", "user", "add", "alice", "--generate")
	password := strings.TrimSpace(out)
	if code != 0 || len(password) != 19 {
		t.Fatalf("%d, %q", code, out)
	}
	db, err := store.Open(filepath.Join(filepath.Dir(path), "data", "longwire.db"), store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *store.Tx) error {
		acc, err := tx.Account("alice@field.net")
		for _, c := range acc.Credentials {
			if !sasl.Credential(c).Verify(password) {
				t.Errorf("%s does not know %s", c.Hash, password)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// systemd poses as the service manager and returns what it is told next.
func systemd(t *testing.T) (told func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		buf := make([]byte, 4096)
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(buf[:n]), "\n")
		return first
	}
}

func TestNodeRunsReloadsAndStops(t *testing.T) {
	path, told := use(t, quiet), systemd(t)
	next := func(want string) {
		t.Helper()
		for {
			switch got := told(); {
			case got == want:
				return
			case !strings.HasPrefix(got, "STATUS="):
				t.Fatalf("systemd was told %s, want %s", got, want)
			}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var log buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the node's log:\n%s", log.String())
		}
	})
	over := make(chan int, 1)
	go func() { over <- run(ctx, []string{"node"}, std{nil, &log, &log}) }()
	next("READY=1")

	if code, _, errs := longwire(t, "secret\n", "user", "add", "alice"); code != 0 || errs != "alice@field.net is added\n" {
		t.Errorf("add: %d, %q", code, errs)
	}
	code, out, errs := longwire(t, "", "status")
	for _, want := range []string{"running since", "field.net", "1, 0 online with 0 clients", "healthy", "SHA-256 "} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("status: %d, no %q in %q, %q", code, want, out, errs)
		}
	}
	if code, _, errs := longwire(t, "", "node"); code != exitFailed || errs == "" {
		t.Errorf("second node: %d, %q", code, errs)
	}

	if code, out, _ := longwire(t, "", "reload"); code != 0 || out != path+": nothing changed\n" {
		t.Errorf("reload: %d, %q", code, out)
	}
	next("RELOADING=1")
	next("READY=1")
	change := func(doc string) {
		if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change(quiet + "idle = \"99s\"\n")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	next("RELOADING=1")
	next("READY=1")
	change(quiet + "idle = 99\n")
	if code, _, errs := longwire(t, "", "reload"); code != exitFailed || !strings.Contains(errs, "goes on as before") || !strings.Contains(errs, `longwire.toml:7: clients.idle`) {
		t.Errorf("bad reload: %d, %q", code, errs)
	}
	next("RELOADING=1")
	next("READY=1")

	stop()
	if code := <-over; code != 0 {
		t.Errorf("node ended with %d", code)
	}
	next("STOPPING=1")
	if !strings.Contains(log.String(), "clients.idle") || strings.Contains(log.String(), "secret") {
		t.Errorf("log:\n%s", log.String())
	}
}

// terminal is a pseudo terminal: what is typed on keys arrives at tty.
func terminal(t *testing.T) (keys, tty *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return keys, tty
}

func TestPasswordIsAskedForWithoutShowingIt(t *testing.T) {
	use(t, quiet)
	for typed, want := range map[string]string{"secret\nsecret\n": "is added", "secret\nsekret\n": "the two passwords differ"} {
		keys, tty := terminal(t)
		// As people do: the second line is typed when it is asked for.
		prompts := make(chan string, 4)
		var errs buffer
		shown := &tee{&errs, prompts}
		over := make(chan int)
		go func() {
			over <- run(t.Context(), []string{"user", "add", "alice"}, std{tty, &errs, shown})
		}()
		for line := range strings.Lines(typed) {
			for p := range prompts {
				if strings.HasSuffix(p, ": ") {
					break
				}
			}
			if _, err := keys.WriteString(line); err != nil {
				t.Fatal(err)
			}
		}
		<-over
		if !strings.Contains(errs.String(), want) {
			t.Errorf("typed %q: %q", typed, errs.String())
		}
		back, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil || back.Lflag&unix.ECHO == 0 {
			t.Errorf("the terminal's echo is not back: %v", err)
		}
		echoed := make([]byte, 100)
		fd := int(keys.Fd())
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		if n, _ := unix.Read(fd, echoed); n > 0 && strings.Contains(string(echoed[:n]), "secret") {
			t.Errorf("the terminal showed %q", echoed[:n])
		}
		if _, err := config.Load(config.Search("")); err != nil {
			t.Error(err)
		}
	}
}

// tee also tells each piece that is written.
type tee struct {
	*buffer
	pieces chan<- string
}

func (w *tee) Write(p []byte) (int, error) {
	select {
	case w.pieces <- string(p):
	default:
	}
	return w.buffer.Write(p)
}

func TestPrintingForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m01s", 25*time.Hour + time.Minute: "25h01m", 49 * time.Hour: "2d01h"} {
		if got := span(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
	if got := clean("a\x1b[31mb\u009bc\n"); got != "a·[31mb·c·" {
		t.Errorf("%q", got)
	}
}

func TestCredentialsForAConfigAreThoseOfThePassword(t *testing.T) {
	code, out, errs := longwire(t, "pencil\n", "user", "credentials")
	if code != exitOK || errs != "" || !strings.HasPrefix(out, "credentials = [\n  \"SCRAM-SHA-256$") {
		t.Fatalf("%d, %q, %q", code, out, errs)
	}
	use(t, quiet+"[[user]]\naddress = \"alice\"\n"+out)
	if code, _, errs := longwire(t, "", "check"); code != exitOK {
		t.Fatal(errs)
	}
	cfg, err := config.Load(config.Search(""))
	if err != nil {
		t.Fatal(err)
	}
	if all := cfg.Users[0].Stored(); len(all) != len(sasl.Hashes()) || !all[0].Verify("pencil") || all[1].Verify("pencil2") {
		t.Errorf("%d credentials", len(all))
	}
	code, out, _ = longwire(t, "", "user", "credentials", "--generate")
	if password, rest, _ := strings.Cut(out, "\n"); code != exitOK || len(password) != len("# abcd-efgh-ijkl-mnop") || !strings.HasPrefix(rest, "credentials = [") {
		t.Errorf("%d, %q", code, out)
	}
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"longwire/images/bundle"
	"longwire/tools/cli"
	"longwire/tools/organisation"
)

// twin runs a command and returns its code and all that it printed.
func twin(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := program().Run(args, &out, &out)
	return code, out.String()
}

// inHouse makes an organisation in a fresh folder, which becomes the current one, and writes a file there. There are no
// programs to check the settings in it; TestSettingsAreWhatTheProgramsTake has them.
func inHouse(t *testing.T, doc string) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("PATH", t.TempDir())
	if _, err := organisation.Create("organisation", "Example Relief"); err != nil {
		t.Fatal(err)
	}
	file(t, "star.toml", doc)
}

func file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// write runs 'twin write' on star.toml and returns what it printed.
func write(t *testing.T, args ...string) string {
	t.Helper()
	code, out := twin(t, append([]string{"write", "star.toml"}, args...)...)
	if code != cli.OK {
		t.Fatal(out)
	}
	return out
}

// got is a bundle that was written.
func got(t *testing.T, name, identity string) *bundle.Config {
	t.Helper()
	keys, err := bundle.ParseKeys(read(t, filepath.Join("organisation", organisation.PublicFile)))
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.ReadHead(read(t, filepath.Join("bundles", name+".lwb")), keys)
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Config(identity)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settings parses a document.
func settings(t *testing.T, doc string) table {
	t.Helper()
	var m table
	if err := toml.Unmarshal([]byte(doc), &m); err != nil {
		t.Fatalf("%v:\n%s", err, doc)
	}
	return m
}

// at walks into a table: "peer", 0, "s5066", "mapping".
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(table)
			if !ok {
				return nil
			}
			v = m[p]
		case int:
			list, ok := tables(v)
			if !ok || p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

// named finds the table of that name in a list of tables.
func named(t *testing.T, v any, name string) table {
	t.Helper()
	list, _ := tables(v)
	for _, m := range list {
		if m["name"] == name {
			return m
		}
	}
	return nil
}

// pairDoc is the smallest pair over HF.
const pairDoc = `
[headquarters]
domains = ["headquarters.net"]
rooms = ["chat.headquarters.net"]
[headquarters.sis]
address = "1.1.0.1"
server = "192.0.2.10:5066"
[[headquarters.user]]
name = "alice"
password = "open sesame"

[[kit]]
name = "field"
domains = ["field.net"]
rooms = ["chat.field.net"]
report = "field.txt"
[kit.sis]
address = "1.1.0.2"
modem = { type = "serial", port = "/dev/ttyS1" }
[[kit.user]]
name = "bob"
`

// starDoc is a star of n kits of all sorts.
func starDoc(n int) string {
	var b strings.Builder
	fmt.Fprint(&b, `
[s5066]
sap = 7
compress = false
mapping = "rcop"
connection_id = 3
application_id = 0x8005
[ip]
compress = true
stream_management = "implicit"
dial = "both"
[headquarters]
domains = ["headquarters.net", "hq.example"]
[headquarters.sis]
address = "1.1.0.1"
server = "serial:/dev/ttyS3"
baud = 57600
[headquarters.ip]
address = "203.0.113.1"
port = 4000
`)
	for i := range n {
		links := []string{`"s5066"`, `"ip"`, `"s5066", "ip"`}[i%3]
		fmt.Fprintf(&b, "[[kit]]\nname = \"kit%d\"\ndomains = [\"kit%d.net\"]\nlinks = [%s]\n", i, i, links)
		fmt.Fprintf(&b, "[kit.sis]\naddress = \"1.1.1.%d\"\nserver = \"vsock:2:%d\"\n[kit.ip]\naddress = \"198.51.100.%d\"\nport = %d\n", i, 6000+i, i+1, 5000+i)
	}
	return b.String()
}

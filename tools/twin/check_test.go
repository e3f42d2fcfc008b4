package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"longwire/images/bundle"
	"longwire/tools/cli"
)

func TestFaultsAreToldWithTheRemedy(t *testing.T) {
	replace := func(old, new string) string {
		if !strings.Contains(pairDoc, old) {
			t.Fatalf("%q is not in the pair", old)
		}
		return strings.Replace(pairDoc, old, new, 1)
	}
	for want, doc := range map[string]string{
		"star.toml:2: kiit: there is no such setting":        "\nkiit = 1\n" + pairDoc,
		"below [headquarters.node]":                          replace(`rooms = ["chat.headquarters.net"]`, "sapp = 6"),
		"star.toml:3: headquarters.domains":                  replace(`["headquarters.net"]`, `"headquarters.net"`),
		"add a [[kit]] table":                                "[headquarters]\ndomains = [\"a.net\"]\n",
		`the name "field" belongs to kit "field" already`:    pairDoc + "[[kit]]\nname = \"field\"\ndomains = [\"b.net\"]\nsis = { address = \"1.1.0.3\", server = \"x\" }\n",
		`the domain "field.net" belongs to kit "field"`:      pairDoc + "[[kit]]\nname = \"b\"\ndomains = [\"FIELD.net\"]\nsis = { address = \"1.1.0.3\", server = \"x\" }\n",
		`the address "1.1.0.2" belongs to kit "field"`:       pairDoc + "[[kit]]\nname = \"b\"\ndomains = [\"b.net\"]\nsis = { address = \"1.1.0.2\", server = \"x\" }\n",
		"small letters":                                      replace(`name = "field"`, `name = "Field"`),
		"it has no name":                                     replace(`name = "field"`, ``),
		`it serves no domain; write domains = ["field.net"]`: replace("domains = [\"field.net\"]\n", ""),
		"no links of type":                                   replace(`name = "field"`, "name = \"field\"\nlinks = [\"hf\"]"),
		"no link to headquarters":                            replace(`name = "field"`, "name = \"field\"\nlinks = []"),
		"is not the STANAG 5066 address of a node":           replace(`"1.1.0.2"`, `"1.1.0"`),
		"with a first number up to 15":                       replace(`"1.1.0.2"`, `"16.1.0.2"`),
		"server and modem exclude each other":                replace(`address = "1.1.0.2"`, "address = \"1.1.0.2\"\nserver = \"x:1\""),
		"where a STANAG 5066 server is at hand":              replace(`modem = { type = "serial", port = "/dev/ttyS1" }`, ""),
		"report and public_key":                              replace(`report = "field.txt"`, "report = \"field.txt\"\npublic_key = \"age1\""),
		"not a kit's public key":                             replace(`report = "field.txt"`, `public_key = "age1nonsense"`),
		"both certificate and certificate_key":               replace(`report = "field.txt"`, `certificate = "x.pem"`),
		`user "BOB" is there twice`:                          pairDoc + "[[kit.user]]\nname = \"BOB\"\n",
		"a user has no name":                                 pairDoc + "[[kit.user]]\n",
		`ip.dial: "me" is unknown`:                           "ip.dial = \"me\"\n" + pairDoc,
		"the other side dials it":                            replace(`name = "field"`, "name = \"field\"\nlinks = [\"ip\"]"),
		"without tls the other side knows it":                "ip.tls = false\n" + strings.Replace(replace(`name = "field"`, "name = \"field\"\nlinks = [\"ip\"]"), "[headquarters.sis]", "ip = { address = \"203.0.113.1\" }\n[headquarters.sis]", 1),
		"none that twin makes is like it":                    pairDoc + "[[kit.node.link]]\ntype = \"ip\"\ndial = true\n",
		"is a table here, and no table":                      pairDoc + "[kit.node.domains]\nx = 1\n",
		"a kit has its own place for that":                   pairDoc + "[kits.node]\ndata = \"/tmp\"\n",
		`room "OPS": it is there twice`:                      pairDoc + "[[room]]\nname = \"ops\"\n[[room]]\nname = \"OPS\"\n",
		`room: it has no name; write name = "ops"`:           pairDoc + "[[room]]\n",
		`room "a@b": this cannot be part of an address`:      pairDoc + "[[room]]\nname = \"a@b\"\n",
		`room "ops": kits: there is no kit "ship"`:           pairDoc + "[[room]]\nname = \"ops\"\nkits = [\"ship\"]\n",
		`room "ops": mode: "mm" is unknown`:                  pairDoc + "[[room]]\nname = \"ops\"\nmode = \"mm\"\n",
		`field has no domain for rooms`:                      replace(`rooms = ["chat.field.net"]`, "rooms = []") + "[[room]]\nname = \"ops\"\n",
		`node.rooms.domains: the others have to know`:        pairDoc + "[all.node.rooms]\ndomains = [\"x.net\"]\n",
		"star.toml:1: ":                                      "= 1",
	} {
		t.Chdir(t.TempDir())
		t.Setenv("PATH", t.TempDir())
		file(t, "star.toml", doc)
		if code, out := twin(t, "check", "star.toml"); code != cli.Failed || !strings.Contains(out, want) {
			t.Errorf("want %q: %d %s", want, code, out)
		}
	}
}

func TestExampleKnowsEverySetting(t *testing.T) {
	s, err := parse("example.toml", []byte(exampleText))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Kit) != 2 || len(s.Headquarters.User) != 2 {
		t.Errorf("%+v", s)
	}
	var keys func(reflect.Type)
	keys = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, settable := f.Tag.Lookup("toml")
			if settable && !strings.Contains(exampleText, key+" =") && !strings.Contains(exampleText, "["+key) && !strings.Contains(exampleText, "."+key) {
				t.Errorf("the example does not have %s", key)
			}
			keys(f.Type)
		}
	}
	keys(reflect.TypeFor[Star]())
}

// Every line of the example that is commented out can be used as it stands.
func TestExampleWithAllItsCommentsIsRead(t *testing.T) {
	var doc []string
	for line := range strings.Lines(exampleText) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "report") && !strings.HasPrefix(rest, "public_key") {
			line = rest
		}
		doc = append(doc, line)
	}
	if _, err := parse("example.toml", []byte(strings.Join(doc, ""))); err != nil {
		t.Error(err)
	}
}

// programs builds what checks settings; tools may not import the firmware, and a kit runs it in any case.
func programs(t *testing.T) (longwire, s5066d string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the node")
	}
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "longwire/firmware", "longwire/tools/s5066d")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "firmware"), filepath.Join(dir, "s5066d")
}

func TestSettingsAreWhatTheProgramsTake(t *testing.T) {
	longwire, s5066d := programs(t)
	check := func(doc string) (int, string) {
		inHouse(t, doc)
		return twin(t, "check", "star.toml", "--longwire", longwire, "--s5066d", s5066d)
	}
	for name, doc := range map[string]string{
		"the example":    exampleText,
		"a pair":         pairDoc,
		"a star over HF": strings.ReplaceAll(starDoc(7), `"s5066", "ip"`, `"s5066"`), // a peer has one link so far
		"one over IP":    strings.ReplaceAll(strings.ReplaceAll(starDoc(7), `"s5066", "ip"`, `"ip"`), `"s5066"`, `"ip"`),
		"passed through": pairDoc + "[all.node.store]\nmax_size = \"64MiB\"\n[[all.node.link]]\nack_delay = \"30s\"\n[[kits.node.peer]]\nqueue_entries = 500\n" +
			"[headquarters.node.clients]\nregister = false\n[kits.s5066d.timers]\nidle = \"1m\"\n[kits.host.clock]\npeers = false\n",
	} {
		if code, out := check(doc); code != cli.OK || strings.Contains(out, "Not everything was checked") {
			t.Errorf("%s: %s", name, out)
		}
	}
	for want, more := range map[string]string{
		"field: longwire.toml:":    "[kits.node.log]\nlevel = \"loud\"\n",
		"field: s5066d.toml:":      "[kits.s5066d.arq]\nwindow = 1000\n",
		"field: kit.toml:":         "[kits.host.clock]\ngps_baud = \"fast\"\n",
		"there is no such setting": "[all.node]\nroms = true\n",
	} {
		if code, out := check(pairDoc + more); code != cli.Failed || !strings.Contains(out, want) || strings.Contains(out, os.TempDir()) || strings.Contains(out, "1 fault\n") {
			t.Errorf("want %q: %d %s", want, code, out)
		}
	}
}

func TestDiffTellsWhatWouldChange(t *testing.T) {
	longwire, _ := programs(t)
	inHouse(t, pairDoc)
	diff := func() string {
		t.Helper()
		code, out := twin(t, "diff", "star.toml", "--longwire", longwire)
		if code != cli.OK {
			t.Fatal(out)
		}
		return out
	}
	if out := diff(); !strings.Contains(out, "field: no bundle was made for it before") {
		t.Errorf("%s", out)
	}
	identity, recipient, err := bundle.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	file(t, "field.txt", recipient)
	write(t)
	if !got(t, "field", identity).Sealed {
		t.Fatal("not sealed")
	}
	if out := diff(); out != "headquarters: nothing changes\nfield: nothing changes\n" {
		t.Errorf("%s", out)
	}
	file(t, "star.toml", strings.Replace(pairDoc, `"/dev/ttyS1"`, `"/dev/ttyS2"`, 1))
	if out := diff(); !strings.Contains(out, "headquarters: nothing changes") || !strings.Contains(out, "field now: no. 2") {
		t.Errorf("%s", out)
	}
	file(t, "star.toml", strings.NewReplacer(`"/dev/ttyS1"`, `"/dev/ttyS2"`, `"bob"`, `"ben"`).Replace(pairDoc))
	out := diff()
	for _, want := range []string{"headquarters now: no. 2", `peer "field"`, "codec.names", "field now: no. 2", `modem.port: "/dev/ttyS1" -> "/dev/ttyS2"`, `user "bob@field.net": removed`, "credentials: a secret, added"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
	if n := numbers(t); n["field"] != 1 || strings.Contains(string(read(t, "organisation/secrets.json")), "ben@") {
		t.Error("diff has changed something")
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestImportsAreAsTheTableSays(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	faults, files, err := check(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
	if files < 50 {
		t.Errorf("only %d files were read", files)
	}
}

// plant writes a module of one-line files: "xmpp/c2s/a.go": `import "…"`.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files["go.mod"] = "module longwire\n"
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".go") {
			text = "package p\n" + text + "\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestPlantedViolationsAreFound(t *testing.T) {
	root := plant(t, map[string]string{
		"store/a.go":               `import "longwire/xmpp/jid"`,
		"xmpp/jid/a.go":            `import "longwire/store"`,
		"xmpp/router/a.go":         `import "longwire/xmpp/local"`,
		"xmpp/local/a.go":          `import "longwire/xmpp/presence"`,
		"xmpp/presence/a_test.go":  `import "longwire/xmpp/c2s"`,
		"xmpp/c2s/a.go":            "//go:build never\n\nimport \"longwire/links/ip\"",
		"links/ip/a.go":            `import "longwire/xmpp/router"`,
		"links/ip/b.go":            `import "longwire/xmpp/sasl"`,
		"links/ip/c.go":            `import "longwire/links/s5066/frame"`,
		"links/fold/a.go":          `import "longwire/links/plan"`,
		"links/fold/b.go":          `import "longwire/xmpp/router"`,
		"tools/x/a.go":             `import "longwire/firmware/config"`,
		"firmware/node/a.go":       `import "longwire/tools/rig"`,
		"firmware/supervise/a.go":  `import "longwire/store"`,
		"firmware/node/bolt.go":    `import "go.etcd.io/bbolt"`,
		"xmpp/c2s/mellium_test.go": `import "mellium.im/xmpp/jid"`,
		"store/new.go":             `import "github.com/some/thing"`,
		"attic/a.go":               `import "longwire/store"`,
	})
	faults, _, err := check(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`attic/a.go:2: attic imports longwire/store: this folder is no room`,
		`firmware/node/a.go:2: firmware/node imports longwire/tools/rig: firmware imports everything but tools`,
		`firmware/node/bolt.go:2: firmware/node imports go.etcd.io/bbolt: one dependency, one door: go.etcd.io/bbolt comes in by store`,
		`firmware/supervise/a.go:2: firmware/supervise imports longwire/store: firmware/supervise keeps any tasks running`,
		`links/fold/a.go:2: links/fold imports longwire/links/plan: links/fold is pure`,
		`links/fold/b.go:2: links/fold imports longwire/xmpp/router: links/fold is pure`,
		`links/ip/a.go:2: links/ip imports longwire/xmpp/router: links import store and of xmpp only`,
		`links/ip/b.go:2: links/ip imports longwire/xmpp/sasl: links import store and of xmpp only`,
		`links/ip/c.go:2: links/ip imports longwire/links/s5066/frame: links import store and of xmpp only`,
		`store/a.go:2: store imports longwire/xmpp/jid: store imports nothing of ours`,
		`store/new.go:2: store imports github.com/some/thing: this library has no door yet`,
		`tools/x/a.go:2: tools/x imports longwire/firmware/config: tools never import firmware`,
		`xmpp/c2s/a.go:4: xmpp/c2s imports longwire/links/ip: c2s and s2s meet at the router`,
		`xmpp/c2s/mellium_test.go:2: xmpp/c2s imports mellium.im/xmpp/jid: one dependency, one door: mellium.im comes in by tools`,
		`xmpp/jid/a.go:2: xmpp/jid imports longwire/store: tier 1 of xmpp is vocabulary`,
		`xmpp/local/a.go:2: xmpp/local imports longwire/xmpp/presence: xmpp/local stands on the router`,
		`xmpp/presence/a_test.go:2: xmpp/presence imports longwire/xmpp/c2s: xmpp imports store and xmpp only`,
		`xmpp/router/a.go:2: xmpp/router imports longwire/xmpp/local: xmpp/router is tier 2`,
	}
	for i := range max(len(want), len(faults)) {
		if i >= len(faults) || i >= len(want) || !strings.HasPrefix(faults[i], want[i]) {
			t.Fatalf("got:\n%s\nwant, at %d:\n%s", strings.Join(faults, "\n"), i, strings.Join(want, "\n"))
		}
	}
}

func TestWhatIsAllowedIsNotFound(t *testing.T) {
	root := plant(t, map[string]string{
		"xmpp/stream/a.go":        "import \"longwire/xmpp/stanza\"\nimport \"io\"",
		"xmpp/router/a.go":        `import "longwire/store"`,
		"xmpp/presence/a.go":      "import \"longwire/xmpp/local\"\nimport \"longwire/xmpp/roster\"",
		"xmpp/c2s/a.go":           `import "longwire/xmpp/blocking"`,
		"xmpp/c2s/sub/a.go":       `import "longwire/xmpp/c2s"`,
		"links/ip/a.go":           "import \"longwire/links/deflate\"\nimport \"longwire/xmpp/sm\"\nimport \"longwire/store\"",
		"links/cas/a.go":          `import "longwire/links/dts"`,
		"links/fold/a.go":         `import "longwire/xmpp/stanza"`,
		"links/ip/testdata/a.go":  `import "longwire/firmware/node"`,
		"tools/demo/a.go":         "import \"longwire/tools/rig\"\nimport \"mellium.im/xmpp\"",
		"firmware/node/a.go":      "import \"longwire/links/ip\"\nimport \"longwire/xmpp/c2s\"",
		"firmware/config/toml.go": `import "github.com/pelletier/go-toml/v2/unstable"`,
		".cache/a.go":             `import "nonsense.example/x"`,
	})
	faults, files, err := check(root)
	if err != nil || len(faults) > 0 || files != 11 {
		t.Errorf("%d files, %v, %v", files, faults, err)
	}
}

func TestEveryDoorLeadsIntoARoomOfTheTable(t *testing.T) {
	for _, d := range doors() {
		for _, room := range d.rooms {
			if !slices.ContainsFunc(rules(), func(r rule) bool { return within(room, r.room) }) {
				t.Errorf("%s: there is no room %s", d.library, room)
			}
		}
	}
}

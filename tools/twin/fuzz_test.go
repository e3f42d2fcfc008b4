package main

import (
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// FuzzStar makes settings of any file that passes the check; they are TOML, and say who the end is.
func FuzzStar(f *testing.F) {
	f.Add(strings.Replace(pairDoc, "report", "# report", 1))
	f.Add(strings.Replace(exampleText, "\nreport", "\n#report", 1))
	f.Add(strings.ReplaceAll(starDoc(3), "[ip]", "[ip]\ntls = false"))
	f.Add("[headquarters]\ndomains = [\"a\"]\n[[kit]]\nname = \"b\"\ndomains = [\"b\"]\nlinks = [\"ip\"]\n[[all.node.peer]]\nx = [1, {y = 2}]\n[kit.node.peer.z]\n")
	f.Fuzz(func(t *testing.T, doc string) {
		s, err := parse("star.toml", []byte(doc))
		if err != nil || len(s.Trust) > 0 || len(s.Kit) > 4 {
			return
		}
		for _, e := range s.ends() {
			if e.Report != "" || e.Certificate != "" || len(e.User) > 1 {
				return // the first two name files, and users cost time
			}
		}
		plans, err := rehearsal(s).plans()
		if err != nil {
			return
		}
		for _, p := range plans {
			for _, text := range []string{p.config.Docs.Node, p.config.Docs.SIS, p.config.Docs.Kit} {
				var m table
				if err := toml.Unmarshal([]byte(text), &m); err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
			}
		}
	})
}

package codec_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// row is one of the tables in FORMAT.md: package, name, value.
var row = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `(\\w+)` \\| `([^`]+)` \\|$")

// What FORMAT.md says of the sources is so.
func TestFormatSaysWhatTheSourcesSay(t *testing.T) {
	doc, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := row.FindAllSubmatch(doc, -1)
	if len(rows) < 40 {
		t.Errorf("only %d values are in the tables", len(rows))
	}
	folders := map[string]string{"codec": ".", "mix": "mix", "light": "light"}
	values := map[string]map[string]string{}
	for _, r := range rows {
		pkg, name, want := string(r[1]), string(r[2]), string(r[3])
		if values[pkg] == nil {
			if values[pkg], err = declared(folders[pkg]); err != nil {
				t.Fatalf("package %s: %v", pkg, err)
			}
		}
		if got, ok := values[pkg][name]; !ok || got != want {
			t.Errorf("%s.%s is %q, and %q in FORMAT.md", pkg, name, got, want)
		}
	}
}

// declared are the values of the constants and variables of a package, as they are written.
func declared(dir string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	set := token.NewFileSet()
	for _, f := range files {
		tree, err := parser.ParseFile(set, f, nil, 0)
		if err != nil {
			return nil, err
		}
		for _, d := range tree.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				v, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for i, e := range v.Values {
					var b bytes.Buffer
					if err := printer.Fprint(&b, set, e); err != nil {
						return nil, err
					}
					values[v.Names[i].Name] = b.String()
				}
			}
		}
	}
	return values, nil
}

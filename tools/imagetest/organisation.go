package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"

	"longwire/tools/rig"
)

//go:embed star.toml
var starText string

var star = template.Must(template.New("star.toml").Parse(starText))

// An organisation has the keys, and the file of which both kits' bundles are made.
type organisation struct {
	dir      string
	port     int // of the channel
	password string

	bundles map[string][]byte // the newest, by the kit's name
	first   []byte            // headquarters' first
}

// A way is how headquarters' node reaches its STANAG 5066 server.
type way bool

const (
	tcpServer   way = false
	vsockServer way = true
)

// newOrganisation makes keys. It is what a comms engineer does once.
func newOrganisation(ctx context.Context, dir string, port int) (*organisation, error) {
	o := &organisation{dir: filepath.Join(dir, "comms"), port: port, password: "longwire"}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, err
	}
	// Twin has the settings checked by the programs that will read them, and looks for these beside itself.
	if _, err := rig.Build(ctx, dir); err != nil {
		return nil, err
	}
	for _, tool := range []string{"mkbundle", "twin"} {
		if _, err := rig.BuildTool(ctx, dir, tool); err != nil {
			return nil, err
		}
	}
	return o, o.run(ctx, filepath.Join(dir, "mkbundle"), "keys", "new", "--name", "Example Relief")
}

// learn keeps the report that field wrote to its first stick.
func (o *organisation) learn(report string) error {
	return os.WriteFile(filepath.Join(o.dir, "field.txt"), []byte(report), 0o600)
}

// twin makes the bundles of both kits.
func (o *organisation) twin(ctx context.Context, w way) error {
	var doc bytes.Buffer
	err := star.Execute(&doc, map[string]any{"Port": o.port, "Rate": airRate, "Baud": radioBaud, "Password": o.password, "Vsock": bool(w)})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.dir, "star.toml"), doc.Bytes(), 0o600); err != nil {
		return err
	}
	if err := o.run(ctx, filepath.Join(filepath.Dir(o.dir), "twin"), "write", "star.toml"); err != nil {
		return err
	}
	o.bundles = map[string][]byte{}
	for _, name := range []string{"headquarters", "field"} {
		if o.bundles[name], err = os.ReadFile(filepath.Join(o.dir, "bundles", name+".lwb")); err != nil {
			return err
		}
	}
	return nil
}

// run runs one of the tools in the organisation's folder.
func (o *organisation) run(ctx context.Context, bin string, args ...string) error {
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", filepath.Base(bin), args, err, out)
	}
	return nil
}

// person is a user of a kit.
func (o *organisation) person(k *kit, name string) *person {
	return &person{jid: name + "@" + k.name + ".net", password: o.password, address: k.Address(5222)}
}

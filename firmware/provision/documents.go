package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/host"
	"longwire/images/bundle"
)

// checkTime bounds s5066d's check.
const checkTime = 20 * time.Second

// askMaker is the remedy for a bundle that is right as a bundle and wrong in what it says.
const askMaker = "correct it where the bundle was made, and make the bundle anew"

// judgeDocuments checks all that a bundle says, in a folder of its own in memory.
func (k *Kit) judgeDocuments(c *bundle.Config) (documents, error) {
	d := c.Docs
	docs := documents{}
	if d.Node == "" {
		return nil, refuse(askMaker, "the bundle holds no %s", NodeFile)
	}
	docs[NodeFile] = []byte(d.Node)
	if d.SIS != "" {
		docs[SISFile] = []byte(d.SIS)
	}
	if d.Kit != "" {
		docs[HostFile] = []byte(d.Kit)
	}
	if len(d.TLSCert) > 0 {
		docs[CertFile], docs[PrivFile] = d.TLSCert, d.TLSKey
	}
	if d.Phrases != "" {
		docs[PhrasesFile] = []byte(d.Phrases)
	}
	dir, err := os.MkdirTemp(k.o.Scratch, "longwire-bundle-")
	if err != nil {
		return nil, fmt.Errorf("provision: a folder for checking the bundle: %w", err)
	}
	defer os.RemoveAll(dir)
	for name, b := range docs {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return nil, fmt.Errorf("provision: a folder for checking the bundle: %w", err)
		}
	}
	if err := k.judgeNode(dir, docs); err != nil {
		return nil, err
	}
	if d.Kit != "" {
		if _, err := host.Parse(HostFile, []byte(d.Kit)); err != nil {
			return nil, refuse(askMaker, "%s does not do:\n%v", HostFile, err)
		}
	}
	if d.SIS != "" {
		if err := k.judgeSIS(dir); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// judgeNode checks longwire.toml, and that it stays within what a kit gives it.
func (k *Kit) judgeNode(dir string, docs documents) error {
	c, err := config.Parse(filepath.Join(dir, NodeFile), docs[NodeFile])
	if err != nil {
		return refuse(askMaker, "%s does not do:\n%s", NodeFile, strings.ReplaceAll(err.Error(), dir+"/", ""))
	}
	line := func(key string) string { return fmt.Sprintf("%s:%d: %s", NodeFile, c.Line(key), key) }
	k.kitDefaults(c)
	for _, p := range c.Peers {
		if f := p.Codec.File; f != "" && f != filepath.Join(dir, PhrasesFile) {
			return refuse("write phrases_file = \""+PhrasesFile+"\"", "%s: peer %q takes phrases from %s, a file outside of the bundle", NodeFile, p.Name, f)
		}
	}
	switch {
	case filepath.Clean(c.Data) != k.o.Node:
		return refuse("take the line out; a kit has one place for its data", "%s is %q, and on a kit it is %s", line("data"), c.Data, k.o.Node)
	case filepath.Clean(c.Control) != filepath.Join(k.o.Node, controlName):
		return refuse("take the line out", "%s is %q, and on a kit it is %s", line("control"), c.Control, filepath.Join(k.o.Node, controlName))
	case c.TLS.Cert == "" && c.TLS.Key == "":
		return nil
	case c.TLS.Cert != filepath.Join(dir, CertFile) || c.TLS.Key != filepath.Join(dir, PrivFile):
		return refuse("write cert = \""+CertFile+"\" and key = \""+PrivFile+"\"", "%s names a file outside of the bundle", line("tls"))
	}
	return nil
}

// controlName is the node's socket in its own folder.
const controlName = "control.sock"

// kitDefaults fills in what the node's environment on a kit would.
func (k *Kit) kitDefaults(c *config.Config) {
	if !says(c, "data") {
		c.Data = k.o.Node
	}
	if !says(c, "control") {
		c.Control = filepath.Join(k.o.Node, controlName)
	}
}

// says tells whether the file itself has a top-level key.
func says(c *config.Config, key string) bool { return c.Line(key) > 0 }

// NodeConfig reads longwire.toml of the generation in force as the node does; nil if there is none.
func (k *Kit) NodeConfig() (*config.Config, error) {
	doc, err := k.Document(NodeFile)
	if doc == nil || err != nil {
		return nil, err
	}
	c, err := config.Parse(filepath.Join(k.Current(), NodeFile), doc)
	if c != nil {
		k.kitDefaults(c)
	}
	return c, err
}

// judgeSIS lets s5066d itself say what is wrong with its document.
func (k *Kit) judgeSIS(dir string) error {
	if _, err := os.Stat(k.o.S5066D); err != nil {
		return refuse("use an image that has it, or leave "+SISFile+" out", "the bundle sets up a SIS server, and this machine has none (%s)", k.o.S5066D)
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.o.S5066D, "check", "--config", filepath.Join(dir, SISFile))
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, []string{}, time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return refuse(askMaker, "%s was not checked within %v", SISFile, checkTime)
	case errors.As(err, &exit):
		text := strings.TrimSpace(strings.ReplaceAll(string(out), dir+"/", ""))
		return refuse(askMaker, "%s does not do:\n%s", SISFile, lines(text, 4000))
	}
	return fmt.Errorf("provision: checking %s with %s: %w", SISFile, k.o.S5066D, err)
}

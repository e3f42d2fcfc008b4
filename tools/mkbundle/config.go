package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"longwire/images/bundle"
	"longwire/tools/cli"
	"longwire/tools/organisation"
)

type configOptions struct {
	fleet, kitID, formerName, board string
	node, sis, kit, cert, certKey   string
	phrases                         string
	recipient, report               string
	trust                           files
}

// files is a flag that may be given several times.
type files []string

func (f *files) String() string     { return strings.Join(*f, " ") }
func (f *files) Set(s string) error { *f = append(*f, s); return nil }

func (o *options) configFlags(fs *flag.FlagSet) {
	c := &o.config
	fs.StringVar(&o.name, "name", "", "what the kit is called; later bundles find it by this `NAME`")
	fs.StringVar(&c.formerName, "former-name", "", "the `NAME` that the kit has so far, when --name gives it another")
	fs.StringVar(&c.fleet, "fleet", "", "the `NAME` of the fleet that the kit belongs to")
	fs.StringVar(&c.kitID, "kit-id", "", "bind the bundle to the one kit with this `ID`, from its report")
	fs.StringVar(&c.board, "board", "", "bind the bundle to kits of this `BOARD`")
	fs.StringVar(&c.node, "node", "", "the node's settings, a longwire.toml `FILE`")
	fs.StringVar(&c.sis, "sis", "", "the STANAG 5066 server's settings, an s5066d.toml `FILE`")
	fs.StringVar(&c.kit, "kit", "", "the machine's settings, a kit.toml `FILE`")
	fs.StringVar(&c.cert, "cert", "", "the certificate that clients see, a PEM `FILE`")
	fs.StringVar(&c.certKey, "cert-key", "", "its private key, a PEM `FILE`")
	fs.StringVar(&c.phrases, "phrases", "", "how people write, one phrase a line, a text `FILE`; longwire.toml names it phrases.txt")
	fs.StringVar(&c.recipient, "recipient", "", "seal to this public `KEY` of the kit")
	fs.StringVar(&c.report, "report", "", "seal to the public key in this report `FILE`, which the kit wrote to a stick")
	fs.Var(&c.trust, "trust", "a public key `FILE`; the kit obeys these keys from now on, and no others (give --trust again for each)")
	fs.StringVar(&o.note, "note", "", "a `TEXT` for those who look into the bundle")
	fs.Uint64Var(&o.counter, "counter", 0, "the bundle's `NUMBER`, instead of the next one")
	fs.StringVar(&o.out, "out", "", "the `FILE` to write; default: the name with .lwb")
}

func (o *options) makeConfig(c cli.Call) error {
	switch {
	case o.name == "":
		return cli.Wrong("the kit needs a name, as in --name field")
	case o.config.node == "":
		return cli.Wrong("the kit needs the node's settings, as in --node longwire.toml")
	case o.config.recipient != "" && o.config.report != "":
		return cli.Wrong("--recipient and --report both name the kit's key; keep one")
	case (o.config.cert == "") != (o.config.certKey == ""):
		return cli.Wrong("a certificate needs both --cert and --cert-key")
	}
	f, err := organisation.Open(o.org)
	if err != nil {
		return err
	}
	b, err := o.config.read()
	if err != nil {
		return err
	}
	to, err := o.config.kitKey()
	if err != nil {
		return err
	}
	b.Name, b.Note, b.Created = o.name, o.note, time.Now()
	if b.Target.Name = o.config.formerName; b.Target.Name == "" {
		b.Target.Name = o.name
	}
	if b.Counter, err = o.number(f, bundle.KindConfig, b.Target.Name, b.Name); err != nil {
		return err
	}
	// No digest of the content: twin, which compares, makes its own.
	file, err := f.Sign(b, to, [32]byte{})
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = o.name + ".lwb"
	}
	if err := organisation.WriteFile(o.out, file, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s: settings no. %d for %s, %d bytes\n", o.out, b.Counter, b.Target, len(file))
	if to == "" {
		fmt.Fprintf(c.Out, "Not sealed: whoever finds the stick can read the settings and the secrets in them. Once the kit has been\n"+
			"started with a stick in it, give the report that it wrote there with --report.\n")
	}
	return nil
}

// number is the counter that was asked for, or the next one.
func (o *options) number(f *organisation.Folder, kind bundle.Kind, targets ...string) (uint64, error) {
	if o.counter != 0 {
		return o.counter, nil
	}
	return f.Next(kind, targets...)
}

// read gathers what goes into the bundle.
func (o *configOptions) read() (b bundle.Config, err error) {
	b = bundle.Config{Head: bundle.Head{Target: bundle.Target{KitID: o.kitID, Board: o.board}}, Fleet: o.fleet}
	for _, d := range []struct {
		file string
		to   *string
	}{{o.node, &b.Docs.Node}, {o.sis, &b.Docs.SIS}, {o.kit, &b.Docs.Kit}, {o.phrases, &b.Docs.Phrases}} {
		text, err := readFile(d.file)
		if err != nil {
			return b, err
		}
		*d.to = string(text)
	}
	if b.Docs.TLSCert, err = readFile(o.cert); err != nil {
		return b, err
	}
	if b.Docs.TLSKey, err = readFile(o.certKey); err != nil {
		return b, err
	}
	for _, file := range o.trust {
		text, err := readFile(file)
		if err != nil {
			return b, err
		}
		keys, err := bundle.ParseKeys(text)
		if err != nil {
			return b, fmt.Errorf("%s: %w", file, err)
		}
		b.Trust = append(b.Trust, keys...)
	}
	return b, nil
}

// kitKey is the public key to seal to, if any.
func (o *configOptions) kitKey() (string, error) {
	if o.report == "" {
		return o.recipient, nil
	}
	text, err := readFile(o.report)
	if err != nil {
		return "", err
	}
	key, err := organisation.KitKey(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", o.report, err)
	}
	return key, nil
}

// readFile reads a file of at most what a bundle holds; "" is no file.
func readFile(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, bundle.MaxConfig+1))
	if err == nil && len(b) > bundle.MaxConfig {
		err = fmt.Errorf("%s: the file has more than %d bytes", name, bundle.MaxConfig)
	}
	return b, err
}

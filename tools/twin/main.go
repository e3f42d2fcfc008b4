// Twin makes the signed bundles of headquarters and all its kits from one file, so that what one end says of a link, the
// other end says too. See 'twin help'.
package main

import (
	_ "embed"
	"flag"
	"fmt"

	"longwire/tools/cli"
)

func main() { program().Main() }

// exampleText is a file with every setting explained.
//
//go:embed example.toml
var exampleText string

// options are the flags of all commands.
type options struct {
	out              string
	longwire, s5066d string
	newToken         kits
	counter          uint64
}

// kits is a flag that may be given several times.
type kits []string

func (k *kits) String() string     { return fmt.Sprint([]string(*k)) }
func (k *kits) Set(s string) error { *k = append(*k, s); return nil }

func program() cli.Program {
	o := &options{}
	checkers := func(fs *flag.FlagSet) {
		fs.StringVar(&o.longwire, "longwire", "", "the `PROGRAM` that checks longwire.toml; default: beside twin, or in $PATH")
		fs.StringVar(&o.s5066d, "s5066d", "", "the `PROGRAM` that checks s5066d.toml; the same")
	}
	return cli.Program{
		Name:  "twin",
		Intro: "Twin makes the bundles of headquarters and all its kits from one file.",
		Outro: `To begin:

  mkbundle keys new --name "Example Relief"
  twin example > star.toml
  twin write star.toml --out bundles

Then each bundle goes on a USB stick, and each stick into its kit.`,
		Commands: []cli.Command{
			{Name: "example", Line: "print a file with every setting explained", Run: func(c cli.Call) error {
				_, err := fmt.Fprint(c.Out, exampleText)
				return err
			}, Help: `
  twin example > star.toml`},
			{Name: "check", Args: "FILE", Line: "find what is wrong in a file, and write nothing", Min: 1, Max: 1, Flags: checkers, Run: o.check, Help: `
Checks the file, and the settings that would be made of it.

  twin check star.toml`},
			{Name: "write", Args: "FILE", Line: "write the bundles", Min: 1, Max: 1, Run: o.write,
				Flags: func(fs *flag.FlagSet) {
					checkers(fs)
					fs.StringVar(&o.out, "out", "bundles", "the `FOLDER` to write to")
					fs.Uint64Var(&o.counter, "counter", 0, "no bundle gets a lower `NUMBER`, for one who has lost count: kits refuse what is not higher than before, and their report tells how high that was")
					fs.Var(&o.newToken, "new-token", "the `KIT` is lost or was replaced: pair anew, and shut the old one out")
				}, Help: `
Run it again after each change: a bundle is made anew, with the next number, only where something has
changed; the others stay byte for byte what they were. Secrets (passwords, pairing tokens and keys,
certificates) are made up once and kept in the organisation's folder.

  twin write star.toml --out bundles
  twin write star.toml --new-token field`},
			{Name: "diff", Args: "FILE", Line: "tell what would change for whom, and write nothing", Min: 1, Max: 1, Run: o.diff,
				Flags: func(fs *flag.FlagSet) {
					fs.StringVar(&o.longwire, "longwire", "", "the `PROGRAM` that compares bundles; default: beside twin, or in $PATH")
				}, Help: `
Compares with the last bundle of each end, sealed or not. Secrets are not printed.

  twin diff star.toml`},
			{Name: "show", Args: "FILE [NAME]", Line: "print the settings of an end, secrets and all", Min: 1, Max: 2, Run: o.show, Help: `
For a look, or for a headquarters that is no kit but an ordinary machine.

  twin show star.toml
  twin show star.toml headquarters`},
		},
	}
}

func (o *options) check(c cli.Call) error {
	s, err := load(c.Args[0])
	if err != nil {
		return err
	}
	plans, err := rehearsal(s).plans()
	if err != nil {
		return err
	}
	if err := o.inspect(c, plans); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s: no faults\n", c.Args[0])
	return err
}

func (o *options) show(c cli.Call) error {
	s, err := load(c.Args[0])
	if err != nil {
		return err
	}
	h, err := openHouse(s)
	if err != nil {
		return err
	}
	plans, err := h.plans()
	if err != nil {
		return err
	}
	if err := h.vault.Save(); err != nil {
		return err
	}
	found := false
	for _, p := range plans {
		if len(c.Args) == 2 && c.Args[1] != p.end.Name {
			continue
		}
		found = true
		d := p.config.Docs
		for _, text := range []string{d.Node, d.SIS, d.Kit, string(d.TLSCert), string(d.TLSKey), d.Phrases} {
			if text != "" {
				fmt.Fprintln(c.Out, text)
			}
		}
	}
	if !found {
		return fmt.Errorf("%s: there is no end called %q", c.Args[0], c.Args[1])
	}
	return nil
}

// Mkbundle makes an organisation's key and signed bundles for its kits: of settings, and of systems. See 'mkbundle help'.
package main

import (
	"flag"

	"longwire/tools/cli"
)

func main() { program().Main() }

// options are the flags of all commands.
type options struct {
	org, out, name, note string
	counter              uint64
	config               configOptions
	system               systemOptions
}

func program() cli.Program {
	o := &options{}
	org := func(fs *flag.FlagSet) {
		fs.StringVar(&o.org, "org", "organisation", "the organisation's `FOLDER`, with its key and its ledger")
	}
	return cli.Program{
		Name:  "mkbundle",
		Intro: "Mkbundle makes an organisation's key, and signed bundles for its kits.",
		Outro: `To begin:

  mkbundle keys new --name "Example Relief"
  mkbundle config --name field --node longwire.toml

Where headquarters and kits are to be set up together, 'twin' does the second step for all of them from
one file.`,
		Commands: []cli.Command{
			{Name: "keys new", Line: "make the organisation's key pair", Run: o.keysNew,
				Flags: func(fs *flag.FlagSet) {
					org(fs)
					fs.StringVar(&o.name, "name", "", "the organisation's `NAME`, for people")
				}, Help: `
The folder gets org.secret, which signs, and org.pub, which kits verify with. Whoever has the secret
commands the kits: keep the folder off the network and a copy of it in a safe. A kit takes the key of
the first bundle that it ever sees, unless its image was built with org.pub inside.

  mkbundle keys new --name "Example Relief"

To change the key: make the new one in a folder of its own, write trust = ["new/org.pub"] into the file of
'twin', and give each kit one more bundle that the old key signs. Kits obey both then. Copy ledger.json and
secrets.json to the new folder, write organisation = "new" and trust = [], and give them the next bundle,
which the new key signs. They obey the new key alone then.

  mkbundle keys new --org new --name "Example Relief"`},
			{Name: "keys show", Line: "print the public key and its fingerprint", Flags: org, Run: o.keysShow, Help: `
  mkbundle keys show`},
			{Name: "config", Line: "make a bundle of settings from the files that a kit is to run on", Run: o.makeConfig,
				Flags: func(fs *flag.FlagSet) { org(fs); o.configFlags(fs) }, Help: `
The result goes on a USB stick (FAT or ext4), in its root folder. With the kit's public key, which the
kit wrote into its report on the first stick that it saw, the settings are sealed: nobody else can read
them. Check the files first ('longwire check', 's5066d check'); the kit will, and refuses what is wrong.

Bundles for a kit are numbered, and it takes only higher numbers than it has seen. The folder keeps
count; --counter overrides that, for one who has lost the folder.

  mkbundle config --name field --node longwire.toml
  mkbundle config --name field --node longwire.toml --sis s5066d.toml --kit kit.toml --report LONGWIRE-REPORT.txt`},
			{Name: "system", Line: "make a bundle with a system for a board from the image of a slot", Run: o.makeSystem,
				Flags: func(fs *flag.FlagSet) { org(fs); o.systemFlags(fs) }, Help: `
The image is the ext4 file system of a slot, as 'make image' leaves it. A kit takes only systems for its
board with a higher number than the one it runs; --allow-downgrade makes an exception for this bundle.

  mkbundle system --image rootfs.ext4 --board qemu-aarch64 --version 1.3.0`},
		},
	}
}

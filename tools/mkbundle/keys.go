package main

import (
	"fmt"
	"path/filepath"

	"longwire/tools/cli"
	"longwire/tools/organisation"
)

func (o *options) keysNew(c cli.Call) error {
	if o.name == "" {
		return cli.Wrong(`the organisation needs a name, as in --name "Example Relief"`)
	}
	f, err := organisation.Create(o.org, o.name)
	if err != nil {
		return err
	}
	s, err := f.Signer()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s has a key now: %s\nKeep the folder %s secret, and a copy of it in a safe. %s is for everybody.\n",
		o.name, s.Public().ID(), f.Dir(), filepath.Join(f.Dir(), organisation.PublicFile))
	return nil
}

func (o *options) keysShow(c cli.Call) error {
	f, err := organisation.Open(o.org)
	if err != nil {
		return err
	}
	s, err := f.Signer()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "# fingerprint %s\n%s\n", s.Public().ID(), s.Public())
	return nil
}

package main

import (
	"fmt"
	"os"

	"longwire/links/codec"
)

func cmdSnapshot(c *call) error {
	b := codec.Base().Snapshot()
	if err := os.WriteFile(c.args[0], b, 0o644); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "%s: %d bytes, for mix %x\n", c.args[0], len(b), codec.Base().ID())
	return err
}

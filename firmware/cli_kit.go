package main

import (
	"fmt"

	"longwire/links/pair"
)

// cmdKitKey prints what both sides are configured with.
func cmdKitKey(c *call) error {
	key := pair.NewPrivateKey()
	cfg, err := c.load()
	if cfg == nil {
		return err
	}
	known := false
	if k, err := pair.ParsePrivateKey(cfg.Pairing.Key); err == nil {
		key, known = k, true
	}
	token := pair.NewToken()
	if !known {
		fmt.Fprintf(c.out, "# At headquarters, once for all its kits:\n[pairing]\nkey = %q\n\n", key.Text())
	}
	fmt.Fprintf(c.out, "# At headquarters, below the [[peer]] that is the kit:\n[peer.pairing]\ntoken = %q\n\n", token.Text())
	fmt.Fprintf(c.out, "# At the kit, below the [[peer]] that is headquarters:\n[peer.pairing]\ntoken = %q\nheadquarters_key = %q\n", token.Text(), key.Public())
	return nil
}

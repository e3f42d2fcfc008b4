package main

import (
	"fmt"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
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

func cmdKitList(c *call) error {
	return listing(c, ctl.OpKitList, nil, "The config invites no kit; 'longwire kit key' makes an invitation.", c.kits)
}

func (c *call) kits(list []admin.Kit) error {
	t := newTable(c.out, "KIT", "DOMAINS", "STATE", "HEARD", "ADDRESS", "KEY", "REFUSED", "WAITING")
	for _, k := range list {
		t.row(k.Name, strings.Join(k.Domains, " "), kitState(k), ago(k.Heard), orDash(k.Address), orDash(k.Key), k.Refused, k.Waiting)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, k := range list {
		for _, note := range kitNotes(k) {
			if _, err := fmt.Fprintln(c.out, clean(k.Name+": "+note)); err != nil {
				return err
			}
		}
	}
	return nil
}

// kitState is the state of a kit in a word or two.
func kitState(k admin.Kit) string {
	switch {
	case k.Conflict != "":
		return k.State + ", CONFLICT"
	case k.Silent:
		return "silent"
	}
	return k.State
}

// kitNotes say what a table has no room for.
func kitNotes(k admin.Kit) (notes []string) {
	switch {
	case k.Silent:
		notes = append(notes, "silent since "+ago(k.Heard))
	case k.State != "paired":
		notes = append(notes, k.Words)
	}
	if k.Conflict != "" {
		notes = append(notes, fmt.Sprintf("%s, with the key %s, heard %s; if that one is the right one: longwire kit forget %s --again", k.Conflict, k.RivalKey, ago(k.RivalAt), k.Name))
	}
	return notes
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func cmdKitForget(c *call) error {
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[admin.Kit](c.ctx, caller, ctl.OpKitForget, ctl.KitArgs{Kit: c.args[0], Again: c.again})
	if err != nil {
		return err
	}
	c.changed(cfg, running)
	for _, k := range list {
		switch {
		case c.json:
			err = c.printJSON(k)
		case c.again:
			_, err = fmt.Fprintf(c.err, "%s is forgotten: nothing is taken from it and nothing sent to it. The next kit that introduces itself with its token (invitation %s) is %s.\n", k.Name, k.Invitation, k.Name)
		default:
			_, err = fmt.Fprintf(c.err, "%s is forgotten: nothing is taken from it and nothing sent to it. Its token is good for nobody; to invite a kit again, give it a new one here and in the kit's config ('longwire kit key').\n", k.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/amend"
	"longwire/firmware/config"
)

func cmdLinkAdd(c *call) error {
	name := c.args[0]
	return c.amend(fmt.Sprintf("Link %q is added", name), func(a *amendment) error {
		if a.cfg.Link(name) != nil {
			return fmt.Errorf("%w: there is a link %q already; 'longwire link set' changes it", admin.ErrMisuse, name)
		}
		return a.add("link", config.Link{}, []amend.Setting{{Key: "name", Value: amend.Text(name)}}, c.args[1:])
	})
}

func cmdLinkSet(c *call) error {
	name := c.args[0]
	return c.amend(fmt.Sprintf("Link %q is changed", name), func(a *amendment) error {
		i, err := a.link(name)
		if err == nil {
			err = a.set(fmt.Sprintf("link[%d]", i), a.cfg.Links[i], c.args[1:])
		}
		if err != nil {
			return err
		}
		return a.renamed(name, c.args[1:])
	})
}

// renamed lets those who name a link call it by its new name.
func (a *amendment) renamed(old string, args []string) error {
	i := slices.IndexFunc(args, func(s string) bool { return strings.HasPrefix(s, "name=") })
	if i < 0 {
		return nil
	}
	fresh := strings.TrimPrefix(args[i], "name=")
	for i, p := range a.cfg.Peers {
		err := a.rename(fmt.Sprintf("peer[%d].links", i), p.Links, old, fresh)
		for j, r := range p.Routes {
			err = errors.Join(err, a.rename(fmt.Sprintf("peer[%d].route[%d].links", i, j), r.Links, old, fresh))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *amendment) rename(path string, list []string, old, fresh string) error {
	if !slices.Contains(list, old) {
		return nil
	}
	list = slices.Clone(list)
	list[slices.Index(list, old)] = fresh
	return a.Set(path, amend.List(list))
}

func cmdLinkRemove(c *call) error {
	name := c.args[0]
	return c.amend(fmt.Sprintf("Link %q is removed", name), func(a *amendment) error {
		i, err := a.link(name)
		if err != nil {
			return err
		}
		for _, p := range a.cfg.Peers {
			if slices.Contains(p.Links, name) {
				return fmt.Errorf("peer %q is reached by link %q; first: longwire peer link %q %q off", p.Name, name, p.Name, name)
			}
		}
		return a.Remove(fmt.Sprintf("link[%d]", i))
	})
}

func cmdPeerAdd(c *call) error {
	name := c.args[0]
	return c.amend(fmt.Sprintf("Peer %q is added", name), func(a *amendment) error {
		if a.cfg.Peer(name) != nil {
			return fmt.Errorf("%w: there is a peer %q already; 'longwire peer set' changes it", admin.ErrMisuse, name)
		}
		return a.add("peer", config.Peer{}, []amend.Setting{{Key: "name", Value: amend.Text(name)}}, c.args[1:])
	})
}

func cmdPeerSet(c *call) error {
	return c.amend(fmt.Sprintf("Peer %q is changed", c.args[0]), func(a *amendment) error {
		i, err := a.peer(c.args[0])
		if err != nil {
			return err
		}
		if slices.ContainsFunc(c.args[1:], func(s string) bool { return strings.HasPrefix(s, "name=") }) {
			return fmt.Errorf("%w: what waits for a peer is kept under its name; add a peer of the new name, and remove the old one when nothing waits for it", admin.ErrMisuse)
		}
		return a.set(fmt.Sprintf("peer[%d]", i), a.cfg.Peers[i], c.args[1:])
	})
}

func cmdPeerRemove(c *call) error {
	return c.amend(fmt.Sprintf("Peer %q is removed", c.args[0]), func(a *amendment) error {
		i, err := a.peer(c.args[0])
		if err != nil {
			return err
		}
		return a.Remove(fmt.Sprintf("peer[%d]", i))
	})
}

// cmdPeerLink ticks a link for a peer: on puts it at the end of the order of preference, first at its head.
func cmdPeerLink(c *call) error {
	name, link, how := c.args[0], c.args[1], c.args[2]
	did := map[string]string{"on": "may use", "first": "prefers", "off": "does not use"}[how]
	if did == "" {
		return fmt.Errorf("%w: say on, first or off, not %q", admin.ErrMisuse, how)
	}
	return c.amend(fmt.Sprintf("Peer %q %s link %q", name, did, link), func(a *amendment) error {
		i, err := a.peer(name)
		if err != nil {
			return err
		}
		if _, err := a.link(link); err != nil && how != "off" {
			return err
		}
		was := a.cfg.Peers[i].Links
		links := slices.DeleteFunc(slices.Clone(was), func(s string) bool { return s == link && how != "on" })
		switch {
		case how == "off" && len(links) == len(was):
			return fmt.Errorf("%w: peer %q does not use link %q; it uses: %s", admin.ErrMisuse, name, link, strings.Join(was, ", "))
		case how == "off" && len(links) == 0:
			return fmt.Errorf("link %q is the only one of peer %q; tick another one first, or: longwire peer remove %q", link, name, name)
		case how == "first":
			links = append([]string{link}, links...)
		case how == "on" && !slices.Contains(links, link):
			links = append(links, link)
		}
		if slices.Equal(links, was) {
			return nil
		}
		return a.Set(fmt.Sprintf("peer[%d].links", i), amend.List(links))
	})
}

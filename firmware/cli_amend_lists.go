package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"longwire/firmware/amend"
	"longwire/firmware/config"
)

func cmdConfigSet(c *call) error {
	args := c.args
	if len(args) == 2 && !strings.Contains(args[0], "=") {
		args = []string{args[0] + "=" + args[1]}
	}
	return c.amend("The settings are changed", func(a *amendment) error { return a.set("", *a.cfg, args) })
}

// cmdConfigShow prints what the file says, without its secrets.
func cmdConfigShow(c *call) error {
	path := config.Search(c.config)
	if path == "" {
		fmt.Fprintln(c.err, "There is no config file; the embedded defaults hold.")
		return nil
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	all, err := config.Flatten(doc)
	if err != nil {
		if _, faults := config.Parse(path, doc); faults != nil {
			err = faults // they say where
		}
		return err
	}
	for _, s := range all {
		of := strings.TrimSpace(s.Of + " " + s.Key)
		if slices.ContainsFunc(c.args, func(word string) bool { return !strings.Contains(strings.ToLower(of), strings.ToLower(word)) }) {
			continue
		}
		value := s.Value
		if s.Secret {
			value = "(a secret)"
		}
		fmt.Fprintf(c.out, "%s = %s\n", clean(of), clean(value))
	}
	return nil
}

// direction is the table of a peer's folding that a command is about.
func (c *call) direction() string {
	if c.inward {
		return "fold_in"
	}
	return "fold"
}

func (c *call) folding(p *config.Peer) *config.Fold {
	if c.inward {
		return &p.FoldIn
	}
	return &p.Fold
}

func cmdFoldSet(c *call) error {
	return c.onPeer("Folding for peer %q is changed", func(a *amendment, i int, p *config.Peer) error {
		return a.set(fmt.Sprintf("peer[%d].%s", i, c.direction()), *c.folding(p), c.args[1:])
	})
}

// onPeer changes something of the peer that the first argument names.
func (c *call) onPeer(did string, change func(a *amendment, i int, p *config.Peer) error) error {
	return c.amend(fmt.Sprintf(did, c.args[0]), func(a *amendment) error {
		i, err := a.peer(c.args[0])
		if err != nil {
			return err
		}
		return change(a, i, &a.cfg.Peers[i])
	})
}

func cmdFoldAdd(c *call) error {
	names, settings := c.args[2:], []string(nil)
	if i := slices.IndexFunc(names, func(s string) bool { return strings.Contains(s, "=") }); i >= 0 {
		names, settings = names[:i], names[i:]
	}
	return c.onPeer("Folding for peer %q has another rule", func(a *amendment, i int, _ *config.Peer) error {
		head := []amend.Setting{{Key: "names", Value: amend.List(amend.Items(names))}, {Key: "namespace", Value: amend.Text(c.args[1])}}
		return a.add(fmt.Sprintf("peer[%d].%s.rule", i, c.direction()), config.FoldRule{}, head, settings)
	})
}

func cmdFoldRemove(c *call) error {
	return c.onPeer("Folding for peer %q has a rule less", func(a *amendment, i int, p *config.Peer) error {
		n, err := number(c.args[1], "rule", len(c.folding(p).Rules))
		if err != nil {
			return err
		}
		return a.Remove(fmt.Sprintf("peer[%d].%s.rule[%d]", i, c.direction(), n))
	})
}

// cmdFoldShow prints the rules in force, for each class of link that reaches the peer.
func cmdFoldShow(c *call) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	a := &amendment{c: c, cfg: cfg}
	i, err := a.peer(c.args[0])
	if err != nil {
		return err
	}
	p := &cfg.Peers[i]
	f := c.folding(p)
	for _, class := range cfg.ClassesOf(p) {
		policy, err := f.Policy(class, p.Pubsub)
		if err != nil {
			return err
		}
		kind := "no class"
		if class != "" {
			kind = "class " + class
		}
		fmt.Fprintf(c.out, "On a link of %s: messages %s, presence %s", kind, policy.Messages, policy.Presence)
		if len(policy.Rules) == 0 {
			fmt.Fprintln(c.out, ", no rules")
			continue
		}
		fmt.Fprintln(c.out)
		for j, r := range policy.Rules {
			if j < len(f.Rules) { // its own go by their place in the file
				r.Number = j + 1
				fmt.Fprintf(c.out, "  rule %s\n", clean(r.String()))
			} else {
				fmt.Fprintf(c.out, "  preset %s\n", clean(r.String()))
			}
		}
	}
	return c.folded(p.Name, c.inward)
}

func cmdRouteAdd(c *call) error {
	return c.onPeer("Peer %q has another route", func(a *amendment, i int, _ *config.Peer) error {
		return a.add(fmt.Sprintf("peer[%d].route", i), config.Route{}, nil, c.args[1:])
	})
}

func cmdRouteRemove(c *call) error {
	return c.onPeer("Peer %q has a route less", func(a *amendment, i int, p *config.Peer) error {
		n, err := number(c.args[1], "route", len(p.Routes))
		if err != nil {
			return err
		}
		return a.Remove(fmt.Sprintf("peer[%d].route[%d]", i, n))
	})
}

func cmdBudgetAdd(c *call) error {
	return c.amend("The budget is added", func(a *amendment) error { return a.add("budget", config.Budget{}, nil, c.args) })
}

func cmdBudgetRemove(c *call) error {
	return c.amend("The budget is removed", func(a *amendment) error {
		n, err := number(c.args[0], "budget", len(a.cfg.Budgets))
		if err != nil {
			return err
		}
		return a.Remove(fmt.Sprintf("budget[%d]", n))
	})
}

func cmdPrecedenceAdd(c *call) error {
	return c.amend("The rule is added", func(a *amendment) error {
		return a.add("precedence.rule", config.PrecedenceRule{}, nil, c.args)
	})
}

func cmdPrecedenceRemove(c *call) error {
	return c.amend("The rule is removed", func(a *amendment) error {
		n, err := number(c.args[0], "rule", len(a.cfg.Precedence.Rules))
		if err != nil {
			return err
		}
		return a.Remove(fmt.Sprintf("precedence.rule[%d]", n))
	})
}

package main

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"fmt"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
	"longwire/xmpp/sasl"
)

func cmdUserAdd(c *call) error    { return c.withPassword(ctl.OpUserAdd, "is added") }
func cmdUserPasswd(c *call) error { return c.withPassword(ctl.OpUserPasswd, "has a new password") }

// withPassword runs an operation that sets a password.
func (c *call) withPassword(op, did string) error {
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	password, err := c.password()
	if err != nil {
		return err
	}
	who, err := ctl.Collect[string](c.ctx, caller, op, ctl.UserArgs{User: c.args[0], Password: password})
	if err != nil {
		return err
	}
	c.changed(cfg, running)
	if c.generate {
		fmt.Fprintln(c.out, password)
	}
	fmt.Fprintf(c.err, "%s %s\n", strings.Join(who, ""), did)
	return nil
}

// password comes from where the flags say, else from the terminal, else from standard input.
func (c *call) password() (string, error) {
	switch {
	case c.generate && c.stdin:
		return "", fmt.Errorf("%w: --generate and --password-stdin exclude each other", admin.ErrMisuse)
	case c.generate:
		return generate(), nil
	case !c.stdin && isTerminal(c.in):
		first, err := c.ask("Password: ")
		if err != nil {
			return "", err
		}
		second, err := c.ask("Again: ")
		if err == nil && first != second {
			err = fmt.Errorf("the two passwords differ; nothing was changed")
		}
		return first, err
	}
	// A bound, so that a file given by mistake does not become a password.
	line, err := bufio.NewReaderSize(c.in, 2048).ReadSlice('\n')
	if password := strings.TrimRight(string(line), "\r\n"); password != "" && len(line) < 2048 {
		return password, nil
	}
	if err == nil || len(line) == 0 {
		return "", fmt.Errorf("%w: standard input holds no password; pipe one in, or let --generate make one up", admin.ErrMisuse)
	}
	return "", fmt.Errorf("reading the password: %w", err)
}

// generate makes a password of 80 random bits that can be read out over a radio: four groups of letters and digits.
func generate() string {
	s := strings.ToLower(rand.Text()[:16])
	return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
}

// cmdUserCredentials prints what stands for a password in a config. It needs no node.
func cmdUserCredentials(c *call) error {
	password, err := c.password()
	if err != nil {
		return err
	}
	list, err := admin.Credentials(password)
	if err != nil {
		return err
	}
	if c.generate {
		fmt.Fprintf(c.out, "# %s\n", password)
	}
	fmt.Fprint(c.out, "credentials = [\n")
	for _, cred := range list {
		fmt.Fprintf(c.out, "  %q,\n", sasl.FormatCredential(sasl.Credential(cred)))
	}
	fmt.Fprint(c.out, "]\n")
	return nil
}

func cmdUserDisable(c *call) error { return c.change(ctl.OpUserDisable, "is disabled") }
func cmdUserEnable(c *call) error  { return c.change(ctl.OpUserEnable, "is enabled") }

func cmdUserRemove(c *call) error {
	if !c.yes {
		if !isTerminal(c.in) {
			return fmt.Errorf("%w: nobody is there to be asked; add --yes", admin.ErrMisuse)
		}
		fmt.Fprintf(c.err, "Remove %s with all contacts and messages? Type yes: ", c.args[0])
		line, _ := bufio.NewReader(c.in).ReadString('\n')
		if strings.TrimSpace(line) != "yes" {
			return fmt.Errorf("nothing was removed")
		}
	}
	return c.change(ctl.OpUserRemove, "is removed")
}

func (c *call) change(op, did string) error {
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	who, err := ctl.Collect[string](c.ctx, caller, op, ctl.UserArgs{User: c.args[0]})
	if err != nil {
		return err
	}
	c.changed(cfg, running)
	fmt.Fprintf(c.err, "%s %s\n", strings.Join(who, ""), did)
	return nil
}

func cmdUserList(c *call) error {
	caller, _, running, err := c.node()
	if err != nil {
		return err
	}
	users, err := ctl.Collect[admin.User](c.ctx, caller, ctl.OpUserList, nil)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(users)
	}
	if len(users) == 0 {
		fmt.Fprintln(c.err, "There are no users yet; 'longwire user add NAME' makes one.")
		return nil
	}
	t := newTable(c.out, "USER", "STATE", "WAITING", "LAST SEEN", "CREATED", "DECLARED")
	for _, u := range users {
		state, seen := "offline", ago(u.LastSeen)
		switch {
		case u.Disabled:
			state = "disabled"
		case u.Online > 0:
			state, seen = fmt.Sprintf("online (%d)", u.Online), "now"
		case !running:
			state = "-"
		}
		t.row(u.JID, state, u.Waiting, seen, day(u.Created), cmp.Or(u.Declared, "-"))
	}
	return t.Flush()
}

package main

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
)

// roomFlags are the flags of the commands on rooms.
type roomFlags struct {
	owners            []string
	nick              string
	reason, alternate string
	federate          ctl.FederateArgs
}

// nobody is who a command names to take a setting back.
const nobody = "none"

func textFlag(to **string) func(string) error {
	return func(v string) error { *to = &v; return nil }
}

func numberFlag(to **int) func(string) error {
	return func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return fmt.Errorf("%q is no number", v)
		}
		*to = &n
		return nil
	}
}

func yesFlag(to **bool) func(string) error {
	return func(v string) error {
		on := slices.Contains([]string{"", "true", "yes", "on", "1"}, v)
		if !on && !slices.Contains([]string{"false", "no", "off", "0"}, v) {
			return fmt.Errorf("say yes or no")
		}
		*to = &on
		return nil
	}
}

func cmdRoomList(c *call) error {
	return listing(c, ctl.OpRoomList, nil, "There are no rooms yet; 'longwire room create NAME' makes one, and so do clients.", c.rooms)
}

func cmdRoomShow(c *call) error {
	return c.onRoom(ctl.OpRoomShow, ctl.RoomArgs{Room: c.args[0]}, "")
}

// onRoom carries out an operation whose item is a room, and shows it; did is what has happened to it, if anything.
func (c *call) onRoom(op string, args any, did string) error {
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[admin.Room](c.ctx, caller, op, args)
	if err != nil {
		return err
	}
	if did != "" {
		c.changed(cfg, running)
	}
	for _, r := range list {
		if err := c.tellRoom(r, did); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) tellRoom(r admin.Room, did string) error {
	switch {
	case c.json:
		return c.printJSON(r)
	case did != "":
		_, err := fmt.Fprintf(c.err, "%s %s\n", clean(r.JID), did)
		return err
	}
	return c.roomDetail(r)
}

func cmdRoomCreate(c *call) error {
	return c.onRoom(ctl.OpRoomCreate, ctl.RoomArgs{Room: c.args[0], Settings: c.args[1:], Owners: c.room.owners}, "is made")
}

func cmdRoomConfigure(c *call) error {
	return c.onRoom(ctl.OpRoomConfigure, ctl.RoomArgs{Room: c.args[0], Settings: c.args[1:]}, "is configured")
}

func cmdRoomMember(c *call) error {
	args := ctl.MemberArgs{Room: c.args[0], Who: c.args[1], Affiliation: c.args[2], Nick: c.room.nick, Reason: c.room.reason}
	return c.onRoom(ctl.OpRoomMember, args, fmt.Sprintf("has %s as %s", args.Who, args.Affiliation))
}

func cmdRoomFederate(c *call) error {
	args := c.room.federate
	args.Room = c.args[0]
	if len(c.args) > 1 {
		if args.With = &c.args[1]; c.args[1] == nobody {
			args.With = new(string)
		}
	}
	if args.Off && (args.With != nil || args.Accept != nil || args.Mode != nil || args.History != nil || args.LastN != nil || args.Watch != nil) {
		return fmt.Errorf("%w: --off ends the federation; say nothing else with it", admin.ErrMisuse)
	}
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[ctl.Federated](c.ctx, caller, ctl.OpRoomFederate, args)
	if err != nil {
		return err
	}
	c.changed(cfg, running)
	for _, f := range list {
		for _, w := range f.Warnings {
			fmt.Fprintf(c.err, "warning: %s\n", w)
		}
		did := "is not federated any more"
		if f.Room.Federation != nil {
			did = "is federated: " + federationInShort(f.Room.Federation)
		}
		if err := c.tellRoom(f.Room, did); err != nil {
			return err
		}
	}
	return nil
}

func cmdRoomDestroy(c *call) error {
	if !c.yes {
		if !isTerminal(c.in) {
			return fmt.Errorf("%w: nobody is there to be asked; add --yes", admin.ErrMisuse)
		}
		fmt.Fprintf(c.err, "Destroy %s with all that was said in it? Type yes: ", c.args[0])
		line, _ := bufio.NewReader(c.in).ReadString('\n')
		if strings.TrimSpace(line) != "yes" {
			return fmt.Errorf("nothing was destroyed")
		}
	}
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	who, err := ctl.Collect[string](c.ctx, caller, ctl.OpRoomDestroy, ctl.RoomArgs{Room: c.args[0], Alternate: c.room.alternate, Reason: c.room.reason})
	if err != nil {
		return err
	}
	c.changed(cfg, running)
	fmt.Fprintf(c.err, "%s is destroyed\n", strings.Join(who, ""))
	return nil
}

package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
)

func cmdStatus(c *call) error {
	caller, _, running, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[admin.Status](c.ctx, caller, ctl.OpStatus, nil)
	if err != nil {
		return err
	}
	for _, s := range list {
		if c.json {
			err = c.printJSON(s)
		} else {
			err = c.status(s)
		}
		if err != nil {
			return err
		}
	}
	if !running {
		return exit(exitStopped)
	}
	return nil
}

// status prints a Status for people.
func (c *call) status(s admin.Status) error {
	t := newTable(c.out)
	if s.Running {
		t.row("node", fmt.Sprintf("running since %s (%s)", s.Started.Local().Format(time.DateTime), span(time.Since(s.Started))))
		t.row("version", s.Version)
	} else {
		t.row("node", "not running; 'longwire node' starts it")
	}
	t.row("config", orDefaults(s.Config))
	t.row("data", s.Data)
	t.row("domains", strings.Join(s.Domains, ", "))
	if s.Fingerprint != "" {
		t.row("certificate", "SHA-256 "+s.Fingerprint)
	}
	for i, l := range s.Listeners {
		t.row([]any{"listening", ""}[min(i, 1)], l)
	}
	users := strconv.Itoa(s.Accounts)
	if s.Running {
		users += fmt.Sprintf(", %d online with %s", s.Online, plural(s.Clients, "client"))
	}
	t.row("users", users)
	if len(s.Rooms.Domains) > 0 {
		t.row("rooms", roomCount(s.Rooms, s.Running))
	}
	health := "healthy"
	if s.Store.Fault != "" {
		health = fmt.Sprintf("FAULT for %s: %s", span(time.Since(s.Store.Since)), s.Store.Fault)
	}
	for _, l := range s.All {
		if l.EMCON.On {
			t.row("EMCON", emcon(l))
		}
	}
	t.row("store", fmt.Sprintf("%s, %s of them free; %s", volume(s.Store.Bytes), volume(s.Store.Free), health))
	if s.RecordFault != "" {
		t.row("telemetry", "CANNOT BE WRITTEN: "+clean(s.RecordFault))
	}
	if err := t.Flush(); err != nil || len(s.Peers) == 0 {
		return err
	}
	fmt.Fprintln(c.out)
	return c.peers(s.Peers)
}

// listing asks for a list and prints it: for programs as JSON, for people by show; none says that it is empty.
func listing[T any](c *call, op string, args any, none string, show func([]T) error) error {
	caller, _, _, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[T](c.ctx, caller, op, args)
	switch {
	case err != nil:
		return err
	case c.json:
		return c.printJSON(list)
	case len(list) == 0:
		fmt.Fprintln(c.err, none)
		return nil
	}
	return show(list)
}

func cmdPeerList(c *call) error {
	return listing(c, ctl.OpPeerList, nil, "The config has no [[peer]]; 'longwire config example' shows one.", c.peers)
}

func (c *call) peers(list []admin.Peer) error {
	t := newTable(c.out, "PEER", "DOMAINS", "LINK", "STATE", "SINCE", "WAITING", "OLDEST", "IN", "OUT")
	var links []admin.LinkState
	for _, p := range list {
		waiting := strconv.Itoa(p.Waiting)
		if p.Sent > 0 {
			waiting += fmt.Sprintf(" (%d sent)", p.Sent)
		}
		state, l := p.Link.State, p.Link
		if p.Gone {
			state = "not in the config"
		}
		t.row(p.Name, strings.Join(p.Domains, " "), l.Link, state, ago(l.Since), waiting, ago(p.Oldest), traffic(l.StanzasIn, l.BytesIn), traffic(l.StanzasOut, l.BytesOut))
		for _, o := range p.Others {
			t.row("", "", o.Link, o.State, ago(o.Since), "", "", traffic(o.StanzasIn, o.BytesIn), traffic(o.StanzasOut, o.BytesOut))
		}
		links = append(links, p.States()...)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return c.linkNotes(links)
}

func traffic(stanzas, b uint64) string {
	if stanzas == 0 && b == 0 {
		return "-"
	}
	return fmt.Sprintf("%d in %s", stanzas, volume(int64(b)))
}

package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
)

func (c *call) queueArgs() (q ctl.QueueArgs, err error) {
	if len(c.args) == 0 {
		return q, nil
	}
	q.Peer = c.args[0]
	for _, a := range c.args[1:] {
		id, err := strconv.ParseUint(a, 10, 64)
		if err != nil {
			return q, fmt.Errorf("%w: %q is not an id; 'queue list' shows them", admin.ErrMisuse, a)
		}
		q.IDs = append(q.IDs, id)
	}
	return q, nil
}

func cmdQueueList(c *call) error {
	q, err := c.queueArgs()
	if err != nil {
		return err
	}
	return listing(c, ctl.OpQueueList, q, "Nothing waits.", c.queue)
}

func (c *call) queue(list []admin.Queued) error {
	t := newTable(c.out, "PEER", "ID", "PRECEDENCE", "KIND", "STATE", "THERE IN", "AGE", "LEFT", "BYTES", "FROM", "TO")
	for _, e := range list {
		left := "-"
		if !e.Expires.IsZero() {
			left = span(max(0, time.Until(e.Expires)))
		}
		t.row(e.Peer, e.ID, orDash(e.Precedence), e.Kind, queueState(e), foreseen(e.Forecast), age(e.Queued), left, e.Bytes, e.From, e.To)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return c.queueNotes(list)
}

// queueState is a state in few words.
func queueState(e admin.Queued) string {
	switch {
	case !e.Held.IsZero():
		return "held until " + e.Held.Local().Format(time.TimeOnly)
	case e.Position > 0:
		return fmt.Sprintf("%s, no. %d", e.State, e.Position)
	}
	return e.State
}

func foreseen(f *admin.Foreseen) string {
	switch {
	case f == nil:
		return "-"
	case !f.Known:
		return "not known"
	}
	return f.Words
}

// queueNotes tells below the table what is waited for, each reason once, with the ids that it holds for.
func (c *call) queueNotes(list []admin.Queued) error {
	type reason struct{ peer, why string }
	var order []reason
	ids := make(map[reason][]string)
	for _, e := range list {
		why := e.Why
		if why == "" && e.Forecast != nil {
			why = e.Forecast.Why
		}
		if why == "" {
			continue
		}
		r := reason{e.Peer, why}
		if ids[r] == nil {
			order = append(order, r)
		}
		ids[r] = append(ids[r], strconv.FormatUint(e.ID, 10))
	}
	for _, r := range order {
		which := strings.Join(ids[r][:min(len(ids[r]), 8)], ", ")
		if more := len(ids[r]) - 8; more > 0 {
			which += fmt.Sprintf(" and %d more", more)
		}
		if _, err := fmt.Fprintf(c.out, "%s %s: %s\n", clean(r.peer), which, clean(r.why)); err != nil {
			return err
		}
	}
	return nil
}

// age is how old something is; a clock that was set by years makes that unknown.
func age(t time.Time) string {
	d := time.Since(t)
	if t.IsZero() || d < -time.Hour || d > 10*365*24*time.Hour {
		return "?"
	}
	return span(max(0, d))
}

func cmdMessageList(c *call) error {
	args := ctl.MessageArgs{Most: c.most}
	if len(c.args) > 0 {
		args.User = c.args[0]
	}
	return listing(c, ctl.OpMessageList, args, "No message for a peer is remembered.", c.messages)
}

func (c *call) messages(list []admin.Queued) error {
	t := newTable(c.out, "PEER", "ID", "PRECEDENCE", "ACCEPTED", "STATE", "SINCE", "THERE IN", "FROM", "TO", "WHY")
	for _, e := range list {
		t.row(e.Peer, e.ID, orDash(e.Precedence), age(e.Queued)+" ago", queueState(e), since(e.Changed), foreseen(e.Forecast), e.From, e.To, orDash(e.Why))
	}
	return t.Flush()
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func cmdQueueCancel(c *call) error {
	q, err := c.queueArgs()
	if err != nil {
		return err
	}
	if c.all == (len(q.IDs) > 0) {
		return fmt.Errorf("%w: say which: IDs of 'queue list', or --all", admin.ErrMisuse)
	}
	caller, _, _, err := c.node()
	if err != nil {
		return err
	}
	gone, err := ctl.Collect[admin.Queued](c.ctx, caller, ctl.OpQueueCancel, q)
	switch {
	case err != nil:
		return err
	case c.json:
		return c.printJSON(gone)
	}
	fmt.Fprintf(c.err, "%s cancelled.\n", plural(len(gone), "stanza"))
	if missing := len(q.IDs) - len(gone); missing > 0 {
		fmt.Fprintf(c.err, "%s not waiting any more, or on the way already.\n", plural(missing, "id"))
		return exit(exitFailed)
	}
	return nil
}

func cmdQueueWatch(c *call) error {
	caller, _, _, err := c.node()
	if err != nil {
		return err
	}
	q, err := c.queueArgs()
	if err != nil {
		return err
	}
	err = caller.Call(c.ctx, ctl.OpQueueWatch, q, func(raw json.RawMessage) error {
		if c.json {
			_, err := fmt.Fprintf(c.out, "%s\n", raw)
			return err
		}
		var e admin.QueueEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.out, watchLine(e))
		return err
	})
	if c.ctx.Err() != nil {
		return nil // Ctrl-C is how it ends
	}
	if err == nil {
		fmt.Fprintln(c.err, "longwire: the node has stopped; what waits is kept")
		return exit(exitStopped)
	}
	return err
}

// watchLine is one event for people.
func watchLine(e admin.QueueEvent) string {
	at := e.Time.Local().Format(time.TimeOnly)
	if e.What == "far" {
		e.What = "far node"
	}
	if e.ID == 0 {
		return strings.TrimRight(fmt.Sprintf("%s  %-9s  %s, link %q  %s", at, e.What, e.Peer, e.Link, e.Reason), " ")
	}
	line := fmt.Sprintf("%s  %-9s  %s %d  %s  %s → %s", at, e.What, e.Peer, e.ID, e.Kind, e.From, e.To)
	switch {
	case e.What == "sent" && e.Again:
		return fmt.Sprintf("%s  again, %d bytes on the wire", line, e.Wire)
	case e.What == "sent":
		return fmt.Sprintf("%s  %d bytes on the wire", line, e.Wire)
	case e.What == "gone" && e.Why != "":
		return fmt.Sprintf("%s  %s: %s", line, e.State, clean(e.Why))
	case e.What == "gone":
		return fmt.Sprintf("%s  %s", line, e.State)
	case e.What == "queued" && e.Forecast != nil && e.Forecast.Known:
		return fmt.Sprintf("%s  %s, there in %s", line, queueState(e.Queued), e.Forecast.Words)
	}
	return line
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"longwire/links/modem"
	"longwire/links/subnet"
)

func status(c *call) error {
	a, err := c.question("status")
	if err != nil {
		return err
	}
	return c.show(a)
}

func emcon(c *call) error {
	if c.args[0] != "on" && c.args[0] != "off" {
		return fmt.Errorf("%w: write 'emcon on' or 'emcon off', not %q", errMisuse, c.args[0])
	}
	if _, err := c.question("emcon " + c.args[0]); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.out, map[string]string{"on": "EMCON is on: this node is silent.", "off": "EMCON is off: this node transmits."}[c.args[0]])
	return err
}

// show prints an answer, for people or for programs.
func (c *call) show(a answer) error {
	if c.json {
		_, err := fmt.Fprintf(c.out, "%s\n", a.Result)
		return err
	}
	if a.Kind == "channel" {
		var s modem.Stats
		if err := json.Unmarshal(a.Result, &s); err != nil {
			return err
		}
		return showChannel(c.out, s)
	}
	var s subnet.Status
	if err := json.Unmarshal(a.Result, &s); err != nil {
		return err
	}
	return showNode(c.out, s)
}

func showNode(out io.Writer, s subnet.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	state := "on"
	switch {
	case s.ModemLost != "":
		state = "off, its modem is lost"
	case s.EMCON:
		state = "in EMCON, receives only"
	case s.Sending:
		state = "transmitting"
	}
	fmt.Fprintf(w, "Node %s, %s, %s\n", s.Address, s.Waveform, state)
	if s.ModemLost != "" {
		fmt.Fprintf(w, "  modem\t%s; trying again\n", s.ModemLost)
	}
	fmt.Fprintf(w, "  sent\t%d transmissions, %s on the air, %d D_PDUs\n", s.Counts.Transmissions, seconds(s.Counts.Air), s.Counts.Sent)
	fmt.Fprintf(w, "  heard\t%d signals, %d D_PDUs, %d damaged, %d invalid\n", s.Counts.Receptions, s.Counts.Received, s.Counts.Damaged, s.Counts.Invalid)
	if s.Counts.Twin > 0 {
		fmt.Fprintf(w, "  twin\t%d D_PDUs heard from our own address: another station has it, too\n", s.Counts.Twin)
	}
	fmt.Fprintf(w, "  U_PDUs\t%d from clients: %d delivered or sent, %d rejected; %d to clients, %d for nobody\n", s.Counts.Requests, s.Counts.Confirmed,
		s.Counts.Rejected, s.Counts.Delivered, s.Counts.Dropped)
	fmt.Fprintf(w, "  waiting\t%d bytes\n", s.Queued)
	for _, c := range s.Clients {
		fmt.Fprintf(w, "Client\tSAP %d\trank %d\tfrom %s\t%d waiting\n", c.SAP, c.Rank, c.From, c.Queued)
	}
	for _, l := range s.Links {
		kind := "soft"
		if l.Exclusive {
			kind = "exclusive"
		}
		fmt.Fprintf(w, "Link\t%s\t%s, %s\t%s\t%d waiting, %d frames in flight\n", l.Peer, l.State, kind, l.Waveform, l.Queued, l.InFlight)
	}
	if h := s.HardLink; h != nil {
		fmt.Fprintf(w, "Hard link\t%s\ttype %d\tSAP %d\n", h.Peer, h.Type, h.SAP)
	}
	for _, h := range s.Heard {
		fmt.Fprintf(w, "Heard\t%s\t%s ago\t%d D_PDUs\t%s\n", h.Address, s.Time.Sub(h.Last).Round(time.Second), h.PDUs, h.Capability)
	}
	return w.Flush()
}

func showChannel(out io.Writer, s modem.Stats) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Channel, seed %d: %d transmissions, %s on the air, %d collisions\n", s.Seed, s.Transmissions, seconds(s.Keyed), s.Collisions)
	for _, st := range s.Stations {
		fmt.Fprintf(w, "  %s\t%d transmissions\t%s\t%d collided\t%d of %d blocks lost\n", st.Name, st.Transmissions, seconds(st.Keyed), st.Collisions, st.Lost, st.Blocks)
	}
	return w.Flush()
}

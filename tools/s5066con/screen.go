package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"longwire/tools/s5066con/screen"
	"longwire/tools/s5066con/settings"
)

func screenCommand() command {
	return command{name: "", args: "", short: "the screen",
		long: `
Opens the screen. With -server it connects at once; without, it asks. It answers no probes until it is told to (-answer, or the key r).`,
		flags: func(o *options) {
			o.common()
			o.set.IntVar(&o.rate, "rate", 0, "of the radio in `bit/s`; as saved, or measured by the last test")
			o.set.BoolVar(&o.long, "long", false, "the radio uses the long interleaver, for the same purpose")
			o.set.BoolVar(&o.answer, "answer", false, "answer probes of other stations from the beginning")
			o.set.StringVar(&o.name, "name", "", "what those who discover are told; as saved")
			o.set.StringVar(&o.broadcast, "broadcast", "", "the group `address` of all; as saved, or 31.255.255.255")
		}}
}

// screen opens the terminal's screen.
func (a *app) screen(ctx context.Context, args []string) int {
	o, rest, err := a.parse(screenCommand(), args)
	if errors.Is(err, errHelp) {
		return exitGood
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("s5066con: %q is too much for the screen", rest[0])
		if slices.ContainsFunc(commands(), func(c command) bool { return c.name == rest[0] }) {
			err = fmt.Errorf("s5066con: flags stand behind the command, as in: s5066con %s %s", rest[0], strings.Join(args[:slices.Index(args, rest[0])], " "))
		}
	}
	if err != nil {
		return a.misuse(err, "see: s5066con -help")
	}
	connect := o.serverName != ""
	v := o.server
	if o.given("sap") || v.SAP == nil {
		sap := uint8(o.sap)
		v.SAP = &sap
	}
	v.Mode = o.mode
	op := newOperator(a, o)
	m := screen.New(screen.Start{Actions: op, Server: v, Saved: append([]settings.Server(nil), o.settings.Servers...), Stations: o.settings.Stations, Now: time.Now,
		Connect: connect, Respond: o.answer})
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(a.in), tea.WithOutput(a.out))
	op.send = func(m tea.Msg) { p.Send(m) }
	_, err = p.Run()
	op.close()
	if err != nil && ctx.Err() == nil && !errors.Is(err, tea.ErrInterrupted) {
		return a.misuse(err, "the screen needs a terminal; scripts use the commands and -json")
	}
	return exitGood
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"longwire/links/modem"
	"longwire/tools/rig"
)

// An air is the simulated HF channel, on this machine, and field's STANAG 5066 server, to which field's kit speaks over a serial line.
// Headquarters' server runs in its kit, and only its modem is here.
type air struct {
	channel *rig.Channel
	server  *rig.SISServer
	trace   bool
}

// What the radios do.
const (
	airRate      = 2400
	fieldAddress = "1.1.0.2"
	radioBaud    = 9600
)

// openAir opens the channel. 127.0.0.1 of this machine is 10.0.2.2 in a guest.
func openAir(dir, s5066d string, trace bool) (*air, error) {
	a := &air{channel: &rig.Channel{Config: modem.ChannelConfig{Clock: modem.Clock{Scale: 1}}, IP: "127.0.0.1"}, trace: trace}
	if err := a.channel.Open(); err != nil {
		return nil, err
	}
	a.server = &rig.SISServer{Bin: s5066d, Dir: filepath.Join(dir, "field-sis"), IP: "127.0.0.1", Station: "field", Address: fieldAddress,
		Channel: a.channel.Address(), Rate: airRate, Traced: trace}
	return a, nil
}

// serve starts field's server at the far end of the kit's second UART; again, if it ran at another one before.
func (a *air) serve(ctx context.Context, terminal string) error {
	if err := a.server.Stop(); err != nil {
		return err
	}
	a.server.Keys = map[string]map[string]any{"clients": {"serial": []string{fmt.Sprintf("%s@%d", terminal, radioBaud)}}, "log": {"level": "info"}}
	if err := a.server.Prepare(); err != nil {
		return err
	}
	return a.server.Start(ctx)
}

// said is what field's server has logged.
func (a *air) said() string {
	b, err := os.ReadFile(a.server.Log())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (a *air) close() {
	a.server.Stop()
	a.channel.Close()
}

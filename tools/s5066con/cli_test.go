package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
	"longwire/tools/s5066con/settings"
)

func TestWrongUseIsExplained(t *testing.T) {
	for args, says := range map[string]string{
		"nonsense":                        "no command",
		"ping":                            "takes one address",
		"ping 1.2.3":                      "no address like 1.1.0.2",
		"ping 1.1.0.2 1.1.0.3":            "takes one address",
		"ping -sap 16 1.1.0.2":            "0 to 15",
		"ping -mode fast 1.1.0.2":         "arq and non-arq",
		"ping -confirm me 1.1.0.2":        "node, client and none",
		"ping -mode arq all":              "use non-ARQ",
		"ping -wrong 1.1.0.2":             "not defined: -wrong",
		"ping -server ham:radio: 1.1.0.2": "",
		"test -count 5000 1.1.0.2":        "4096",
		"discover 1.1.0.2":                "s5066con ping 1.1.0.2",
		"listen here":                     "no address",
		"-server x listen":                "s5066con listen -server x",
		"probe 1.1.0.2":                   "either -text or -hex",
		"probe -hex xy 1.1.0.2":           "either -text or -hex",
		"link -type 3 1.1.0.2":            "0 to 2",
		"servers add x":                   "no use of servers",
		"servers remove x":                "no server",
		"servers add x y -mode no":        "arq and non-arq",
		"servers name x y":                "address",
	} {
		if says == "" {
			continue
		}
		d := newDesk(t, nil, "")
		d.dial = func(settings.Server) (dialer, error) {
			t.Errorf("%s: it dials", args)
			return dialer{}, context.Canceled
		}
		code := d.main(t.Context(), strings.Fields(args))
		if got := d.errors.String(); code != exitMisuse || !strings.Contains(got, says) {
			t.Errorf("%s: exit code %d, %q", args, code, got)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, c := range commands() {
		for _, args := range [][]string{{c.name, "-help"}, {"help", c.name}} {
			d := newDesk(t, nil, "")
			code := d.main(t.Context(), args)
			if got := d.output.String(); code != exitGood || !strings.Contains(got, "usage: s5066con "+c.name) || !strings.Contains(got, "Exit codes") || d.errors.String() != "" {
				t.Errorf("%v: %d, %s", args, code, got)
			}
		}
	}
	d := newDesk(t, nil, "")
	d.main(t.Context(), []string{"-help"})
	for _, c := range commands() {
		if !strings.Contains(d.output.String(), "  "+c.name+" ") {
			t.Errorf("-help does not name %s", c.name)
		}
	}
}

// Each event and field that goldens show has to be in the help that scripts are written by.
func TestTheHelpNamesAllFields(t *testing.T) {
	pair(t, radio, true, func(ctx context.Context, _ *sistest.Air, near, _ *sistest.Node) {
		for _, args := range []string{"ping -json -trace 1.1.0.2", "test -json 1.1.0.2", "discover -json", "link -json 1.1.0.2", "ping -json 1.1.0.9"} {
			d := newDesk(t, near, "")
			d.main(ctx, strings.Fields(args))
			for _, line := range strings.Split(strings.TrimSpace(d.output.String()), "\n") {
				var fields map[string]any
				if err := json.Unmarshal([]byte(line), &fields); err != nil {
					t.Fatal(err)
				}
				for name := range fields {
					if !slices.Contains(strings.FieldsFunc(jsonHelp, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz_0123456789", r) }), name) {
						t.Errorf("the help does not name %q of %s", name, line)
					}
				}
				if !strings.Contains(jsonHelp, fields["event"].(string)) {
					t.Errorf("the help does not name %s", fields["event"])
				}
			}
		}
	})
}

func TestARefusedBindIsExplained(t *testing.T) {
	pair(t, radio, true, func(ctx context.Context, air *sistest.Air, near, far *sistest.Node) {
		only := air.Node(sis.MakeAddress(1, 1, 0, 3), sis.ServerConfig{BroadcastOnly: true, SAPs: []uint8{5}})
		for _, c := range []struct {
			node       *sistest.Node
			args, says string
		}{
			{far, "ping 1.1.0.1", "another client holds this SAP"},
			{only, "ping 1.1.0.1", "choose another; 13 to 15"},
			{only, "chat 1.1.0.1", "bind for non-ARQ"},
			{far, "listen -for 8s", "another client holds this SAP"},
		} {
			d := newDesk(t, c.node, "")
			if code := d.main(ctx, strings.Fields(c.args)); code != exitRefused || !strings.Contains(d.errors.String(), c.says) {
				t.Errorf("%s: exit code %d, %s", c.args, code, d.errors.String())
			}
		}
		d := newDesk(t, only, "hello\n")
		if code := d.main(ctx, strings.Fields("chat -mode non-arq all")); code != exitGood || only.Sent() != 1 {
			t.Errorf("exit code %d, %s", code, d.errors.String())
		}
	})
}

func TestABindLostOnTheWay(t *testing.T) {
	pair(t, radio, true, func(ctx context.Context, _ *sistest.Air, near, _ *sistest.Node) {
		d := newDesk(t, near, "")
		time.AfterFunc(10*time.Second, near.Stop)
		if code := d.main(ctx, strings.Fields("test -json -count 20 -inflight 3 1.1.0.2")); code != exitLost {
			t.Errorf("exit code %d", code)
		}
		golden(t, "test_lost.json", d.output.String())
	})
}

func TestInterrupted(t *testing.T) {
	for _, args := range []string{"ping 1.1.0.9", "test 1.1.0.2", "discover", "probe -text x 1.1.0.2", "link 1.1.0.2", "chat 1.1.0.2"} {
		pair(t, radio, false, func(ctx context.Context, _ *sistest.Air, near, _ *sistest.Node) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			d := newDesk(t, near, "one\n"+strings.Repeat("more\n", 10))
			start := time.Now()
			if code := d.main(ctx, strings.Fields(args)); code != exitStopped || time.Since(start) != time.Second {
				t.Errorf("%s: exit code %d after %v: %s", args, code, time.Since(start), d.errors.String())
			}
			synctest.Wait()
			if near.Server().Port(13) != nil {
				t.Errorf("%s: the SAP is still bound", args)
			}
		})
	}
}

func TestListenBindsAgain(t *testing.T) {
	pair(t, radio, false, func(ctx context.Context, _ *sistest.Air, near, far *sistest.Node) {
		d := newDesk(t, far, "")
		time.AfterFunc(time.Minute, far.Stop)
		time.AfterFunc(2*time.Minute, far.Start)
		if code := d.main(ctx, strings.Fields("listen -json -for 5m")); code != exitGood {
			t.Errorf("exit code %d: %s", code, d.errors.String())
		}
		var kinds []string
		for _, line := range strings.Split(strings.TrimSpace(d.output.String()), "\n") {
			var e struct{ Event string }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, e.Event)
		}
		kinds = slices.Compact(kinds)
		if !slices.Equal(kinds, []string{"bound", "unbound", "retry", "bound"}) {
			t.Errorf("%v", kinds)
		}
	})
}

func TestServersAndNamesAreSavedAndUsed(t *testing.T) {
	pair(t, radio, true, func(ctx context.Context, _ *sistest.Air, near, _ *sistest.Node) {
		d := newDesk(t, near, "")
		for _, args := range []string{"servers add hq 10.0.0.5:7066 -rate 300 -sap 14", "servers name 1.1.0.2 outpost", "servers own main"} {
			if code := d.main(ctx, strings.Fields(args)); code != exitGood {
				t.Fatal(args, d.errors.String())
			}
		}
		var used settings.Server
		d.dial = func(v settings.Server) (dialer, error) { used = v; return dialer{dial: near.Dial}, nil }
		if code := d.main(ctx, strings.Fields("test outpost -to-sap 13 -count 3")); code != exitGood || used.Address != "10.0.0.5:7066" {
			t.Errorf("exit code %d with %+v: %s", code, used, d.errors.String())
		}
		s, err := settings.Load(d.path)
		if v := s.Find("hq"); err != nil || v == nil || v.Goodput < 100 || v.Goodput > 300 || v.Rate != 300 || s.Own != "main" {
			t.Errorf("%+v, %v", s, err)
		}
		d.main(ctx, []string{"servers"})
		if got := d.output.String(); !strings.Contains(got, "hq               tcp:10.0.0.5:7066  SAP 14  arq") || !strings.Contains(got, "outpost          station 1.1.0.2") {
			t.Error(got)
		}
	})
}

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	systemPath = "/etc/s5066d/s5066d.toml"
	maxFile    = 1 << 20
)

// Config is the file. What stands in defaults is used for what it does not say.
type Config struct {
	Name          string   `toml:"name" doc:"For logs, and on a simulated channel the station's name. Empty: the address."`
	Address       string   `toml:"address" eg:"1.1.0.1" doc:"The STANAG 5066 address of this node, w.x.y.z with w up to 15. It must be set."`
	Groups        []string `toml:"groups" eg:"16.0.0.5" doc:"Group addresses to listen to, besides 31.255.255.255 for all: w from 16 to 31."`
	Control       string   `toml:"control" doc:"The socket of 's5066d status' and 's5066d emcon'. Only this user and root can open it."`
	EMCON         bool     `toml:"emcon" doc:"Begin in emission control: receive only, until 's5066d emcon off'."`
	BroadcastOnly bool     `toml:"broadcast_only" doc:"No ARQ and no links: U_PDUs without acknowledgement, of up to 4096 bytes."`

	Clients Clients `toml:"clients" doc:"Who may use the node, and how much of it."`
	Modem   Modem   `toml:"modem" doc:"What is at the radio end."`
	Timers  Timers  `toml:"timers" doc:"Times that the standard leaves open. They count in radio time."`
	ARQ     ARQ     `toml:"arq" doc:"The data transfer."`
	Trace   Trace   `toml:"trace" doc:"A record of every D_PDU sent and received, for Wireshark (pcap, link type 237). It holds all that is sent, the texts of messages, too, where the client does not encrypt. 's5066d' reads this again on SIGHUP."`
	Log     Log     `toml:"log" doc:"The log, on standard error. Read again on SIGHUP."`

	file  string
	lines map[string]int
}

// Clients are who may use the node.
type Clients struct {
	Listen    []string `toml:"listen" doc:"TCP addresses for clients."`
	Serial    []string `toml:"serial" eg:"/dev/ttyS1@9600" doc:"Serial lines for clients, as in \"/dev/ttyS1@9600\"; one client each."`
	VsockPort int      `toml:"vsock_port" doc:"The vsock port for clients in virtual machines, usually 5066; 0: none."`

	Max       int      `toml:"max" doc:"Clients at the same time, 5 to 16."`
	SAPs      []int    `toml:"saps" doc:"SAPs that can be bound. Empty: all."`
	MaxRank   int      `toml:"max_rank" doc:"The highest rank a client may bind with. 15 may manage the node."`
	MaxTTL    Duration `toml:"max_ttl" doc:"The longest time to live of a U_PDU, and that of those with none. 360h is the standard's most."`
	Queue     int      `toml:"queue" doc:"U_PDUs of a client that wait, before its flow is turned off."`
	QueueKiB  int      `toml:"queue_kib" doc:"The same in KiB."`
	Expedited int      `toml:"expedited" doc:"Expedited U_PDUs of a client in a minute; one that asks for more is unbound."`
	Rate      int      `toml:"rate" doc:"Primitives of a client in a second; one that sends more is read more slowly."`
}

// Modem is what is at the radio end.
type Modem struct {
	Type        string   `toml:"type" doc:"\"channel\" is a channel that 's5066d channel' serves; \"serial\" is a modem at a serial line."`
	Channel     string   `toml:"channel" doc:"Where the channel is served: host:port, or the path of a unix socket."`
	Port        string   `toml:"port" eg:"/dev/ttyUSB0" doc:"The serial line of a modem."`
	Baud        int      `toml:"baud" doc:"Its speed."`
	PTT         string   `toml:"ptt" doc:"What keys the transmitter: \"rts\" is the modem's own Request To Send; \"radio-rts\", \"radio-dtr\" and a GPIO line as \"gpio:/dev/gpiochip0:17\", or by its name as \"gpio:GPIO17\", key the radio past the modem; \"none\": the modem keys when bytes come."`
	Rate        int      `toml:"rate" doc:"Bits per second: 75, 150, 300, 600, 1200, 2400 (MIL-STD-188-110A), 3200, 4800, 6400, 8000 or 9600 (STANAG 4539)."`
	Interleaver string   `toml:"interleaver" doc:"\"short\" or \"long\"."`
	Turnaround  Duration `toml:"turnaround" doc:"From the end of another's signal to the beginning of ours, at the most."`
	FixedRate   bool     `toml:"fixed_rate" doc:"Never change the rate, whatever a peer asks for or advises."`
}

// Timers are times.
type Timers struct {
	Idle         Duration `toml:"idle" doc:"A link is kept so long after the last data."`
	First        Duration `toml:"first" doc:"A called node waits so long for the first data."`
	CalledMin    Duration `toml:"called_min" doc:"A called node keeps a link at least so long when it needs room for others."`
	SoftMax      Duration `toml:"soft_max" doc:"A link is kept no longer than this when others wait for room."`
	Guard        Duration `toml:"guard" doc:"From the end of a transmission to our answer. A modem that does not tell of signals needs its decoder's delay."`
	HardLinkWait Duration `toml:"hard_link_wait" doc:"For an answer about a hard link."`
	HardLinkIdle Duration `toml:"hard_link_idle" doc:"A hard link made by others is broken when nothing went over it for so long."`
	ClientWait   Duration `toml:"client_wait" doc:"For the confirmation of a client when its node has confirmed."`
	TTD          bool     `toml:"time_to_die" doc:"This clock is right: U_PDUs carry the time when they lose their worth, and those that come too late are dropped."`
}

// ARQ is the data transfer.
type ARQ struct {
	Segment         int      `toml:"segment" doc:"Bytes of a D_PDU's segment, up to 1023. 0: by the rate, and by what gets through."`
	Window          int      `toml:"window" doc:"Frames sent and not acknowledged, up to 128."`
	MaxTransmission Duration `toml:"max_transmission" doc:"The longest transmission; 127.5s is the standard's most."`
	Tries           int      `toml:"tries" doc:"Rounds without an acknowledgement until a link counts as lost."`
	LinkTries       int      `toml:"link_tries" doc:"Times that a link request or a break is sent."`
	MaxLinks        int      `toml:"max_links" doc:"Links at the same time."`
}

// Trace is the record.
type Trace struct {
	File   string `toml:"file" eg:"/var/log/s5066d/air.pcap" doc:"The file. Empty: none."`
	MaxMiB int    `toml:"max_mib" doc:"A file of this size is renamed to .1, .2 and so on."`
	Keep   int    `toml:"keep" doc:"Files that are kept beside it."`
}

// Log is the log.
type Log struct {
	Level  string `toml:"level" doc:"\"debug\", \"info\", \"warn\" or \"error\"."`
	Format string `toml:"format" doc:"\"text\" or \"json\"."`
}

func defaults() *Config {
	return &Config{
		Control: "/run/s5066d/control",
		Clients: Clients{Listen: []string{"127.0.0.1:5066"}, Max: 16, MaxRank: 14, MaxTTL: "360h", Queue: 32, QueueKiB: 64, Expedited: 16, Rate: 1000},
		Modem:   Modem{Type: "channel", Channel: "127.0.0.1:7066", Baud: 9600, PTT: "rts", Rate: 300, Interleaver: "short", Turnaround: "2s"},
		Timers: Timers{Idle: "30s", First: "145s", CalledMin: "1m", SoftMax: "5m", Guard: "300ms", HardLinkWait: "2m",
			HardLinkIdle: "6h", ClientWait: "5m"},
		ARQ:   ARQ{Window: 128, MaxTransmission: "127.5s", Tries: 8, LinkTries: 3, MaxLinks: 8},
		Trace: Trace{MaxMiB: 16, Keep: 4},
		Log:   Log{Level: "info", Format: "text"},
	}
}

// Duration is text with a unit, as in "90s". It stays text until the check, which can tell the line.
type Duration string

// get is the time; 0 when it is none.
func (d Duration) get() time.Duration {
	v, _ := time.ParseDuration(string(d))
	return v
}

// A Fault is one thing wrong in a config.
type Fault struct {
	File    string
	Line    int // 0: nowhere in the file
	Key     string
	Problem string // and what to do about it
}

// Faults are all of them. As an error it prints one a line.
type Faults []Fault

func (fs Faults) Error() string {
	var lines []string
	for _, f := range fs {
		at := f.File
		if f.Line > 0 {
			at = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if f.Key != "" {
			at += ": " + f.Key
		}
		lines = append(lines, at+": "+f.Problem)
	}
	return strings.Join(lines, "\n")
}

// load reads and checks the config. Its error is Faults.
func load(path string) (*Config, error) {
	path = cmp.Or(path, systemPath)
	doc, err := read(path)
	if err != nil {
		return nil, Faults{{File: path, Problem: fmt.Sprintf("%v; give another file with --config, or make one with 's5066d config example > %s'", err, path)}}
	}
	return parse(path, doc)
}

func read(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err == nil && st.Size() > maxFile {
		return nil, fmt.Errorf("the file has %d bytes; a config has at most %d", st.Size(), maxFile)
	}
	doc, err := os.ReadFile(path)
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return doc, err
}

func parse(path string, doc []byte) (*Config, error) {
	c := defaults()
	c.file, c.lines = path, keyLines(doc)
	err := toml.NewDecoder(bytes.NewReader(doc)).DisallowUnknownFields().Decode(c)
	var one *toml.DecodeError
	var strict *toml.StrictMissingError
	switch {
	case errors.As(err, &strict):
		var fs Faults
		for _, e := range strict.Errors {
			row, _ := e.Position()
			fs = append(fs, Fault{path, row, strings.Join(e.Key(), "."), "there is no such setting; 's5066d config example' shows all"})
		}
		return nil, fs
	case errors.As(err, &one):
		row, _ := one.Position()
		why := strings.TrimPrefix(one.Error(), "toml: ")
		for kind, want := range map[string]string{
			"type main.Duration": `a duration: a number with a unit in quotes, as in "90s", "10m" or "24h"`,
			"type int":           "a whole number, without quotes",
			"type bool":          "true or false, without quotes",
			"type string":        "text in quotes",
			"type []string":      `a list of texts, as in ["one", "two"]`,
			"type []int":         "a list of whole numbers, as in [6, 7]",
		} {
			if strings.HasSuffix(why, kind) {
				why = "it must be " + want
			}
		}
		return nil, Faults{{path, row, strings.Join(one.Key(), "."), why}}
	case err != nil:
		return nil, Faults{{File: path, Problem: err.Error()}}
	}
	if fs := c.check(); len(fs) > 0 {
		return nil, fs
	}
	return c, nil
}

// keyLines finds the line of each key, as far as doc is TOML.
func keyLines(doc []byte) map[string]int {
	lines, prefix := map[string]int{}, ""
	var p unstable.Parser
	p.Reset(doc)
	for p.NextExpression() {
		e := p.Expression()
		var keys []string
		at := 0
		for it := e.Key(); it.Next(); {
			keys = append(keys, string(it.Node().Data))
			at = int(it.Node().Raw.Offset)
		}
		name := strings.Join(keys, ".")
		switch e.Kind {
		case unstable.Table:
			prefix = name + "."
		case unstable.KeyValue:
			name = prefix + name
		}
		lines[name] = 1 + bytes.Count(doc[:min(at, len(doc))], []byte{'\n'})
	}
	return lines
}

// checker gathers faults.
type checker struct {
	c  *Config
	fs Faults
}

func (k *checker) fault(key, format string, args ...any) {
	k.fs = append(k.fs, Fault{k.c.file, k.c.lines[key], key, fmt.Sprintf(format, args...)})
}

func (k *checker) within(key string, n, least, most int) {
	if n < least || n > most {
		k.fault(key, "%d is out of range; choose %d to %d", n, least, most)
	}
}

// span checks that a time lies within bounds; most 0 is none.
func (k *checker) span(key string, d Duration, least, most time.Duration) {
	switch v, err := time.ParseDuration(string(d)); {
	case err != nil:
		k.fault(key, `%q is no duration; write a number with a unit, as in "90s", "10m" or "24h"`, d)
	case v < least || most > 0 && v > most:
		if most == 0 {
			k.fault(key, "%q is out of range; choose %s or more", d, short(least))
		} else {
			k.fault(key, "%q is out of range; choose %s to %s", d, short(least), short(most))
		}
	}
}

func (k *checker) word(key, v string, words ...string) {
	if !slices.Contains(words, v) {
		k.fault(key, "%q is unknown; write one of: %s", v, strings.Join(words, ", "))
	}
}

// short is d as one writes it: 360h, not 360h0m0s.
func short(d time.Duration) string {
	return strings.TrimSpace(strings.Replace(strings.Replace(d.String()+" ", "m0s ", "m ", 1), "h0m ", "h ", 1))
}

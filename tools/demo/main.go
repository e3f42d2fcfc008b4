// Command demo shows Longwire at work: two nodes, two clients written with a library that is not ours, and a bad path in between.
//
// It prints a conversation as a transcript: what was said, when the node accepted it, when it was sent, when it arrived, and what that
// cost on the wire. Then it stays up for the reader's own client, with the same bad path. The path is an IP link, or, with -hf, two
// STANAG 5066 servers on a simulated HF channel.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"longwire/tools/rig"
)

type options struct {
	once  bool
	seed  uint64
	rate  int
	delay time.Duration
	cut   time.Duration
	color bool

	hf          int // bit/s; 0: over IP
	interleaver string
	scale       int
}

func main() {
	var o options
	flag.BoolVar(&o.once, "once", false, "end after the conversation; succeed only if every line arrived exactly once")
	flag.Uint64Var(&o.seed, "seed", 0, "repeat the cuts of an earlier demo; 0 makes new ones")
	flag.IntVar(&o.rate, "rate", 9600, "`bit/s` of the path, each way")
	flag.DurationVar(&o.delay, "delay", 600*time.Millisecond, "of the path, one way")
	flag.DurationVar(&o.cut, "cut", 10*time.Second, "how long the path is gone when it is cut")
	flag.IntVar(&o.hf, "hf", 0, "over HF radio at this rate in `bit/s` instead of IP: 75, 300, 1200, 2400 or 9600")
	flag.StringVar(&o.interleaver, "interleaver", "short", "over HF: short or long")
	flag.IntVar(&o.scale, "scale", 0, "over HF: radio time runs this many `times` as fast as the clock; 0 chooses one that ends within a minute")
	color := flag.String("color", "auto", "colours: auto, always or never")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: demo [flags]\nTwo nodes talk over a bad path, and you can join.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1e6
	}
	o.color = *color == "always" || *color == "auto" && terminal()
	limit := time.Duration(0)
	if o.once {
		limit = 5 * time.Minute
	}
	ctx, cancel := rig.Context(limit)
	defer cancel()
	if err := run(ctx, o); err != nil && !(errors.Is(err, context.Canceled) && !o.once) {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// terminal tells whether a person looks at the output and wants colours.
func terminal() bool {
	st, err := os.Stdout.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "longwire-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := newPage(os.Stdout, o.color)
	if o.hf > 0 {
		return runHF(ctx, o, p, dir)
	}
	p.note("Building longwire …")
	bin, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, o, bin, dir)
	if err != nil {
		return err
	}
	defer s.strike()
	p.title(o)
	sh, end, err := s.raise(ctx)
	defer end()
	if err != nil {
		return err
	}
	result, err := s.play(ctx, p, sh)
	if err != nil {
		return err
	}
	p.total(result)
	if err := errors.Join(result.verdict(), s.roomScene(ctx, p, sh)); err != nil || o.once {
		return err
	}
	sh.stay()
	p.invitation(s)
	s.stay(ctx, p)
	return nil
}

// A stage is the two nodes and the path between them.
type stage struct {
	options
	nodes [2]*rig.Node // headquarters, field
	path  *rig.Path
}

const password = "longwire"

// newStage configures and starts everything.
func newStage(ctx context.Context, o options, bin, dir string) (*stage, error) {
	s := &stage{options: o}
	// Other systems than Linux have 127.0.0.1 alone.
	const ip = "127.0.0.1"
	dial, listen := 65510, 65511
	if err := rig.Ports(ip, &dial, &listen); err != nil {
		return nil, err
	}
	keys := map[string]any{"compress": true, "stream_management": "pipelined", "zero_rtt": true, "ack_idle": "5s", "ack_timeout": "30s", "backoff_min": "1s", "backoff_max": "2s"}
	s.nodes[0] = &rig.Node{Bin: bin, Dir: filepath.Join(dir, "headquarters"), IP: ip, Domain: "headquarters.net", OwnCert: true, Port: 5222, TLSPort: 5223, LogLevel: "info",
		Links: []rig.Link{{Name: "IP link hq-2-field", Domains: withRooms("field.net"), RemoteIP: ip, RemotePort: dial, LocalPort: 65512, Dial: true, Keys: keys}}}
	s.nodes[1] = &rig.Node{Bin: bin, Dir: filepath.Join(dir, "field"), IP: ip, Domain: "field.net", OwnCert: true, Port: 5232, TLSPort: 5233, LogLevel: "info",
		Links: []rig.Link{{Name: "IP link field-2-hq", Domains: withRooms("headquarters.net"), RemoteIP: ip, LocalPort: listen, Listen: true, Keys: keys}}}
	s.path = &rig.Path{Listen: fmt.Sprintf("%s:%d", ip, dial), Target: fmt.Sprintf("%s:%d", ip, listen), Delay: o.delay, Rate: o.rate}
	declareRooms(s.nodes)
	for i, n := range s.nodes {
		if err := n.Prepare(); err != nil {
			return nil, err
		}
		if err := n.AddUsers(ctx, rig.User{Name: cast[i], Domain: n.Domain, Password: password}, rig.User{Name: "you", Domain: n.Domain, Password: password}); err != nil {
			return nil, err
		}
	}
	if err := s.path.Open(); err != nil {
		return nil, err
	}
	for _, n := range s.nodes {
		if err := n.Start(ctx); err != nil {
			s.strike()
			return nil, err
		}
	}
	return s, nil
}

// strike ends the nodes and the path.
func (s *stage) strike() {
	for _, n := range s.nodes {
		n.Stop()
	}
	s.path.Close()
}

// platform is for the title.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// Command interop lets clients that others wrote talk to two Longwire nodes, and reports what worked.
//
// The clients are slixmpp and profanity, from Debian's packages, and mellium.im/xmpp; with -server prosody the same plays run against Prosody,
// which shows whether the expectations are right. Over HF, Wireshark looks at what clients, nodes and STANAG 5066 servers say.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/tools/rig"
)

const (
	password = "correct horse, battery; staple=1"
	accounts = 220 // for each node
)

// A stage is the two servers with their accounts. Its JSON is what the Python plays get.
type stage struct {
	Servers   map[string]*place `json:"servers"`
	Reference bool              `json:"reference"`
	Long      int               `json:"long"`  // seconds for what crosses the link; 0: as for anything
	Rooms     map[string]pair   `json:"rooms"` // the federated ones

	dir  string
	hand func(ctx context.Context, what string) error // does what a play cannot, as cutting the link
}

// A pair is a federated room: its address at each place.
type pair map[string]string

// A place is one server as a client sees it.
type place struct {
	Domain      string   `json:"domain"`
	Host        string   `json:"host"`
	Port        int      `json:"port"`
	Direct      int      `json:"direct"`
	Password    string   `json:"password"`
	Certificate string   `json:"certificate"`
	Accounts    []string `json:"accounts"`
}

func (p *place) address() string  { return fmt.Sprintf("%s:%d", p.Host, p.Port) }
func (p *place) directly() string { return fmt.Sprintf("%s:%d", p.Host, p.Direct) }

// A result is the fate of one check.
type result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Skip   bool   `json:"skip"` // this machine cannot do it; Detail says why
	Shown  string `json:"-"`    // what a person may want to see of a check that passed
}

// A play is a set of checks that one kind of client does; it tells each result as it comes.
type play struct {
	name  string
	about string
	needs []rig.Need
	run   func(context.Context, *stage, func(result)) error
}

var plays = []play{
	{"carriers", "the links over vsock and by other carriers", nil, carriers},
	{"codec", "the stanza codec on arm64 and arm v7, in QEMU: the same bytes, and what a message takes", []rig.Need{rig.NeedQEMUUser}, codecs},
	{"login", "slixmpp logs in", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, script("login.py", 1)},
	{"binding", "SCRAM with channel binding", []rig.Need{rig.NeedPython}, script("binding.py", 1)},
	{"chat", "slixmpp: roster, presence, chat, offline, carbons, blocking …", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, script("chat.py", 70)},
	{"rooms", "slixmpp in rooms (XEP-0045)", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, script("rooms.py", 16)},
	{"archive", "slixmpp reads rooms' and accounts' archives (XEP-0313)", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, script("archive.py", 40)},
	{"hostile", "what nobody should send to rooms", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, ours(script("hostile.py", 12))},
	{"pep", "slixmpp: what accounts publish, bookmarks, avatars (XEP-0163, 0402, 0084)", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, script("pep.py", 30)},
	{"federation", "slixmpp on both sides of rooms that two nodes have together (XEP-0289), over an IP link that is cut", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, ours(federation)},
	{"federation-hf", "the same over HF at 300 bit/s", []rig.Need{rig.NeedPython, rig.NeedSlixmpp}, ours(federationHF)},
	{"walk", "the whole job by commands alone: IP link, satellite, 5066, folding, rooms, telemetry, and no restart", []rig.Need{rig.NeedPython, rig.NeedSlixmpp, rig.NeedProfanity, rig.NeedTmux}, ours(walk)},
	{"questions", "slixmpp and profanity ask everything across HF: it is answered at once, and nothing of it crosses", []rig.Need{rig.NeedPython, rig.NeedSlixmpp, rig.NeedProfanity, rig.NeedTmux}, ours(questions)},
	{"delivery", "slixmpp and profanity are told what became of their messages over HF: ticks, status, why, cancel", []rig.Need{rig.NeedPython, rig.NeedSlixmpp, rig.NeedProfanity, rig.NeedTmux}, ours(told)},
	{"mellium", "mellium.im/xmpp: login, chat, services, rooms", nil, mellium},
	{"profanity", "profanity on a terminal: login, chat, rooms", []rig.Need{rig.NeedProfanity, rig.NeedTmux}, profanity},
	{"hf", "chat over HF, and Wireshark reads what nodes and STANAG 5066 servers say", []rig.Need{rig.NeedPython, rig.NeedSlixmpp, rig.NeedTshark, rig.NeedTmux}, hf},
}

func main() {
	server := flag.String("server", "longwire", "what to test: longwire, or prosody as the reference")
	only := flag.String("only", "", "run these `plays` alone, joined by commas")
	keep := flag.Bool("keep", false, "keep the servers' folders, with their logs, and print where they are")
	limit := flag.Duration("limit", 20*time.Minute, "give up after this time")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: interop [flags]\nLets foreign clients talk to two nodes and reports what worked.")
		flag.PrintDefaults()
		fmt.Fprintln(flag.CommandLine.Output(), "plays:")
		for _, p := range plays {
			fmt.Fprintf(flag.CommandLine.Output(), "  %-15s %s\n", p.name, p.about)
		}
	}
	flag.Parse()
	if flag.NArg() > 0 || *server != "longwire" && *server != "prosody" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := rig.Context(*limit)
	defer cancel()
	failed, err := run(ctx, *server, *only, *keep, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, server, only string, keep bool, out io.Writer) (failed int, err error) {
	chosen, err := choose(only)
	if err != nil {
		return 0, err
	}
	var needs []rig.Need
	for _, p := range chosen {
		needs = append(needs, p.needs...)
	}
	if server == "prosody" {
		needs = append(needs, rig.NeedProsody)
	}
	if err := rig.Require(ctx, out, needs...); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "longwire-interop-")
	if err != nil {
		return 0, err
	}
	if keep {
		fmt.Fprintln(out, "folders are kept in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	set := longwire
	if server == "prosody" {
		set = prosody
	}
	fmt.Fprintln(out, "starting", server)
	st, strike, err := set(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer strike()
	passed := 0
	var skipped []string
	for _, p := range chosen {
		fmt.Fprintf(out, "\n%s\n", p.name)
		tell := func(r result) {
			if r.OK {
				passed++
				fmt.Fprintf(out, "  ok    %s\n", r.Name)
				if shown := strings.Trim(r.Shown, "\n"); shown != "" {
					fmt.Fprintf(out, "        %s\n", strings.ReplaceAll(shown, "\n", "\n        "))
				}
				return
			}
			if r.Skip {
				skipped = append(skipped, fmt.Sprintf("  %s\n        %s", r.Name, strings.TrimSpace(r.Detail)))
				fmt.Fprintf(out, "  SKIP  %s\n", r.Name)
				return
			}
			failed++
			fmt.Fprintf(out, "  FAIL  %s\n        %s\n", r.Name, strings.ReplaceAll(strings.TrimSpace(r.Detail), "\n", "\n        "))
		}
		if err := p.run(ctx, st, tell); err != nil {
			tell(result{Name: p.name + " runs to its end", Detail: err.Error()})
		}
	}
	fmt.Fprintf(out, "\n%d passed, %d failed, %d not tested\n", passed, failed, len(skipped))
	for _, why := range skipped {
		fmt.Fprintln(out, why)
	}
	return failed, nil
}

// choose finds the plays of a list; "" is all.
func choose(only string) (chosen []play, err error) {
	if only == "" {
		return plays, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(plays, func(p play) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no play %q; interop -h lists them", name)
		}
		chosen = append(chosen, plays[i])
	}
	return chosen, nil
}

// longwire starts two nodes that are joined by an IP link.
func longwire(ctx context.Context, dir string) (*stage, func(), error) {
	bin, err := rig.Build(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	const hq, field = "headquarters.net", "field.net"
	// Links take each other's source address as identity, so each node has a loopback address of its own.
	nodes := []*rig.Node{
		{Bin: bin, Dir: filepath.Join(dir, "headquarters"), IP: "127.0.0.2", Domain: hq},
		{Bin: bin, Dir: filepath.Join(dir, "field"), IP: "127.0.0.3", Domain: field},
	}
	port := 65510
	if err := rig.Ports("127.0.0.3", &port); err != nil {
		return nil, nil, err
	}
	nodes[0].Links = []rig.Link{{Name: "IP link hq-2-field", Domains: []string{field, "chat." + field}, RemoteIP: "127.0.0.3", RemotePort: port, Dial: true, Keys: linkKeys}}
	nodes[1].Links = []rig.Link{{Name: "IP link field-2-hq", Domains: []string{hq, "chat." + hq}, RemoteIP: "127.0.0.2", LocalPort: port, Listen: true, Keys: linkKeys}}
	st := &stage{Servers: map[string]*place{}, dir: dir}
	strike := func() {
		for _, n := range nodes {
			n.Stop()
		}
	}
	for i, name := range []string{"headquarters", "field"} {
		n := nodes[i]
		n.LogLevel = "debug"
		n.Clients = map[string]any{"failures_per_minute": 1000}
		if err := n.Prepare(); err != nil {
			return nil, nil, err
		}
		st.Servers[name] = newPlace(n.Domain, n.StartTLS(), n.Direct(), filepath.Join(n.Dir, "cert.pem"))
		if err := addAccounts(ctx, n, st.Servers[name]); err != nil {
			return nil, nil, err
		}
		if err := n.Start(ctx); err != nil {
			strike()
			return nil, nil, err
		}
	}
	return st, strike, nil
}

var linkKeys = map[string]any{"compress": true, "zero_rtt": true, "ack_idle": "1s", "backoff_min": "500ms"}

// prosody starts one Prosody with both domains: it has no link like ours, so "across the link" is within it.
func prosody(ctx context.Context, dir string) (*stage, func(), error) {
	p := &rig.Prosody{Dir: filepath.Join(dir, "prosody"), IP: "127.0.0.2", Domains: []string{"headquarters.net", "field.net"}, PlainPass: true, Debug: true, Rooms: true, Archive: true}
	if err := p.Prepare(); err != nil {
		return nil, nil, err
	}
	st := &stage{Servers: map[string]*place{}, Reference: true, dir: dir}
	for name, domain := range map[string]string{"headquarters": "headquarters.net", "field": "field.net"} {
		st.Servers[name] = newPlace(domain, p.Address(), p.Direct(), filepath.Join(p.Dir, "cert.pem"))
		if err := addAccounts(ctx, p, st.Servers[name]); err != nil {
			return nil, nil, err
		}
	}
	if err := p.Start(ctx); err != nil {
		return nil, nil, err
	}
	return st, func() { p.Stop() }, nil
}

func newPlace(domain, address, direct, certificate string) *place {
	p := &place{Domain: domain, Password: password, Certificate: certificate}
	host, port, _ := net.SplitHostPort(address)
	_, tls, _ := net.SplitHostPort(direct)
	p.Host = host
	fmt.Sscan(port, &p.Port)
	fmt.Sscan(tls, &p.Direct)
	for i := range accounts {
		p.Accounts = append(p.Accounts, fmt.Sprintf("user%03d", i))
	}
	return p
}

func addAccounts(ctx context.Context, s rig.Server, p *place) error {
	var list []rig.User
	for _, name := range p.Accounts {
		list = append(list, rig.User{Name: name, Domain: p.Domain, Password: p.Password})
	}
	return s.AddUsers(ctx, list...)
}

// take hands out an account that no other check has.
func (p *place) take() string {
	// The Python plays take from the front.
	name := p.Accounts[len(p.Accounts)-1]
	p.Accounts = p.Accounts[:len(p.Accounts)-1]
	return name
}

// argument is what a Python play gets: the stage with n accounts of each place, for itself.
func (s *stage) argument(n int) (string, error) {
	own := *s
	own.Servers = map[string]*place{}
	for name, p := range s.Servers {
		few := *p
		few.Accounts = nil
		for len(few.Accounts) < n {
			few.Accounts = append(few.Accounts, p.take())
		}
		own.Servers[name] = &few
	}
	b, err := json.Marshal(own)
	return string(b), err
}

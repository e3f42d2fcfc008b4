package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Node is a Longwire node with a configuration of its own.
type Node struct {
	process
	Bin, Dir, IP string
	Domain       string
	Plain        bool // Address is a port without TLS
	OwnCert      bool // let the node make its certificate; otherwise cert.pem in Dir
	Links        []Link
	HF           []HFLink
	Rooms        []Room
	Clients      map[string]any // further keys of [clients]
	Store        map[string]any // of [store]
	Archive      map[string]any // of [archive]
	Air          map[string]any // of [air]
	Attendant    map[string]any // of [attendant]
	LogLevel     string         // "" means warn

	Port, TLSPort, PlainPort int
}

// A Link is a link and the peer that it reaches; without domains, a further link of a peer that HF reaches.
type Link struct {
	Name         string
	Domains      []string
	RemoteIP     string
	RemotePort   int
	LocalPort    int
	Dial, Listen bool
	Keys         map[string]any // further keys of [[link]]
	PeerKeys     map[string]any // of [[peer]]
}

// Name is "longwire".
func (n *Node) Name() string { return "longwire" }

// Address is the port that clients of this run use.
func (n *Node) Address() string {
	if n.Plain {
		return net.JoinHostPort(n.IP, strconv.Itoa(n.PlainPort))
	}
	return net.JoinHostPort(n.IP, strconv.Itoa(n.Port))
}

// StartTLS is the port for STARTTLS.
func (n *Node) StartTLS() string { return net.JoinHostPort(n.IP, strconv.Itoa(n.Port)) }

// Direct is the port with TLS from the first byte.
func (n *Node) Direct() string { return net.JoinHostPort(n.IP, strconv.Itoa(n.TLSPort)) }

// Config is the file that Prepare writes.
func (n *Node) Config() string { return filepath.Join(n.Dir, "longwire.toml") }

// Log is the file with the node's output.
func (n *Node) Log() string { return filepath.Join(n.Dir, "longwire.log") }

// Prepare chooses free ports for those that are 0 or taken, and writes certificate and configuration.
func (n *Node) Prepare() error {
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return fmt.Errorf("rig: node %s: %w", n.Domain, err)
	}
	ports := []*int{&n.Port, &n.TLSPort}
	if n.Plain {
		ports = append(ports, &n.PlainPort)
	}
	if err := Ports(n.IP, ports...); err != nil {
		return err
	}
	if !n.OwnCert {
		cert, key, err := SelfSigned(n.Domain)
		if err != nil {
			return err
		}
		for name, b := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
			if err := os.WriteFile(filepath.Join(n.Dir, name), b, 0o600); err != nil {
				return fmt.Errorf("rig: node %s: %w", n.Domain, err)
			}
		}
	}
	return n.WriteConfig()
}

// WriteConfig writes the configuration alone, after a change.
func (n *Node) WriteConfig() error {
	if err := os.WriteFile(n.Config(), []byte(n.toml()), 0o600); err != nil {
		return fmt.Errorf("rig: node %s: %w", n.Domain, err)
	}
	return nil
}

func (n *Node) toml() string {
	var b strings.Builder
	put := func(key string, value any) { fmt.Fprintf(&b, "%s = %s\n", key, literal(value)) }
	table := func(name string, keys map[string]any) {
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			put(k, keys[k])
		}
	}
	put("domains", []string{n.Domain})
	put("data", filepath.Join(n.Dir, "data"))
	if !n.OwnCert {
		table("[tls]", map[string]any{"cert": filepath.Join(n.Dir, "cert.pem"), "key": filepath.Join(n.Dir, "key.pem")})
	}
	table("[clients]", n.Clients)
	put("listen", []string{n.StartTLS()})
	put("direct_tls", []string{n.Direct()})
	if n.Plain {
		put("plaintext", []string{n.Address()})
	}
	if len(n.Store) > 0 {
		table("[store]", n.Store)
	}
	if len(n.Archive) > 0 {
		table("[archive]", n.Archive)
	}
	if len(n.Air) > 0 {
		table("[air]", n.Air)
	}
	if len(n.Attendant) > 0 {
		table("[attendant]", n.Attendant)
	}
	level := n.LogLevel
	if level == "" {
		level = "warn"
	}
	table("[log]", map[string]any{"level": level})
	for _, l := range n.Links {
		table("[[link]]", l.Keys)
		put("name", l.Name)
		put("remote_address", l.RemoteIP)
		put("local_address", n.IP)
		if l.Dial {
			put("remote_port", l.RemotePort)
		}
		put("local_port", l.LocalPort)
		put("dial", l.Dial)
		put("listen", l.Listen)
		if len(l.Domains) == 0 {
			continue
		}
		table("[[peer]]", idsKept(l.PeerKeys))
		put("domains", l.Domains)
		put("links", []string{l.Name})
	}
	for _, l := range n.HF {
		b.WriteString(l.toml())
	}
	for _, r := range n.Rooms {
		b.WriteString(r.toml())
	}
	return b.String()
}

// literal prints a value as TOML has it: as JSON, but for what is neither text nor a list.
func literal(v any) string {
	switch v.(type) {
	case string, []string:
		b, _ := json.Marshal(v)
		return string(b)
	case fmt.Stringer:
		return strconv.Quote(fmt.Sprint(v)) // durations and sizes are text
	}
	return fmt.Sprint(v)
}

// Command runs one of longwire's commands against this node and returns what it prints.
func (n *Node) Command(ctx context.Context, stdin string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, n.Bin, append(args, "--config", n.Config())...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("rig: longwire %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(fault.Bytes()))
	}
	return out.Bytes(), nil
}

// AddUsers makes accounts.
func (n *Node) AddUsers(ctx context.Context, users ...User) error {
	for _, u := range users {
		if _, err := n.Command(ctx, u.Password+"\n", "user", "add", u.JID(), "--password-stdin"); err != nil {
			return err
		}
	}
	return nil
}

// Start runs the node and waits until clients can connect.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Launch(); err != nil {
		return err
	}
	addrs := []string{n.StartTLS(), n.Direct()}
	if n.Plain {
		addrs = append(addrs, n.Address())
	}
	return n.waitListening(ctx, "node "+n.Domain, n.Log(), addrs...)
}

// Launch runs the node and waits for nothing.
func (n *Node) Launch() error {
	return n.start(n.Log(), n.Bin, []string{"node", "--config", n.Config()}, nil)
}

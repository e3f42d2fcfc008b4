package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"longwire/xmpp/jid"
)

// Check returns every fault as Faults, or nil.
func (c *Config) Check() error {
	k := c.check()
	tidy(c.File, k.faults)
	if len(k.faults) > 0 {
		return k.faults
	}
	return nil
}

// checker collects what is wrong with a Config. Paths are keys with indices, as in "link[0].name".
type checker struct {
	c                *Config
	faults, warnings Faults
	bound            []binding
}

func (c *Config) check() *checker {
	k := &checker{c: c}
	k.top()
	k.tls()
	k.clients()
	k.links()
	k.peers()
	k.users()
	k.roomService()
	k.rooms()
	k.pairing()
	k.precedence()
	k.budgets()
	k.delivery()
	k.telemetry()
	return k
}

// set tells whether the file says something about a key.
func (c *Config) set(path string) bool { _, ok := c.lines[path]; return ok }

// lineOf is the line of a key, or of the nearest table around it.
func (c *Config) lineOf(path string) int { return lineOf(c.lines, path) }

func lineOf(lines map[string]int, path string) int {
	for path != "" {
		if line, ok := lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

func (k *checker) bad(path, remedy, format string, args ...any) {
	k.faults = append(k.faults, Fault{Line: k.c.lineOf(path), Key: bare(path), Problem: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (k *checker) warn(path, remedy, format string, args ...any) {
	k.warnings = append(k.warnings, Fault{Line: k.c.lineOf(path), Key: bare(path), Problem: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (k *checker) top() {
	c := k.c
	if len(c.Domains) == 0 {
		k.bad("domains", `name at least one, as in ["field.net"]`, "the node serves no domain")
	}
	k.domains("domains", c.Domains)
	if s := c.Store.MaxSize; s != 0 {
		k.size("store.max_size", s, 1<<20, 1<<44)
	}
	k.duration("store.slow_sync", c.Store.SlowSync, 0, 10*time.Second)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
}

// domains checks that each is one, and none twice.
func (k *checker) domains(path string, list []string) {
	for i, d := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		j, err := jid.Parse(d)
		switch {
		case err != nil || j.Local() != "" || j.Resource() != "":
			k.bad(at, "write it as in field.net", "%q is not a domain", d)
		case slices.Contains(list[:i], d):
			k.bad(at, "keep one of the two", "%s stands there twice", d)
		}
	}
}

func (k *checker) tls() {
	t := k.c.TLS
	switch {
	case t.Cert == "" && t.Key == "":
		return // the node's own CA
	case t.Cert == "":
		k.bad("tls.cert", "name the certificate's file too, or neither", "there is a key but no certificate")
		return
	case t.Key == "":
		k.bad("tls.key", "name the key's file too, or neither", "there is a certificate but no key")
		return
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe):
		path := "tls.cert"
		if pe.Path == t.Key {
			path = "tls.key"
		}
		k.bad(path, "check its name, and that the node's user may read it", "%s: %v", pe.Path, pe.Err)
	case err != nil:
		k.bad("tls.cert", "give a PEM certificate and the unencrypted PEM key that belongs to it", "%s", strings.TrimPrefix(err.Error(), "tls: "))
	default:
		for _, d := range k.c.Domains {
			if err := pair.Leaf.VerifyHostname(d); err != nil {
				k.warn("tls.cert", "clients will complain; get a certificate that names it", "the certificate does not name %s", d)
			}
		}
		if time.Now().After(pair.Leaf.NotAfter) {
			k.warn("tls.cert", "clients will complain; renew it", "the certificate ran out on %s", pair.Leaf.NotAfter.Format(time.DateOnly))
		}
	}
}

func (k *checker) clients() {
	c := k.c.Clients
	for _, l := range []struct {
		key  string
		list []string
	}{{"listen", c.Listen}, {"direct_tls", c.DirectTLS}, {"plaintext", c.Plaintext}} {
		for i, addr := range l.list {
			at := fmt.Sprintf("clients.%s[%d]", l.key, i)
			if k.listen(at, addr, "") && l.key == "plaintext" && !c.PlaintextAnywhere && !loopback(addr) {
				k.bad(at, "use a loopback address such as 127.0.0.1, or listen with STARTTLS, or set plaintext_anywhere = true if the network itself is safe",
					"%s can be reached from other machines, and passwords would cross the network readable", addr)
			}
		}
	}
	if len(c.Listen)+len(c.DirectTLS)+len(c.Plaintext) == 0 {
		k.warn("clients.listen", `give an address, as in [":5222"]`, "no client can connect")
	}
	const mib64 = 64 << 20
	k.size("clients.max_stanza", c.MaxStanza, 10000, mib64) // RFC 6120 §13.12: never below 10 000
	k.size("clients.max_stanza_unauthenticated", c.MaxStanzaUnauthenticated, 10000, mib64)
	k.size("clients.outbox_bytes", c.OutboxBytes, c.MaxStanza, 1<<30)
	k.size("clients.offline_bytes", c.OfflineBytes, c.MaxStanza, 1<<40)
	k.number("clients.streams_per_address", c.StreamsPerAddress, 1, 1e6)
	k.number("clients.streams_per_account", c.StreamsPerAccount, 1, 1e6)
	k.number("clients.failures_per_minute", c.FailuresPerMinute, 1, 1e6)
	k.number("clients.outbox_stanzas", c.OutboxStanzas, 10, 1e6)
	k.number("clients.offline_messages", c.OfflineMessages, 1, 1e7)
	k.duration("clients.login_time", c.LoginTime, time.Second, time.Hour)
	k.duration("clients.resume_max", c.ResumeMax, time.Second, 30*24*time.Hour)
	k.duration("clients.idle", c.Idle, time.Second, 24*time.Hour)
	k.duration("clients.idle_answer", c.IdleAnswer, time.Second, 24*time.Hour)
}

// binding is an address that something listens on; link is the link's name, "" for clients.
type binding struct {
	path, link string
	host       string
	port       int
}

// listen checks an address to listen on, and that nothing else takes it. Links may share theirs with links.
func (k *checker) listen(path, addr, link string) bool {
	host, portText, err := net.SplitHostPort(addr)
	port, perr := strconv.Atoi(portText)
	if err != nil || perr != nil || port < 0 || port > 65535 || (host != "" && !validHost(host)) {
		k.bad(path, `write address:port, as in "192.0.2.1:5222", "[::1]:5222" or ":5222"`, "%q is not an address to listen on", addr)
		return false
	}
	b := binding{path: path, link: link, host: host, port: port}
	for _, other := range k.bound {
		if overlap(b, other) && (b.link == "" || other.link == "") {
			where := bare(other.path)
			if line := k.c.lineOf(other.path); line > 0 {
				where += fmt.Sprintf(" (line %d)", line)
			}
			k.bad(path, "give one of them another port", "%s listens on %s already", where, net.JoinHostPort(other.host, strconv.Itoa(other.port)))
			break
		}
	}
	k.bound = append(k.bound, b)
	return true
}

// overlap: an empty or unspecified host stands for all addresses. Port 0 is a free port, picked by the system.
func overlap(a, b binding) bool {
	return a.port == b.port && a.port != 0 && (anyHost(a.host) || anyHost(b.host) || sameHost(a.host, b.host))
}

func anyHost(h string) bool {
	ip, err := netip.ParseAddr(h)
	return h == "" || err == nil && ip.IsUnspecified()
}

func sameHost(a, b string) bool {
	ip, err := netip.ParseAddr(a)
	jp, err2 := netip.ParseAddr(b)
	if err == nil && err2 == nil {
		return ip.Unmap() == jp.Unmap()
	}
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func loopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	return loopbackHost(host)
}

func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// validHost accepts IP addresses and host names.
func validHost(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	j, err := jid.Parse(h)
	if err != nil || j.Local() != "" || j.Resource() != "" || strings.ContainsAny(h, ":[]_ ") {
		return false
	}
	// A last label of digits can only be an IPv4 address with a slip in it.
	last := h[strings.LastIndexByte(h, '.')+1:]
	return strings.ContainsFunc(last, func(r rune) bool { return !unicode.IsDigit(r) })
}

func (k *checker) oneOf(path, got string, known ...string) {
	if !slices.Contains(known, got) {
		k.bad(path, "write one of: "+strings.Join(known, ", "), "%q is unknown", got)
	}
}

func (k *checker) number(path string, n, least, most int) {
	if n < least || n > most {
		k.bad(path, fmt.Sprintf("choose %d to %d", least, most), "%d is out of range", n)
	}
}

func (k *checker) size(path string, n, least, most Size) {
	if n < least || n > most {
		k.bad(path, fmt.Sprintf("choose %v to %v", least, most), "%v is out of range", n)
	}
}

func (k *checker) duration(path string, d, least, most time.Duration) {
	if d < least || d > most {
		k.bad(path, fmt.Sprintf("choose %s to %s", durationString(least), durationString(most)), "%s is out of range", durationString(d))
	}
}

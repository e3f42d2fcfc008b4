package device

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"longwire/firmware/admin"
	"longwire/images/bundle"
)

// forge signs any payload whatever, in the envelope of a config bundle: RFC 9052 §4.4.
func forge(t *testing.T, s bundle.Signer, payload []byte) []byte {
	t.Helper()
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	model, err := bundle.Config{Head: bundle.Head{Counter: 1}, Name: "x"}.Encode(s, "")
	if err != nil {
		t.Fatal(err)
	}
	// d2 84 58 len protected…; unprotected is a0.
	protected := model[2 : 4+int(model[3])]
	signed := append([]byte{0x84, 0x6a}, "Signature1"...)
	signed = append(append(signed, protected...), 0x40)
	signed = append(signed, byteString(payload)...)
	out := append(append([]byte{0xd2, 0x84}, protected...), 0xa0)
	out = append(out, byteString(payload)...)
	return append(append(out, 0x58, 0x40), ed25519.Sign(ed25519.NewKeyFromSeed(seed), signed)...)
}

// byteString is a CBOR byte string.
func byteString(b []byte) []byte {
	switch n := len(b); {
	case n < 24:
		return append([]byte{0x40 | byte(n)}, b...)
	case n < 256:
		return append([]byte{0x58, byte(n)}, b...)
	case n < 65536:
		return append(binary.BigEndian.AppendUint16([]byte{0x59}, uint16(n)), b...)
	default:
		return append(binary.BigEndian.AppendUint32([]byte{0x5a}, uint32(n)), b...)
	}
}

// text is a CBOR text string.
func text(s string) []byte {
	b := byteString([]byte(s))
	b[0] |= 0x20
	return b
}

// table is a CBOR map of small keys.
func table(pairs ...any) []byte {
	out := []byte{0xa0 | byte(len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		if k := pairs[i].(int); k < 24 {
			out = append(out, byte(k))
		} else {
			out = append(out, 0x18, byte(k))
		}
		switch v := pairs[i+1].(type) {
		case int:
			out = append(out, byte(v)) // below 24
		case uint64:
			out = binary.BigEndian.AppendUint64(append(out, 0x1b), v)
		case []byte:
			out = append(out, v...)
		case string:
			out = append(out, text(v)...)
		}
	}
	return out
}

// hostile is a stick that must change nothing.
type hostile struct {
	name  string
	put   map[string][]byte // files
	make  func(dir string) error
	cold  bool   // plugged in before the start
	says  string // in the report
	virgo bool   // on a kit without settings, too, which any organisation could take
}

// hostiles are the sticks; the kit is "field" of the fleet "blue" and has seen number 5.
func hostiles(t *testing.T, r *rig, current, failed []byte, kitID string) (all []hostile) {
	t.Helper()
	encode := func(s bundle.Signer, recipient string, change func(*bundle.Config)) []byte {
		c := bundle.Config{Head: bundle.Head{Counter: 9, Target: bundle.Target{Name: "field"}}, Name: "field", Fleet: "blue", Docs: bundle.Documents{Node: nodeDoc(0)}}
		if change != nil {
			change(&c)
		}
		b, err := c.Encode(s, recipient)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ours := func(change func(*bundle.Config)) []byte { return encode(r.org, "", change) }
	one := func(name, says string, b []byte) {
		all = append(all, hostile{name: name, put: map[string][]byte{"field.lwb": b}, says: says})
	}
	doc := func(name, says string, change func(*bundle.Documents)) {
		one(name, says, ours(func(c *bundle.Config) { change(&c.Docs) }))
	}
	stranger, err := bundle.NewSigner("Strangers")
	if err != nil {
		t.Fatal(err)
	}
	good := ours(nil)
	docs := table(0, 1, 1, nodeDoc(0))
	payload := table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(docs))
	if b := forge(t, r.org, payload); len(b) == 0 {
		t.Fatal("nothing forged")
	}

	// Keys and signatures.
	one("wrong key", "whom this kit does not know", encode(stranger, "", nil))
	swapped := encode(stranger, "", nil)
	swapped = bytes.Replace(swapped, stranger.Public().Public, r.org.Public().Public, 1)
	one("our key's name on a stranger's signature", "the signature is wrong", swapped)
	one("a stranger's name on our signature", "whom this kit does not know", bytes.Replace(good, r.org.Public().Public, stranger.Public().Public, 1))
	unsigned := append(bytes.Clone(good[:len(good)-64]), make([]byte, 64)...)
	one("unsigned", "the signature is wrong", unsigned)
	one("no signature at all", "cut short", good[:len(good)-66])
	other := ours(func(c *bundle.Config) { c.Counter = 10 })
	one("signature of another payload", "the signature is wrong", append(bytes.Clone(good[:len(good)-64]), other[len(other)-64:]...))
	one("payload of another signature", "the signature is wrong", bytes.Replace(good, []byte("field.net"), []byte("evil_.net"), 1))
	high := bytes.Clone(good)
	for i := range 32 { // S beyond the order of the group: RFC 8032 §5.1.7
		high[len(high)-32+i] = 0xff
	}
	one("signature that is no number of the curve", "the signature is wrong", high)

	// Order.
	one("replay of an older one", "an old one: its number is 3, and this kit has seen number 5", ours(func(c *bundle.Config) { c.Counter = 3 }))
	one("the same number once more", "another bundle with the same number, 5", ours(func(c *bundle.Config) { c.Counter = 5; c.Note = "other" }))
	one("counter 0", "the counter 0 is not", forge(t, r.org, table(0, 1, 1, 1, 2, 0, 16, "field", 19, byteString(docs))))
	one("counter 2^64-1", "the counter 18446744073709551615 is not", forge(t, r.org, table(0, 1, 1, 1, 2, uint64(math.MaxUint64), 16, "field", 19, byteString(docs))))
	one("counter 2^62", "no bundle could ever follow", forge(t, r.org, table(0, 1, 1, 1, 2, uint64(1<<62), 16, "field", 19, byteString(docs))))
	all = append(all, hostile{name: "one whose trial failed, still plugged in", put: map[string][]byte{"field.lwb": failed}, cold: true, says: "tried it already"})

	// For others.
	one("another kit's id", "another kit, kit-aaaa-bbbb-cccc-dddd", ours(func(c *bundle.Config) { c.Target.KitID = "kit-aaaa-bbbb-cccc-dddd" }))
	one("another name", `for the kit "second"`, ours(func(c *bundle.Config) { c.Target.Name, c.Name = "second", "second" }))
	one("no target and another name", `for the kit "second"`, ours(func(c *bundle.Config) { c.Target, c.Name = bundle.Target{}, "second" }))
	one("another fleet", `for the fleet "red"`, ours(func(c *bundle.Config) { c.Target.Fleet = "red" }))
	one("another board", "another kind of board, bbb", ours(func(c *bundle.Config) { c.Target.Board = "bbb" }))
	_, recipient, err := bundle.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	one("sealed to another kit", "sealed to another kit's key", encode(r.org, recipient, func(c *bundle.Config) { c.Target.KitID = kitID }))

	// Files that are none, or too much.
	one("empty", "the file is empty", nil)
	random := make([]byte, 5000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	random[0] = 0
	one("random bytes", "not a Longwire bundle", random)
	one("bytes behind the end", "behind the end", append(bytes.Clone(good), 0))
	one("a public key", "a key and not a bundle", []byte(r.org.Public().String()+"\n"))
	secret, err := r.org.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	one("a secret key", "a key and not a bundle", secret)
	var system bytes.Buffer
	if _, err := bundle.WriteSystem(&system, bundle.System{Head: bundle.Head{Counter: 1, Target: bundle.Target{Board: "pc"}}, Version: "v2"}, r.org, strings.NewReader("image")); err != nil {
		t.Fatal(err)
	}
	one("a system under the wrong name", "a bundle with a system", system.Bytes())
	one("one byte too large", "at most 1 MiB", make([]byte, bundle.MaxConfig+1))
	made := func(name, says string, f func(dir string) error) {
		all = append(all, hostile{name: name, make: f, says: says, virgo: true})
	}
	made("a huge file", "at most 1 MiB", func(dir string) error {
		f, err := os.Create(filepath.Join(dir, "field.lwb"))
		if err != nil {
			return err
		}
		return errors.Join(f.Truncate(8<<30), f.Close())
	})
	outside := filepath.Join(t.TempDir(), "good.lwb")
	if err := os.WriteFile(outside, good, 0o600); err != nil {
		t.Fatal(err)
	}
	link := func(target string) func(string) error {
		return func(dir string) error { return os.Symlink(target, filepath.Join(dir, "field.lwb")) }
	}
	made("symlink to a good bundle elsewhere", "a link and no file", link(outside))
	made("symlink to a password file", "a link and no file", link("/etc/shadow"))
	made("symlink to the kit's own key", "a link and no file", link(filepath.Join(r.o.Data, "kit", "key")))
	made("symlink to itself", "a link and no file", link("field.lwb"))
	made("symlink to endless zeros", "a link and no file", link("/dev/zero"))
	made("a folder", "a folder or a link", func(dir string) error {
		sub := filepath.Join(dir, "field.lwb")
		return errors.Join(os.Mkdir(sub, 0o700), os.WriteFile(filepath.Join(sub, "field.lwb"), good, 0o600))
	})
	made("a pipe", "no file; it is not read", func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "field.lwb"), 0o600) })
	made("a socket", "no file; it is not read", func(dir string) error {
		ln, err := net.Listen("unix", filepath.Join(dir, "s"))
		if err != nil {
			return err
		}
		ln.(*net.UnixListener).SetUnlinkOnClose(false)
		return errors.Join(ln.Close(), os.Rename(filepath.Join(dir, "s"), filepath.Join(dir, "field.lwb")))
	})
	if os.Geteuid() == 0 {
		made("a device", "no file; it is not read", func(dir string) error {
			return unix.Mknod(filepath.Join(dir, "field.lwb"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5)))
		})
	}
	for i, name := range []string{`..\..\..\data\kit\current.lwb`, "..%2f..%2fdata%2fkit%2fkey.lwb", "....lwb", "-rf.lwb", "$(reboot).lwb", "a\x1b[2J\nb.lwb", strings.Repeat("x", 250) + ".lwb", "\xff\xfe.lwb", " .lwb"} {
		all = append(all, hostile{name: fmt.Sprintf("evil name %d", i), put: map[string][]byte{name: random}, says: "not a Longwire bundle", virgo: true})
	}
	all = append(all, hostile{name: "two bundles", says: "2 bundles for this kit lie on the stick: a.lwb, b.lwb", put: map[string][]byte{
		"a.lwb": good, "b.lwb": ours(func(c *bundle.Config) { c.Counter = 10 })}})
	all = append(all, hostile{name: "a good one beside the one in force", says: "2 bundles for this kit", put: map[string][]byte{"a.lwb": good, "b.lwb": current}})
	crowd := map[string][]byte{}
	for i := range 300 {
		crowd[fmt.Sprintf("%03d.lwb", i)] = []byte("x")
	}
	all = append(all, hostile{name: "a crowd", put: crowd, says: "more than 200 bundles", virgo: true})

	// Payloads of wrong types, rightly signed.
	for name, p := range map[string][]byte{
		"not a map":                        {0x80},
		"empty payload":                    {},
		"half a map":                       payload[:len(payload)/2],
		"a map without end":                append([]byte{0xbf}, payload[1:]...),
		"bytes behind the map":             append(bytes.Clone(payload), 0),
		"a key twice":                      table(0, 1, 1, 1, 2, 9, 2, 9, 16, "field", 19, byteString(docs)),
		"a key that is a text":             append([]byte{0xa1}, append(text("x"), 1)...),
		"an unknown key":                   table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(docs), 23, 1),
		"a newer version":                  table(0, 2, 1, 1, 2, 9, 16, "field", 19, byteString(docs)),
		"the other kind":                   table(0, 1, 1, 2, 2, 9, 16, "field", 19, byteString(docs)),
		"a counter that is a text":         table(0, 1, 1, 1, 2, "9", 16, "field", 19, byteString(docs)),
		"a counter below nothing":          append(table(0, 1, 1, 1, 2, 0x20), payload[7:]...),
		"a name that is a number":          table(0, 1, 1, 1, 2, 9, 16, 7, 19, byteString(docs)),
		"a name that leads elsewhere":      table(0, 1, 1, 1, 2, 9, 16, "../../etc", 19, byteString(docs)),
		"no name":                          table(0, 1, 1, 1, 2, 9, 19, byteString(docs)),
		"a target that is a text":          table(0, 1, 1, 1, 2, 9, 3, "field", 16, "field", 19, byteString(docs)),
		"trust that is a number":           table(0, 1, 1, 1, 2, 9, 16, "field", 18, 1, 19, byteString(docs)),
		"documents that are a number":      table(0, 1, 1, 1, 2, 9, 16, "field", 19, 1),
		"no documents":                     table(0, 1, 1, 1, 2, 9, 16, "field"),
		"documents open and sealed":        table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(docs), 20, byteString(docs)),
		"sealed nonsense":                  table(0, 1, 1, 1, 2, 9, 16, "field", 20, byteString(random)),
		"a document that is a number":      table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(table(0, 1, 1, 7))),
		"a document with a NUL":            table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(table(0, 1, 1, "a\x00b"))),
		"a document that is no UTF-8":      table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(table(0, 1, 1, "\xff"))),
		"documents of a newer kind":        table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(table(0, 1, 1, nodeDoc(0), 7, "script"))),
		"a certificate without its key":    table(0, 1, 1, 1, 2, 9, 16, "field", 19, byteString(table(0, 1, 1, nodeDoc(0), 4, byteString([]byte("x"))))),
		"a text that says to be 2^63 long": append([]byte{0xa1, 0x10, 0x7b, 0x7f}, bytes.Repeat([]byte{0xff}, 7)...),
		"a hundred thousand lists":         bytes.Repeat([]byte{0x81}, 100_000),
	} {
		one("payload: "+name, "", forge(t, r.org, p))
	}

	// Bundles that are right, and say what cannot be.
	doc("no longwire.toml", "holds no longwire.toml", func(d *bundle.Documents) { d.Node = "" })
	doc("a document that is no TOML", "longwire.toml does not do", func(d *bundle.Documents) { d.Node = "][" })
	doc("a setting that is unknown", "longwire.toml:1", func(d *bundle.Documents) { d.Node = "colour = \"red\"\n" + d.Node })
	doc("a port that cannot be", "99999", func(d *bundle.Documents) { d.Node = "domains = [\"field.net\"]\n[clients]\nlisten = [\":99999\"]\n" })
	doc("a link that is not there", "nowhere", func(d *bundle.Documents) {
		d.Node += "[[peer]]\nname = \"hq\"\ndomains = [\"headquarters.net\"]\nlinks = [\"nowhere\"]\n"
	})
	doc("data elsewhere", "a kit has one place for its data", func(d *bundle.Documents) { d.Node = "data = \"/etc\"\n" + d.Node })
	doc("data elsewhere, by a way round", "a kit has one place for its data", func(d *bundle.Documents) { d.Node = "data = \"../../..\"\n" + d.Node })
	doc("a control socket elsewhere", "control", func(d *bundle.Documents) { d.Node = "control = \"/run/systemd/notify\"\n" + d.Node })
	doc("a certificate elsewhere", "longwire.toml", func(d *bundle.Documents) {
		d.Node += "[tls]\ncert = \"/etc/ssl/cert.pem\"\nkey = \"/etc/ssl/key.pem\"\n"
	})
	doc("a certificate that is none", "longwire.toml does not do", func(d *bundle.Documents) {
		d.Node += "[tls]\ncert = \"tls-cert.pem\"\nkey = \"tls-key.pem\"\n"
		d.TLSCert, d.TLSKey = []byte("none"), []byte("none")
	})
	doc("s5066d.toml with a fault", "s5066d.toml:1: address: it is wrong", func(d *bundle.Documents) { d.SIS = "address = \"wrong\"\n" })
	doc("kit.toml with a fault", "kit.toml does not do", func(d *bundle.Documents) { d.Kit = "colour = \"red\"\n" })
	doc("a megabyte of settings", "longwire.toml", func(d *bundle.Documents) { d.Node = strings.Repeat("x", 1<<20-16<<10) })

	// Cut short, and damaged.
	long := ours(func(c *bundle.Config) { c.Docs.Node += strings.Repeat("# a comment that makes it long\n", 700) })
	for n := 0; n < len(long); n += 1 << 10 {
		one(fmt.Sprintf("cut short after %d KiB", n>>10), "", long[:n])
	}
	for range 40 {
		at, bit := rand.IntN(len(good)), rand.IntN(8)
		damaged := bytes.Clone(good)
		damaged[at] ^= 1 << bit
		one(fmt.Sprintf("bit %d of byte %d turned over", bit, at), "", damaged)
	}
	return all
}

// snapshot is every byte, name and mode below a folder, but for what is told of sticks.
func snapshot(t testing.TB, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == "reports" {
			return fs.SkipDir
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s %v ", rel, st.Mode())
		switch {
		case st.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			fmt.Fprintln(&out, "->", target)
			return err
		case st.Mode().IsRegular():
			b, err := os.ReadFile(path)
			fmt.Fprintf(&out, "%x\n", b)
			return err
		}
		fmt.Fprintln(&out)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// quiet makes a rig whose node is only said to run: what a hostile stick does shows before anything is started.
func (r *rig) quiet() {
	r.o.Services = &onlySaid{}
	r.o.Probe = func(context.Context, string) (admin.Status, error) {
		return admin.Status{Config: filepath.Join(r.o.Data, "kit", "current", "longwire.toml")}, nil
	}
	r.o.Reload = func(context.Context, string) error { return nil }
	r.o.Poll, r.o.Steady, r.o.Grace = 10*time.Millisecond, time.Millisecond, 50*time.Millisecond
}

// onlySaid are services that do as they are told.
type onlySaid struct{}

func (*onlySaid) Start(context.Context, string) error   { return nil }
func (*onlySaid) Restart(context.Context, string) error { return nil }
func (*onlySaid) Stop(context.Context, string) error    { return nil }
func (*onlySaid) Active(context.Context, string) error  { return nil }

// throw plugs a hostile stick in and judges what comes of it.
func (r *rig) throw(t *testing.T, h hostile, n int) {
	t.Helper()
	before := snapshot(t, r.o.Data)
	device := fmt.Sprintf("/dev/sd%d", n)
	dir := t.TempDir()
	for name, b := range h.put {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if h.make != nil {
		if err := h.make(dir); err != nil {
			t.Fatal(err)
		}
	}
	r.plugFolder(device, h.cold, dir)
	r.await("stick: reading "+device+"\n", 1)
	text := r.anyReport(dir)
	r.pull(device)
	refused := strings.Contains(text, "REFUSED, nothing was changed") && strings.Contains(text, "what to do")
	ignored := strings.Contains(text, "Nothing for this kit was found") && strings.Contains(text, "left alone")
	if !refused && !ignored || !strings.Contains(strings.Join(strings.Fields(text), " "), h.says) {
		t.Errorf("%s: the report does not say %q:\n%s", h.name, h.says, text)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' }) {
		t.Errorf("%s: the report has control signs:\n%q", h.name, text)
	}
	if after := snapshot(t, r.o.Data); after != before {
		t.Errorf("%s: the kit's data changed", h.name)
	}
}

func TestHostileSticksChangeNothing(t *testing.T) {
	r := newRig(t)
	r.quiet()
	if err := os.WriteFile(r.o.S5066D, []byte("#!/bin/sh\nif /bin/grep -q wrong \"$3\"; then echo \"$3:1: address: it is wrong\"; exit 1; fi\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.begin()
	r.await("(needs attention)", 1)
	kitID := r.status().ID

	virgin := 0
	for _, h := range hostiles(t, r, nil, nil, kitID) {
		if h.virgo {
			virgin++
			r.throw(t, h, virgin)
		}
	}

	// Make it "field" of the fleet "blue", which has seen number 5, and has tried a number that failed.
	apply := func(device string, b []byte, want string) {
		r.plug(device, false, map[string][]byte{"field.lwb": b})
		r.await(want, 1)
		r.pull(device)
	}
	encode := func(counter uint64, node string) []byte {
		b, err := bundle.Config{Head: bundle.Head{Counter: counter, Target: bundle.Target{Name: "field"}}, Name: "field", Fleet: "blue", Docs: bundle.Documents{Node: node}}.Encode(r.org, "")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	current := encode(4, nodeDoc(0))
	apply("/dev/a", current, "settings number 4 are kept")
	// Nothing listens there, as no node runs at all.
	failed := encode(5, nodeDoc(freePort(t)))
	apply("/dev/b", failed, "settings number 5 did not work")
	r.await("UNDONE", 1)

	all := hostiles(t, r, current, failed, kitID)
	for i, h := range all {
		r.throw(t, h, 1000+i)
	}
	t.Logf("%d sticks, and %d of them on a new kit", len(all), virgin)
	if len(all) < 40 {
		t.Errorf("only %d", len(all))
	}
	if n := strings.Count(r.console.String(), "on trial"); n != 2 {
		t.Errorf("%d trials", n)
	}
	// A good bundle under a bad name.
	apply("/dev/c", encode(6, nodeDoc(0)), "settings number 6 are kept")
	r.plug("/dev/d", false, map[string][]byte{"a\x1b[2J.lwb": encode(7, nodeDoc(0))})
	r.await("settings number 7 are kept", 1)
	if strings.ContainsRune(r.console.String(), '\x1b') {
		t.Errorf("the console was steered:\n%q", r.console.String())
	}
}

package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"longwire/firmware/admin"
	"longwire/images/bundle"
)

// bundleFlags are what bundles are read with.
type bundleFlags struct{ key, identity string }

func withBundle(fs *flag.FlagSet, c *call) {
	fs.BoolVar(&c.json, "json", false, "print JSON for programs")
}

func withIdentity(fs *flag.FlagSet, c *call) {
	withBundle(fs, c)
	fs.StringVar(&c.bundle.identity, "identity", "", "`FILE` with the kit's own secret key, to open sealed settings")
}

func withBundleKey(fs *flag.FlagSet, c *call) {
	withBundle(fs, c)
	fs.StringVar(&c.bundle.key, "key", "", "`FILE` with the organisation's public key")
}

// bundleView is a bundle as it is shown.
type bundleView struct {
	File        string      `json:"file"`
	bundle.Head             // kind, counter, target …
	SignedBy    string      `json:"signed_by"`
	PublicKey   string      `json:"public_key"`
	Verified    bool        `json:"verified"` // by a key that was given, not by its own
	Digest      string      `json:"digest"`
	Config      *configView `json:"config,omitempty"`
	System      *systemView `json:"system,omitempty"`

	docs   *bundle.Documents
	closed error              // why there are no docs
	whole  *bundle.SystemFile // to check the payload of
}

type configView struct {
	Name      string         `json:"name"`
	Fleet     string         `json:"fleet,omitempty"`
	Trust     []string       `json:"trust,omitempty"`
	Sealed    bool           `json:"sealed"`
	Documents []documentView `json:"documents,omitempty"` // those that could be opened
}

type documentView struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	text  string // of settings
}

type systemView struct {
	Version       string `json:"version"`
	ImageSize     int64  `json:"image_size"`
	ImageSHA256   string `json:"image_sha256"`
	PayloadSize   int64  `json:"payload_size"`
	PayloadSHA256 string `json:"payload_sha256"`
	Downgrade     bool   `json:"downgrade"`
	StoreFormat   uint64 `json:"store_format,omitempty"`
	StoreOldest   uint64 `json:"store_oldest,omitempty"`
}

// trust is the keys that the command line gives; none: the bundle vouches for itself.
func (f *bundleFlags) trust() ([]bundle.Key, error) {
	if f.key == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.key)
	if err != nil {
		return nil, err
	}
	keys, err := bundle.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.key, err)
	}
	return keys, nil
}

// openBundle opens a file of either kind and verifies its signature. The file stays open: a system's payload is not read.
func (c *call) openBundle(name string) (*bundleView, io.Closer, error) {
	trust, err := c.bundle.trust()
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	v := &bundleView{File: name, Verified: trust != nil}
	if err := v.read(f, trust, c.bundle.identity); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, f, nil
}

func (v *bundleView) read(f *os.File, trust []bundle.Key, identityFile string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a file")
	}
	b := make([]byte, min(info.Size(), bundle.MaxConfig+1))
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	if bundle.KindOf(b) == bundle.KindSystem {
		s, err := bundle.OpenSystem(f, info.Size(), trust)
		if err == nil {
			v.system(s)
		}
		return err
	}
	r, err := bundle.ReadHead(b, trust)
	if err != nil {
		return err
	}
	return v.config(r, identityFile)
}

func (v *bundleView) signed(k bundle.Key, digest [32]byte) {
	v.SignedBy, v.PublicKey, v.Digest = k.ID(), k.String(), hex.EncodeToString(digest[:])
}

func (v *bundleView) system(s *bundle.SystemFile) {
	v.Head, v.whole = s.Head, s
	v.signed(s.Key, s.Digest)
	v.System = &systemView{s.Version, s.ImageSize, hex.EncodeToString(s.ImageSHA256[:]), s.PayloadSize, hex.EncodeToString(s.PayloadSHA256[:]), s.Downgrade, s.StoreFormat, s.StoreOldest}
}

func (v *bundleView) config(r *bundle.Verified, identityFile string) error {
	v.Head = r.Head
	v.signed(r.Key, r.Digest)
	v.Config = &configView{Name: r.Name, Fleet: r.Fleet, Sealed: r.Sealed}
	for _, k := range r.Trust {
		v.Config.Trust = append(v.Config.Trust, k.String())
	}
	identity := ""
	if identityFile != "" {
		text, err := os.ReadFile(identityFile)
		if err != nil {
			return err
		}
		identity = strings.TrimSpace(string(text))
	}
	c, err := r.Config(identity)
	if errors.Is(err, bundle.ErrSealed) {
		v.closed = err
		return nil
	}
	if err != nil {
		return err
	}
	v.docs = &c.Docs
	for _, d := range []documentView{
		{"longwire.toml", len(c.Docs.Node), c.Docs.Node}, {"s5066d.toml", len(c.Docs.SIS), c.Docs.SIS}, {"kit.toml", len(c.Docs.Kit), c.Docs.Kit},
		{"certificate", len(c.Docs.TLSCert), ""}, {"the certificate's key", len(c.Docs.TLSKey), ""},
		{"phrases.txt", len(c.Docs.Phrases), ""},
	} {
		if d.Bytes > 0 {
			v.Config.Documents = append(v.Config.Documents, d)
		}
	}
	return nil
}

func cmdBundleInspect(c *call) error {
	v, f, err := c.openBundle(c.args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	if c.json {
		return c.printJSON(v)
	}
	v.print(c)
	fmt.Fprintf(c.out, "\nThe signature is right. Whether %s is who you trust, 'longwire bundle verify' tells by a key.\n", v.SignedBy)
	return nil
}

func cmdBundleVerify(c *call) error {
	if c.bundle.key == "" {
		return fmt.Errorf("%w: it needs --key FILE, the organisation's public key (org.pub)", admin.ErrMisuse)
	}
	v, f, err := c.openBundle(c.args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.readWhole(v.whole); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	if c.json {
		return c.printJSON(v)
	}
	v.print(c)
	fmt.Fprintln(c.out, "\nIt is whole, and signed by a key in "+c.bundle.key+".")
	return nil
}

// readWhole reads a system bundle as a kit does: its payload, and then the image in it.
func (c *call) readWhole(s *bundle.SystemFile) error {
	if s == nil {
		return nil
	}
	if err := s.Check(c.ctx, nil); err != nil {
		return err
	}
	r, err := s.Image()
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// print shows a bundle to people.
func (v *bundleView) print(c *call) {
	t := newTable(c.out)
	what := "settings"
	if v.System != nil {
		what = "system " + v.System.Version
	}
	t.row(what, fmt.Sprintf("no. %d, for %s", v.Counter, v.Target))
	t.row("signed by", strings.TrimSpace(v.SignedBy+" "+v.Organisation))
	if !v.Created.IsZero() {
		t.row("made", v.Created.Format("2006-01-02 15:04 MST")+" (by the maker's clock)")
	}
	if v.Note != "" {
		t.row("note", v.Note)
	}
	if s := v.System; s != nil {
		t.row("image", fmt.Sprintf("%d bytes, %d compressed", s.ImageSize, s.PayloadSize))
		t.row("SHA-256", s.ImageSHA256)
		if s.Downgrade {
			t.row("downgrade", "kits take it even if they run a system with a higher number")
		}
		if s.StoreFormat != 0 {
			t.row("store format", fmt.Sprintf("%d, reads from %d on", s.StoreFormat, max(1, s.StoreOldest)))
		}
	}
	if s := v.Config; s != nil {
		t.row("the kit becomes", s.Name)
		if s.Fleet != "" {
			t.row("of the fleet", s.Fleet)
		}
		for _, k := range s.Trust {
			t.row("and obeys only", k)
		}
		switch {
		case s.Sealed && v.docs == nil:
			t.row("sealed", "only the kit can open it; --identity takes its key")
		case s.Sealed:
			t.row("sealed", "opened with the kit's key")
		default:
			t.row("not sealed", "whoever has the file can read the settings")
		}
		for _, d := range s.Documents {
			t.row(d.Name, fmt.Sprintf("%d bytes", d.Bytes))
		}
	}
	t.Flush()
}

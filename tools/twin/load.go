package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"longwire/images/bundle"
	"longwire/links/sis"
)

const maxFile = 4 << 20

// faults are all that is wrong in a file. As an error they print one a line.
type faults []string

func (f faults) Error() string { return strings.Join(f, "\n") }

// load reads and checks a file, and fills in what it leaves out.
func load(file string) (*Star, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(doc) > maxFile {
		err = fmt.Errorf("%s: the file has more than %d bytes", file, maxFile)
	}
	if err != nil {
		return nil, err
	}
	s, err := parse(file, doc)
	if err != nil {
		return nil, err
	}
	s.dir = filepath.Dir(file)
	s.Organisation = s.path(cmp.Or(s.Organisation, "organisation"))
	return s, nil
}

// path makes a file's name absolute or relative to the current folder; names in the file start at its own.
func (s *Star) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

func parse(file string, doc []byte) (*Star, error) {
	s := &Star{}
	err := toml.NewDecoder(bytes.NewReader(doc)).DisallowUnknownFields().Decode(s)
	var one *toml.DecodeError
	var strict *toml.StrictMissingError
	switch {
	case errors.As(err, &strict):
		var fs faults
		for _, e := range strict.Errors {
			row, _ := e.Position()
			fs = append(fs, fmt.Sprintf("%s:%d: %s: there is no such setting here; 'twin example' shows all, and what belongs to longwire.toml goes below [headquarters.node], [kit.node], [kits.node] or [all.node]", file, row, strings.Join(e.Key(), ".")))
		}
		return nil, fs
	case errors.As(err, &one):
		row, _ := one.Position()
		at := ""
		if key := strings.Join(one.Key(), "."); key != "" {
			at = key + ": "
		}
		return nil, faults{fmt.Sprintf("%s:%d: %s%s", file, row, at, strings.TrimPrefix(one.Error(), "toml: "))}
	case err != nil:
		return nil, faults{fmt.Sprintf("%s: %v", file, err)}
	}
	s.defaults()
	k := &checker{star: s, file: file}
	if k.all(); len(k.faults) > 0 {
		return nil, k.faults
	}
	return s, nil
}

// defaults fills in what is not said. Both ends are Longwire nodes, which the node itself cannot assume.
func (s *Star) defaults() {
	s.Headquarters.headquarters = true
	s.Headquarters.Name = cmp.Or(s.Headquarters.Name, "headquarters")
	s.S5066.Name = cmp.Or(s.S5066.Name, "5066 link")
	s.S5066.Mapping = cmp.Or(s.S5066.Mapping, "longwire")
	s.IP.Dial = cmp.Or(s.IP.Dial, "kit")
	for i := range s.Kit {
		if s.Kit[i].Links == nil {
			s.Kit[i].Links = []string{linkS5066}
		}
	}
	for _, e := range s.ends() {
		if e.Rooms == nil {
			e.Rooms = usualRooms(e.Domains)
		}
	}
}

// pairs tells whether kits introduce themselves over HF.
func (s *Star) pairs() bool { return s.S5066.Pairing == nil || *s.S5066.Pairing }

// tls tells whether links of type ip are encrypted.
func (s *Star) tls() bool { return s.IP.TLS == nil || *s.IP.TLS }

// checker finds what is wrong in meaning, as far as the node cannot say it better.
type checker struct {
	star   *Star
	file   string
	faults faults
}

func (k *checker) bad(where, format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf("%s: %s: %s", k.file, where, fmt.Sprintf(format, args...)))
}

func (k *checker) all() {
	s := k.star
	if len(s.Kit) == 0 {
		k.bad("kit", "there is none; add a [[kit]] table")
	}
	if !slices.Contains([]string{"kit", "headquarters", "both"}, s.IP.Dial) {
		k.bad("ip.dial", `%q is unknown; write "kit", "headquarters" or "both"`, s.IP.Dial)
	}
	if s.Headquarters.Links != nil {
		k.bad("headquarters.links", "links are said at each kit; take it out here")
	}
	names, domains, addresses := map[string]string{}, map[string]string{}, map[string]string{}
	once := func(where, what, value string, seen map[string]string) {
		if other, taken := seen[value]; taken {
			k.bad(where, "%s %q belongs to %s already", what, value, other)
		}
		seen[value] = where
	}
	for i, e := range s.ends() {
		where := "headquarters"
		if i > 0 {
			where = fmt.Sprintf("kit %q", e.Name)
		}
		k.end(where, e)
		once(where, "the name", e.Name, names)
		for _, d := range slices.Concat(e.Domains, e.Rooms) {
			once(where, "the domain", strings.ToLower(d), domains)
		}
		if s.uses(e, linkS5066) {
			k.sis(where, &e.SIS)
			if a, err := sis.ParseAddress(e.SIS.Address); err == nil {
				once(where, "the address", a.String(), addresses)
			}
		}
		if s.uses(e, linkIP) {
			k.ip(where, e)
		}
	}
	k.rooms()
}

func (k *checker) end(where string, e *End) {
	if e.Name == "" {
		k.bad(where, `it has no name; write name = "field"`)
	}
	// What a bundle takes as names is the bundle's business.
	probe := bundle.Target{KitID: "", Name: e.Name, Fleet: k.star.Fleet, Board: e.Board}
	if err := probe.Check(); err != nil {
		k.bad(where, "%s", strings.TrimPrefix(err.Error(), "bundle: "))
	}
	if len(e.Domains) == 0 {
		k.bad(where, `it serves no domain; write domains = ["%s.net"]`, cmp.Or(e.Name, "field"))
	}
	if !e.headquarters && len(e.Links) == 0 {
		k.bad(where, `it has no link to headquarters; write links = ["s5066"]`)
	}
	for _, l := range e.Links {
		if l != linkS5066 && l != linkIP {
			k.bad(where, `there are no links of type %q; write "s5066" or "ip"`, l)
		}
	}
	if e.Report != "" && e.PublicKey != "" {
		k.bad(where, "report and public_key both name the kit's key; keep one")
	}
	if (e.Certificate == "") != (e.CertificateKey == "") {
		k.bad(where, "a certificate needs both certificate and certificate_key")
	}
	for _, key := range []string{"data", "control"} {
		if !e.headquarters && (e.Node[key] != nil || k.star.Kits.Node[key] != nil || k.star.All.Node[key] != nil) {
			k.bad(where, "node.%s: a kit has its own place for that; take it out", key)
		}
	}
	for _, more := range []map[string]any{e.Node, k.star.Kits.Node, k.star.All.Node} {
		if rooms, ok := more["rooms"].(table); ok && rooms["domains"] != nil {
			k.bad(where, `node.rooms.domains: the others have to know of them; write rooms = ["chat.%s"] at each end`, append(e.Domains, "field.net")[0])
			break
		}
	}
	users := map[string]bool{}
	for _, u := range e.User {
		switch name := strings.ToLower(u.Name); {
		case u.Name == "":
			k.bad(where, `a user has no name; write name = "alice"`)
		case users[name]:
			k.bad(where, "user %q is there twice", u.Name)
		default:
			users[name] = true
		}
	}
}

func (k *checker) sis(where string, s *SIS) {
	if a, err := sis.ParseAddress(s.Address); err != nil || a.Group() {
		k.bad(where, `sis.address: %q is not the STANAG 5066 address of a node; write "1.1.0.1", with a first number up to 15`, s.Address)
	}
	switch {
	case s.Server == "" && s.Modem == nil:
		k.bad(where, `sis: say server = "host:5066" (or "serial:/dev/ttyUSB0", or "vsock:2:5066") where a STANAG 5066 server is at hand, or add a table [….sis.modem], and it runs one itself`)
	case s.Server != "" && s.Modem != nil:
		k.bad(where, "sis: server and modem exclude each other: a modem is for a STANAG 5066 server of its own")
	}
}

// ip: a side that is dialled needs an address, and so does one that nothing but its address identifies.
func (k *checker) ip(where string, e *End) {
	role := "kit"
	if e.headquarters {
		role = "headquarters"
	}
	dialled := k.star.IP.Dial == "both" || k.star.IP.Dial != role
	switch {
	case e.IP.Address == "" && dialled:
		k.bad(where, `ip.address: the other side dials it; write address = "203.0.113.7"`)
	case e.IP.Address == "" && !k.star.tls():
		k.bad(where, "ip.address: without tls the other side knows it by nothing else; give it, or leave tls on")
	}
}

func has(list []string, s string) bool { return slices.Contains(list, s) }

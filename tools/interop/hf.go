package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/links/dts"
	"longwire/links/sis"
	"longwire/tools/rig"
)

// hfScale is how much faster than time the simulated radio is.
const hfScale = 40

// hf is the play of nodes, SIS clients and STANAG 5066 servers over a simulated HF channel without errors, and what Wireshark says to
// their words.
func hf(ctx context.Context, st *stage, tell func(result)) error {
	if st.Reference {
		return nil
	}
	server, err := rig.BuildSISServer(ctx, st.dir)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		mapping string
		sap     int
	}{{"longwire", 13}, {"rcop", 6}} { // beside 2, 6 and 7, Wireshark takes no U_PDU for RCOP
		if err := hfChat(ctx, st, tell, server, m.mapping, m.sap); err != nil {
			return err
		}
	}
	if err := hfPrimitives(ctx, st, tell, server); err != nil {
		return err
	}
	tell(result{Name: "Wireshark reads C_PDUs and S_PDUs in D_PDUs", Skip: true, Detail: "its dissector does not know them"})
	return consoles(ctx, tell)
}

// An hfStage is two STANAG 5066 servers on a channel, with nodes or without, and relays before them.
type hfStage struct {
	*rig.Net
	relays []*relay
}

func newHFStage(h rig.HF, sap int) (*hfStage, error) {
	h.Domains, h.Rate, h.Scale = []string{"headquarters.net", "field.net"}, 1200, hfScale
	h.Link = map[string]any{"compress": true, "sap": sap}
	h.Server = map[string]map[string]any{"clients": {"max_rank": 15, "queue": 3}}
	net, err := rig.NewNet(h)
	if err != nil {
		return nil, err
	}
	s := &hfStage{Net: net}
	for i, d := range net.Servers {
		r, err := newRelay()
		if err != nil {
			return nil, errors.Join(err, s.strike())
		}
		s.relays = append(s.relays, r)
		d.Traced = true
		n := net.Nodes[i]
		n.OwnCert, n.HF[0].Server, n.LogLevel = false, r.addr, "debug"
		if err := errors.Join(d.WriteConfig(), n.Prepare()); err != nil {
			return nil, errors.Join(err, s.strike())
		}
		go r.serve(d.SIS())
	}
	return s, nil
}

// strike ends all; the traces are complete then.
func (s *hfStage) strike() error {
	for _, r := range s.relays {
		r.close()
	}
	return s.Stop()
}

// hfChat lets slixmpp and mellium talk over the air, and Wireshark listen.
func hfChat(ctx context.Context, st *stage, tell func(result), server, mapping string, sap int) error {
	s, err := newHFStage(rig.HF{Longwire: filepath.Join(st.dir, "longwire"), SISServer: server, Dir: filepath.Join(st.dir, "hf-"+mapping), Mapping: mapping}, sap)
	if err != nil {
		return err
	}
	struck := false
	defer func() {
		if !struck {
			s.strike()
		}
	}()
	hfst := &stage{Servers: map[string]*place{}, dir: s.Dir}
	for i, name := range []string{"headquarters", "field"} {
		n := s.Nodes[i]
		hfst.Servers[name] = newPlace(n.Domain, n.StartTLS(), n.Direct(), filepath.Join(n.Dir, "cert.pem"))
		hfst.Servers[name].Accounts = hfst.Servers[name].Accounts[:6]
		if err := addAccounts(ctx, n, hfst.Servers[name]); err != nil {
			return err
		}
	}
	if err := s.Start(ctx); err != nil {
		return err
	}
	over := ", over HF, mapping " + mapping
	hfTell := func(r result) {
		r.Name += over
		tell(r)
	}
	if err := script("hf.py", 3)(ctx, hfst, hfTell); err != nil {
		return err
	}
	r := result{Name: "mellium chat", OK: true}
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	if err := converse(limited, hfst.Servers["headquarters"], hfst.Servers["field"]); err != nil {
		r.OK, r.Detail = false, err.Error()
	}
	cancel()
	hfTell(r)
	// The marks of what came last.
	if err := s.Quiet(ctx, 2*time.Minute); err != nil {
		return err
	}
	struck = true
	if err := s.strike(); err != nil {
		return err
	}
	want := map[sis.Type]int{sis.TypeBindRequest: 2, sis.TypeBindAccepted: 2, sis.TypeUnidataRequest: 10, sis.TypeUnidataIndication: 10, sis.TypeUnidataRequestConfirm: 10}
	filter := "s5066sis"
	if sap != 13 {
		// Peer: the dissector reads an RCOP header behind the returned data of these, which has none.
		filter = "s5066sis && !(s5066sis.type == 22) && !(s5066sis.type == 23)"
	}
	if sap != 13 {
		hfTell(result{Name: "Wireshark finds no answer to a request malformed", Skip: true,
			Detail: "its dissector reads an RCOP header behind what answers return, where there is none; their fields are compared, and answers on SAP 13 are looked at"})
	}
	s.examineSIS(ctx, filter, want, hfTell)
	s.examineAir(ctx, map[dts.Type]int{dts.DataOnly: 8, dts.AckOnly: 3, dts.ExpNonARQ: 2}, hfTell)
	return nil
}

// check tells the fate of one check; what it found goes into its name.
func check(tell func(result), name string, do func() (found string, err error)) {
	found, err := do()
	r := result{Name: name, OK: err == nil}
	if err != nil {
		r.Detail = err.Error()
	} else if found != "" {
		r.Name += ": " + found
	}
	tell(r)
}

// enough wants at least so many of each kind.
func enough[T interface {
	cmp.Ordered
	fmt.Stringer
}](got, want map[T]int) (string, error) {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(got)) {
		list = append(list, fmt.Sprintf("%d %v", got[k], k))
	}
	for k, n := range want {
		if got[k] < n {
			return "", fmt.Errorf("%d %v, want %d: %s", got[k], k, n, strings.Join(list, ", "))
		}
	}
	return strings.Join(list, ", "), nil
}

// examineSIS has Wireshark read what crossed the relays.
func (s *hfStage) examineSIS(ctx context.Context, filter string, want map[sis.Type]int, tell func(result)) {
	var said []primitive
	check(tell, "the SIS conversation is captured", func() (string, error) {
		for i, r := range s.relays {
			list, err := r.all()
			if err != nil {
				return "", err
			}
			for _, p := range list {
				p.conn += 1000 * i
				said = append(said, p)
			}
		}
		slices.SortStableFunc(said, func(a, b primitive) int { return a.at.Compare(b.at) })
		return fmt.Sprintf("%d primitives", len(said)), nil
	})
	file := filepath.Join(s.Dir, "sis.pcap")
	var expected []fieldsOf
	check(tell, "SIS primitives in it", func() (string, error) {
		got := map[sis.Type]int{}
		for _, p := range said {
			f, t, err := sisFields(p.raw)
			if err != nil {
				return "", err
			}
			got[t]++
			expected = append(expected, f)
		}
		if err := writeSIS(file, said); err != nil {
			return "", err
		}
		return enough(got, want)
	})
	check(tell, "Wireshark finds no primitive malformed", func() (string, error) { return "", faultless(ctx, file, "s5066sis", filter) })
	check(tell, "Wireshark reads the same fields in primitives", func() (string, error) {
		n, err := compare(ctx, file, expected)
		return fmt.Sprintf("%d values", n), err
	})
}

// examineAir has Wireshark read the traces of both servers.
func (s *hfStage) examineAir(ctx context.Context, want map[dts.Type]int, tell func(result)) {
	for i, d := range s.Servers {
		who := fmt.Sprintf("D_PDUs in the trace of %s", rig.StationAddress(i))
		var expected []fieldsOf
		check(tell, who, func() (string, error) {
			got := map[dts.Type]int{}
			packets, err := readPcap(d.Trace())
			if err != nil {
				return "", err
			}
			for k, raw := range packets {
				p, n, err := dts.Decode(raw)
				if err != nil || n != len(raw) || p.Damaged {
					return "", fmt.Errorf("D_PDU %d: %d of %d bytes, damaged %v: %w", k+1, n, len(raw), p.Damaged, err)
				}
				got[p.Type]++
				expected = append(expected, dtsFields(p))
			}
			return enough(got, want)
		})
		check(tell, "Wireshark finds each check of them correct", func() (string, error) { return "", faultless(ctx, d.Trace(), "s5066dts", "s5066dts") })
		check(tell, "Wireshark reads the same fields in D_PDUs", func() (string, error) {
			n, err := compare(ctx, d.Trace(), expected)
			return fmt.Sprintf("%d values", n), err
		})
	}
}

// readPcap reads the packets of a trace of s5066d.
func readPcap(file string) (packets [][]byte, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("interop: trace: %w", err)
	}
	le := binary.LittleEndian
	if len(b) < 24 || le.Uint32(b) != 0xa1b2c3d4 || le.Uint32(b[20:]) != 237 {
		return nil, fmt.Errorf("interop: trace: %s does not begin as a capture of D_PDUs", file)
	}
	for b = b[24:]; len(b) >= 16; {
		n := int(le.Uint32(b[8:]))
		if n > len(b)-16 {
			return nil, errors.New("interop: trace: cut short")
		}
		packets, b = append(packets, b[16:16+n]), b[16+n:]
	}
	return packets, nil
}

// consoles runs the tests in which the console, the servers and Wireshark meet as programs, and shows what they print.
func consoles(ctx context.Context, tell func(result)) error {
	root, err := rig.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-tags", "integration", "-run", "S5066d|Wireshark|TwoServers|KilledServer",
		"./tools/s5066con", "./tools/s5066d", "./links/dts")
	cmd.Dir = root
	out, err := cmd.Output()
	told := tellTests(out, func(r result) {
		if r.OK {
			r.Shown = r.Detail
		}
		tell(r)
	})
	if told == 0 || err != nil {
		return fmt.Errorf("'go test' of the console, %d tests: %v", told, err)
	}
	return nil
}

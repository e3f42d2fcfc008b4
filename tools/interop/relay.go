package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"longwire/links/sis"
)

// A primitive is one that crossed a relay, as bytes.
type primitive struct {
	at         time.Time
	conn       int // which connection, from 0
	fromClient bool
	raw        []byte
}

// A relay stands between SIS clients and their server, and keeps all that they say.
type relay struct {
	addr string
	l    net.Listener

	mu    sync.Mutex
	said  []primitive
	conns int
	fault error
}

// newRelay listens at a free port; serve begins to relay.
func newRelay() (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("interop: relay: %w", err)
	}
	return &relay{addr: l.Addr().String(), l: l}, nil
}

// serve relays to a server until Close.
func (r *relay) serve(to string) {
	for {
		near, err := r.l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			near.Close()
			continue
		}
		r.mu.Lock()
		id := r.conns
		r.conns++
		r.mu.Unlock()
		go r.copy(id, true, near, far)
		go r.copy(id, false, far, near)
	}
}

func (r *relay) close() { r.l.Close() }

// copy passes bytes on and takes primitives out of them.
func (r *relay) copy(conn int, fromClient bool, from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	var rest []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		rest = r.keep(conn, fromClient, append(rest, buf[:n]...))
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func (r *relay) keep(conn int, fromClient bool, b []byte) (rest []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		body, n, err := sis.Split(b)
		if err != nil {
			r.fault = errors.Join(r.fault, fmt.Errorf("connection %d, from the client %v: %w", conn, fromClient, err))
			return nil
		}
		if body == nil {
			return b
		}
		r.said = append(r.said, primitive{time.Now(), conn, fromClient, append([]byte(nil), b[:n]...)})
		b = b[n:]
	}
}

// all is what crossed by now.
func (r *relay) all() ([]primitive, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]primitive(nil), r.said...), r.fault
}

// linkTypeRaw is LINKTYPE_RAW of the pcap registry: a packet begins with its IP header.
const linkTypeRaw = 101

// writeSIS writes a capture as if each primitive had been one TCP segment: Wireshark's dissector loses primitives that begin in the midst
// of one, and our clients put several into a segment where they can.
func writeSIS(file string, said []primitive) error {
	le, be := binary.LittleEndian, binary.BigEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint32(b, 2|4<<16) // version 2.4
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 1<<18)
	b = le.AppendUint32(b, linkTypeRaw)
	type way struct {
		conn       int
		fromClient bool
	}
	next := map[way]uint32{}
	for _, p := range said {
		src, dst := uint16(40000+p.conn), uint16(sis.DefaultPort)
		ip := [2]byte{1, 2}
		if !p.fromClient {
			src, dst, ip = dst, src, [2]byte{2, 1}
		}
		w := way{p.conn, p.fromClient}
		size := 40 + len(p.raw)
		b = le.AppendUint32(b, uint32(p.at.Unix()))
		b = le.AppendUint32(b, uint32(p.at.Nanosecond()/1000))
		b = le.AppendUint32(b, uint32(size))
		b = le.AppendUint32(b, uint32(size))
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(size))
		b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, ip[0], 10, 0, 0, ip[1])
		b = be.AppendUint16(b, src)
		b = be.AppendUint16(b, dst)
		b = be.AppendUint32(b, 1+next[w])
		b = be.AppendUint32(b, 1+next[way{p.conn, !p.fromClient}])
		b = append(b, 5<<4, 0x18, 0xff, 0xff, 0, 0, 0, 0)
		b = append(b, p.raw...)
		next[w] += uint32(len(p.raw))
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return fmt.Errorf("interop: capture: %w", err)
	}
	return nil
}

// A guest is a SIS client that is played by hand, through a relay.
type guest struct {
	conn net.Conn
	in   *sis.Reader
}

func newGuest(ctx context.Context, addr string) (*guest, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("interop: SIS client: %w", err)
	}
	g := &guest{conn: c, in: sis.NewReader(c)}
	g.in.Codec = sis.Strict
	return g, nil
}

func (g *guest) say(p sis.Primitive) error {
	b, err := sis.Strict.Append(nil, p)
	if err == nil {
		_, err = g.conn.Write(b)
	}
	if err != nil {
		return fmt.Errorf("interop: %v: %w", p.Type(), err)
	}
	return nil
}

// hears waits for a primitive of this type, passing over others.
func (g *guest) hears(want sis.Type) (sis.Primitive, error) {
	g.conn.SetReadDeadline(time.Now().Add(4 * patience))
	for {
		p, err := g.in.Next()
		if err != nil {
			return nil, fmt.Errorf("interop: waiting for %v: %w", want, err)
		}
		if p.Type() == want {
			return p, nil
		}
		if g.answers(p) != nil {
			return nil, fmt.Errorf("interop: waiting for %v: the connection ended", want)
		}
	}
}

// answers keeps the bind alive. S5066 A.2.1.17: within 10 s.
func (g *guest) answers(p sis.Primitive) error {
	if p == (sis.KeepAlive{}) {
		return g.say(p)
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"longwire/links/sis"
)

// Strangers who say anything at all to a server over TCP: they are cut off or unbound, and a pair of clients that talks meanwhile over this
// server and another does not notice.
func TestBadClientsDoNotDisturbAConversation(t *testing.T) {
	dir, air := t.TempDir(), freePort(t)
	ports := []string{freePort(t), freePort(t)}
	process(t, "channel", "--listen", air, "--scale", "200", "--seed", "2")
	until(t, "the channel", func() bool {
		c, err := net.Dial("tcp", air)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	var clients []*sis.Client
	cfg := write(t, dir, 1, ports[0], air)
	process(t, "run", "--config", cfg)
	process(t, "run", "--config", write(t, dir, 2, ports[1], air))
	for _, p := range ports {
		clients = append(clients, bind(t, p, 3))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	talked := make(chan error, 2)
	for i, c := range clients {
		go func() { talked <- exchange(ctx, c, i+1, 2-i, 30) }()
	}

	// Each has a SAP of its own, as the one before may still be leaving.
	bound := func(sap int) string { return fmt.Sprintf("90 EB 00 00 04 01 %X0 14 00", sap) }
	accepted := func(sap int) string { return fmt.Sprintf("90 EB 00 00 04 03 %X0 08 00", sap) }
	for _, c := range []struct {
		name, says, hears string
		cut               bool   // by the server, at once
		then              string // what it says when it has heard that
	}{
		{"nothing", "", "", false, ""},
		{"HTTP", hex.EncodeToString([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "", true, ""},
		{"wrong version", "90 EB 01 00 04 01 70 14 00", "", true, ""},
		{"SAP taken", "90 EB 00 00 04 01 D0 14 00", "90 EB 00 00 02 04 03", false, ""},
		{"half a bind", "90 EB 00 00 04 01", "", false, ""},
		{"an envelope that stays empty", "90 EB 00 FF FF 14", "", false, ""},
		{"unknown types", bound(7) + strings.Repeat("90 EB 00 00 02 40 00", 5), accepted(7) + "90 EB 00 00 02 05 03", true, ""},
		{"a primitive of a node, five times", bound(8) + strings.Repeat("90 EB 00 00 04 03 70 08 00", 5), accepted(8) + "90 EB 00 00 02 05 03", true, ""},
		{"a U_PDU over the MTU", bound(9) + "90 EB 00 08 0D 14 07 E1 01 00 02 14 00 00 3C 08 01" + strings.Repeat("41", 2049),
			accepted(9) + "90 EB 00 08 09 17 47 E1 01 00 02 08 01" + strings.Repeat("41", 2049), false, ""},
		{"the wrong version after a bind", bound(10), accepted(10), true, "90 EB 02 00 01 11"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", ports[0])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			says, want := unhex(t, c.says), unhex(t, c.hears)
			if _, err := conn.Write(says); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			got := make([]byte, len(want))
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("heard % X, %v, want % X", got, err, want)
			}
			if _, err := conn.Write(unhex(t, c.then)); err != nil {
				t.Fatal(err)
			}
			if c.cut {
				rest, err := io.ReadAll(conn)
				if len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("then % X, %v, want the end", rest, err)
				}
			}
		})
	}
	for range clients {
		if err := <-talked; err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the server with its one good client", func() bool {
		code, out, _ := invoked(t, "status", "--config", cfg)
		got := strings.Join(strings.Fields(out), " ")
		return code == exitOK && strings.Contains(got, "Client SAP 13 rank 3") && strings.Count(got, "Client SAP") == 1
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

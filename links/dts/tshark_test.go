//go:build integration

package dts_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"longwire/links/dts"
)

// pcap is a capture file with one D_PDU a packet: link type 237.
func pcap(packets [][]byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 65535)
	b = le.AppendUint32(b, 237)
	for i, p := range packets {
		for _, n := range []int{i, 0, len(p), len(p)} {
			b = le.AppendUint32(b, uint32(n))
		}
		b = append(b, p...)
	}
	return b
}

// TestWiresharkAgrees has Wireshark look at the vectors and at a conversation with every type of D_PDU.
func TestWiresharkAgrees(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	var packets [][]byte
	for _, v := range vectors() {
		if b := unhex(t, v.hex); len(b) >= 15 { // less it shows raw
			packets = append(packets, b)
		}
	}
	x := newNet(t, 2, 1, dts.Config{Timing: short(300), RateAllowed: func(dts.Rate) dts.RefuseReason { return dts.RefuseNone }})
	x.Lose = 0.2
	x.OnAir = func(_ int, _, _ time.Time, frames [][]byte) { packets = append(packets, frames...) }
	for i := range 20 {
		x.text(i%2, 1-i%2, strings.Repeat("text ", i*20))
		x.send(i%2, 1-i%2, dts.Request{Service: dts.Service(i % 4), CPDU: make([]byte, 10*i), Repeats: 1})
	}
	x.stations[0].RequestRate(address(1), dts.Rate{Bits: 600, Interleaver: dts.LongInterleaver})
	x.Run(t, 10*time.Hour, nil)
	file := filepath.Join(t.TempDir(), "air.pcap")
	if err := os.WriteFile(file, pcap(packets), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-r", file, "-V", "-O", "s5066dts").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if bad := regexp.MustCompile(`.*(Malformed|Incorrect).*`).FindAll(out, 5); len(bad) > 0 {
		t.Errorf("%s", bad)
	}
	n := len(regexp.MustCompile(`Sync Word: Correct|[cC]orrect`).FindAll(out, -1))
	t.Logf("%d D_PDUs, %d checks correct", len(packets), n)
	if n < len(packets) {
		t.Errorf("%d checks in %d D_PDUs", n, len(packets))
	}
}

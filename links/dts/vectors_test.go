package dts_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"longwire/links/dts"
)

const (
	nodeA dts.Address = 0x1010001
	nodeB dts.Address = 0x1010002
)

// unhex reads hex with blanks in it.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func ascending(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// A C_PDU DATA with an S_PDU of priority 5, SAP 6 to 6, an RCOP header and <a/>.
var cpdu = []byte{0x00, 0x05, 0x66, 0x00, 0x00, 0x01, 0x00, 0x00, 0x80, 0x01, '<', 'a', '/', '>'}

type vector struct {
	name string
	hex  string
	pdu  dts.PDU
}

func ab(p dts.PDU) dts.PDU { p.To, p.From, p.AddrSize = nodeB, nodeA, 7; return p }
func ba(p dts.PDU) dts.PDU { p.To, p.From, p.AddrSize = nodeA, nodeB, 7; return p }

func must(e dts.EOW, ok bool) dts.EOW {
	if !ok {
		panic("no such rate")
	}
	return e
}

// vectors are those of the reference's section 8.4. Wireshark's dissector finds both checks of each correct.
func vectors() []vector {
	acks := func(lwe uint8, bits ...byte) (a dts.Acks) {
		a.LWE, a.Size = lwe, uint8(len(bits))
		copy(a.Bits[:], bits)
		return a
	}
	only := dts.Frame{Start: true, End: true, InOrder: true, UWE: true, LWE: true}
	hdr, ext := dts.HDRRequest{Waveform: 3, Channels: 1, Bits: 9600, Interleaver: 4310e6}.Message()
	link := func(id uint16) dts.Part { return dts.Part{ID: id, Size: 1, Window: 2} }
	return []vector{
		{"0: the only segment", "90 EB 00 00 04 E9 10 10 00 21 01 00 01 EC 0E 00 7B 22 00 05 66 00 00 01 00 00 80 01 3C 61 2F 3E 44 28 2E 59",
			ab(dts.PDU{Type: dts.DataOnly, EOT: 4, Frame: only, Segment: cpdu})},
		{"0: a middle segment, short addresses", "90 EB 00 00 0A 69 10 21 01 08 04 09 4F 19 DE AD BE EF AB FA 5B BB",
			dts.PDU{Type: dts.DataOnly, EOT: 10, AddrSize: 3, To: 0x102, From: 0x101, Frame: dts.Frame{UWE: true, FSN: 9}, Segment: []byte{0xDE, 0xAD, 0xBE, 0xEF}}},
		{"0: DROP C_PDU", "90 EB 00 00 04 E9 10 10 00 21 01 00 01 18 00 07 59 86 00 00 00 00",
			ab(dts.PDU{Type: dts.DataOnly, EOT: 4, Frame: dts.Frame{Drop: true, UWE: true, FSN: 7}, Segment: []byte{}})},
		{"1: no bits", "90 EB 10 00 01 E7 10 10 00 11 01 00 02 01 32 0C",
			ba(dts.PDU{Type: dts.AckOnly, EOT: 1, Acks: acks(1)})},
		{"1: 7 and 8, not 6", "90 EB 10 00 01 E8 10 10 00 11 01 00 02 05 06 EC 2F",
			ba(dts.PDU{Type: dts.AckOnly, EOT: 1, Acks: acks(5, 0x06)})},
		{"1: over the wrap", "90 EB 10 00 01 E8 10 10 00 11 01 00 02 FA 26 82 5E",
			ba(dts.PDU{Type: dts.AckOnly, EOT: 1, Acks: acks(250, 0x26)})},
		{"1: with an advisory", "90 EB 11 3A 01 E7 10 10 00 11 01 00 02 01 ED 24",
			ba(dts.PDU{Type: dts.AckOnly, EOT: 1, Acks: acks(1), EOW: must(dts.Rate{Bits: 600, Interleaver: dts.LongInterleaver, Advisory: true}.EOW())})},
		{"2: no bits", "90 EB 20 00 04 EA 10 10 00 11 01 00 02 EC 0E 00 01 41 36 00 05 66 00 00 01 00 00 80 01 3C 61 2F 3E 44 28 2E 59",
			ba(dts.PDU{Type: dts.DataAck, EOT: 4, Frame: only, Acks: acks(1), Segment: cpdu})},
		{"2: 7 and 8, not 6", "90 EB 20 00 04 EB 10 10 00 11 01 00 02 EC 0E 00 05 06 5E 26 00 05 66 00 00 01 00 00 80 01 3C 61 2F 3E 44 28 2E 59",
			ba(dts.PDU{Type: dts.DataAck, EOT: 4, Frame: only, Acks: acks(5, 0x06), Segment: cpdu})},
		{"3: full reset", "90 EB 30 00 01 E9 10 10 00 21 01 00 01 08 00 00 00 49",
			ab(dts.PDU{Type: dts.Reset, EOT: 1, Resync: dts.Resync{Full: true}})},
		{"3: reset ack", "90 EB 30 00 01 E9 10 10 00 11 01 00 02 01 00 00 D3 E4",
			ba(dts.PDU{Type: dts.Reset, EOT: 1, Resync: dts.Resync{Ack: true}})},
		{"3: receive window command", "90 EB 30 00 01 E9 10 10 00 21 01 00 01 02 28 01 BD 2B",
			ab(dts.PDU{Type: dts.Reset, EOT: 1, Resync: dts.Resync{Window: true, LWE: 40, ID: 1}})},
		{"3: transmit window request", "90 EB 30 00 01 E9 10 10 00 11 01 00 02 04 00 02 39 0F",
			ba(dts.PDU{Type: dts.Reset, EOT: 1, Resync: dts.Resync{Request: true, ID: 2}})},
		{"4: a hard link request", "90 EB 40 00 03 E9 10 10 00 21 01 00 01 C0 03 00 32 0E 00 39 66 8D 79 55 B4",
			ab(dts.PDU{Type: dts.ExpData, EOT: 3, Frame: dts.Frame{Start: true, End: true}, Segment: []byte{0x00, 0x39, 0x66}})},
		{"5: no bits", "90 EB 50 00 01 E7 10 10 00 11 01 00 02 01 EC 0B",
			ba(dts.PDU{Type: dts.ExpAck, EOT: 1, Acks: acks(1)})},
		{"6: DRC request", "90 EB 61 54 02 E8 10 10 00 21 01 00 01 02 00 0D 08",
			ab(dts.PDU{Type: dts.Management, EOT: 2, EOW: must(dts.Rate{Bits: 2400, Interleaver: dts.ShortInterleaver}.EOW()), Message: dts.Message{Valid: true}})},
		{"6: DRC accepted", "90 EB 62 00 02 E8 10 10 00 11 01 00 02 03 00 7F 4A",
			ba(dts.PDU{Type: dts.Management, EOT: 2, EOW: dts.ResponseEOW(dts.RateAccept, 0), Message: dts.Message{Valid: true, Ack: true}})},
		{"6: DRC refused", "90 EB 62 25 01 E8 10 10 00 11 01 00 02 03 00 53 61",
			ba(dts.PDU{Type: dts.Management, EOT: 1, EOW: dts.ResponseEOW(dts.RateRefuse, dts.RefuseConditions), Message: dts.Message{Valid: true, Ack: true}})},
		{"6: DT_ACK", "90 EB 60 00 01 E8 10 10 00 21 01 00 01 01 01 21 92",
			ab(dts.PDU{Type: dts.Management, EOT: 1, Message: dts.Message{Ack: true, ID: 1}})},
		{"6: DRC confirmed", "90 EB 62 60 01 E8 10 10 00 11 01 00 02 02 01 D2 D8",
			ba(dts.PDU{Type: dts.Management, EOT: 1, EOW: dts.ResponseEOW(dts.RateConfirm, 0), Message: dts.Message{Valid: true, ID: 1}})},
		{"6: HDR change request", "90 EB 67 19 02 EE 10 10 00 21 01 00 01 06 01 00 00 25 80 01 AF 78 FB",
			ab(dts.PDU{Type: dts.Management, EOT: 2, EOW: hdr, Message: dts.Message{Valid: true, ID: 1, Extended: ext}})},
		{"7: to all", "90 EB 70 00 04 EF FF FF FF F1 01 00 01 1C 0B 23 00 0B 00 00 00 08 B8 20 00 00 77 00 00 01 00 00 80 01 78 43 7B D6 B5",
			dts.PDU{Type: dts.NonARQ, EOT: 4, AddrSize: 7, To: dts.Broadcast, From: nodeA, Part: dts.Part{ID: 0x123, InOrder: true, Size: 11, Window: 8},
				Segment: []byte{0x00, 0x00, 0x77, 0x00, 0x00, 0x01, 0x00, 0x00, 0x80, 0x01, 'x'}}},
		{"7: the last of two segments", "90 EB 70 00 04 EF 10 10 00 21 01 00 01 00 32 01 00 FA 00 C8 00 08 06 CB" + hex.EncodeToString(ascending(50)) + "DD FD 5D 04",
			ab(dts.PDU{Type: dts.NonARQ, EOT: 4, Part: dts.Part{ID: 1, Size: 250, Offset: 200, Window: 8}, Segment: ascending(50)})},
		{"8: link request, nonexclusive", "90 EB 80 00 02 EF 10 10 00 21 01 00 01 00 01 00 00 01 00 00 00 02 D8 36 10 AA 9C 74 1E",
			ab(dts.PDU{Type: dts.ExpNonARQ, EOT: 2, Part: link(0), Segment: []byte{0x10}})},
		{"8: link accepted", "90 EB 80 00 02 EF 10 10 00 11 01 00 02 00 01 00 00 01 00 00 00 02 9C 35 20 54 39 E9 3C",
			ba(dts.PDU{Type: dts.ExpNonARQ, EOT: 2, Part: link(0), Segment: []byte{0x20}})},
		{"8: link request, exclusive", "90 EB 80 00 02 EF 10 10 00 21 01 00 01 00 01 02 00 01 00 00 00 02 E0 2D 11 64 09 DE D0",
			ab(dts.PDU{Type: dts.ExpNonARQ, EOT: 2, Part: link(2), Segment: []byte{0x11}})},
		{"8: link rejected", "90 EB 80 00 02 EF 10 10 00 11 01 00 02 00 01 02 00 01 00 00 00 02 A4 2E 33 0D D1 2B 96",
			ba(dts.PDU{Type: dts.ExpNonARQ, EOT: 2, Part: link(2), Segment: []byte{0x33}})},
		{"8: link break", "90 EB 80 00 02 EF 10 10 00 21 01 00 01 00 01 01 00 01 00 00 00 02 44 3B 41 66 E7 78 B7",
			ab(dts.PDU{Type: dts.ExpNonARQ, EOT: 2, Part: link(1), Segment: []byte{0x41}})},
		{"8: break confirmed", "90 EB 80 00 02 EF 10 10 00 11 01 00 02 00 01 01 00 01 00 00 00 02 00 38 50 02 EE A6 67",
			ba(dts.PDU{Type: dts.ExpNonARQ, EOT: 2, Part: link(1), Segment: []byte{0x50}})},
		{"15: the standard's own", "90 EB F0 00 00 47 05 64 02 5F 1E",
			dts.PDU{Type: dts.WarningType, AddrSize: 2, To: 5, From: 100, Warning: dts.Warning{Type: 0, Reason: dts.WarnInvalid}}},
		{"15: not connected", "90 EB F0 00 01 E7 10 10 00 11 01 00 02 01 BF 07",
			ba(dts.PDU{Type: dts.WarningType, EOT: 1, Warning: dts.Warning{Type: dts.DataOnly, Reason: dts.WarnNotConnected}})},
		{"15: wrong state", "90 EB F0 00 01 E7 10 10 00 11 01 00 02 13 3B F7",
			ba(dts.PDU{Type: dts.WarningType, EOT: 1, Warning: dts.Warning{Type: dts.AckOnly, Reason: dts.WarnState}})},
	}
}

package sis_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"longwire/links/sis"
)

// The two nodes of all examples.
var (
	nodeA = sis.MakeAddress(1, 1, 0, 1)
	nodeB = sis.MakeAddress(1, 1, 0, 2)
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type vector struct {
	name string
	hex  string
	p    sis.Primitive
}

// vectors are known to tshark 4.0.17, which shows the same fields.
func vectors() []vector {
	arq := sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.NodeConfirmation}
	link := func(to sis.Address) sis.HardLink {
		return sis.HardLink{LinkType: sis.HardLinkForPair, Priority: 1, RemoteSAP: 6, RemoteNode: to}
	}
	rcop := []byte{0, 1, 0, 0, 0x80, 1, '<', 'a', '/', '>'}
	hi := []byte("hi")
	return []vector{
		{"1 bind", "90 EB 00 00 04 01 60 14 00", sis.BindRequest{SAP: 6, ServiceType: arq}},
		{"1b bind non-ARQ", "90 EB 00 00 04 01 73 22 20", sis.BindRequest{SAP: 7, Rank: 3,
			ServiceType: sis.ServiceType{TransmissionMode: sis.NonARQ, AsTheyArrive: true, MinRetransmissions: 2}}},
		{"2 unbind", "90 EB 00 00 01 02", sis.UnbindRequest{}},
		{"3 accepted", "90 EB 00 00 04 03 60 08 00", sis.BindAccepted{SAP: 6, MTU: sis.MTU}},
		{"4 rejected", "90 EB 00 00 02 04 03", sis.BindRejected{Reason: sis.BindSAPTaken}},
		{"5 unbind indication", "90 EB 00 00 02 05 02", sis.UnbindIndication{Reason: sis.UnbindNoKeepAlive}},
		{"6 hard link establish", "90 EB 00 00 06 06 96 E1 01 00 02", sis.HardLinkEstablish{HardLink: link(nodeB)}},
		{"7 hard link terminate", "90 EB 00 00 05 07 E1 01 00 02", sis.HardLinkTerminate{RemoteNode: nodeB}},
		{"8 hard link established", "90 EB 00 00 07 08 01 96 E1 01 00 02",
			sis.HardLinkEstablished{Status: sis.RemoteOK, HardLink: link(nodeB)}},
		{"9 hard link rejected", "90 EB 00 00 07 09 03 96 E1 01 00 02",
			sis.HardLinkRejected{Reason: sis.HardLinkNoResponse, HardLink: link(nodeB)}},
		{"10 hard link terminated", "90 EB 00 00 07 0A 05 96 E1 01 00 02",
			sis.HardLinkTerminated{Reason: sis.HardLinkBroken, HardLink: link(nodeB)}},
		{"11 hard link indication", "90 EB 00 00 07 0B 01 96 E1 01 00 01",
			sis.HardLinkIndication{Status: sis.RemoteOK, HardLink: link(nodeA)}},
		{"12 hard link accept", "90 EB 00 00 06 0C 96 E1 01 00 01", sis.HardLinkAccept{HardLink: link(nodeA)}},
		{"13 hard link reject", "90 EB 00 00 07 0D 01 96 E1 01 00 01", sis.HardLinkReject{Reason: 1, HardLink: link(nodeA)}},
		{"14 subnet availability", "90 EB 00 00 03 0E 02 01",
			sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}},
		{"15 flow on", "90 EB 00 00 01 0F", sis.DataFlowOn{}},
		{"16 flow off", "90 EB 00 00 01 10", sis.DataFlowOff{}},
		{"17 keep-alive", "90 EB 00 00 01 11", sis.KeepAlive{}},
		{"18 management request", "90 EB 00 00 04 12 01 DE AD", sis.ManagementMsgRequest{MsgType: 1, MsgBody: []byte{0xDE, 0xAD}}},
		{"19 management indication", "90 EB 00 00 04 13 01 BE EF", sis.ManagementMsgIndication{MsgType: 1, MsgBody: []byte{0xBE, 0xEF}}},
		{"20 unidata", "90 EB 00 00 16 14 56 E1 01 00 02 14 00 00 3C 00 0A 00 01 00 00 80 01 3C 61 2F 3E",
			sis.UnidataRequest{Priority: 5, DestinationSAP: 6, Destination: nodeB, DeliveryMode: arq, TTL: 60, UPDU: rcop}},
		{"20b unidata to all", "90 EB 00 00 13 14 07 FF FF FF FF 20 39 E3 40 00 07 00 01 00 00 80 01 78",
			sis.UnidataRequest{DestinationSAP: 7, Destination: sis.Broadcast, TTL: sis.MaxTTL, UPDU: append(rcop[:6:6], 'x'),
				DeliveryMode: sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 3}}},
		{"20c unidata as bound", "90 EB 00 00 0E 14 5D E1 01 00 02 00 00 00 00 00 02 68 69",
			sis.UnidataRequest{Priority: 5, DestinationSAP: 13, Destination: nodeB, UPDU: hi}},
		{"21 indication", "90 EB 00 00 17 15 56 E1 01 00 02 16 E1 01 00 01 00 0A 00 01 00 00 80 01 3C 61 2F 3E",
			sis.UnidataIndication{Priority: 5, DestinationSAP: 6, Destination: nodeB, TransmissionMode: sis.ARQ, SourceSAP: 6,
				Source: nodeA, UPDU: rcop}},
		{"21b indication with errors",
			"90 EB 00 00 1F 15 5D E1 01 00 02 3D E1 01 00 01 00 06 00 01 00 00 00 02 00 01 00 04 00 02 41 41 62 62 00 00",
			sis.UnidataIndication{Priority: 5, DestinationSAP: 13, Destination: nodeB, TransmissionMode: sis.NonARQErrors,
				SourceSAP: 13, Source: nodeA, Errored: []sis.Block{{Offset: 0, Size: 2}}, Missing: []sis.Block{{Offset: 4, Size: 2}},
				UPDU: []byte("AAbb\x00\x00")}},
		{"22 confirm", "90 EB 00 00 0A 16 0D E1 01 00 02 00 02 68 69",
			sis.UnidataRequestConfirm{DestinationSAP: 13, Destination: nodeB, UPDU: hi}},
		{"23 rejected", "90 EB 00 00 0A 17 1D E1 01 00 02 00 02 68 69",
			sis.UnidataRequestRejected{Reason: sis.RejectExpired, DestinationSAP: 13, Destination: nodeB, UPDU: hi}},
		{"24 expedited request", "90 EB 00 00 0E 18 0D E1 01 00 02 18 00 00 3C 00 02 68 69",
			sis.UnidataRequest{Expedited: true, DestinationSAP: 13, Destination: nodeB, TTL: 60, UPDU: hi,
				DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: sis.ClientConfirmation}}},
		{"25 expedited indication", "90 EB 00 00 0F 19 0D E1 01 00 02 1D E1 01 00 01 00 02 68 69",
			sis.UnidataIndication{Expedited: true, DestinationSAP: 13, Destination: nodeB, TransmissionMode: sis.ARQ, SourceSAP: 13,
				Source: nodeA, UPDU: hi}},
		{"26 expedited confirm", "90 EB 00 00 0A 1A 0D E1 01 00 02 00 02 68 69",
			sis.UnidataRequestConfirm{Expedited: true, DestinationSAP: 13, Destination: nodeB, UPDU: hi}},
		{"27 expedited rejected", "90 EB 00 00 0A 1B 3D E1 01 00 02 00 02 68 69",
			sis.UnidataRequestRejected{Expedited: true, Reason: sis.RejectNoResponse, DestinationSAP: 13, Destination: nodeB, UPDU: hi}},
	}
}

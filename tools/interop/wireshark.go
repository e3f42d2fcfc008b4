package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"longwire/links/dts"
	"longwire/links/sis"
)

// tshark runs Wireshark's terminal program on a capture.
func tshark(ctx context.Context, file string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "tshark", append([]string{"-r", file, "-n"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf("interop: tshark: %w", err)
	}
	return string(out), nil
}

var complaints = regexp.MustCompile(`(?m)^.*(Malformed|Incorrect|Dissector bug).*$`)

// faultless has Wireshark print all of a capture, or what filter lets through, and wants no complaint in it.
func faultless(ctx context.Context, file, protocol, filter string) error {
	out, err := tshark(ctx, file, "-V", "-O", protocol, "-Y", filter)
	if err != nil {
		return err
	}
	if bad := complaints.FindAllString(out, 5); len(bad) > 0 {
		return fmt.Errorf("interop: Wireshark complains: %s", strings.Join(bad, "; "))
	}
	return nil
}

// fields has Wireshark print these fields of each packet.
func fields(ctx context.Context, file string, names ...string) ([][]string, error) {
	args := []string{"-T", "fields", "-E", "separator=|"}
	for _, n := range names {
		args = append(args, "-e", n)
	}
	out, err := tshark(ctx, file, args...)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(out) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "|"))
	}
	return rows, nil
}

// fieldsOf are the fields by which Wireshark names what is in a primitive or a D_PDU, and what we say is in it.
type fieldsOf map[string]string

// compare has Wireshark read a capture, and wants of each packet what want says of it.
func compare(ctx context.Context, file string, want []fieldsOf) (values int, err error) {
	all := map[string]bool{}
	for _, w := range want {
		for name := range w {
			all[name] = true
		}
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	rows, err := fields(ctx, file, names...)
	if err != nil {
		return 0, err
	}
	if len(rows) != len(want) {
		return 0, fmt.Errorf("interop: Wireshark shows %d packets of %d", len(rows), len(want))
	}
	for i, w := range want {
		for k, name := range names {
			value, is := w[name]
			if !is {
				continue
			}
			values++
			if got := normal(rows[i][k]); got != value {
				return values, fmt.Errorf("interop: packet %d: Wireshark reads %s %q, we %q: %v", i+1, name, got, value, w)
			}
		}
	}
	return values, nil
}

// normal is a number without its base, and anything else as it is.
func normal(s string) string {
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	if s == "True" || s == "False" {
		return map[string]string{"True": "1", "False": "0"}[s]
	}
	return s
}

func num[T ~uint8 | ~uint16 | ~uint32 | ~int](n T) string { return strconv.FormatUint(uint64(n), 10) }

func bit(b bool) string { return map[bool]string{true: "1", false: "0"}[b] }

// where is an address as the dissector has it: four bytes, without the size.
func where(list ...sis.Address) string {
	var out []string
	for _, a := range list {
		v := uint32(a) & 0x1fffffff // it keeps the bit that marks a group
		out = append(out, fmt.Sprintf("%d.%d.%d.%d", v>>24, v>>16&255, v>>8&255, v&255))
	}
	return strings.Join(out, ",")
}

// sisFields says what Wireshark should show of a primitive.
func sisFields(raw []byte) (fieldsOf, sis.Type, error) {
	body, _, err := sis.Split(raw)
	if err != nil {
		return nil, 0, err
	}
	p, err := sis.Strict.Decode(body)
	if err != nil {
		return nil, 0, fmt.Errorf("% X: %w", raw, err)
	}
	f := fieldsOf{"s5066sis.type": num(uint8(p.Type())), "s5066sis.size": num(len(body))}
	put := func(name, value string) { f[fmt.Sprintf("s5066sis.%02d.%s", p.Type(), name)] = value }
	link := func(l sis.HardLink) {
		put("type", num(uint8(l.LinkType)))
		put("priority", num(l.Priority))
		put("sapid", num(l.RemoteSAP))
		f["s5066sis.address.address"] = where(l.RemoteNode)
	}
	mode := func(s sis.ServiceType) {
		f["s5066sis.st.txmode"], f["s5066sis.st.confirm"] = num(uint8(s.TransmissionMode)), num(uint8(s.Confirmation))
		f["s5066sis.st.order"], f["s5066sis.st.retries"] = bit(s.AsTheyArrive), num(s.MinRetransmissions)
	}
	switch p := p.(type) {
	case sis.BindRequest:
		put("sapid", num(p.SAP))
		put("rank", num(p.Rank))
		mode(p.ServiceType)
	case sis.BindAccepted:
		put("sapid", num(p.SAP))
		put("mtu", num(p.MTU))
	case sis.BindRejected:
		put("reason", num(uint8(p.Reason)))
	case sis.UnbindIndication:
		put("reason", num(uint8(p.Reason)))
	case sis.HardLinkEstablish:
		link(p.HardLink)
	case sis.HardLinkTerminate:
		f["s5066sis.address.address"] = where(p.RemoteNode)
	case sis.HardLinkEstablished:
		link(p.HardLink)
		put("status", num(uint8(p.Status)))
	case sis.HardLinkRejected:
		link(p.HardLink)
		put("reason", num(uint8(p.Reason)))
	case sis.HardLinkTerminated:
		link(p.HardLink)
		put("reason", num(uint8(p.Reason)))
	case sis.HardLinkIndication:
		link(p.HardLink)
	case sis.HardLinkAccept:
		link(p.HardLink)
	case sis.HardLinkReject:
		link(p.HardLink)
		put("reason", num(p.Reason))
	case sis.SubnetAvailability:
		put("status", num(uint8(p.Status)))
		put("reason", num(uint8(p.Reason)))
	case sis.ManagementMsgRequest:
		put("type", num(p.MsgType))
	case sis.ManagementMsgIndication:
		put("type", num(p.MsgType))
	case sis.UnidataRequest:
		put("sapid", num(p.DestinationSAP))
		put("ttl", num(uint32(p.TTL)))
		put("size", num(len(p.UPDU)))
		if !p.Expedited {
			put("priority", num(p.Priority))
		}
		mode(p.DeliveryMode)
		f["s5066sis.address.address"] = where(p.Destination)
	case sis.UnidataIndication:
		put("sapid", num(p.DestinationSAP))
		put("txmode", num(uint8(p.TransmissionMode)))
		put("src_sapid", num(p.SourceSAP))
		put("size", num(len(p.UPDU)))
		f["s5066sis.address.address"] = where(p.Destination, p.Source)
	case sis.UnidataRequestConfirm:
		put("sapid", num(p.DestinationSAP))
		put("size", num(len(p.UPDU)))
		f["s5066sis.address.address"] = where(p.Destination)
	case sis.UnidataRequestRejected:
		put("reason", num(uint8(p.Reason)))
		put("sapid", num(p.DestinationSAP))
		put("size", num(len(p.UPDU)))
		f["s5066sis.address.address"] = where(p.Destination)
	}
	return f, p.Type(), nil
}

// dtsFields says what Wireshark should show of a D_PDU.
func dtsFields(p dts.PDU) fieldsOf {
	f := fieldsOf{
		"s5066dts.type": num(uint8(p.Type)), "s5066dts.eot": num(p.EOT), "s5066dts.address.size": num(p.AddrSize),
		"s5066dts.eow.type": num(uint8(p.EOW.Type())),
	}
	put := func(kind, name, value string) { f["s5066dts."+kind+"."+name] = value }
	switch p.Type {
	case dts.DataOnly, dts.DataAck:
		kind := map[dts.Type]string{dts.DataOnly: "data_only", dts.DataAck: "data_ack"}[p.Type]
		put(kind, "cpdu_start", bit(p.Frame.Start))
		put(kind, "cpdu_end", bit(p.Frame.End))
		put(kind, "transmit_sequence_number", num(p.Frame.FSN))
		put(kind, "segmented_cpdu_size", num(len(p.Segment)))
		if p.Type == dts.DataAck {
			put(kind, "rx_lwe", num(p.Acks.LWE))
		}
	case dts.AckOnly, dts.ExpAck:
		kind := map[dts.Type]string{dts.AckOnly: "ack_only", dts.ExpAck: "exp_ack_only"}[p.Type]
		put(kind, "rx_lwe", num(p.Acks.LWE))
		if bits := p.Acks.Bits[:p.Acks.Size]; len(bits) > 0 {
			put(kind, "acks", hex.EncodeToString(bits))
		}
	case dts.ExpData:
		put("exp_data_only", "cpdu_id", num(p.Frame.ID))
		put("exp_data_only", "transmit_sequence_number", num(p.Frame.FSN))
	case dts.Management:
		put("management", "management_frame_id", num(p.Message.ID))
	case dts.NonARQ, dts.ExpNonARQ:
		kind := map[dts.Type]string{dts.NonARQ: "non_arq_data", dts.ExpNonARQ: "exp_non_arq_data"}[p.Type]
		put(kind, "cpdu_size", num(p.Part.Size))
		put(kind, "cpdu_segment_offset", num(p.Part.Offset))
		put(kind, "cpdu_reception_window", num(p.Part.Window))
		put(kind, "group_address", bit(p.To.Group()))
	case dts.WarningType:
		put("warning", "frame_type", num(uint8(p.Warning.Type)))
		put("warning", "reason", num(uint8(p.Warning.Reason)))
	}
	return f
}

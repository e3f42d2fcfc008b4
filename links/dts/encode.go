package dts

import "encoding/binary"

// Append writes p as it goes on the air, beginning with the synchronisation sequence, and returns the longer b. On an error b comes
// back as it was. Damaged is not looked at.
func (p *PDU) Append(b []byte) ([]byte, error) {
	m := int(p.AddrSize)
	if m == 0 {
		m = MaxAddressSize
	}
	if err := p.check(m); err != nil {
		return b, err
	}
	b = append(b, sync0, sync1)
	start := len(b)
	h := fixedSize + p.specificSize() + crcSize
	b = append(b, byte(p.Type)<<4|byte(p.EOW>>8), byte(p.EOW), p.EOT, byte(m<<5|h))
	b = appendAddresses(b, p.To, p.From, m)
	b = p.appendSpecific(b)
	// S5066 C.3.2.8: the header check goes out low byte first.
	b = binary.LittleEndian.AppendUint16(b, HeaderCRC(b[start:]))
	if p.Type.hasSegment() {
		b = append(b, p.Segment...)
		b = binary.LittleEndian.AppendUint32(b, SegmentCRC(p.Segment))
	}
	return b, nil
}

// appendSpecific writes the type-specific part of the header.
func (p *PDU) appendSpecific(b []byte) []byte {
	switch p.Type {
	case DataOnly:
		b = p.appendFrame(b)
	case DataAck:
		b = p.appendAcks(p.appendFrame(b))
	case AckOnly, ExpAck:
		b = p.appendAcks(b)
	case Reset:
		b = append(b, bit(p.Resync.Full, 3)|bit(p.Resync.Request, 2)|bit(p.Resync.Window, 1)|bit(p.Resync.Ack, 0), p.Resync.LWE, p.Resync.ID)
	case ExpData:
		n := len(p.Segment)
		b = append(b, bit(p.Frame.Start, 7)|bit(p.Frame.End, 6)|p.Frame.ID<<2|byte(n>>8), byte(n), p.Frame.FSN)
	case Management:
		b = append(b, bit(len(p.Message.Extended) > 0, 2)|bit(p.Message.Valid, 1)|bit(p.Message.Ack, 0), p.Message.ID)
		b = append(b, p.Message.Extended...)
	case NonARQ, ExpNonARQ:
		n := len(p.Segment)
		b = append(b, byte(p.Part.ID>>8)<<4|bit(p.Part.InOrder, 3)|bit(p.To.Group(), 2)|byte(n>>8), byte(n), byte(p.Part.ID))
		b = binary.BigEndian.AppendUint16(b, p.Part.Size)
		b = binary.BigEndian.AppendUint16(b, p.Part.Offset)
		b = binary.BigEndian.AppendUint16(b, p.Part.Window)
	case WarningType:
		b = append(b, byte(p.Warning.Type)<<4|byte(p.Warning.Reason))
	}
	return b
}

func (p *PDU) appendFrame(b []byte) []byte {
	f, n := &p.Frame, len(p.Segment)
	return append(b, bit(f.Start, 7)|bit(f.End, 6)|bit(f.InOrder, 5)|bit(f.Drop, 4)|bit(f.UWE, 3)|bit(f.LWE, 2)|byte(n>>8), byte(n), f.FSN)
}

func (p *PDU) appendAcks(b []byte) []byte {
	return append(append(b, p.Acks.LWE), p.Acks.Bits[:p.Acks.Size]...)
}

func bit(set bool, n int) byte {
	if set {
		return 1 << n
	}
	return 0
}

// check looks at all that the encoding has no room for.
func (p *PDU) check(m int) error {
	switch {
	case p.Type > 15 || p.Type.Reserved():
		return p.fault("type", 2, "reserved: %d", p.Type)
	case p.EOW > 0xfff:
		return p.fault("EOW", 2, "%#x is more than 12 bits", uint16(p.EOW))
	case m > MaxAddressSize:
		return p.fault("address size", 5, "%d is more than 7", m)
	case !p.To.valid() || p.To.nibbles() > m:
		return p.fault("destination", 6, "%s does not fit %d nibbles", p.To, m)
	case !p.From.valid() || p.From.Group() || p.From.nibbles() > m:
		return p.fault("source", 6, "%s does not fit %d nibbles", p.From, m)
	case p.To.Group() && p.Type != NonARQ && p.Type != ExpNonARQ:
		return p.fault("destination", 6, "%s is a group", p.To)
	case !p.Type.hasSegment() && len(p.Segment) > 0:
		return p.fault("segment", p.Len(), "there is none in this type")
	case len(p.Segment) > MaxSegment:
		return p.fault("segment size", 6+m, "%d is more than %d", len(p.Segment), MaxSegment)
	}
	return p.checkSpecific(m)
}

func (p *PDU) checkSpecific(m int) error {
	at := 6 + m // where the type-specific part begins
	switch p.Type {
	case DataOnly, DataAck:
		if p.Frame.Drop && len(p.Segment) > 0 {
			return p.fault("segment size", at, "DROP C_PDU with %d bytes", len(p.Segment))
		}
	case Reset:
		if p.Resync == (Resync{LWE: p.Resync.LWE, ID: p.Resync.ID}) {
			return p.fault("reset flags", at, "none is set")
		}
	case ExpData:
		if p.Frame.ID > 15 {
			return p.fault("C_PDU id", at, "%d is more than 15", p.Frame.ID)
		}
	case Management:
		if n := len(p.Message.Extended); n > MaxExtended {
			return p.fault("extended message", at+2, "%d bytes are more than %d", n, MaxExtended)
		}
	case NonARQ, ExpNonARQ:
		if p.Part.ID > 0xfff {
			return p.fault("C_PDU id", at, "%d is more than 4095", p.Part.ID)
		}
		if int(p.Part.Offset)+len(p.Segment) > int(p.Part.Size) {
			return p.fault("offset", at+5, "%d and %d bytes are beyond C_PDU size %d", p.Part.Offset, len(p.Segment), p.Part.Size)
		}
	case WarningType:
		if p.Warning.Type > 15 || p.Warning.Reason > 15 {
			return p.fault("warning", at, "type %d, reason %d", p.Warning.Type, p.Warning.Reason)
		}
	}
	if p.Acks.Size > 16 {
		return p.fault("acks", at, "%d bytes are more than 16", p.Acks.Size)
	}
	return nil
}

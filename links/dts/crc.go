package dts

// Both checks shift right, lowest bit first, begin with zero and are sent low byte first; only width and polynomial differ.
const (
	headerPoly  = 0x9299     // S5066 C.3.2.8: x16+x15+x12+x11+x8+x6+x3+1, reflected
	segmentPoly = 0xF3A4E550 // S5066 C.3.2.11: reflected
)

var (
	headerTable  = crcTable(headerPoly)
	segmentTable = crcTable(segmentPoly)
)

func crcTable(poly uint32) (t [256]uint32) {
	for i := range t {
		crc := uint32(i)
		for range 8 {
			crc = crc>>1 ^ poly&-(crc&1)
		}
		t[i] = crc
	}
	return t
}

// HeaderCRC is the check over a header: from its type to the last type-specific byte, addresses included.
func HeaderCRC(b []byte) uint16 {
	var crc uint32
	for _, c := range b {
		crc = crc>>8 ^ headerTable[byte(crc)^c]
	}
	return uint16(crc)
}

// SegmentCRC is the check over a C_PDU segment.
func SegmentCRC(b []byte) uint32 {
	var crc uint32
	for _, c := range b {
		crc = crc>>8 ^ segmentTable[byte(crc)^c]
	}
	return crc
}

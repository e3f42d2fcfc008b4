package bundle

import "encoding/binary"

// What tests sign beside what Encode would.
var (
	SignConfig = func(payload []byte, s Signer) ([]byte, error) { return sign(configType, payload, s) }
	SignSystem = func(payload []byte, s Signer) ([]byte, error) { return sign(systemType, payload, s) }
)

// Preamble is what stands in front of a manifest of n bytes.
func Preamble[N int | uint32](n N) []byte {
	return binary.BigEndian.AppendUint32([]byte(systemMagic), uint32(n))
}

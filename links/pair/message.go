package pair

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Application is the RCOP application of pairing. Choice: S5066 F leaves 0x8000 to 0xFFFF to users; the mapping rcop has the first of them that is not round.
const Application = 0x8002

// What a message is.
const (
	KindHello    Kind = 1
	KindAnswer   Kind = 2
	KindQuestion Kind = 3
)

// Kind is a kind of message.
type Kind uint8

// What headquarters answers.
const (
	Paired    Status = 0 // you are the kit of this invitation
	Conflict  Status = 1 // another kit has used this token before you
	Withdrawn Status = 2 // headquarters has taken the invitation back
	Occupied  Status = 3 // the address that you send from is another peer's
)

// Status is what becomes of a kit.
type Status uint8

func (s Status) String() string {
	switch s {
	case Paired:
		return "paired"
	case Conflict:
		return "another kit uses this token"
	case Withdrawn:
		return "headquarters has taken this kit back"
	case Occupied:
		return "headquarters knows the STANAG 5066 address of this kit as another peer's"
	}
	return fmt.Sprintf("refused for reason %d", uint8(s))
}

// Sizes of the messages in bytes; data may stand behind the first two.
const (
	HelloSize    = headSize + 2 + 32 + checkSize
	AnswerSize   = headSize + 2 + 1 + 4 + checkSize
	QuestionSize = headSize + 4 + checkSize
)

const (
	rcopSize  = 6
	headSize  = rcopSize + 1 + 4
	checkSize = 12 // of HMAC-SHA-256; RFC 2104 §5. Each guess costs a transmission

	version = 1
)

// A Message is one that was read. Who sent it is not known before its check has been verified.
//
//	byte 0..5   RCOP header: connection 0, segment 0, Application; the id is the low byte of the counter
//	6           version (upper half), kind (lower half)
//	7..10       invitation
//	Hello       counter 2, key 32, check 12, data
//	Answer      counter 2, status 1, time 4 (s since 2000-01-01; 0: not told), check 12, data
//	Question    time 4, check 12
//
// Numbers are big-endian. The check is over all that is before and behind it.
type Message struct {
	Kind       Kind
	Invitation Invitation
	Counter    uint16    // of the hello
	Key        PublicKey // Hello: the kit's
	Status     Status    // Answer
	Time       time.Time // Answer, Question: headquarters'; zero: not told
	Data       []byte    // Hello, Answer: what stands behind it, part of the U_PDU

	updu  []byte
	check int // where it begins
}

var (
	// ErrNotPairing means a U_PDU of something else.
	ErrNotPairing = errors.New("pair: not a message of pairing")
	// ErrFormat means one of pairing that cannot be read.
	ErrFormat = errors.New("pair: message cannot be read")
	// ErrVersion means one of a later version.
	ErrVersion = errors.New("pair: message of a version that is not known")
)

// Is tells whether a U_PDU is one of pairing, by its RCOP header.
func Is(updu []byte) bool {
	return len(updu) > rcopSize && updu[0]>>4 == 0 && binary.BigEndian.Uint16(updu[2:]) == 0 && binary.BigEndian.Uint16(updu[4:]) == Application
}

// Parse reads a U_PDU. The Message refers to it.
func Parse(updu []byte) (m Message, err error) {
	if !Is(updu) {
		return m, ErrNotPairing
	}
	if v := updu[rcopSize] >> 4; v != version {
		return m, fmt.Errorf("%w: %d", ErrVersion, v)
	}
	m.Kind = Kind(updu[rcopSize] & 15)
	size := map[Kind]int{KindHello: HelloSize, KindAnswer: AnswerSize, KindQuestion: QuestionSize}[m.Kind]
	if size == 0 || len(updu) < size || m.Kind == KindQuestion && len(updu) > size {
		return m, fmt.Errorf("%w: kind %d, %d bytes", ErrFormat, m.Kind, len(updu))
	}
	m.updu, m.check, m.Data = updu, size-checkSize, updu[size:]
	copy(m.Invitation[:], updu[rcopSize+1:])
	b := updu[headSize:m.check]
	switch m.Kind {
	case KindHello:
		m.Counter = binary.BigEndian.Uint16(b)
		copy(m.Key[:], b[2:])
	case KindAnswer:
		m.Counter = binary.BigEndian.Uint16(b)
		m.Status, m.Time = Status(b[2]), readTime(b[3:])
	case KindQuestion:
		m.Time = readTime(b)
	}
	return m, nil
}

func (m *Message) verify(key []byte) bool {
	return hmac.Equal(m.updu[m.check:m.check+checkSize], sum(key, m.updu[:m.check], m.Data))
}

func head(kind Kind, id uint8, i Invitation) []byte {
	b := make([]byte, 0, 128)
	b = append(b, 0, id, 0, 0)
	b = binary.BigEndian.AppendUint16(b, Application)
	b = append(b, version<<4|byte(kind))
	return append(b, i[:]...)
}

func seal(key, b, data []byte) []byte {
	b = append(b, sum(key, b, data)...)
	return append(b, data...)
}

// epoch of times on the air.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func appendTime(b []byte, t time.Time) []byte {
	s := t.Unix() - epoch.Unix()
	if t.IsZero() || s < 0 || s > 1<<32-1 {
		s = 0
	}
	return binary.BigEndian.AppendUint32(b, uint32(s))
}

func readTime(b []byte) time.Time {
	s := binary.BigEndian.Uint32(b)
	if s == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(s) * time.Second)
}

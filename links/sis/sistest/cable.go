package sistest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"

	"longwire/links/sis"
)

// A Cable joins two serial lines, and puts noise between the primitives that cross it: bytes that are none, and beginnings of
// primitives that do not go on. What is inside of primitives it leaves alone, as nothing would repeat that.
type Cable struct {
	tasks sync.WaitGroup

	mu    sync.Mutex // guards noise
	noise int
}

// NewCable joins a and b until reading either fails. Wait ends with it.
func NewCable(a, b io.ReadWriter, seed uint64) *Cable {
	c := &Cable{}
	c.tasks.Go(func() { c.carry(a, b, rand.New(rand.NewPCG(seed, 1))) })
	c.tasks.Go(func() { c.carry(b, a, rand.New(rand.NewPCG(seed, 2))) })
	return c
}

// Wait waits until both lines have ended, and tells how many bytes of noise crossed the Cable.
func (c *Cable) Wait() (noise int) {
	c.tasks.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.noise
}

func (c *Cable) carry(from io.Reader, to io.Writer, rng *rand.Rand) {
	var held []byte
	b := make([]byte, 1024)
	for {
		n, err := from.Read(b)
		held = append(held, b[:n]...)
		for {
			_, whole, bad := sis.Split(held)
			if whole == 0 || bad != nil {
				break
			}
			noise := makeNoise(rng)
			if _, err := to.Write(append(noise, held[:whole]...)); err != nil {
				return
			}
			c.mu.Lock()
			c.noise += len(noise)
			c.mu.Unlock()
			held = held[whole:]
		}
		if err != nil {
			return
		}
	}
}

// makeNoise invents what a line without a signal gives.
func makeNoise(rng *rand.Rand) []byte {
	if rng.IntN(3) == 0 {
		return nil
	}
	noise := make([]byte, 1+rng.IntN(40))
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	noise = bytes.ReplaceAll(noise, []byte{0x90}, []byte{0x91})
	switch rng.IntN(3) {
	case 0: // the head of a primitive of 64 bytes, which are not there
		noise = append(noise, 0x90, 0xEB, 0, 0, 64, 20)
	case 1:
		noise = append(noise, 0x90, 0xEB)
	}
	return noise
}

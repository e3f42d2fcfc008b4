package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// A Keyer switches a transmitter, by RTS or a GPIO line.
type Keyer interface{ Key(on bool) error }

// A Clearer is a Keyer that hears from the modem, by CTS, when it takes data.
type Clearer interface {
	Keyer
	Clear() (bool, error)
}

// SerialConfig is a modem at a serial line, in asynchronous data mode: the bytes of the line are those of the air. Zero fields mean
// the default.
type SerialConfig struct {
	Line     io.ReadWriteCloser // Close must unblock Read and Write
	Waveform Waveform           // that the modem is set to
	Baud     int                // of the line, 10 bits a byte; default 9600
	Keyer    Keyer              // nil: the modem keys itself when bytes come. A Clearer is waited for.
	// Radio tells that the Keyer switches the transmitter itself, past the modem: it stays on until the signal is over. Else it is the
	// modem's RTS, and goes off behind the last byte; the modem sends what it still has.
	Radio bool

	KeyUp    time.Duration // from keying to the first byte, where nothing says that the modem is clear; default 200 ms, negative none
	Patience time.Duration // with a modem that does not get clear; default 5 s
	Lead     time.Duration // of bytes the modem is given ahead of the air; default one block, at most 1 s
	// Latency is from a bit on the air to its byte on the line. Default a block of the interleaver and the decoder's delay.
	Latency time.Duration
	Silence time.Duration // on the line until a signal counts as over; default 1.2 blocks and 250 ms; with DCD, the decoder's delay and 250 ms
	// DCD tells whether the modem detects a carrier; it is asked ten times a second. nil: only bytes tell.
	DCD func() (bool, error)
}

// Serial is the Modem at a serial line.
//
// What it cannot know: without DCD a signal is noticed only when its first bytes come out of the decoder, a preamble and a block late,
// so that stations collide more; dts.Config.Slot and Hold should be longer by Blind. It does not see then that a signal is over, but
// that no more bytes come, for Silence; dts.Config.Guard should not be less than Guard. Where on the air a byte was is an estimate by
// Latency. What the modem is set to it takes from the config.
type Serial struct {
	cfg     SerialConfig
	in      chan burst    // what the reader read
	keyed   chan struct{} // a transmission begins
	done    chan struct{} // closed by Close
	ended   chan struct{} // closed by the reader
	why     error         // before that
	sending atomic.Bool
	sent    struct { // what is being sent
		sync.Mutex
		bits []byte // nil: nothing
		n    int    // bytes that the line has, or is about to
	}
	once  sync.Once
	tasks sync.WaitGroup

	// Recv's.
	ready []Event
	on    bool
	start time.Time // of the first bit of this reception; zero before it
	count int       // its bits
	last  time.Time // a byte came, or the carrier was there
}

const poll = 100 * time.Millisecond // of DCD

// A burst is what one Read gave.
type burst struct {
	at time.Time
	b  []byte
}

var _ Modem = (*Serial)(nil)

// NewSerial begins to listen at a line.
func NewSerial(cfg SerialConfig) (*Serial, error) {
	if err := cfg.Waveform.check(); err != nil {
		return nil, err
	}
	w := cfg.Waveform
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
		*d = max(0, *d)
	}
	if cfg.Baud <= 0 {
		cfg.Baud = 9600
	}
	def(&cfg.KeyUp, 200*time.Millisecond)
	def(&cfg.Patience, 5*time.Second)
	def(&cfg.Lead, min(w.Block, time.Second))
	def(&cfg.Latency, w.Block+w.Delay)
	silence := w.Block + w.Block/5 + 250*time.Millisecond
	if cfg.DCD != nil {
		silence = w.Delay + 250*time.Millisecond // the carrier bridges what is between blocks
	}
	def(&cfg.Silence, silence)
	if 8*cfg.Baud < 10*w.Rate {
		return nil, fmt.Errorf("modem: a line of %d baud is too slow for %d bit/s", cfg.Baud, w.Rate)
	}
	s := &Serial{cfg: cfg, in: make(chan burst, 64), keyed: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
	if err := s.key(false); err != nil {
		return nil, err
	}
	s.tasks.Go(s.read)
	return s, nil
}

// Clock is ordinary time.
func (s *Serial) Clock() Clock { return Clock{} }

// Guard is how long behind the end of a signal Recv may still tell of it.
func (s *Serial) Guard() time.Duration { return s.cfg.Latency - s.cfg.Waveform.Block + s.cfg.Silence }

// Blind is how long a signal is on the air until Recv tells of it.
func (s *Serial) Blind() time.Duration {
	if s.cfg.DCD != nil {
		return s.cfg.Waveform.Preamble + poll
	}
	return s.cfg.Waveform.Preamble + s.cfg.Latency
}

// Close switches the transmitter off and closes the line.
func (s *Serial) Close() (err error) {
	s.once.Do(func() {
		close(s.done)
		err = errors.Join(s.key(false), s.cfg.Line.Close())
		s.tasks.Wait()
	})
	return err
}

func (s *Serial) key(on bool) error {
	if s.cfg.Keyer == nil {
		return nil
	}
	if err := s.cfg.Keyer.Key(on); err != nil {
		return fmt.Errorf("modem: keying: %w", err)
	}
	return nil
}

// Send keys, writes and waits until the signal must be over. w must be what the modem is set to.
func (s *Serial) Send(ctx context.Context, bits []byte, w Waveform) (err error) {
	if w != s.cfg.Waveform {
		return fmt.Errorf("modem: asked for %s, but the modem at the line is set to %s", w.Name, s.cfg.Waveform.Name)
	}
	if w.Air(8*len(bits)) > maxAir {
		return fmt.Errorf("modem: sending %d bytes as %s takes longer than %v", len(bits), w.Name, maxAir)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if s.sending.Swap(true) {
		return errors.New("modem: sending already")
	}
	defer s.sending.Store(false)
	select {
	case s.keyed <- struct{}{}:
	default:
	}
	// Whatever happens, the transmitter goes off.
	defer func() { err = errors.Join(err, s.key(false)) }()
	if err := s.key(true); err != nil {
		return err
	}
	if err := s.clear(ctx); err != nil {
		return err
	}
	began := time.Now()
	if err := s.pace(ctx, began, bits, w); err != nil {
		return err
	}
	if !s.cfg.Radio {
		if err := s.key(false); err != nil {
			return err
		}
	}
	return s.sleep(ctx, time.Until(began.Add(w.Air(8*len(bits)))))
}

func (s *Serial) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		d = 0
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.done:
		return ErrClosed
	case <-s.ended:
		return s.why
	}
}

// clear waits until the modem takes data.
func (s *Serial) clear(ctx context.Context) error {
	c, ok := s.cfg.Keyer.(Clearer)
	if !ok {
		return s.sleep(ctx, s.cfg.KeyUp)
	}
	for end := time.Now().Add(s.cfg.Patience); ; {
		on, err := c.Clear()
		switch {
		case err != nil:
			return fmt.Errorf("modem: waiting for CTS: %w", err)
		case on:
			return nil
		case !time.Now().Before(end):
			return fmt.Errorf("modem: keyed by RTS, and no CTS for %v; is the modem on, and the cable one with handshake lines?", s.cfg.Patience)
		}
		if err := s.sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

// pace writes as fast as the air takes it, and a Lead ahead: a modem that runs dry ends its signal, and one that is given all at once
// may lose some.
func (s *Serial) pace(ctx context.Context, began time.Time, bits []byte, w Waveform) error {
	const most = 256
	s.hold(bits)
	defer s.hold(nil)
	for n := 0; n < len(bits); {
		// What is due by now, not what was due when we meant to wake.
		due := time.Since(began) + s.cfg.Lead
		room := min(int(int64(due)*int64(w.Rate)/int64(8*time.Second)), n+most)
		if room <= n {
			wait := bitTime(8*(n+1), w.Rate) - due
			if err := s.sleep(ctx, max(wait, s.cfg.Lead/4)); err != nil {
				return err
			}
			continue
		}
		k, err := s.cfg.Line.Write(s.next(min(room, len(bits))))
		if n += k; err != nil {
			select {
			case <-s.done:
				return ErrClosed
			default:
				return fmt.Errorf("modem: writing to the line: %w", err)
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	// The last byte has left us, but not the line, when the line is slow to take it.
	end := began.Add(bitTime(8*len(bits), w.Rate) - s.cfg.Lead)
	if line := began.Add(bitTime(10*len(bits), s.cfg.Baud)); line.After(end) {
		end = line
	}
	return s.sleep(ctx, time.Until(end.Add(bitTime(20, s.cfg.Baud))))
}

package board

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Lamp shows a Signal by whatever LEDs there are, and always by a line on the console. It says Starting until told otherwise.
type Lamp struct {
	profile Profile
	changed chan struct{}

	mu      sync.Mutex // guards the rest
	console io.Writer
	signal  Signal
	shown   bool
}

// OpenLamp makes a Lamp. Run lights it; without Run it only tells the console, which may be nil.
func OpenLamp(p Profile, console io.Writer) *Lamp {
	return &Lamp{profile: p, console: console, changed: make(chan struct{}, 1)}
}

// Show changes what the lamp says.
func (l *Lamp) Show(s Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown && l.signal == s {
		return
	}
	l.signal, l.shown = s, true
	if l.console != nil {
		fmt.Fprintf(l.console, "lamp: %s (%v)\n", s.Look(), s)
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Signal is what the lamp says.
func (l *Lamp) Signal() Signal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.signal
}

// Run lights the LEDs until ctx is done, and turns them off then. LEDs whose driver comes late are found at the next signal.
func (l *Lamp) Run(ctx context.Context) error {
	lights := lights{profile: l.profile}
	defer lights.close()
	for {
		p := patterns[l.Signal()]
		lights.find()
		lights.dark()
		led := lights.of(p.colour)
		for step := 0; ; step++ {
			on := step%2 == 0 || len(p.steps) == 1
			if led != nil {
				led.set(on)
			}
			var next <-chan time.Time
			if led != nil && len(p.steps) > 1 {
				next = time.After(p.steps[step%len(p.steps)])
			}
			select {
			case <-next:
				continue
			case <-l.changed:
			case <-ctx.Done():
				return nil
			}
			break
		}
	}
}

// light is an LED that was found.
type light struct {
	colour Colour
	set    func(on bool) error
	end    func() error
}

// lights are the LEDs of a board.
type lights struct {
	profile Profile
	found   []*light
	known   [Red + 1]bool
}

// find takes LEDs that are there now and were not before.
func (ls *lights) find() {
	for _, led := range ls.profile.LEDs {
		if ls.known[led.Colour] {
			continue
		}
		if l := ls.profile.openLED(led); l != nil {
			ls.found, ls.known[led.Colour] = append(ls.found, l), true
		}
	}
}

// of is the LED that plays a colour: that one, else green for amber, else whichever there is; nil if there is none.
func (ls *lights) of(c Colour) *light {
	best := (*light)(nil)
	for _, l := range ls.found {
		if l.colour == c {
			return l
		}
		if best == nil || l.colour == Green {
			best = l
		}
	}
	return best
}

func (ls *lights) dark() {
	for _, l := range ls.found {
		_ = l.set(false) // a light that fails must not stop the kit
	}
}

func (ls *lights) close() {
	ls.dark()
	for _, l := range ls.found {
		_ = l.end()
	}
}

// openLED takes an LED from whatever blinked it; nil if it is not there.
func (p Profile) openLED(led LED) *light {
	for _, name := range led.Names {
		folder := p.path(filepath.Join("/sys/class/leds", name))
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		_ = put(filepath.Join(folder, "trigger"), "none")
		level := filepath.Join(folder, "brightness")
		return &light{colour: led.Colour, end: func() error { return nil }, set: func(on bool) error {
			if on {
				// linux/Documentation/leds/leds-class: from 0 to max_brightness; for an LED without levels that is 1.
				return put(level, brightest(folder))
			}
			return put(level, "0")
		}}
	}
	if led.GPIO == (GPIOConfig{}) {
		return nil
	}
	g, err := OpenGPIO(led.GPIO)
	if err != nil {
		return nil
	}
	return &light{colour: led.Colour, set: g.Set, end: g.Close}
}

func brightest(folder string) string {
	var n int
	if _, err := fmt.Sscan(readSmall(filepath.Join(folder, "max_brightness")), &n); err != nil || n < 1 {
		n = 1
	}
	return fmt.Sprint(n)
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"longwire/board"
	"longwire/tools/rig/guest"
)

// How long things take on a quiet machine with two processors, from the start of QEMU. Everything may take guest.Patience times as long.
const (
	bootTime  = 45 * time.Second // to the lamp's first word
	stickTime = 25 * time.Second // from the plug to the verdict
	trialTime = 60 * time.Second // from there to green
	radioTime = 60 * time.Second // for a line over HF, of radio time as well as the guests'
)

// A kit is a guest that starts from a virgin disk, with what a person does to it and sees of it.
type kit struct {
	name string // what it becomes
	m    guest.Machine
	r    *record

	*guest.Guest              // the newest
	at           guest.Cursor // what of its console has been read
}

// newKit makes a kit's disk in a folder, as a copy of an image.
func (w *workshop) newKit(name, dir, image string) (*kit, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &kit{name: name, r: w.r, m: guest.Machine{Name: name, Board: w.board, Dir: dir, Disk: filepath.Join(dir, name+".disk"), Flash: w.flash(),
		Ports: []int{5222, 5223}, Quiet: w.quiet}}
	return k, guest.CopyDisk(image, k.m.Disk)
}

// on switches the kit on.
func (k *kit) on(ctx context.Context) error {
	g, err := guest.Start(ctx, k.m)
	if err != nil {
		return err
	}
	k.Guest, k.at = g, 0
	return nil
}

// off pulls the plug. It may be called at any time, and more than once.
func (k *kit) off() {
	if k.Guest != nil {
		k.Guest.Cut()
	}
}

// sees waits for one of the texts on the console.
func (k *kit) sees(ctx context.Context, within time.Duration, text ...string) (guest.Line, error) {
	return k.Await(ctx, &k.at, guest.Patience*within, text...)
}

// lamp waits until the lamp shows one of the signals, and tells which and when.
func (k *kit) lamp(ctx context.Context, within time.Duration, signals ...board.Signal) (board.Signal, guest.Line, error) {
	var texts []string
	for _, s := range signals {
		texts = append(texts, lampText(s))
	}
	l, err := k.sees(ctx, within, texts...)
	for i, s := range signals {
		if err == nil && strings.Contains(l.Text, texts[i]) {
			return s, l, nil
		}
	}
	return 0, l, err
}

func lampText(s board.Signal) string { return fmt.Sprintf("lamp: %s (%v)", s.Look(), s) }

// green waits until the lamp says that all is well.
func (k *kit) green(ctx context.Context, within time.Duration) (guest.Line, error) {
	_, l, err := k.lamp(ctx, within, board.Working, board.LinkUp)
	return l, err
}

// settled is green for who does not ask when.
func (k *kit) settled(ctx context.Context, within time.Duration) error {
	_, err := k.green(ctx, within)
	return err
}

// shows waits until the lamp shows a signal, unless it does so already.
func (k *kit) shows(ctx context.Context, within time.Duration, want board.Signal) error {
	here := k.Console.Here()
	last := ""
	for _, l := range k.Console.Since(0)[:here] {
		if strings.Contains(l.Text, "lamp: ") {
			last = l.Text
		}
	}
	if strings.Contains(last, lampText(want)) {
		return nil
	}
	k.at = here
	_, _, err := k.lamp(ctx, within, want)
	return err
}

// stages are what a start goes through, with what the console says then. The kernel and the init system are quiet.
var stages = []struct {
	name string
	text []string
}{
	{"U-Boot", []string{"U-Boot 20"}},
	{"kernel", []string{"Starting kernel"}},
	{"device daemon", []string{"lamp: "}},
	{"ready for sticks", []string{lampText(board.Attention), lampText(board.Working), lampText(board.LinkUp)}},
}

// started is what the console says first at each start.
const started = "U-Boot 20"

// boot switches the kit on and waits until it is ready to read sticks. Seconds of each stage become figures.
func (k *kit) boot(ctx context.Context, what string) error {
	if err := k.on(ctx); err != nil {
		return err
	}
	for _, s := range stages {
		l, err := k.sees(ctx, bootTime, s.text...)
		if err != nil {
			return err
		}
		k.r.figure(fmt.Sprintf("%s, %s: QEMU start to %s", k.name, what, s.name), "%6.1f s", k.since(l))
	}
	return nil
}

func (k *kit) since(l guest.Line) float64 { return l.At.Sub(k.Started).Seconds() }

// offer plugs a stick in, waits for the verdict, pulls it out and returns the report that was written to it. Where nothing was for this kit, the
// verdict is what the lamp shows otherwise.
func (k *kit) offer(ctx context.Context, s *guest.Stick) (verdict board.Signal, report string, err error) {
	k.at = k.Console.Here()
	if err := k.Plug(ctx, s); err != nil {
		return 0, "", err
	}
	if _, _, err := k.lamp(ctx, stickTime, board.ReadingStick); err != nil {
		return 0, "", err
	}
	verdict, _, err = k.lamp(ctx, stickTime+trialTime, board.Applied, board.Refused, board.Attention, board.Working, board.LinkUp)
	if err != nil {
		return 0, "", err
	}
	if err := k.Unplug(ctx, s); err != nil {
		return 0, "", err
	}
	report, err = reportOn(s)
	return verdict, report, err
}

// reportOn is the text of the one report on a stick.
func reportOn(s *guest.Stick) (string, error) {
	names, err := s.Names()
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if up := strings.ToUpper(n); strings.HasPrefix(up, "LONGWIRE-") && strings.HasSuffix(up, ".TXT") {
			b, err := s.Get(n)
			return strings.ReplaceAll(string(b), "\r\n", "\n"), err
		}
	}
	return "", fmt.Errorf("there is no report on the stick, only %q", names)
}

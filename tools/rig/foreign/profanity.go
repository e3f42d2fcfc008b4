package foreign

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"longwire/tools/rig/screen"
)

// A Profanity is profanity on a screen.
type Profanity struct{ *screen.Screen }

// profrc makes its screen plain, and has it keep what is said.
const profrc = "[ui]\nsplash=false\n[connection]\nreconnect=0\n[logging]\nchlog=true\n"

// OpenProfanity runs it for the first time on a machine: it knows nothing of what was said.
func OpenProfanity(ctx context.Context, dir, name, certificate string) (*Profanity, error) {
	dir, err := os.MkdirTemp(dir, "profanity-"+name+"-")
	if err != nil {
		return nil, fmt.Errorf("foreign: %w", err)
	}
	s, err := open(ctx, dir, certificate, "profanity", file{"profanity/profrc", profrc})
	return &Profanity{s}, err
}

// Login connects and gives the password when it is asked for.
func (p *Profanity) Login(ctx context.Context, connect, password string) error {
	if err := p.Enter(ctx, connect); err != nil {
		return err
	}
	if _, err := p.Until(ctx, "Enter password"); err != nil {
		return err
	}
	if err := p.Enter(ctx, password); err != nil {
		return err
	}
	return shows(ctx, p.Screen, "logged in successfully", "Login failed", "Connection error")
}

// profanity logs in with all that it has switched on.
func profanity(ctx context.Context, a Account) (Client, error) {
	s, err := open(ctx, a.Dir, a.Certificate, "profanity", file{"profanity/profrc", profrc})
	if err != nil {
		return nil, err
	}
	p := &Profanity{s}
	for _, line := range []string{"/receipts request on", "/receipts send on", "/outtype on", "/carbons on", "/mam on", "/autoping set 60"} {
		if err := p.Enter(ctx, line); err != nil {
			return nil, err
		}
	}
	if err := p.Login(ctx, fmt.Sprintf("/connect %s server %s port %d tls force", a.JID(), a.Host, a.Port), a.Password); err != nil {
		s.Close()
		return nil, err
	}
	return &terminal{Screen: s, history: filepath.Join(a.Dir, "data", "profanity", "chatlogs"), chat: "/msg %s",
		shows: map[string]string{"": "/online", "away": "/away", "xa": "/xa"}}, nil
}

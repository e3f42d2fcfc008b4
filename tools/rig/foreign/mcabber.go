package foreign

import (
	"context"
	"fmt"
	"path/filepath"
)

// mcabber does not know our certificate's maker, and its library has no way to be told.
func mcabber(ctx context.Context, a Account) (Client, error) {
	history := filepath.Join(a.Dir, "history")
	rc := fmt.Sprintf("set jid = %s\nset password = %s\nset server = %s\nset port = %d\nset tls = 1\nset ssl_ignore_checks = 1\nset logging = 1\nset logging_dir = %s\n"+
		"set statefile = %s\nset beep_on_message = 0\n", a.JID(), a.Password, a.Host, a.Port, history, filepath.Join(a.Dir, "state"))
	s, err := open(ctx, a.Dir, a.Certificate, "mcabber -f "+filepath.Join(a.Dir, "mcabberrc"), file{"mcabberrc", rc}, file{"history/.keep", ""})
	if err != nil {
		return nil, err
	}
	if err := shows(ctx, s, "Your status has been set: [_>o]", "uthentication failed", "annot connect"); err != nil {
		s.Close()
		return nil, err
	}
	return &terminal{Screen: s, history: history, chat: "/roster search %s",
		shows: map[string]string{"": "/status online", "away": "/status away", "xa": "/status notavail"}}, nil
}

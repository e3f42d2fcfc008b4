package foreign

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// poezio will not run as root: it gets a user namespace of its own then, in which it is nobody.
func poezio(ctx context.Context, a Account) (Client, error) {
	logs := filepath.Join(a.Dir, "logs")
	cfg := fmt.Sprintf("[Poezio]\njid = %s/poezio\npassword = %s\ncustom_host = %s\ncustom_port = %d\nca_cert_path = %s\nlog_dir = %s\nenable_smacks = true\n",
		a.JID(), a.Password, a.Host, a.Port, a.Certificate, logs)
	command := "poezio -f " + filepath.Join(a.Dir, "poezio.cfg")
	if os.Geteuid() == 0 {
		command = "unshare --user " + command
	}
	s, err := open(ctx, a.Dir, a.Certificate, command, file{"poezio.cfg", cfg})
	if err != nil {
		return nil, err
	}
	if err := shows(ctx, s, "Your JID is", "uthentication failed", "isconnected"); err != nil {
		s.Close()
		return nil, err
	}
	return &terminal{Screen: s, history: logs, chat: "/message %s", bySingle: true,
		shows: map[string]string{"": "/status available", "away": "/status away", "xa": "/status xa"}}, nil
}

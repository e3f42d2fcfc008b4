package foreign

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"mellium.im/xmpp/bookmarks"
	"mellium.im/xmpp/carbons"
	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/ping"
	"mellium.im/xmpp/roster"
	"mellium.im/xmpp/version"
	"mellium.im/xmpp/xtime"

	"longwire/tools/rig/mellium"
)

// A library is a client of mellium.im/xmpp. It asks what the library has functions for.
type library struct {
	*mellium.Client
	opened map[string]bool
	said   int // lines
	asking sync.WaitGroup

	mu    sync.Mutex
	heard []string
}

func openMellium(ctx context.Context, a Account) (Client, error) {
	pem, err := os.ReadFile(a.Certificate)
	if err != nil {
		return nil, fmt.Errorf("foreign: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	l := &library{opened: map[string]bool{}}
	l.Client, err = mellium.Dial(ctx, mellium.Login{Address: net.JoinHostPort(a.Host, strconv.Itoa(a.Direct)), JID: a.JID(), Password: a.Password, Direct: true,
		TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}, mellium.Events{Message: l.hear})
	if err != nil {
		return nil, err
	}
	server := jid.MustParse(a.Domain)
	_, err = disco.GetInfo(ctx, "", server, l.Session)
	if err == nil {
		err = drain(roster.Fetch(ctx, l.Session))
	}
	if err == nil {
		err = carbons.Enable(ctx, l.Session)
	}
	if err == nil {
		_ = drain(bookmarks.Fetch(ctx, l.Session)) // there are none, which is an error
		err = l.Available(ctx)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("foreign: mellium: %w", err)
	}
	return l, nil
}

func drain(list interface {
	Next() bool
	Err() error
	Close() error
}) error {
	for list.Next() {
	}
	if err := list.Err(); err != nil {
		list.Close()
		return err
	}
	return list.Close()
}

func (l *library) hear(m mellium.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, m.Body)
}

// open asks about a contact, and does not wait.
func (l *library) open(to string) {
	who, err := jid.Parse(to)
	if err != nil || l.opened[to] {
		return
	}
	l.opened[to] = true
	l.asking.Go(func() {
		// A question that nobody answers ends with this.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, _ = disco.GetInfo(ctx, "", who, l.Session)
		_, _ = version.Get(ctx, l.Session, who)
		_, _ = xtime.Get(ctx, l.Session, who)
		_ = ping.Send(ctx, l.Session, who)
	})
}

func (l *library) Show(ctx context.Context, show string) error { return l.Busy(ctx, show) }

func (l *library) Say(ctx context.Context, to, text string) error {
	l.open(to)
	l.said++
	_, err := l.Client.Say(ctx, to, fmt.Sprint("line", l.said), text)
	return err
}

func (l *library) Heard(text string) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.heard {
		n += strings.Count(h, text)
	}
	return n, nil
}

// Close ends the session, and with it all questions.
func (l *library) Close() {
	_ = l.Client.Close()
	l.asking.Wait()
}

package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/identity"
)

// foreign is a certificate as an operator would bring it, and its key.
type foreign struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newForeign(tb testing.TB, issuer *foreign, key crypto.Signer, from, to time.Time, names ...string) *foreign {
	tb.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: strings.Join(names, " ")}, DNSNames: names,
		NotBefore: from, NotAfter: to, BasicConstraintsValid: true, IsCA: len(names) == 0,
	}
	parent, signer := tmpl, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &foreign{cert, key}
}

func ecKey(tb testing.TB) crypto.Signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func certPEM(list ...*foreign) (b []byte) {
	for _, f := range list {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.cert.Raw})...)
	}
	return b
}

func keyPEM(tb testing.TB, key crypto.Signer) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestFilesOfTheOperator(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from, to := today.AddDate(0, -1, 0), today.AddDate(1, 0, 0)
	issuer := newForeign(t, nil, ecKey(t), from, to)
	good := newForeign(t, issuer, ecKey(t), from, to, domains...)
	withRSA := newForeign(t, issuer, rsaKey, from, to, domains...)
	withEd := newForeign(t, issuer, edKey, from, to, domains...)
	wild := newForeign(t, issuer, ecKey(t), from, to, "field.net", "*.field.net")
	half := newForeign(t, issuer, ecKey(t), from, to, "field.net")
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("secret")})

	for _, tt := range []struct {
		name      string
		cert, key []byte
		now       time.Time
		fault     error
		says      []string // in the error, else in the only warning
	}{
		{"good", certPEM(good, issuer), keyPEM(t, good.key), today, nil, nil},
		{"RSA", certPEM(withRSA), keyPEM(t, rsaKey), today, nil, nil},
		{"RSA in PKCS #1", certPEM(withRSA), pkcs1, today, nil, nil},
		{"Ed25519", certPEM(withEd), keyPEM(t, edKey), today, nil, nil},
		{"wildcard", certPEM(wild), keyPEM(t, wild.key), today, nil, nil},
		{"both in one", append(certPEM(good), keyPEM(t, good.key)...), append(certPEM(good), keyPEM(t, good.key)...), today, nil, nil},
		{"clock in 1970", certPEM(good), keyPEM(t, good.key), zero, nil, []string{"begins on 2027-02-01", "1970-01-01", "set the clock"}},
		{"ends soon", certPEM(good), keyPEM(t, good.key), to.AddDate(0, 0, -3), nil, []string{"ends on 2028-03-01"}},
		{"expired", certPEM(good), keyPEM(t, good.key), to.AddDate(0, 0, 1), identity.ErrExpired, []string{"cert.pem: certificate expired on 2028-03-01", "install a renewed one"}},
		{"name missing", certPEM(half), keyPEM(t, half.key), today, identity.ErrName, []string{"cert.pem", "chat.field.net (it has field.net)", "remove the domains"}},
		{"key of another", certPEM(good), keyPEM(t, half.key), today, identity.ErrMismatch, []string{"key.pem", "in", "cert.pem", "requested with"}},
		{"issuer first", certPEM(issuer, good), keyPEM(t, good.key), today, identity.ErrMismatch, []string{"cert.pem", "stands first"}},
		{"files swapped", keyPEM(t, good.key), certPEM(good), today, identity.ErrDamaged, []string{"cert.pem: not usable: no certificate in PEM"}},
		{"no key", certPEM(good), certPEM(good), today, identity.ErrDamaged, []string{"key.pem: not usable: no private key in PEM"}},
		{"empty", nil, nil, today, identity.ErrDamaged, []string{"cert.pem"}},
		{"DER", good.cert.Raw, keyPEM(t, good.key), today, identity.ErrDamaged, []string{"cert.pem", "PEM"}},
		{"damaged key", certPEM(good), []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), today, identity.ErrDamaged, []string{"key.pem"}},
		{"passphrase", certPEM(good), locked, today, identity.ErrDamaged, []string{"key.pem", "passphrase"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
			if err := errors.Join(os.WriteFile(certFile, tt.cert, 0o644), os.WriteFile(keyFile, tt.key, 0o600)); err != nil {
				t.Fatal(err)
			}
			id, err := identity.LoadFiles(certFile, keyFile, domains, tt.now)
			var text string
			switch {
			case tt.fault != nil:
				if !errors.Is(err, tt.fault) {
					t.Fatalf("got %v", err)
				}
				text = err.Error()
			case err != nil:
				t.Fatal(err)
			default:
				text = strings.Join(id.Current().Warnings, "; ")
				client := &tls.Config{InsecureSkipVerify: true}
				if _, _, err, _ := shake(t, client, id.Current().StartTLS); err != nil {
					t.Error(err)
				}
				if len(tt.says) == 0 && text != "" {
					t.Errorf("warnings: %s", text)
				}
			}
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("%q does not say %q", text, s)
				}
			}
		})
	}

	if _, err := identity.LoadFiles("/nowhere/cert.pem", "/nowhere/key.pem", domains, today); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Errorf("missing files: %v", err)
	}
}

func TestRenewedFilesOfTheOperatorAreTakenOnReload(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write := func(f *foreign, key crypto.Signer) {
		t.Helper()
		if err := errors.Join(os.WriteFile(certFile, certPEM(f), 0o644), os.WriteFile(keyFile, keyPEM(t, key), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	first := newForeign(t, nil, ecKey(t), zero, today.AddDate(1, 0, 0), domains...)
	second := newForeign(t, nil, ecKey(t), zero, today.AddDate(2, 0, 0), domains...)
	write(first, first.key)
	id, err := identity.LoadFiles(certFile, keyFile, domains, today)
	if err != nil {
		t.Fatal(err)
	}
	write(second, first.key) // an operator who is half done
	if err := id.Reload(domains, today); !errors.Is(err, identity.ErrMismatch) || !id.Current().Leaf.Equal(first.cert) {
		t.Errorf("half done: %v", err)
	}
	write(second, second.key)
	if err := id.Reload(domains, today); err != nil || !id.Current().Leaf.Equal(second.cert) {
		t.Errorf("done: %v", err)
	}
	if fp := id.Current().CAFingerprint(); fp != "" {
		t.Errorf("an authority that is not ours: %s", fp)
	}
}

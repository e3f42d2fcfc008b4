package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxFile bounds a PEM file; long chains stay below 20 KiB.
const maxFile = 1 << 20

// readPair reads a file of ours. A file that others may read is closed to them. Errors wrap ErrDamaged, ErrMismatch or the
// file system's.
func readPair(path string, warnings *[]string) (*pair, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		note := "was readable by others; that is mended, but the key may be known to them"
		if err := os.Chmod(path, 0o600); err != nil {
			note = "is readable by others: " + err.Error()
		}
		*warnings = append(*warnings, path+" "+note)
	}
	cert, err := parse(path, data, path, data)
	if err != nil {
		return nil, err
	}
	key, ok := cert.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: holds no ECDSA key: %w", path, ErrDamaged)
	}
	return &pair{key: key, leaf: cert.Leaf}, nil
}

// loadFiles is LoadFiles for one moment.
func loadFiles(certFile, keyFile string, domains []string, now time.Time) (*Server, error) {
	certPEM, err := readFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("identity: reading the certificate: %w; check the path and who may read it", err)
	}
	keyPEM, err := readFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("identity: reading the key: %w; check the path and who may read it", err)
	}
	cert, err := parse(certFile, certPEM, keyFile, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	s := newServer(cert)
	s.chain = cert
	return s, s.check(certFile, domains, now)
}

// check finds what is wrong with an operator's certificate at this time for these domains.
func (s *Server) check(file string, domains []string, now time.Time) error {
	switch {
	case now.After(s.Leaf.NotAfter):
		return fmt.Errorf("identity: %s: certificate %w on %s; install a renewed one (this node's clock says %s)",
			file, ErrExpired, s.Leaf.NotAfter.Format(time.DateOnly), now.Format(time.DateOnly))
	case now.Before(s.Leaf.NotBefore):
		// Not an error: a kit that has no time yet would not start.
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s: certificate begins on %s, this node's clock says %s; set the clock",
			file, s.Leaf.NotBefore.Format(time.DateOnly), now.Format(time.DateOnly)))
	case now.After(s.Leaf.NotAfter.Add(-30 * 24 * time.Hour)):
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s: certificate ends on %s; install a renewed one", file, s.Leaf.NotAfter.Format(time.DateOnly)))
	}
	var missing []string
	for _, d := range domains {
		a, err := ascii(d)
		if err != nil || s.Leaf.VerifyHostname(a) != nil {
			missing = append(missing, d)
		}
	}
	if missing != nil {
		return fmt.Errorf("identity: %s: %w: %s (it has %s); have it issued with all of them as subjectAltName, or remove the domains",
			file, ErrName, strings.Join(missing, ", "), strings.Join(s.Leaf.DNSNames, ", "))
	}
	return nil
}

// parse reads a chain and its key from PEM, and says of what is wrong what can be done about it.
func parse(certFile string, certPEM []byte, keyFile string, keyPEM []byte) (tls.Certificate, error) {
	certs, err := certificates(certPEM)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w: %v", certFile, ErrDamaged, err)
	}
	if bytes.Contains(keyPEM, []byte("ENCRYPTED PRIVATE KEY")) || bytes.Contains(keyPEM, []byte("4,ENCRYPTED")) {
		return tls.Certificate{}, fmt.Errorf("%s: %w: the key is protected by a passphrase; write it without one, readable by the node alone", keyFile, ErrDamaged)
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err == nil {
		return cert, nil
	}
	key, keyErr := privateKey(keyPEM)
	if keyErr != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w: %v", keyFile, ErrDamaged, keyErr)
	}
	for _, c := range certs[1:] {
		if fits(c, key) {
			return tls.Certificate{}, fmt.Errorf("%s: %w that stands first; put the node's certificate before those of its issuers", certFile, ErrMismatch)
		}
	}
	if !fits(certs[0], key) {
		return tls.Certificate{}, fmt.Errorf("%s: %w in %s; use the key that the certificate was requested with", keyFile, ErrMismatch, certFile)
	}
	return tls.Certificate{}, fmt.Errorf("%s: %w: %v", certFile, ErrDamaged, err)
}

func certificates(data []byte) (certs []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	if certs == nil {
		return nil, errors.New("no certificate in PEM found")
	}
	return certs, nil
}

func privateKey(data []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("no private key in PEM found")
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		for _, parse := range []func([]byte) (any, error){
			x509.ParsePKCS8PrivateKey,
			func(b []byte) (any, error) { return x509.ParsePKCS1PrivateKey(b) },
			func(b []byte) (any, error) { return x509.ParseECPrivateKey(b) },
		} {
			if key, err := parse(block.Bytes); err == nil {
				if s, ok := key.(crypto.Signer); ok {
					return s, nil
				}
			}
		}
		return nil, errors.New("private key of an unknown kind, or damaged")
	}
}

func fits(c *x509.Certificate, key crypto.Signer) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// write keeps key and certificate in one file, so that no crash can leave a key beside another one's certificate.
func (p *pair) write(path, comment string) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("identity: writing %s: %w", path, err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Longwire: %s.\n", comment)
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: p.leaf.Raw}, {Type: "PRIVATE KEY", Bytes: der}} {
		if err := pem.Encode(&b, block); err != nil {
			return fmt.Errorf("identity: writing %s: %w", path, err)
		}
	}
	return writeFile(path, b.Bytes(), 0o600)
}

// writePublic keeps a certificate for others to copy, unless it is there already.
func writePublic(path string, der []byte) error {
	want := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if have, err := readFile(path); err == nil && bytes.Equal(have, want) {
		return nil
	}
	return writeFile(path, want, 0o644)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %w: not a file of at most 1 MiB", path, ErrDamaged)
	}
	return os.ReadFile(path)
}

// writeFile replaces a file so that after a crash there is the old one or the new one: a temporary file beside it, fsync,
// rename, and fsync of the folder.
func writeFile(path string, data []byte, mode os.FileMode) (err error) {
	tmp := path + ".tmp" // a fixed name: what a crash left behind is overwritten
	defer func() {
		if err != nil {
			os.Remove(tmp)
			err = fmt.Errorf("identity: writing %s: %w", path, err)
		}
	}()
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

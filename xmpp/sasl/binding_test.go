package sasl_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"reflect"
	"testing"
	"time"

	"longwire/xmpp/sasl"
)

// certificate makes a self-signed certificate with the given signature algorithm; 0 leaves the choice to Go.
func certificate(tb testing.TB, key crypto.Signer, alg x509.SignatureAlgorithm) tls.Certificate {
	tb.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"field.net"}, SignatureAlgorithm: alg,
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// handshake connects a client and a server over a pipe and returns both views.
func handshake(tb testing.TB, cert tls.Certificate, version uint16) (client, server tls.ConnectionState) {
	tb.Helper()
	a, b := net.Pipe()
	cc := tls.Client(a, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
	sc := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true})
	failed := make(chan error, 1)
	go func() { failed <- sc.Handshake() }()
	if err := cc.Handshake(); err != nil {
		tb.Fatal(err)
	}
	if err := <-failed; err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { a.Close(); b.Close() })
	return cc.ConnectionState(), sc.ConnectionState()
}

func ecKey(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func types(list []sasl.Binding) (names []string) {
	for _, b := range list {
		names = append(names, b.Type)
	}
	return names
}

func TestBothEndsOfATLSConnectionSeeTheSameBindings(t *testing.T) {
	cert := certificate(t, ecKey(t, elliptic.P256()), 0)
	for _, tt := range []struct {
		version uint16
		want    []string
	}{
		{tls.VersionTLS13, []string{sasl.TLSExporter, sasl.TLSServerEndPoint}},
		{tls.VersionTLS12, []string{sasl.TLSExporter, sasl.TLSServerEndPoint, sasl.TLSUnique}},
	} {
		client, server := handshake(t, cert, tt.version)
		a := sasl.Bindings(&client, client.PeerCertificates[0].Raw)
		b := sasl.Bindings(&server, cert.Certificate[0])
		if !reflect.DeepEqual(types(a), tt.want) || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: client %v, server %v, want %v", tls.VersionName(tt.version), a, b, tt.want)
		}
		other, _ := handshake(t, cert, tt.version)
		c := sasl.Bindings(&other, cert.Certificate[0])
		if reflect.DeepEqual(a[0], c[0]) || !reflect.DeepEqual(a[1], c[1]) {
			t.Errorf("%s: tls-exporter must differ between connections, tls-server-end-point must not", tls.VersionName(tt.version))
		}
		for i := range a {
			cfg := config()
			cfg.Bindings = b
			cl, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA256Plus, Username: "alice", Password: "pencil", Binding: &a[i]})
			if err != nil {
				t.Fatal(err)
			}
			if err := login(sasl.NewServer(cfg), cl, sasl.ScramSHA256Plus); err != nil {
				t.Errorf("%s with %s: %v", tls.VersionName(tt.version), a[i].Type, err)
			}
		}
	}
}

func TestServerEndPointUsesTheHashOfTheSignature(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum256 := func(b []byte) []byte { h := sha256.Sum256(b); return h[:] }
	sum384 := func(b []byte) []byte { h := sha512.Sum384(b); return h[:] }
	sum512 := func(b []byte) []byte { h := sha512.Sum512(b); return h[:] }
	for _, tt := range []struct {
		key  crypto.Signer
		alg  x509.SignatureAlgorithm
		want func([]byte) []byte
	}{
		{ecKey(t, elliptic.P256()), x509.ECDSAWithSHA256, sum256},
		{ecKey(t, elliptic.P384()), x509.ECDSAWithSHA384, sum384},
		{ecKey(t, elliptic.P521()), x509.ECDSAWithSHA512, sum512},
		{ecKey(t, elliptic.P256()), x509.ECDSAWithSHA1, sum256},
		{rsaKey, x509.SHA1WithRSA, sum256},
		{rsaKey, x509.SHA256WithRSA, sum256},
		{rsaKey, x509.SHA384WithRSA, sum384},
		{rsaKey, x509.SHA512WithRSAPSS, sum512},
		{edKey, x509.PureEd25519, nil},
	} {
		cert := certificate(t, tt.key, tt.alg)
		client, _ := handshake(t, certificate(t, ecKey(t, elliptic.P256()), 0), tls.VersionTLS13)
		got := sasl.Bindings(&client, cert.Certificate[0])
		if tt.want == nil {
			if !reflect.DeepEqual(types(got), []string{sasl.TLSExporter}) {
				t.Errorf("%v: got %v", tt.alg, types(got))
			}
			continue
		}
		if want := (sasl.Binding{Type: sasl.TLSServerEndPoint, Data: tt.want(cert.Certificate[0])}); len(got) != 2 || !reflect.DeepEqual(got[1], want) {
			t.Errorf("%v: got %v", tt.alg, got)
		}
	}
}

func TestNoBindingsWithoutTLS(t *testing.T) {
	if b := sasl.Bindings(nil, nil); b != nil {
		t.Error(b)
	}
	if b := sasl.Bindings(&tls.ConnectionState{}, nil); b != nil {
		t.Error(b)
	}
	client, _ := handshake(t, certificate(t, ecKey(t, elliptic.P256()), 0), tls.VersionTLS13)
	for _, der := range [][]byte{nil, []byte("not a certificate")} {
		if b := sasl.Bindings(&client, der); !reflect.DeepEqual(types(b), []string{sasl.TLSExporter}) {
			t.Errorf("%q: %v", der, types(b))
		}
	}
}
